"""From chord activations to chords: the likeliest sequence, given all heads together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mirkit import checks
from mirkit.activations import Activations
from mirkit.annotation import Beats, Segments
from mirkit.arrays import Floats, Ints
from mirkit.calibration import platt_scale
from mirkit.decoding.viterbi import posteriors, runs, viterbi
from mirkit.gate import SilenceGate
from mirkit.music.carded import card_options
from mirkit.music.chord.inputs import DOUBT, ChordInput, States, read, states
from mirkit.music.spans import spanning
from mirkit.system import find_decoder
from mirkit.vocab import CHORD_ROOTS, CHORD_TAGS
from mirkit.vocab.chords import bass_degree
from mirkit.vocab.priors import Prior, Shares, share_ratios
from mirkit.vocab.spelling import spell_chords
from mirkit.zoo.registry import Card

DEFAULT = "viterbi"

N_CLASS = CHORD_ROOTS.index("N")
"""Class of no chord in the heads of roots and basses."""

Decoder = Callable[[Activations], Segments]


@dataclass(frozen=True)
class Weights:
    """Weight of the log probability of each head in the score of a chord.

    The frames of a network see almost the same: `all` is what one frame says that those beside it
    do not.
    """

    tag: float = 1.0
    root: float = 0.5
    bass: float = 0.25
    pitch: float = 0.1
    all: float = 0.5


@dataclass(frozen=True, kw_only=True)
class ViterbiDecoder:
    """The sequence of chords of highest joint score: heads, and how long chords last.

    The score of a chord at a frame is the weighted sum of the logarithms of: its tags'
    probability, that of its root, that of a bass among its tones, that of its tones sounding
    and the others not, and how much more of its quality is expected than the model learned to
    expect. A chord remains from frame to frame with the probability that its mean
    duration means; else any other may follow.

    Parameters
    ----------
    vocabulary
        ``"majmin"``, ``"sevenths"`` or ``"full"``; see `mirkit.vocab.chord_classes`.
    inversions
        Whether a chord tone in the bass is named: ``C:maj/3``.
    beats
        Where chords may change, or None for any frame. On downbeats change is likelier.
    mean_seconds
        How long a chord lasts, in the mean [s].
    min_bass
        Smallest mean probability of the bass of an inversion.
    weights
        What each head counts.
    prior
        How often each quality is expected: ``"music"``, ``"flat"`` (as the model learned it), or
        shares of the time by quality, such as ``{"7": 0.4}``; see `mirkit.vocab.priors`.
    learned
        Shares of the qualities that the model learned from; none where that is not known.
    calibration
        Slope and offset of the logistic curve from the posterior to the confidence, or None where
        the posterior is the confidence.
    """

    vocabulary: str = "full"
    inversions: bool = True
    beats: Beats | None = None
    mean_seconds: float = 2.0
    min_bass: float = 0.5
    weights: Weights = Weights()
    prior: Prior = "flat"
    learned: Shares = field(default_factory=dict)
    calibration: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        checks.instance("vocabulary", self.vocabulary, str, "the name of a vocabulary")
        checks.instance("inversions", self.inversions, (bool, np.bool_), "True or False")
        self._expectation(states(self.vocabulary))  # a wrong name is told here
        checks.positive("mean_seconds", self.mean_seconds)
        checks.unit_number("min_bass", self.min_bass)

    def __call__(self, activations: Activations) -> Segments:
        """Return the chords of `activations`, with a confidence each."""
        inputs = read(activations)
        chords = states(self.vocabulary)
        steps = _Steps.of(inputs, self.beats, self.mean_seconds, len(chords.labels))
        if not len(steps.edges):
            return Segments(np.empty((0, 2)), (), kind="chord", provenance=inputs.provenance)
        scores = joint_scores(inputs, chords, self.weights) + self._expectation(chords)
        scores = steps.summed(self.weights.all * scores)
        path = viterbi(scores, steps.stay, steps.switch)
        sure = posteriors(scores, steps.stay, steps.switch)[np.arange(len(path)), path]
        basses = np.full(len(path), -1)
        if self.inversions and inputs.bass is not None:
            basses = find_basses(path, steps.mean(inputs.bass), chords, steps.stay, self.min_bass)
        parts = runs(path * 13 + basses + 1)
        return self._segments(inputs, chords, steps, parts, path, basses, sure)

    def _expectation(self, chords: States) -> Floats:
        """Return what the prior adds to the score of each chord, ``(n_states,)``."""
        ratios = share_ratios("quality", self.prior, self.learned, self.vocabulary)
        return np.log([ratios[quality] for quality in chords.qualities])

    def _segments(
        self,
        inputs: ChordInput,
        chords: States,
        steps: _Steps,
        parts: Ints,
        path: Ints,
        basses: Ints,
        sure: Floats,
    ) -> Segments:
        """Return each run of a chord as a segment, spelled as the key signature has it."""
        spans = np.stack([steps.edges[parts[:, 0]], steps.edges[parts[:, 1]]], axis=1)
        labels = [_label(chords, path[first], basses[first]) for first, _ in parts]
        durations = np.diff(steps.edges)
        confidence = np.array(
            [
                np.average(sure[first:last], weights=durations[first:last] + 1e-9)
                for first, last in parts
            ]
        )
        return Segments(
            spans,
            spell_chords(labels, (spans[:, 1] - spans[:, 0]).tolist()),
            platt_scale(confidence, self.calibration),
            "chord",
            inputs.provenance,
        )


@dataclass(frozen=True, eq=False)
class _Steps:
    """Steps of the path: frames, or the spans between beats.

    Parameters
    ----------
    edges
        Where each step begins, and the last ends, ``(n_steps + 1,)`` [s]; empty without frames.
    owners
        The step of each frame, ``(n_frames,)``.
    stay, switch
        Log probability of a chord remaining into each step, and of any one other following.
    """

    edges: Floats
    owners: Ints
    stay: Floats
    switch: Floats

    @classmethod
    def of(
        cls, inputs: ChordInput, beats: Beats | None, mean_seconds: float, n_states: int
    ) -> _Steps:
        edges = inputs.edges()
        if not inputs.n_frames:
            return cls(np.empty(0), np.empty(0, np.int64), np.empty(0), np.empty(0))
        owners = np.arange(inputs.n_frames)
        if beats is not None and len(beats):
            inner = beats.times[(beats.times > edges[0]) & (beats.times < edges[-1])]
            frames = inputs.grid.times(inputs.n_frames)
            owners = np.searchsorted(inner, frames, side="right")
            edges = np.concatenate([edges[:1], inner, edges[-1:]])
        # a change may come at the start of a step, for all the time since the middle of the last
        since = np.diff(edges, prepend=edges[0])[:-1]
        change = 1 - np.exp(-np.maximum(since, 1e-3) / mean_seconds)
        if beats is not None and beats.positions is not None and len(beats):
            change = _favor(change, edges[:-1], beats)
        change = np.clip(change, 1e-6, 0.5)
        return cls(edges, owners, np.log(1 - change), np.log(change / max(n_states - 1, 1)))

    def summed(self, scores: Floats) -> Floats:
        """Return the sum over the frames of each step; 0 where it has none."""
        total = np.zeros((len(self.edges) - 1, scores.shape[1]))
        np.add.at(total, self.owners, scores)
        return total

    def mean(self, values: Floats) -> Floats:
        """Return the mean over the frames of each step; all alike where it has none."""
        n = np.bincount(self.owners, minlength=len(self.edges) - 1)[:, None]
        empty = np.full(values.shape[1], values.mean(axis=0))
        return np.where(n > 0, self.summed(values) / np.maximum(n, 1), empty)


DOWNBEAT_FACTOR = 2.0
"""How much likelier a chord changes on a downbeat than on another beat, per beat."""


def _favor(change: Floats, starts: Floats, beats: Beats) -> Floats:
    """Return the probabilities of change, moved from the other beats to the downbeats."""
    first = np.isin(starts, beats.downbeats)
    weight = np.where(first, DOWNBEAT_FACTOR, 1.0)
    return np.asarray(change * weight / weight.mean())


def joint_scores(inputs: ChordInput, chords: States, weights: Weights) -> Floats:
    """Return the score of each chord at each frame, shape ``(n_frames, n_states)``.

    The heads that are there share the weight of those that are not.
    """
    tones = np.concatenate([chords.tones, np.zeros((len(chords.tones), 1))], axis=1)
    tones[-1, 12] = 1  # what the bass head says of N
    parts: list[tuple[float, Floats]] = []
    if inputs.tag is not None:
        parts.append((weights.tag, _log(inputs.tag @ chords.tags)))
    if inputs.root is not None:
        parts.append((weights.root, _log(inputs.root)[:, chords.roots]))
    if inputs.bass is not None:
        parts.append((weights.bass, _log(inputs.bass @ tones.T)))
    if inputs.pitch is not None:
        parts.append((weights.pitch, _sounding(inputs.pitch, chords.tones)))
    whole = weights.tag + weights.root + weights.bass + weights.pitch
    share = whole / max(sum(weight for weight, _ in parts), 1e-9)
    return np.asarray(sum(share * weight * scores for weight, scores in parts))


def _sounding(pitch: Floats, tones: Floats) -> Floats:
    """Return the log probability that a chord's tones sound and no others, of each chord."""
    sounds = np.clip(pitch, DOUBT, 1 - DOUBT)
    odds = np.log(sounds / (1 - sounds))
    return np.asarray(odds @ tones.T + np.log(1 - sounds).sum(axis=1, keepdims=True))


