"""mirkit: beats, downbeats and tempo of any recording, and on the same core chords, key and tags.

``mirkit.beats("song.mp3")`` is the main job. Names are imported when they are first used, so
``import mirkit`` loads nothing else.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0.dev0"

_HOMES = {
    "mirkit.music.beat": ("beats", "tempo"),
    "mirkit.music.chord": ("chords",),
    "mirkit.music.key": ("key",),
    "mirkit.music.section": ("sections",),
    "mirkit.sound.tag": ("embed", "tags"),
    "mirkit.analysis": ("analyze",),
    "mirkit.evaluation": ("evaluate", "score"),
    "mirkit.formats": ("read", "save"),
    "mirkit.zoo.registry": ("load", "models"),
    "mirkit.activations": ("Activations", "Features", "Head"),
    "mirkit.annotation": (
        "Analysis",
        "Beats",
        "Caption",
        "Embedding",
        "Events",
        "Key",
        "Segments",
        "Tags",
        "Tempo",
        "TempoHypothesis",
        "TempoMap",
    ),
    "mirkit.audio": ("Audio", "Track"),
    "mirkit.errors": (
        "AudioError",
        "FormatError",
        "MirkitError",
        "MissingExtra",
        "NotStreamable",
        "ParameterError",
        "UnknownName",
        "WeightsError",
    ),
    "mirkit.frames": ("FrameGrid",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME_OF)]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'mirkit' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
