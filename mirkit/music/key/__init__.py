"""Key.

``recording → features → activations → gate → decoder → Key``: `mirkit.load` returns the system
that runs all arrows, and may be stopped after any of them.
"""

from __future__ import annotations

from typing import Any, Unpack, overload

from mirkit.activations import Activations
from mirkit.annotation import Key
from mirkit.audio.sources import Source
from mirkit.system import Errors, VerbSettings, run
from mirkit.vocab.priors import Prior


class Settings(VerbSettings, total=False):
    """The settings of `key`."""

    weights: str | None
    decoder: str | None
    prior: Prior | None


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
    prior: Prior | None = None,
    errors: Errors = "raise",
    offset: float = 0.0,
    duration: float | None = None,
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
        Name of a decoder, see `mirkit.music.key.decoder`; None takes that of the model.
    prior
        How often major and minor are expected: ``"music"``, ``"flat"`` (as the model learned), or
        shares of recordings by mode, such as ``{"minor": 0.8}``. None takes ``"music"`` for models
        whose card says what they learned, else ``"flat"``.
    errors
        ``"return"`` puts the error of a recording of a list in the place of its result.
    offset, duration
        Where to start, and how much to read at most [s]; None reads to the end. Times count from
        the start of the recording. Not for `Activations`.

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
    return run(  # type: ignore[no-any-return]
        "key",
        x,
        model=model,
        weights=weights,
        decoder=decoder,
        prior=prior,
        errors=errors,
        offset=offset,
        duration=duration,
    )
