"""The arranger: composes songs in many styles, with exact beats, bars, chords and keys."""

from mirkit.rendering.arranger.compose import compose
from mirkit.rendering.arranger.style import Layer, Style, style, styles

__all__ = ["Layer", "Style", "compose", "style", "styles"]
