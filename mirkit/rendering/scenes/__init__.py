"""Soundscapes: isolated sounds mixed over backgrounds, with exact starts and ends.

``sources → plan → mix``: `find_sources` reads the tables of the data pack, `plan_scenes` decides
everything that a scene is, and `mix_scene` makes its samples and labels. The same plan gives the
same scenes.
"""

from mirkit.rendering.scenes.files import read_scenes, render_scenes, write_scenes
from mirkit.rendering.scenes.mix import Scene, SoundReader, mix_scene
from mirkit.rendering.scenes.plan import SceneEvent, SceneSpec, plan_scenes
from mirkit.rendering.scenes.sources import SoundSource, choose_labels, find_sources

__all__ = [
    "Scene",
    "SceneEvent",
    "SceneSpec",
    "SoundReader",
    "SoundSource",
    "choose_labels",
    "find_sources",
    "mix_scene",
    "plan_scenes",
    "read_scenes",
    "render_scenes",
    "write_scenes",
]
