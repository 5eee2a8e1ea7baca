"""Key.

``track → audio → front end → model → activations → decoder → Key``: each arrow is a callable, and
`key` runs them all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypedDict, Unpack, overload

import numpy as np

from mirkit.activations import Activations
from mirkit.annotation import Key, Segments
from mirkit.audio.reading import Source
from mirkit.errors import ParameterError
from mirkit.music.hearing import SILENCE, Model, hear, load_model, spanning
from mirkit.music.key.decoder import Decoder
from mirkit.music.key.decoder import decoder as find_decoder

DEFAULT_MODEL = "key-crnn"


class Settings(TypedDict, total=False):
    """What `key` can be told beside the recording."""

    model: str | None
    weights: str | None
    decoder: str | None


@dataclass(frozen=True)
class KeySystem:
    """A model and the decoder behind it: ``recording → Key``.

    Parameters
    ----------
    model
        From samples to activations.
    decoder
        From activations to keys.
    """

    model: Model
    decoder: Decoder

    def __call__(self, x: Source | Activations) -> Key:
        """Return the key of one recording; `Activations` are only decoded.

        Silence has no key, whatever the model says.
        """
        if isinstance(x, Activations):
            return self.decoder(x)
        heard, meter = hear(self.model, x)
        if meter.levels().max(initial=0.0) <= SILENCE:
            nothing = Segments(np.empty((0, 2)), (), kind="key")
            return Key(None, None, heard.activations.provenance, nothing)
        found = self.decoder(heard.activations)
        local = found.segments
        if local is None:  # the model hears the whole only
            n = 0 if found.label is None else 1
            whole = np.array([[0.0, meter.duration]])[:n]
            local = Segments(whole, (found.label or "",)[:n], kind="key")
        local = spanning(local, meter.duration)
        return replace(found, segments=local, tuning_cents=heard.tuning_cents)


def system(
    model: str | None = None,
    weights: str | None = None,
    decoder: str | None = None,
    **options: Any,
) -> KeySystem:
    """Return the model and the decoder that these names mean, ready to run.

    Parameters
    ----------
    model, weights, decoder
        As for `key`.
    **options
        For the decoder.

    Raises
    ------
    UnknownName
        Where there is no such model or decoder.
    ParameterError
        Where the model does not hear keys, or an option is wrong.
    """
    from mirkit.zoo.registry import card

    known = card(model or DEFAULT_MODEL)
    if known.task != "key":
        raise ParameterError(
            f"model {known.name!r} finds {known.task}, not the key; see mirkit.models()"
        )
    name = decoder or known.decoder
    if weights is None and name in (None, "viterbi"):
        if known.confidence:
            curve = known.confidence["slope"], known.confidence["offset"]
            options.setdefault("calibration", curve)
        if known.min_activation:
            options.setdefault("min_evidence", known.min_activation)
    found = find_decoder(name, **options)  # a wrong option costs no loading
    return KeySystem(load_model(known.name, weights), found)


@overload
def key(x: list[Any], **settings: Unpack[Settings]) -> list[Key]: ...
@overload
def key(x: Source | Activations, **settings: Unpack[Settings]) -> Key: ...


def key(
    x: Source | Activations | list[Any],
    *,
    model: str | None = None,
    weights: str | None = None,
    decoder: str | None = None,
) -> Key | list[Key]:
    """Find the key of a recording, or of each of a list of recordings.

    Parameters
    ----------
    x
        A path, a binary file object, ``(samples, sample_rate)``, `Audio`, `Track`, or
        `Activations`, which are only decoded. A list of these gives a list of results.
    model
        Name of a model, see `mirkit.models`; None takes the default.
    weights
        A checkpoint for the model (a path), or ``"random"``; None takes its own.
    decoder
        How keys are found in activations: see `mirkit.music.key.decoder`; None takes the default
        of the model.

    Returns
    -------
    Key
        The key of the whole, its confidence, the local keys as `segments`, and how far the
        recording is out of tune. Where nothing tonal sounds the label is None.

    Raises
    ------
    AudioError
        Where a recording is missing, empty, damaged or holds samples that are not finite.
    ParameterError, UnknownName
        Where a setting is wrong.

    Examples
    --------
    >>> import numpy as np
    >>> key((np.zeros(22050), 22050), model="librosa-key").label is None
    True
    """
    if isinstance(x, list):
        return [_run(each, model, weights, decoder) for each in x]
    return _run(x, model, weights, decoder)


def _run(x: Any, model: str | None, weights: str | None, decoder: str | None) -> Key:
    if isinstance(x, Activations):
        return find_decoder(decoder)(x)
    return system(model, weights, decoder)(x)
