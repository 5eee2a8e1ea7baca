"""Attention within windows that shift from block to block, over pictures that shrink."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mirkit.backbones.vit.vit import Mlp, joined_heads, split_heads

FORBIDDEN = -100.0  # added where a token must not look


class Stage(nn.Module):
    """Blocks at one resolution, then a halving of it.

    Parameters
    ----------
    dim
        Width of the tokens.
    depth
        Blocks; every second one has its windows shifted by half.
    n_heads
        Heads of attention.
    window
        Side of a window.
    halves
        Whether the picture is halved at the end, and the width doubled.

    References
    ----------
    Z. Liu et al., "Swin transformer: hierarchical vision transformer using shifted windows",
    ICCV 2021.
    """

    def __init__(self, dim: int, depth: int, n_heads: int, window: int, halves: bool) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            *(WindowBlock(dim, n_heads, window, i % 2 * (window // 2)) for i in range(depth))
        )
        self.downsample = Halving(dim) if halves else None

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, rows, columns, dim)`` to ``(batch, rows / 2, columns / 2, 2 * dim)``."""
        y: Tensor = self.blocks(x)
        return y if self.downsample is None else self.downsample(y)


class WindowBlock(nn.Module):
    """Attention within windows, then a perceptron, each behind a norm and added to what came in.

    Windows that are shifted wrap around the picture; there, tokens see only those of their side.
    A window as large as the picture has nowhere to go and does not shift.
    """

    def __init__(self, dim: int, n_heads: int, window: int, shift: int) -> None:
        super().__init__()
        self.window, self.shift = window, shift
        self.norm1 = nn.LayerNorm(dim)
        self.attn = WindowAttention(dim, n_heads, window)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, 4 * dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, rows, columns, dim)`` to the same shape."""
        x = x + self.attended(self.norm1(x))
        y: Tensor = x + self.mlp(self.norm2(x))
        return y

    def attended(self, x: Tensor) -> Tensor:
        """Attend within the windows of ``(batch, rows, columns, dim)``."""
        _, n_rows, n_columns, _ = x.shape
        shift = 0 if min(n_rows, n_columns) <= self.window else self.shift
        if not shift:
            windows = self.attn(in_windows(x, self.window), None)
            return from_windows(windows, self.window, n_rows, n_columns)
        rolled = torch.roll(x, (-shift, -shift), (1, 2))
        mask = seam_mask(n_rows, n_columns, self.window, shift).to(x)
        windows = self.attn(in_windows(rolled, self.window), mask)
        whole = from_windows(windows, self.window, n_rows, n_columns)
        return torch.roll(whole, (shift, shift), (1, 2))


class WindowAttention(nn.Module):
    """Attention among the tokens of a window, biased by how they lie to each other."""

    relative_position_index: Tensor

    def __init__(self, dim: int, n_heads: int, window: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        n_offsets = (2 * window - 1) ** 2
        self.relative_position_bias_table = nn.Parameter(torch.zeros(n_offsets, n_heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        index = relative_index(window)
        self.register_buffer("relative_position_index", index, persistent=False)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Map windows ``(batch, n_windows, n_tokens, dim)`` to the same shape.

        Parameters
        ----------
        x
            The windows.
        mask
            Shape ``(n_windows, n_tokens, n_tokens)``: added to the scores before the softmax.
        """
        query, key, value = split_heads(self.qkv(x.flatten(0, 1)), self.n_heads)
        attended = F.scaled_dot_product_attention(query, key, value, self.bias(mask, x.shape[0]))
        y: Tensor = self.proj(joined_heads(attended))
        return y.reshape(x.shape)

    def bias(self, mask: Tensor | None, batch: int) -> Tensor:
        """Return what is added to the scores, for all windows of a batch, or any of them."""
        table = self.relative_position_bias_table[self.relative_position_index]
        bias = table.permute(2, 0, 1).unsqueeze(0)  # (1, n_heads, n_tokens, n_tokens)
        if mask is None:
            return bias
        return (bias + mask.unsqueeze(1)).repeat(batch, 1, 1, 1)


class Halving(nn.Module):
    """Four neighboring tokens become one of twice the width."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * dim)
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, rows, columns, dim)`` to ``(batch, rows / 2, columns / 2, 2 * dim)``."""
        # Column by column: the one below before the one beside.
        parts = [x[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        y: Tensor = self.reduction(self.norm(torch.cat(parts, dim=-1)))
        return y


def in_windows(x: Tensor, window: int) -> Tensor:
    """Cut ``(batch, rows, columns, dim)`` into ``(batch, n_windows, window * window, dim)``.

    Examples
    --------
    >>> in_windows(torch.arange(8).reshape(1, 2, 4, 1), 2).squeeze().tolist()
    [[0, 1, 4, 5], [2, 3, 6, 7]]
    """
    batch, n_rows, n_columns, dim = x.shape
    parts = x.reshape(batch, n_rows // window, window, n_columns // window, window, dim)
    return parts.transpose(2, 3).reshape(batch, -1, window * window, dim)


def from_windows(windows: Tensor, window: int, n_rows: int, n_columns: int) -> Tensor:
    """Put windows back together: the inverse of `in_windows`."""
    batch, _, _, dim = windows.shape
    parts = windows.reshape(batch, n_rows // window, n_columns // window, window, window, dim)
    return parts.transpose(2, 3).reshape(batch, n_rows, n_columns, dim)


def relative_index(window: int) -> Tensor:
    """Return, for each two tokens of a window, the row of the table of biases for their offset.

    Examples
    --------
    >>> relative_index(2).tolist()
    [[4, 3, 1, 0], [5, 4, 2, 1], [7, 6, 4, 3], [8, 7, 5, 4]]
    """
    rows, columns = (
        torch.arange(window).repeat_interleave(window),
        torch.arange(window).repeat(window),
    )
    down = rows[:, None] - rows + window - 1
    right = columns[:, None] - columns + window - 1
    return down * (2 * window - 1) + right


def seam_mask(n_rows: int, n_columns: int, window: int, shift: int) -> Tensor:
    """Return what keeps apart, in windows over the seam, tokens that are no neighbors.

    Returns
    -------
    Tensor
        Shape ``(n_windows, window * window, window * window)``: 0, or `FORBIDDEN`.
    """
    sides = _sides(n_rows, window, shift)[:, None] * 3 + _sides(n_columns, window, shift)
    tokens = in_windows(sides[None, :, :, None], window)[0, :, :, 0]  # (n_windows, n_tokens)
    return (tokens[:, :, None] != tokens[:, None, :]) * FORBIDDEN


def _sides(n: int, window: int, shift: int) -> Tensor:
    """Tell apart what lies before the last window, in it, and what has wrapped into it."""
    place = torch.arange(n)
    return (place >= n - window).long() + (place >= n - shift).long()