def find_basses(path: Ints, bass: Floats, chords: States, stay: Floats, min_bass: float) -> Ints:
    """Return how many semitones above the root the bass is at each step; 0 in root position.

    Within each chord the bass follows a path of its own among the chord's tones.

    Parameters
    ----------
    path
        The chord of each step, ``(n_steps,)``.
    bass
        Probability of each bass, ``(n_steps, 13)``.
    chords
        The states that `path` counts.
    stay
        Log probability of a bass remaining into each step.
    min_bass
        Smallest mean probability of the bass of an inversion.
    """
    found = np.zeros(len(path), np.int64)
    for first, last in runs(path):
        steps = chords.steps[path[first]]
        if not steps:
            continue
        root = int(chords.roots[path[first]])
        tones = np.array([(root + step) % 12 for step in steps])
        seen = bass[first:last, tones]
        among = viterbi(_log(seen), stay[first:last], np.log(1 - np.exp(stay[first:last])))
        for begin, end in runs(among):
            tone = among[begin]
            if seen[begin:end, tone].mean() >= min_bass:
                found[first + begin : first + end] = steps[tone]
    return found


def _label(chords: States, state: int, bass: int) -> str:
    label, steps = chords.labels[state], chords.steps[state]
    return f"{label}/{bass_degree(bass, steps)}" if bass > 0 else label


