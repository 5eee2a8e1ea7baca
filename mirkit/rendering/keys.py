"""Keys of pieces that state none: from the key signature and where the music ends."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mirkit.rendering.harmony import SCALES, Bars
from mirkit.rendering.score import Part, Span
from mirkit.vocab import MODES, TONICS, normal_key, pitch_class


def signature_tonic(fifths: int) -> int:
    """Return the tonic of the major key of a signature: sharps count up, flats down.

    Examples
    --------
    >>> signature_tonic(2), signature_tonic(-3)
    (2, 3)
    """
    return 7 * fifths % 12


def key_of_signature(tonic: int, parts: Iterable[Part]) -> str | None:
    """Return the key of a piece whose signature is that of the major key on `tonic`.

    The bass of the last chord decides between major and its relative minor. None where it is
    neither's tonic: then the signature is not the key's, or the piece ends elsewhere.

    Examples
    --------
    >>> from mirkit.rendering.score import note_array
    >>> bass = Part("bass", 32, note_array([(0.0, 1.0, 43.0, 90.0), (1.0, 2.0, 45.0, 90.0)]))
    >>> key_of_signature(0, [bass]), key_of_signature(9, [bass]), key_of_signature(2, [bass])
    ('A minor', 'A major', None)
    """
    last = final_bass(parts)
    if last == tonic:
        return f"{TONICS[tonic]} major"
    return f"{TONICS[last]} minor" if last == (tonic + 9) % 12 else None


def final_bass(parts: Iterable[Part]) -> int:
    """Return the pitch class of the lowest note among those that sound last."""
    notes = np.concatenate([part.notes for part in parts if not part.is_drums])
    ends = notes[:, 0] + notes[:, 1]
    last = notes[ends > ends.max() - 0.26]
    return int(last[:, 2].min()) % 12


MIN_FIT = 0.85
"""Least share of the chords' tones that must lie in the scale of a stated key."""


def confirm_key(key: str, bars: Bars) -> str | None:
    """Return a stated key in this package's spelling, if the chords of the piece bear it out.

    Examples
    --------
    >>> from mirkit.rendering.harmony import symbol
    >>> bars = tuple((symbol(name),) for name in ("F", "Bb", "C7", "F"))
    >>> confirm_key("F:maj", bars), confirm_key("B:maj", bars)
    ('F major', None)
    """
    name = normal_key(key)
    tonic, mode = name.split()
    steps = set(SCALES[mode]) | ({11, 9} if mode == MODES[1] else set())
    scale = {(pitch_class(tonic) + step) % 12 for step in steps}
    tones = [tone in scale for bar in bars for chord in bar for tone in chord.tones]
    home = any(chord.root == pitch_class(tonic) for bar in bars for chord in bar)
    return name if tones and home and np.mean(tones) >= MIN_FIT else None


def span_piece(key: str | None, n_beats: float) -> tuple[Span, ...]:
    """Return a key as the span of a whole piece, its pick-up included; nothing for None."""
    return ((-8.0, n_beats + 8.0, key),) if key else ()
