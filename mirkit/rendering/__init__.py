"""Rendering: music with exact truth, from a specification to a sound file.

Every clip is fixed by a specification before it is rendered: source of music, style, soundfont and
a seed. Training, validation and test differ in songs, charts, grooves and soundfonts.

Examples
--------
>>> from pathlib import Path
>>> specs = plan("test", 3, seed=7, corpus=Corpus(None, Path("cache")), seconds=8.0)
>>> [spec.clip_id for spec in specs]
['test-00000', 'test-00001', 'test-00002']
>>> specs == plan("test", 3, seed=7, corpus=Corpus(None, Path("cache")), seconds=8.0)
True
"""

from mirkit.rendering.archives import SPLITS, Corpus, split_of
from mirkit.rendering.clips import Clip, clips
from mirkit.rendering.manifest import (
    COLUMNS,
    read_manifest,
    read_specs,
    write_manifest,
    write_specs,
)
from mirkit.rendering.plan import CHORD_SHARES, FONTS, SHARES, ClipSpec, plan, plan_chords
from mirkit.rendering.run import render, render_clip

__all__ = [
    "CHORD_SHARES",
    "COLUMNS",
    "FONTS",
    "SHARES",
    "SPLITS",
    "Clip",
    "ClipSpec",
    "Corpus",
    "clips",
    "plan",
    "plan_chords",
    "read_manifest",
    "read_specs",
    "render",
    "render_clip",
    "split_of",
    "write_manifest",
    "write_specs",
]
