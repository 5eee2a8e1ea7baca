"""Zero of time of DJ programs in an MP3, beside that of this package.

The frames of an MP3 begin with the delay of encoder and decoder, and often with one frame that
holds a tag and no sound. Serato plays every frame, the one of the tag too. Mixxx leaves the first
frame out, whatever it holds. Here the delay is removed where the tag tells it, and otherwise kept
(see `mirkit.audio.codecs.mp3`). All other kinds of files begin at the same sample for all.
"""

from __future__ import annotations

from pathlib import Path

from mirkit.audio.codecs import mp3


def serato_lead(path: Path) -> float:
    """Return how much later than here a sound is for Serato [s]."""
    return _leads(path)[0]


def mixxx_lead(path: Path) -> float:
    """Return how much later than here a sound is for Mixxx [s]; 0 where the file is not there."""
    return _leads(path)[1] if path.is_file() else 0.0


def _leads(path: Path) -> tuple[float, float]:
    with path.open("rb") as file:
        if path.suffix.lower() != ".mp3" or (found := mp3.lead(file)) is None:
            return 0.0, 0.0
    n_tag, n_delay, header = found
    every = (n_tag + n_delay) / header.sample_rate
    return every, every - header.n_samples / header.sample_rate
