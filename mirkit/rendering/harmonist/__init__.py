"""Harmony in balance: songs made so that rare chords, inversions, keys and silence are heard too.

What plays is the arranger's bands; what they play comes from the idioms of `book`.
"""

from mirkit.rendering.harmonist.band import compose
from mirkit.rendering.harmonist.plan import NO_CHORD, Stanza, draw
from mirkit.rendering.harmonist.tasks import FEATURES, Task, parse, tasks

__all__ = ["FEATURES", "NO_CHORD", "Stanza", "Task", "compose", "draw", "parse", "tasks"]
