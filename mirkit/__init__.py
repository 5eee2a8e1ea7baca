"""mirkit: beats, downbeats and tempo of any recording, and on the same core chords, key and tags.

``mirkit.beats("song.mp3")`` is the main job. Names are imported when they are first used, so
``import mirkit`` loads nothing else.
"""

from importlib import import_module
from typing import Any

from mirkit.tasks import TASKS

__version__ = "0.1.0.dev0"

_HOMES = {
    "mirkit.analysis": ("analyze",),
    "mirkit.evaluation": ("evaluate", "score"),
    "mirkit.exporting": ("export",),
    "mirkit.sound.loudness": ("loudness",),
    "mirkit.formats": ("read", "save"),
    "mirkit.plots": ("plot",),
    "mirkit.sonification": ("sonify",),
    "mirkit.sound.ask": ("ask",),
    "mirkit.system": ("load",),
    "mirkit.zoo.registry": ("models",),
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
_HOME_OF |= {task.name: task.home for task in TASKS.values()}

__all__ = ["__version__", *sorted(_HOME_OF)]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'mirkit' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
