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

N_TOKENS = 2  # of the class, and of what the image network was distilled from
SILENCE = (math.log(1e-5) + 4.5) / 5  # what its front end makes of zeros


class PaSST(Backbone):
    """The patchout spectrogram transformer.

    Time and frequency have positions of their own, so shorter clips take the first ones: nothing
    is padded but what is shorter than a patch. In training, shorter clips begin at random
    positions, and whole columns and rows of patches are left out, the same in all of a batch.

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
    time_patchout, frequency_patchout
        Columns and rows of patches that are left out in training.

    References
    ----------
    K. Koutini et al., "Efficient training of audio transformers with patchout", Interspeech 2022.
    """

    front_end = "passt"
    silence = (SILENCE,)
    unused: ClassVar[tuple[str, ...]] = ("head_dist.",)
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
    ) -> None:
        super().__init__()
        rows, columns = n_patches(n_bins, patch, stride), n_frames // stride
        self.patchout = (frequency_patchout, time_patchout)
        self.n_classes, self.n_embedding = n_classes, dim
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

        Where patches are left out in training, there is nothing by frame.
        """
        (features,) = inputs
        require_window(features, self.max_length)
        grid = self.placed(self.patch_embed(features))  # (batch, dim, n_frequencies, n_times)
        is_whole = True
        if self.training and any(self.patchout):
            grid, is_whole = left_over(grid, *self.patchout), False
        tokens = grid.flatten(2).transpose(1, 2)  # frequency by frequency
        special = torch.cat([self.cls_token, self.dist_token], dim=1) + self.new_pos_embed
        x = torch.cat([special.expand(tokens.shape[0], -1, -1), tokens], dim=1)
        x = self.norm(self.blocks(x))  # (batch, 2 + n_frequencies * n_times, dim)
        embedding = x[:, :N_TOKENS].mean(dim=1)  # (batch, dim)
        by_time = mean_over_frequency(x[:, N_TOKENS:], grid.shape[2]) if is_whole else None
        return Output(self.head(embedding), embedding, None, by_time)

    def placed(self, grid: Tensor) -> Tensor:
        """Add its positions to a grid of patches, cutting what has none."""
        n_known = self.time_new_pos_embed.shape[-1]
        grid = grid[..., :n_known]
        n_times = grid.shape[-1]
        spare = n_known - n_times
        start = int(torch.randint(spare + 1, ())) if self.training and spare else 0
        times = self.time_new_pos_embed[..., start : start + n_times]
        return grid + times + self.freq_new_pos_embed


def left_over(grid: Tensor, n_rows: int, n_columns: int) -> Tensor:
    """Leave rows and columns of a grid ``(batch, dim, rows, columns)`` out, by chance.

    One of each stays, whatever is asked.
    """
    for axis, n_out in ((3, n_columns), (2, n_rows)):
        n = grid.shape[axis]
        kept = torch.randperm(n, device=grid.device)[: max(1, n - n_out)].sort().values
        grid = grid.index_select(axis, kept)
    return grid