def _log(probabilities: Floats) -> Floats:
    return np.asarray(np.log(np.maximum(probabilities, DOUBT)))


@dataclass(frozen=True)
class WholeRecording:
    """A decoder whose chords span the whole recording; where nothing sounds there is N.

    Parameters
    ----------
    decoder
        From activations to chords.
    """

    decoder: Decoder

    def __call__(self, activations: Activations) -> Segments:
        """Return the chords, from 0 to the end of the recording where its length is known."""
        found = self.decoder(activations)
        duration = activations.duration
        if duration is None:
            return found
        if not len(found):
            whole = np.array([[0.0, duration]])
            return replace(found, intervals=whole, labels=("N",), confidence=np.ones(1))
        return spanning(found, duration)


DECODERS: Mapping[str, str | Callable[..., Decoder]] = {
    "viterbi": ViterbiDecoder,
    "madmom": "mirkit.peers.madmom_harmony:MadmomCRF",
}
"""The decoders by name; those of peers are imported when they are asked for."""

GATE = SilenceGate({"tag": CHORD_TAGS.index("N"), "root": N_CLASS, "bass": N_CLASS})


def decoder(name: str | None = None, card: Card | None = None, **options: Any) -> Decoder:
    """Return the decoder called `name`, or the default one, with its options set.

    Parameters
    ----------
    name
        One of `DECODERS`; None takes the default.
    card
        The model whose activations are decoded, with its own weights: its calibration is used, and
        the prior of music where the card says what the model learned.
    **options
        For the decoder.

    Raises
    ------
    UnknownName
        Where there is no such decoder.
    ParameterError
        Where an option is unknown to it or out of range.

    Examples
    --------
    >>> decoder("viterbi", vocabulary="majmin").decoder.vocabulary
    'majmin'
    """
    name = DEFAULT if name is None else name
    if card is not None and name == DEFAULT:
        options = card_options(card, options.get("prior")) | options
    return WholeRecording(find_decoder("chord decoder", DECODERS, name, options))
