"""From key activations to the key of the whole and the local keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mirkit import checks
from mirkit.activations import Activations, Head
from mirkit.annotation import Key, Segments
from mirkit.arrays import Floats, Ints
from mirkit.calibration import platt_scale
from mirkit.decoding.viterbi import posteriors, runs, viterbi
from mirkit.errors import ParameterError, UnknownName
from mirkit.frames import FrameGrid
from mirkit.gate import SilenceGate
from mirkit.music.carded import card_options
from mirkit.music.crnn import TUNING
from mirkit.music.spans import spanning
from mirkit.system import find_decoder
from mirkit.vocab import KEYS, MODES, TONICS
from mirkit.vocab.priors import Prior, Shares, share_ratios
from mirkit.zoo.registry import Card

DEFAULT = "viterbi"

DOUBT = 1e-4
"""No model is surer than this: a frame of probability 0 must not forbid a key."""

Decoder = Callable[[Activations], Key]


@dataclass(frozen=True, kw_only=True)
class ViterbiDecoder:
    """The key that the frames and the clip together make likeliest; local keys by a Viterbi.

    A local key remains from frame to frame with the probability that its mean duration means; else
    any other may follow. Those shorter than `min_seconds` go to the neighbor that fits better.

    Parameters
    ----------
    mean_seconds
        How long a key lasts before it modulates, in the mean [s].
    min_seconds
        The shortest local key [s].
    weight
        What one frame counts: less than 1 where those beside it hear almost the same.
    min_evidence
        Probability of the likeliest key below which there is none, whatever is expected; all alike
        is 1/24.
    prior
        How often each mode is expected: ``"music"``, ``"flat"`` (as the model learned it), or
        shares by mode, such as ``{"minor": 0.8}``; see `mirkit.vocab.priors`.
    learned
        Shares of the modes that the model learned from; none where that is not known.
    calibration
        Slope and offset of the logistic curve from the posterior to the confidence, or None where
        the posterior is the confidence.
    """

    mean_seconds: float = 60.0
    min_seconds: float = 4.0
    weight: float = 1.0
    min_evidence: float = 0.0625
    prior: Prior = "flat"
    learned: Shares = field(default_factory=dict)
    calibration: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        for name in ("mean_seconds", "min_seconds", "weight"):
            checks.positive(name, getattr(self, name))
        checks.unit_number("min_evidence", self.min_evidence)
        self._ratios()  # a wrong prior is told here

    def _ratios(self) -> Floats:
        """Return how many times as much of each key is expected as was learned, ``(24,)``."""
        ratios = share_ratios("mode", self.prior, self.learned)
        return np.array([ratios[mode] for mode in MODES for _ in TONICS])

    def __call__(self, activations: Activations) -> Key:
        """Return the key of `activations`, with the local keys where there are frames."""
        frames, clip, grid = read(activations)
        pooled, ratios = pool(frames, clip), self._ratios()
        if pooled.max() < self.min_evidence:
            return Key(None, provenance=activations.provenance)
        pooled = pooled * ratios / (pooled @ ratios)
        best = int(pooled.argmax())
        confidence = float(platt_scale(pooled[[best]], self.calibration)[0])
        local = None if grid is None else self._local(frames, grid, activations)
        return Key(KEYS[best], confidence, activations.provenance, local)

    def _local(self, frames: Floats, grid: FrameGrid, activations: Activations) -> Segments:
        change = min(1 - np.exp(-grid.period / self.mean_seconds), 0.5)
        stay, switch = np.log(1 - change), np.log(change / (len(KEYS) - 1))
        scores = self.weight * np.log(np.maximum(frames, DOUBT) * self._ratios())
        path = viterbi(scores, stay, switch)
        path = without_short(path, scores, round(self.min_seconds / grid.period))
        sure = posteriors(scores, stay, switch)[np.arange(len(path)), path]
        parts = runs(path)
        edges = np.maximum(grid.time_of(np.arange(len(path) + 1) - 0.5), 0.0)
        confidence = np.array([sure[first:last].mean() for first, last in parts])
        return Segments(
            np.stack([edges[parts[:, 0]], edges[parts[:, 1]]], axis=1),
            tuple(KEYS[path[first]] for first, _ in parts),
            platt_scale(confidence, self.calibration),
            "key",
            activations.provenance,
        )


def pool(frames: Floats, clip: Floats | None) -> Floats:
    """Return the probability of each key of the whole, ``(24,)``.

    The mean over the frames, and where the model says so of the whole clip too, the geometric
    mean of both.
    """
    pooled = frames.mean(axis=0) if len(frames) else np.full(len(KEYS), 1 / len(KEYS))
    if clip is not None:
        pooled = np.sqrt(pooled * clip) if len(frames) else clip
    return np.asarray(pooled / max(float(pooled.sum()), 1e-12))


def without_short(path: Ints, scores: Floats, n_least: int) -> Ints:
    """Return the path without runs shorter than `n_least` frames, the shortest taken first.

    Each goes whole to the neighbor whose state scores higher in it.
    """
    path = path.copy()
    while True:
        parts = runs(path)
        lengths = parts[:, 1] - parts[:, 0]
        if len(parts) < 2 or lengths.min() >= n_least:
            return path
        first, last = parts[lengths.argmin()]
        beside = [path[i] for i in (first - 1, last) if 0 <= i < len(path)]
        path[first:last] = max(beside, key=lambda state: float(scores[first:last, state].sum()))


def read(activations: Activations) -> tuple[Floats, Floats | None, FrameGrid | None]:
    """Return the probabilities of the frames, those of the clip, and the clock, where there are."""
    if "key" not in activations and "clip_key" not in activations:
        raise UnknownName("head", "key", list(activations))
    clip = None
    if "clip_key" in activations:
        clip = _probabilities("clip_key", activations["clip_key"]).mean(axis=0)
    if "key" not in activations:
        return np.empty((0, len(KEYS))), clip, None
    head = activations["key"]
    if head.grid is None:
        raise ParameterError("the key head has no grid; at clip level it is called clip_key")
    return _probabilities("key", head), clip, head.grid if head.n_frames else None


def _probabilities(name: str, head: Head) -> Floats:
    if head.labels != KEYS:
        raise ParameterError(
            f"the {name} head has the {len(head.labels)} labels {', '.join(head.labels[:3])}, …; "
            f"keys need the {len(KEYS)} labels of mirkit.vocab.KEYS: {', '.join(KEYS[:3])}, …"
        )
    values = head.probabilities().astype(np.float64)
    bad = np.flatnonzero(~((values >= 0) & (values <= 1 + 1e-3)))
    if bad.size:
        frame, label = divmod(int(bad[0]), values.shape[1])
        raise ParameterError(
            f"{name}[{frame}, {label}] is {values[frame, label]:g}; probabilities lie in [0, 1]. "
            "Are these logits? Then give the head kind='softmax_logits'"
        )
    return values


@dataclass(frozen=True)
class WholeRecording:
    """A decoder whose local keys span the whole recording, and which tells its tuning.

    Parameters
    ----------
    decoder
        From activations to keys.
    """

    decoder: Decoder

    def __call__(self, activations: Activations) -> Key:
        """Return the key; one local key where the model tells none."""
        found = self.decoder(activations)
        if activations.duration is None:
            return found
        if found.label is None and found.segments is None:
            return replace(found, segments=Segments(np.empty((0, 2)), (), kind="key"))
        local = found.segments
        if local is None:
            whole = np.array([[0.0, activations.duration]])
            local = Segments(whole, (found.label or "",), kind="key")
        cents = None
        if TUNING in activations:
            cents = float(activations[TUNING].values[0, 0])
        return replace(found, segments=spanning(local, activations.duration), tuning_cents=cents)


DECODERS: Mapping[str, Callable[..., Decoder]] = {"viterbi": ViterbiDecoder}

GATE = SilenceGate({"key": None, "clip_key": None}, whole=True)


def decoder(name: str | None = None, card: Card | None = None, **options: Any) -> Decoder:
    """Return the decoder called `name`, or the default one, with its options set.

    Parameters
    ----------
    name
        One of `DECODERS`; None takes the default.
    card
        The model whose activations are decoded, with its own weights: its calibration is used, its
        least probability of a key, and the prior of music where it says what the model learned.
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
    >>> decoder("viterbi", min_seconds=4).decoder.min_seconds
    4
    """
    name = DEFAULT if name is None else name
    if card is not None and name == DEFAULT:
        options = card_options(card, options.get("prior")) | options
        if card.min_activation:
            options.setdefault("min_evidence", card.min_activation)
    return WholeRecording(find_decoder("key decoder", DECODERS, name, options))
