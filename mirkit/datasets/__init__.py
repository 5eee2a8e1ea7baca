"""Data sets: music rendered with exact truth, and published sets of labeled sounds.

`read_set` reads the sets that `SOUND_SETS` describes, each item a `Sound`.

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

from mirkit.datasets.archives import SPLITS, Corpus, split_of
from mirkit.datasets.clips import Clip, clips
from mirkit.datasets.manifest import (
    COLUMNS,
    read_manifest,
    read_specs,
    write_manifest,
    write_specs,
)
from mirkit.datasets.render.plan import CHORD_SHARES, FONTS, SHARES, ClipSpec, plan, plan_chords
from mirkit.datasets.render.run import render, render_clip
from mirkit.datasets.sound_sets import SOUND_SETS, SoundSet, read_set, sound_set
from mirkit.datasets.sounds import Sound

__all__ = [
    "CHORD_SHARES",
    "COLUMNS",
    "FONTS",
    "SHARES",
    "SOUND_SETS",
    "SPLITS",
    "Clip",
    "ClipSpec",
    "Corpus",
    "Sound",
    "SoundSet",
    "clips",
    "plan",
    "plan_chords",
    "read_manifest",
    "read_set",
    "read_specs",
    "render",
    "render_clip",
    "sound_set",
    "split_of",
    "write_manifest",
    "write_specs",
]
