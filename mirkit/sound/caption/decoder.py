"""Grounded captions: a sentence made of sounds that were found, tempo and key, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mirkit import checks
from mirkit.annotation import Caption, Key, Tags, Tempo
from mirkit.errors import ParameterError
from mirkit.system import find_decoder
from mirkit.vocab.phrases import GENERAL, phrase_of
from mirkit.zoo.registry import Card

MUSICAL = ("Music", "music")
"""The class, and its phrase."""

SILENT = ("Silence", "silence")
"""The class, and its phrase: where it fits best, nothing else is named."""

SLOW, FAST = 92.0, 126.0
"""Between these tempi music is moderate [bpm]."""


@dataclass(frozen=True)
class GroundedCaption:
    """A caption that names the sounds that fit best; for music also tempo and key.

    Parameters
    ----------
    n_sounds
        Sounds that are named at most.
    threshold
        The lowest score of a sound that is named after the first, in [0, 1].
    music_threshold
        The score of music from which a recording is described as music.
    """

    n_sounds: int = 2
    threshold: float = 0.15
    music_threshold: float = 0.15

    def __post_init__(self) -> None:
        checks.positive("n_sounds", self.n_sounds)
        for name in ("threshold", "music_threshold"):
            checks.unit_number(name, getattr(self, name))

    def __call__(self, tags: Tags, tempo: Tempo | None = None, key: Key | None = None) -> Caption:
        """Return the caption.

        Parameters
        ----------
        tags
            Classes of AudioSet, or their phrases, with the probability that each fits.
        tempo, key
            Of the recording where it is music, or None.
        """
        first, score = max(tags, key=lambda pair: pair[1], default=("", 0.0))
        if first in SILENT:
            return Caption("Nothing can be heard.", min(score, 1.0), tags.provenance)
        music = max((score for label, score in tags if label in MUSICAL), default=0.0)
        is_music = music >= self.music_threshold
        named = self._named(tags)
        sounds = [phrase_of(label) for label, _ in named]
        confidence = max((score for _, score in named), default=0.0)
        if is_music:
            confidence = max(confidence, music)
            text = music_sentence(sounds, tempo, key)
        else:
            text = sound_sentence(sounds)
        return Caption(text, min(confidence, 1.0), tags.provenance)

    def _named(self, tags: Tags) -> list[tuple[str, float]]:
        """Return the sounds to name: particular ones, or a general one where there is no other."""
        scored = [(label, score) for label, score in tags if " tempo" not in label]
        scored = [(label, score) for label, score in scored if " energy" not in label]
        particular = [(label, score) for label, score in scored if not is_general(label)]
        found = particular[:1] or scored[:1]
        more = [(label, score) for label, score in particular[1:] if score >= self.threshold]
        return (found + more)[: self.n_sounds]


def is_general(label: str) -> bool:
    """Return whether a class, or the phrase of one, says less than others."""
    return label in GENERAL or label in {phrase_of(each) for each in GENERAL}


def sound_sentence(sounds: Sequence[str]) -> str:
    """Return a sentence that names sounds.

    Examples
    --------
    >>> sound_sentence(["a dog barking", "rain"])
    'A dog barking and rain can be heard.'
    >>> sound_sentence([])
    'Nothing that can be named is heard.'
    """
    if not sounds:
        return "Nothing that can be named is heard."
    listed = enumerate_phrases(sounds)
    return f"{listed[0].upper()}{listed[1:]} can be heard."


def music_sentence(sounds: Sequence[str], tempo: Tempo | None, key: Key | None) -> str:
    """Return a sentence that describes music by its sounds, tempo and key.

    Examples
    --------
    >>> music_sentence(["a piano"], Tempo(80.2), Key("A minor"))
    'A slow piece of music with a piano, in A minor, at 80 beats per minute.'
    """
    bpm = None if tempo is None else tempo.bpm
    pace = "" if bpm is None else "slow " if bpm < SLOW else "fast " if bpm > FAST else "moderate "
    heard = f" with {enumerate_phrases(sounds)}" if sounds else ""
    tonic = f", in {key.label}" if key is not None and key.label else ""
    rate = "" if bpm is None else f", at {bpm:.0f} beats per minute"
    return f"A {pace}piece of music{heard}{tonic}{rate}."


def enumerate_phrases(phrases: Sequence[str]) -> str:
    """Return phrases joined by commas and a last "and".

    Examples
    --------
    >>> enumerate_phrases(["a bell", "rain", "wind"])
    'a bell, rain and wind'
    """
    if len(phrases) < 2:
        return "".join(phrases)
    return f"{', '.join(phrases[:-1])} and {phrases[-1]}"


DECODERS: Mapping[str, Callable[..., GroundedCaption]] = {"grounded": GroundedCaption}


def decoder(name: str | None = None, card: Card | None = None, **options: Any) -> GroundedCaption:
    """Return the decoder of captions with its options set.

    Parameters
    ----------
    name
        One of `DECODERS`; None takes the default.
    card
        Not used: the template has no weights.
    **options
        For the decoder.

    Raises
    ------
    UnknownName
        Where there is no such decoder.
    ParameterError
        Where an option is unknown to it or out of range.
    """
    found: GroundedCaption = find_decoder("caption decoder", DECODERS, name or "grounded", options)
    return found


def caption_of(*, zero_shot: Tags, tempo: Tempo | None = None, key: Key | None = None) -> Caption:
    """Return the grounded caption of what is known of a recording.

    Raises
    ------
    ParameterError
        Where there are no sounds.
    """
    if not len(zero_shot):
        raise ParameterError("zero_shot holds no sounds; a caption names some")
    return GroundedCaption()(zero_shot, tempo, key)
