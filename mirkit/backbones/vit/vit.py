"""Vision transformers over spectrograms: patches, blocks, and positions fitted to any length."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mirkit.errors import ParameterError

INIT_DEVIATION = 0.02


class Patches(nn.Module):
    """Square patches of a spectrogram, which may overlap, each mapped to a vector.

    Parameters
    ----------
    dim
        Width of the vectors.
    size
        Side of a patch [frames and bins].
    stride
        From one patch to the next, over frequency and over time.
    bias
        Whether the map has an offset.
    """

    def __init__(self, dim: int, size: int, stride: tuple[int, int], bias: bool = True) -> None:
        super().__init__()
        self.proj = nn.Conv2d(1, dim, size, stride, bias=bias)

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(batch, n_frames, n_bins)`` to a grid ``(batch, dim, n_frequencies, n_times)``."""
        grid: Tensor = self.proj(features.transpose(1, 2).unsqueeze(1))
        return grid


class Attention(nn.Module):
    """Self-attention, all heads at once.

    Parameters
    ----------
    dim
        Width of the tokens.
    n_heads
        Heads; they share the width.
    """

    def __init__(self, dim: int, n_heads: int) -> None:
        super().__init__()
        if dim % n_heads:
            raise ParameterError(f"dim is {dim}; {n_heads} heads need a multiple of {n_heads}")
        self.n_heads = n_heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens ``(batch, n_tokens, dim)`` to tokens."""
        query, key, value = split_heads(self.qkv(x), self.n_heads)
        y: Tensor = self.proj(joined_heads(F.scaled_dot_product_attention(query, key, value)))
        return y


class Mlp(nn.Module):
    """Two linear maps with a GELU between them, on each token by itself."""

    def __init__(self, dim: int, n_hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, n_hidden)
        self.fc2 = nn.Linear(n_hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens ``(…, dim)`` to tokens."""
        y: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return y


class Block(nn.Module):
    """Attention, then a perceptron, each behind a norm and added to what came in.

    Parameters
    ----------
    dim
        Width of the tokens.
    n_heads
        Heads of attention.
    ratio
        Width of the perceptron, in widths of the tokens.
    epsilon
        What the norms add to the variance.

    References
    ----------
    A. Dosovitskiy et al., "An image is worth 16x16 words", ICLR 2021.
    """

    def __init__(self, dim: int, n_heads: int, ratio: int = 4, epsilon: float = 1e-6) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=epsilon)
        self.attn = Attention(dim, n_heads)
        self.norm2 = nn.LayerNorm(dim, eps=epsilon)
        self.mlp = Mlp(dim, ratio * dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens ``(batch, n_tokens, dim)`` to tokens."""
        x = x + self.attn(self.norm1(x))
        y: Tensor = x + self.mlp(self.norm2(x))
        return y


def split_heads(x: Tensor, n_heads: int) -> tuple[Tensor, Tensor, Tensor]:
    """Split ``(batch, n_tokens, 3 * dim)`` into three ``(batch, n_heads, n_tokens, n)``.

    Examples
    --------
    >>> [tuple(part.shape) for part in split_heads(torch.zeros(1, 5, 12), 2)]
    [(1, 2, 5, 2), (1, 2, 5, 2), (1, 2, 5, 2)]
    """
    parts = x.reshape(*x.shape[:2], 3, n_heads, -1)  # (batch, n_tokens, 3, n_heads, n)
    query, key, value = parts.permute(2, 0, 3, 1, 4)
    return query, key, value


def joined_heads(x: Tensor) -> Tensor:
    """Join heads ``(batch, n_heads, n_tokens, n)`` to tokens ``(batch, n_tokens, n_heads * n)``."""
    return x.transpose(1, 2).flatten(2)


def n_patches(length: int, size: int, stride: int) -> int:
    """Return how many patches of `size` lie wholly within `length`.

    Examples
    --------
    >>> n_patches(1024, 16, 10), n_patches(128, 16, 10)
    (101, 12)
    """
    return (length - size) // stride + 1


def fitted(grid: Tensor, n_rows: int, n_columns: int) -> Tensor:
    """Return position embeddings for another grid: the middle of it, or stretched over it.

    An axis that has too many positions is cut in the middle, one that has too few is stretched by
    bilinear interpolation; columns before rows.

    Parameters
    ----------
    grid
        Shape ``(1, dim, rows, columns)``.
    n_rows, n_columns
        Size of the new grid.

    References
    ----------
    Y. Gong et al., "AST: audio spectrogram transformer", Interspeech 2021, section 2.2.
    """
    return _fitted_axis(_fitted_axis(grid, n_columns, -1), n_rows, -2)


def _fitted_axis(grid: Tensor, n: int, axis: int) -> Tensor:
    known = grid.shape[axis]
    if n <= known:
        return grid.narrow(axis, known // 2 - n // 2, n)
    size = [*grid.shape[2:]]
    size[axis] = n
    return F.interpolate(grid, size, mode="bilinear", align_corners=False)


def require_window(features: Tensor, max_length: int | None) -> None:
    """Refuse features of more frames than a network hears at once."""
    if max_length is not None and features.shape[1] > max_length:
        raise ParameterError(
            f"the features have {features.shape[1]} frames; this network hears at most "
            f"{max_length} at once. Cut the recording into windows."
        )


def mean_over_frequency(tokens: Tensor, n_frequencies: int) -> Tensor:
    """Return one vector a time ``(batch, n_times, dim)`` of tokens, frequency by frequency.

    Examples
    --------
    >>> mean_over_frequency(torch.tensor([[[0.0], [1.0], [2.0], [5.0]]]), 2)[0, :, 0]
    tensor([1., 3.])
    """
    batch, _, dim = tokens.shape
    return tokens.reshape(batch, n_frequencies, -1, dim).mean(dim=1)


def initialize(net: nn.Module) -> None:
    """Draw the weights of `net` as vision transformers begin: small, offsets 0."""
    for name, parameter in net.named_parameters():
        if name.endswith(("token", "embed")) or isinstance(_owner(net, name), nn.Linear):
            is_offset = name.endswith("bias")
            nn.init.zeros_(parameter) if is_offset else truncated_normal(parameter)


def truncated_normal(tensor: Tensor, deviation: float = INIT_DEVIATION) -> None:
    """Fill `tensor` from a normal distribution, cut off at two of its deviations."""
    nn.init.trunc_normal_(tensor, std=deviation, a=-2 * deviation, b=2 * deviation)


def _owner(net: nn.Module, name: str) -> nn.Module:
    return net.get_submodule(name.rpartition(".")[0])


def joined_qkv(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Put queries, keys and values that a checkpoint keeps apart into one tensor each layer.

    ``….q.weight``, ``….k.weight`` and ``….v.weight`` become ``….qkv.weight``; biases alike.

    Examples
    --------
    >>> parts = {f"attn.{part}.bias": torch.tensor([i]) for i, part in enumerate("qkv")}
    >>> joined_qkv(parts)
    {'attn.qkv.bias': tensor([0, 1, 2])}
    """
    joined = dict(state)
    for name in state:
        stem, _, end = name.rpartition(".q.")
        if not stem:
            continue
        parts = [joined.pop(f"{stem}.{part}.{end}", None) for part in "qkv"]
        joined[f"{stem}.qkv.{end}"] = torch.cat([part for part in parts if part is not None])
    return joined
