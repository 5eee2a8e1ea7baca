"""Fourier transforms in single precision, without the half second that importing scipy.fft takes.

numpy transforms in single precision only where it has a factor to multiply with, which is 1 / n in
one direction of each norm; with a factor of 1 it converts to double precision and back, which takes
half as long again. So these transforms always divide by n. They are as fast as scipy's, and a
row's result does not depend on the number of rows.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mirkit.errors import ParameterError

_TAKES_OUT = int(np.__version__.split(".")[0]) >= 2


def rfft(
    x: NDArray[np.float32], n: int, out: NDArray[np.complex64] | None = None
) -> NDArray[np.complex64]:
    """Return the Fourier transform of each row, zero-padded to `n`, divided by `n`.

    Parameters
    ----------
    x
        Shape ``(n_rows, n_samples)``, no more than `n` samples.
    n
        Length of the transform.
    out
        Where the result goes, shape ``(n_rows, n // 2 + 1)``; a new array where None.
    """
    if out is None:
        out = np.empty((len(x), n // 2 + 1), np.complex64)
    if _TAKES_OUT:
        np.fft.rfft(x, n, norm="forward", out=out)  # type: ignore[arg-type]  # stubs know doubles
    else:
        out[...] = np.fft.rfft(x, n, norm="forward")
    return out


def rfft_band(x: NDArray[np.float32], first: int, last: int) -> NDArray[np.complex64]:
    """Return some bins of the Fourier transform of each row, divided by its length.

    Even and odd samples are the real and the imaginary parts of one transform of half the length,
    which only the bins that are wanted are unfolded from: faster than `rfft` where they are few.

    Parameters
    ----------
    x
        Shape ``(n_rows, n)``, rows without gaps, `n` even.
    first, last
        The bins, the last not included; they lie in 1 ... n / 2 - 1.
    """
    n = x.shape[1]
    half = n // 2
    folded = np.empty((len(x), half), np.complex64)
    if _TAKES_OUT:
        np.fft.fft(x.view(np.complex64), norm="forward", out=folded)
    else:
        folded[...] = np.fft.fft(x.view(np.complex64), norm="forward")
    own, mirror = _unfolding(n, first, last)
    mirrored = np.conjugate(folded[:, half - last + 1 : half - first + 1][:, ::-1])
    mirrored *= mirror
    mirrored += folded[:, first:last] * own
    return mirrored


@lru_cache(maxsize=16)
def _unfolding(n: int, first: int, last: int) -> tuple[NDArray[np.complex64], ...]:
    """Return what a bin, and the one that mirrors it, count in the transform of a real row."""
    turn = 0.25j * np.exp(-2j * np.pi * np.arange(first, last) / n)
    return (0.25 - turn).astype(np.complex64), (0.25 + turn).astype(np.complex64)


def autocorrelation(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the autocorrelation of each row at lags 0 ... n - 1, shape ``(n_rows, n)``.

    Examples
    --------
    >>> autocorrelation(np.array([[1, 2, 3]], np.float32)).round(4).tolist()
    [[14.0, 8.0, 3.0]]
    """
    n = x.shape[1]
    padded = fast_length(2 * n - 1)
    power = np.abs(rfft(x, padded)) ** 2
    result: NDArray[np.float32] = np.fft.irfft(power, padded)[:, :n].astype(np.float32, copy=False)
    return result * np.float32(padded) ** 2


def fast_length(n: int) -> int:
    """Return the least even number from `n` on whose only prime factors are 2, 3 and 5.

    Examples
    --------
    >>> fast_length(767)
    768
    """
    if n < 1:
        raise ParameterError(f"n is {n}; a length is at least 1")
    n += n % 2
    while not _is_smooth(n):
        n += 2
    return n


def _is_smooth(n: int) -> bool:
    for factor in (2, 3, 5):
        while n % factor == 0:
            n //= factor
    return n == 1
