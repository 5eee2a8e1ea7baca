"""HTS-AT: a hierarchical transformer whose attention stays within shifted windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mirkit.backbones.base import Backbone, Output
from mirkit.backbones.htsat.swin import Stage
from mirkit.backbones.published import KeyMap
from mirkit.backbones.vit.vit import initialize, joined_qkv, require_window
from mirkit.errors import ParameterError

SILENCE = -100.0  # what its front end makes of zeros [dB]

# The front end is computed anew, and what follows from the shape alone is not stored.
_DERIVED = r"(?:spectrogram_extractor|logmel_extractor)\.|" + (
    r"layers\.\d+\.blocks\.\d+\.(?:attn\.relative_position_index|attn_mask)"
)
_BLOCK = r"audio_model\.audio_encoder\.layers\.(\d+)\.blocks\.(\d+)\."
_OF_BLOCK = (
    (r"layernorm_before\.", "norm1."),
    (r"layernorm_after\.", "norm2."),
    (r"attention\.self\.relative_position_index", None),
    (r"attention\.self\.relative_position_bias_table", "attn.relative_position_bias_table"),
    (r"attention\.self\.query\.", "attn.q."),
    (r"attention\.self\.key\.", "attn.k."),
    (r"attention\.self\.value\.", "attn.v."),
    (r"attention\.output\.dense\.", "attn.proj."),
    (r"intermediate\.dense\.", "mlp.fc1."),
    (r"output\.dense\.", "mlp.fc2."),
)

# The encoder within LAION's CLAP, as its authors name it; the rest of a file is dropped.
LAION = KeyMap(
    rules=(
        (rf"audio_branch\.(?:{_DERIVED})", None),
        (r"audio_branch\.", ""),
        (r"", None),
    ),
)
# The same as files on the hub name it: an encoder without classes.
HUB = KeyMap(
    rules=(
        *((_BLOCK + old, new and rf"layers.\1.blocks.\2.{new}") for old, new in _OF_BLOCK),
        (r"audio_model\.audio_encoder\.batch_norm\.", "bn0."),
        (r"audio_model\.audio_encoder\.", ""),
        (r"", None),
    ),
    convert=joined_qkv,
)


class HTSAT(Backbone):
    """The hierarchical token-semantic audio transformer.

    A spectrogram is folded into a square picture, early parts above late ones, and four stages of
    windowed attention halve it three times over; a convolution over what is left says by frame
    which class sounds, and the clip's logits are the mean.

    A window is `max_length` frames. Shorter clips are repeated as often as they wholly fit, then
    stretched to the window, as its authors do; frame outputs are read back on the clip's own clock.

    Parameters
    ----------
    n_classes
        Width of the logits; 0 leaves the classifier out: an encoder, as within CLAP.
    n_bins
        Bins of the features; `size` is a multiple.
    size
        Side of the picture.
    patch
        Side of a patch; patches do not overlap.
    dim
        Width of the tokens of the first stage; each further one doubles it.
    depths, n_heads
        Blocks, and heads, of each stage.
    window
        Side of the windows of attention.
    short
        ``"repeat"`` as above, ``"stretch"`` leaves the repetition out.
    front_end, sample_rate
        What it listens through; `sample_rate` in [Hz].
    has_spare_head
        Whether there is the linear head that the published network keeps and does not use.

    References
    ----------
    K. Chen et al., "HTS-AT: a hierarchical token-semantic audio transformer for sound
    classification and detection", ICASSP 2022.
    """

    silence = (SILENCE,)
    unused = ("head.",)
    published: ClassVar[KeyMap | None] = KeyMap(
        prefix="sed_model.",
        rules=((_DERIVED, None),),
    )

    def __init__(
        self,
        n_classes: int = 527,
        n_bins: int = 64,
        size: int = 256,
        patch: int = 4,
        dim: int = 96,
        depths: Sequence[int] = (2, 2, 6, 2),
        n_heads: Sequence[int] = (4, 8, 16, 32),
        window: int = 8,
        short: Literal["repeat", "stretch"] = "repeat",
        front_end: str = "htsat",
        sample_rate: int = 32000,
        has_spare_head: bool = True,
    ) -> None:
        super().__init__()
        self.n_bins, self.short = n_bins, short
        self.front_end, self.sample_rate = front_end, sample_rate
        self.n_folds = size // n_bins
        n_halvings = len(depths) - 1
        side = size // patch >> n_halvings  # of the picture, at last
        _check_sizes(size, n_bins, patch << n_halvings, side, self.n_folds)
        self.max_length = size * self.n_folds
        self.step = self.row = patch << n_halvings
        self.first = (self.row - 1) / 2
        self.min_length = (self.row,)
        self.n_classes, self.n_embedding = n_classes, dim << n_halvings
        self.bn0 = nn.BatchNorm2d(n_bins)
        self.patch_embed = PictureEmbedding(dim, patch)
        self.layers = nn.ModuleList(
            Stage(dim << i, depth, heads, min(window, size // patch >> i), i < n_halvings)
            for i, (depth, heads) in enumerate(zip(depths, n_heads, strict=True))
        )
        self.norm = nn.LayerNorm(self.n_embedding)
        kernel = (side // self.n_folds, 3)
        self.tscam_conv = (
            nn.Conv2d(self.n_embedding, n_classes, kernel, padding=(0, 1)) if n_classes else None
        )
        self.head = nn.Linear(n_classes, n_classes) if n_classes and has_spare_head else None
        initialize(self)

    def listen(self, *inputs: Tensor) -> Output:
        """Return tags of features ``(batch, n_frames, n_bins)``, of the clip and by frame."""
        (features,) = inputs
        require_window(features, self.max_length)
        grid = self.encoded(features)  # (batch, n_embedding, n_frequencies, n_times)
        embedding = grid.mean(dim=(2, 3))  # (batch, n_embedding)
        clock = self.clock(features.shape[1], grid.shape[-1])
        by_time = resampled(grid.mean(dim=2), clock)  # (batch, n_steps, n_embedding)
        if self.tscam_conv is None:
            return Output(embedding[:, :0], embedding, None, by_time)
        logits = self.tscam_conv(grid).squeeze(2)  # (batch, n_classes, n_times)
        return Output(logits.mean(dim=-1), embedding, resampled(logits, clock), by_time)

    def encoded(self, features: Tensor) -> Tensor:
        """Return the last stage, unfolded: ``(batch, n_embedding, n_frequencies, n_times)``."""
        x = self.bn0(features.unsqueeze(1).transpose(1, 3)).transpose(1, 3)
        x = self.patch_embed(folded(self.filled(x), self.n_folds))  # (batch, side, side, dim)
        for stage in self.layers:
            x = stage(x)
        return unfolded(self.norm(x), self.n_folds)

    def filled(self, x: Tensor) -> Tensor:
        """Repeat and stretch ``(batch, 1, n_frames, n_bins)`` to a whole window."""
        assert self.max_length is not None
        n_frames = x.shape[2]
        if n_frames == self.max_length:
            return x
        if self.short == "repeat":
            x = x.repeat(1, 1, self.max_length // n_frames, 1)
        size = (self.max_length, x.shape[-1])
        return F.interpolate(x, size, mode="bicubic", align_corners=True)

    def clock(self, n_frames: int, n_rows: int) -> Tensor:
        """Return where, among the rows of a whole window, each step of a clip lies."""
        assert self.max_length is not None
        n_repeats = self.max_length // n_frames if self.short == "repeat" else 1
        # The first and last frames of what was stretched stay the first and last.
        stretch = (self.max_length - 1) / (n_repeats * n_frames - 1)
        half, n_steps = (self.row - 1) / 2, (n_frames + self.row // 2) // self.row
        centers = half + self.row * torch.arange(n_steps)
        rows = (centers * stretch - half) / self.row
        return rows.clamp(0, n_rows - 1)


class PictureEmbedding(nn.Module):
    """Patches of the folded picture, that do not overlap, as normed vectors."""

    def __init__(self, dim: int, patch: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(1, dim, patch, patch)
        self.norm = nn.LayerNorm(dim)

    def forward(self, picture: Tensor) -> Tensor:
        """Map ``(batch, 1, size, size)`` to ``(batch, rows, columns, dim)``."""
        y: Tensor = self.norm(self.proj(picture).permute(0, 2, 3, 1))
        return y


def folded(x: Tensor, n_folds: int) -> Tensor:
    """Fold ``(batch, 1, n_frames, n_bins)`` into a picture ``(batch, 1, size, size)``.

    Its rows are the bins of the first part of the time, low ones above, then those of the next.

    Examples
    --------
    >>> folded(torch.tensor([[[[0, 10], [1, 11], [2, 12], [3, 13]]]]), 2).squeeze().tolist()
    [[0, 1], [10, 11], [2, 3], [12, 13]]
    """
    batch, _, n_frames, n_bins = x.shape
    parts = x.reshape(batch, n_folds, n_frames // n_folds, n_bins).transpose(2, 3)
    return parts.reshape(batch, 1, n_folds * n_bins, -1)


def unfolded(x: Tensor, n_folds: int) -> Tensor:
    """Undo `folded` on tokens: ``(batch, rows, columns, dim)`` to ``(batch, dim, rows, columns)``.

    The new rows are frequencies alone, the new columns times.

    Examples
    --------
    >>> picture = torch.tensor([[0, 1], [10, 11], [2, 3], [12, 13]])[None, :, :, None]
    >>> unfolded(picture, 2).squeeze().tolist()
    [[0, 1, 2, 3], [10, 11, 12, 13]]
    """
    batch, n_rows, n_columns, dim = x.shape
    parts = x.reshape(batch, n_folds, n_rows // n_folds, n_columns, dim)
    y = parts.permute(0, 4, 2, 1, 3)  # (batch, dim, n_frequencies, n_folds, n_columns)
    return y.reshape(batch, dim, n_rows // n_folds, n_folds * n_columns)


def resampled(x: Tensor, places: Tensor) -> Tensor:
    """Read ``(batch, n, n_rows)`` at fractional rows, as ``(batch, n_places, n)``.

    Examples
    --------
    >>> resampled(torch.tensor([[[0.0, 2.0, 4.0]]]), torch.tensor([0.5, 2.0]))
    tensor([[[1.],
             [4.]]])
    """
    places = places.to(x.device)
    below = places.floor().long()
    above = (below + 1).clamp(max=x.shape[-1] - 1)
    share = (places - below).to(x.dtype)
    return torch.lerp(x[..., below], x[..., above], share).transpose(1, 2)


def _check_sizes(size: int, n_bins: int, shrink: int, side: int, n_folds: int) -> None:
    if size % n_bins or size % shrink or side < 1 or side % n_folds:
        raise ParameterError(
            f"size is {size}; it is a multiple of n_bins ({n_bins}), of what all stages shrink by "
            f"({shrink}), and what they leave ({side}) holds each of its {n_folds} folds"
        )
