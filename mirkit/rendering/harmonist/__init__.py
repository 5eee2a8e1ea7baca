"""Harmony in balance: songs made so that rare chords, inversions, keys and silence are heard too.

The arranger's bands play them, from the idioms of ``tables/idioms.toml``.
"""

from mirkit.rendering.harmonist.compose import compose
from mirkit.rendering.harmonist.stanzas import NO_CHORD, Stanza, draw_stanzas
from mirkit.rendering.harmonist.tasks import FEATURES, Task, parse, tasks

__all__ = ["FEATURES", "NO_CHORD", "Stanza", "Task", "compose", "draw_stanzas", "parse", "tasks"]
