"""Recordings: values that hold or name them, and the code that reads them."""

from mirkit.audio.values import Audio, Track

__all__ = ["Audio", "Track"]
