"""PaSST: a spectrogram transformer that leaves patches out while it trains."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor, nn

from mirkit.backbones.base import Backbone, Output
from mirkit.backbones.published import KeyMap
from mirkit.backbones.vit.vit import (
    Block,
    Patches,
    initialize,
    mean_over_frequency,
    n_patches,
    require_window,
)
from mirkit.errors import ParameterError

N_TOKENS = 2  # of the class, and of what the image network was distilled from
SILENCE = (math.log(1e-5) + 4.5) / 5  # what its front end makes of zeros


class PaSST(Backbone):
    """The patchout spectrogram transformer.

    Time and frequency have positions of their own, so shorter clips take the first ones: nothing
    is padded but what is shorter than a patch. In training, shorter clips begin at random
    positions, and patches are left out, the same in all of a batch: whole columns and rows of them
    (structured patchout), then single ones (unstructured patchout).

    Parameters
    ----------
    n_classes
        Width of the logits.
    n_bins
        Bins of the features.
    n_frames
        Frames that its positions are learned for: one for each whole `stride` of them, so that the
        last may lie behind all patches. Ten seconds have two frames more.
    dim, depth, n_heads
        Width of the tokens, blocks, heads of each.
    patch
        Side of a patch.
    stride
        From one patch to the next, over both axes: 10, 12, 14 and 16 are published.
    time_patchout
        Columns of patches that are left out in training, of as many as there are positions in time;
        shorter clips lose in proportion. Of 5 s, 40 takes 20; its authors take 10 of them (and 5
        rows) on ESC-50, which is 20 here.
    frequency_patchout
        Rows of patches that are left out in training, whatever the length.
    unstructured_patchout
        Single patches of those left that are left out in training, in proportion as columns are.
        Its authors take 400 in the place of columns and rows.

    References
    ----------
    K. Koutini et al., "Efficient training of audio transformers with patchout", Interspeech 2022.
    """

    front_end = "passt"
    silence = (SILENCE,)
    unused = ("head_dist.",)
    published: ClassVar[KeyMap | None] = KeyMap()

    def __init__(
        self,
        n_classes: int = 527,
        n_bins: int = 128,
        n_frames: int = 998,
        dim: int = 768,
        depth: int = 12,
        n_heads: int = 12,
        patch: int = 16,
        stride: int = 10,
        time_patchout: int = 40,
        frequency_patchout: int = 4,
        unstructured_patchout: int = 0,
    ) -> None:
        super().__init__()
        for name, n_out in (
            ("time_patchout", time_patchout),
            ("frequency_patchout", frequency_patchout),
            ("unstructured_patchout", unstructured_patchout),
        ):
            if n_out < 0:
                raise ParameterError(f"{name} is {n_out}; it is a number of patches, from 0")
        rows, columns = n_patches(n_bins, patch, stride), n_frames // stride
        self.patchout = (frequency_patchout, time_patchout, unstructured_patchout)
        self.n_classes, self.n_bins, self.n_embedding = n_classes, n_bins, dim
        self.min_length = (patch,)
        # A clip of ten seconds is one window, though not all of its frames reach a patch.
        self.max_length = max(n_frames + 2, (columns - 1) * stride + patch + stride - 1)
        self.step, self.first = stride, (patch - 1) / 2
        self.patch_embed = Patches(dim, patch, (stride, stride))
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.dist_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.new_pos_embed = nn.Parameter(torch.zeros(1, N_TOKENS, dim))
        self.freq_new_pos_embed = nn.Parameter(torch.zeros(1, dim, rows, 1))
        self.time_new_pos_embed = nn.Parameter(torch.zeros(1, dim, 1, columns))
        self.blocks = nn.Sequential(*(Block(dim, n_heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.head = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, n_classes))
        self.head_dist = nn.Linear(dim, n_classes)
        initialize(self)

    def listen(self, *inputs: Tensor) -> Output:
        """Return tags of features ``(batch, n_frames, n_bins)``; frame embeddings by patch.

        Moments of which no patch is left are interpolated between their neighbors.
        """
        (features,) = inputs
        require_window(features, self.max_length)
        grid = self.placed(self.patch_embed(features))  # (batch, dim, n_frequencies, n_times)
        n_frequencies, n_times = grid.shape[2:]
        tokens = grid.flatten(2).transpose(1, 2)  # frequency by frequency
        kept = self.drawn(n_frequencies, n_times) if self.training and any(self.patchout) else None
        if kept is not None:
            kept = kept.to(tokens.device)
            tokens = tokens[:, kept]  # (batch, n_kept, dim)
        special = torch.cat([self.cls_token, self.dist_token], dim=1) + self.new_pos_embed
        x = torch.cat([special.expand(tokens.shape[0], -1, -1), tokens], dim=1)
        x = self.norm(self.blocks(x))  # (batch, 2 + n_kept, dim)
        embedding, heard = x[:, :N_TOKENS].mean(dim=1), x[:, N_TOKENS:]
        if kept is None:
            by_time = mean_over_frequency(heard, n_frequencies)  # (batch, n_times, dim)
        else:
            by_time = mean_at_times(heard, kept % n_times, n_times)
        return Output(self.head(embedding), embedding, None, by_time)

    def drawn(self, n_frequencies: int, n_times: int) -> Tensor:
        """Return which of the patches stay in training, frequency by frequency, ascending."""
        share = n_times / self.time_new_pos_embed.shape[-1]
        n_rows, n_columns, n_single = self.patchout
        columns = left_over(n_times, round(share * n_columns))
        rows = left_over(n_frequencies, n_rows)
        places = (rows[:, None] * n_times + columns).flatten()
        return places[left_over(len(places), round(share * n_single))]

    def placed(self, grid: Tensor) -> Tensor:
        """Add its positions to a grid of patches, cutting what has none."""
        n_known = self.time_new_pos_embed.shape[-1]
        grid = grid[..., :n_known]
        n_times = grid.shape[-1]
        spare = n_known - n_times
        start = int(torch.randint(spare + 1, ())) if self.training and spare else 0
        times = self.time_new_pos_embed[..., start : start + n_times]
        return grid + times + self.freq_new_pos_embed


def left_over(n: int, n_out: int) -> Tensor:
    """Return which of `n` stay where `n_out` are left out by chance, ascending; one at least."""
    return torch.randperm(n)[: max(1, n - n_out)].sort().values


def mean_at_times(tokens: Tensor, times: Tensor, n_times: int) -> Tensor:
    """Return the mean of tokens ``(batch, n_tokens, dim)`` at each time ``(batch, n_times, dim)``.

    Times without tokens are interpolated between those before and after, edges repeated.

    Parameters
    ----------
    tokens
        Some of the tokens of a clip.
    times
        The time of each, ``(n_tokens,)``.
    n_times
        Times of the clip.

    Examples
    --------
    >>> tokens = torch.tensor([[[1.0], [6.0], [3.0]]])
    >>> mean_at_times(tokens, torch.tensor([0, 2, 0]), 4)[0, :, 0]
    tensor([2., 4., 6., 6.])
    """
    counts = torch.bincount(times, minlength=n_times)
    known = counts.nonzero()[:, 0]
    sums = tokens.new_zeros(tokens.shape[0], n_times, tokens.shape[-1])
    rows = (sums.index_add(1, times, tokens) / counts.clamp(min=1)[:, None])[:, known]
    at = torch.arange(n_times, device=tokens.device)
    after = torch.searchsorted(known, at).clamp(max=len(known) - 1)
    before = torch.where(known[after] > at, after - 1, after).clamp(min=0)
    gap = (known[after] - known[before]).clamp(min=1)
    share = ((at - known[before]) / gap).clamp(max=1).to(rows.dtype)
    return torch.lerp(rows[:, before], rows[:, after], share[:, None])
