import tracemalloc

import numpy as np
import pytest

from mirkit.errors import ParameterError
from mirkit.features import fourier


@pytest.mark.parametrize("n_samples", [1, 2, 15, 400, 512])
def test_the_transform_is_numpys_over_n(n_samples):
    x = np.random.default_rng(0).standard_normal((5, n_samples)).astype(np.float32)
    expected = np.fft.rfft(x.astype(np.float64), 512) / 512
    result = fourier.rfft(x, 512)
    assert result.dtype == np.complex64
    np.testing.assert_allclose(result, expected, atol=1e-6 * np.abs(expected).max())
    assert fourier.rfft(x, 512, out=result) is result


@pytest.mark.parametrize(("n", "first", "last"), [(8, 1, 4), (512, 3, 40), (512, 1, 256)])
def test_a_band_is_that_of_the_transform(n, first, last):
    x = np.random.default_rng(0).standard_normal((5, n)).astype(np.float32)
    expected = np.fft.rfft(x.astype(np.float64), n)[:, first:last] / n
    result = fourier.rfft_band(x, first, last)
    assert result.dtype == np.complex64
    np.testing.assert_allclose(result, expected, atol=1e-6 * np.abs(expected).max())


def test_the_transform_makes_no_copy_in_double_precision():
    x, out = np.zeros((64, 1024), np.float32), np.zeros((64, 513), np.complex64)
    tracemalloc.start()
    fourier.rfft(x, 1024, out)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < x.nbytes / 4


def test_a_row_does_not_depend_on_the_rows_beside_it():
    x = np.random.default_rng(0).standard_normal((9, 1024)).astype(np.float32)
    alone = np.concatenate([fourier.rfft(row[None], 1024) for row in x])
    np.testing.assert_array_equal(fourier.rfft(x, 1024), alone)


@pytest.mark.parametrize("n", [1, 2, 7, 384])
def test_autocorrelation_is_the_sum_of_shifted_products(n):
    x = np.random.default_rng(n).standard_normal((3, n)).astype(np.float32)
    expected = [[row[lag:] @ row[: n - lag] for lag in range(n)] for row in x.astype(float)]
    np.testing.assert_allclose(fourier.autocorrelation(x), expected, atol=1e-6 * n)


def test_fast_lengths_are_even_smooth_and_least():
    smooth = {2**a * 3**b * 5**c for a in range(1, 12) for b in range(8) for c in range(6)}
    for n in range(1, 2000):
        assert fourier.fast_length(n) == min(length for length in smooth if length >= n)
    with pytest.raises(ParameterError, match="length"):
        fourier.fast_length(0)
