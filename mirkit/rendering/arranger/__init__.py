"""The arranger: composes songs in many styles, with exact beats, bars, chords and keys."""

from mirkit.rendering.arranger.catalog import parse_styles, style, styles
from mirkit.rendering.arranger.compose import compose
from mirkit.rendering.arranger.style import Layer, Style

__all__ = ["Layer", "Style", "compose", "parse_styles", "style", "styles"]
