"""AST: a vision transformer, begun from images, over overlapping patches of a spectrogram."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from mirkit.backbones.base import Backbone, Output
from mirkit.backbones.published import KeyMap, load_published
from mirkit.backbones.vit.vit import (
    Block,
    Patches,
    fitted,
    initialize,
    joined_qkv,
    mean_over_frequency,
    n_patches,
    require_window,
)
from mirkit.errors import ParameterError, WeightsError

# Its authors pad with 0, then scale; our features come scaled, so padding is what 0 became.
SILENCE = 4.2677393 / (2 * 4.5689974)
N_TOKENS = 2  # of the class, and of what the image network was distilled from

_HUB = r"audio_spectrogram_transformer\."
_LAYER = _HUB + r"(?:encoder\.layer|layers)\.(\d+)\."
# Names of two generations of the same package; the first is how files on the hub are written.
_OF_LAYER = (
    (r"attention\.attention\.query\.", "attn.q."),
    (r"attention\.attention\.key\.", "attn.k."),
    (r"attention\.attention\.value\.", "attn.v."),
    (r"attention\.output\.dense\.", "attn.proj."),
    (r"intermediate\.dense\.", "mlp.fc1."),
    (r"output\.dense\.", "mlp.fc2."),
    (r"attention\.q_proj\.", "attn.q."),
    (r"attention\.k_proj\.", "attn.k."),
    (r"attention\.v_proj\.", "attn.v."),
    (r"attention\.o_proj\.", "attn.proj."),
    (r"mlp\.fc1\.", "mlp.fc1."),
    (r"mlp\.fc2\.", "mlp.fc2."),
    (r"layernorm_before\.", "norm1."),
    (r"layernorm_after\.", "norm2."),
)


class AST(Backbone):
    """The audio spectrogram transformer.

    Clips are heard as its authors let it hear them: shorter ones padded to `n_frames`. Padding to
    less, or hearing more at once, is a setting; positions are then cut in the middle or stretched.

    Parameters
    ----------
    n_classes
        Width of the logits.
    n_bins
        Bins of the features.
    n_frames
        Frames that its positions are learned for.
    dim, depth, n_heads
        Width of the tokens, blocks, heads of each.
    patch
        Side of a patch.
    stride
        From one patch to the next, over both axes.
    min_frames, max_frames
        What shorter clips are padded to, and the most it hears at once; `n_frames` where None.
    silence
        What they are padded with.
    epsilon, head_epsilon
        What the norms of the blocks, and of the head, add to the variance.
    front_end
        Name of the front end.

    References
    ----------
    Y. Gong, Y.-A. Chung and J. Glass, "AST: audio spectrogram transformer", Interspeech 2021.
    """

    sample_rate = 16000
    published: ClassVar[KeyMap | None] = KeyMap(
        rules=(
            (r"v\.head(_dist)?\.", None),  # of the images' classes
            (r"v\.", ""),
            (_HUB + r"embeddings\.distillation_token", "dist_token"),
            (_HUB + r"embeddings\.position_embeddings", "pos_embed"),
            (_HUB + r"embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
            (_HUB + r"embeddings\.", ""),
            *((_LAYER + old, rf"blocks.\1.{new}") for old, new in _OF_LAYER),
            (_HUB + r"layernorm\.", "norm."),
            (r"classifier\.layernorm\.", "mlp_head.0."),
            (r"classifier\.dense\.", "mlp_head.1."),
        ),
        convert=joined_qkv,
    )

    def __init__(
        self,
        n_classes: int = 527,
        n_bins: int = 128,
        n_frames: int = 1024,
        dim: int = 768,
        depth: int = 12,
        n_heads: int = 12,
        patch: int = 16,
        stride: int = 10,
        min_frames: int | None = None,
        max_frames: int | None = None,
        silence: float = SILENCE,
        epsilon: float = 1e-6,
        head_epsilon: float = 1e-5,
        front_end: str = "ast",
    ) -> None:
        super().__init__()
        self.n_classes, self.n_bins, self.n_embedding = n_classes, n_bins, dim
        self.front_end = front_end
        self.min_length = (n_frames if min_frames is None else min_frames,)
        self.max_length = n_frames if max_frames is None else max_frames
        self.silence = (silence,)
        if not patch <= self.min_length[0] <= self.max_length:
            raise ParameterError(
                f"min_frames is {self.min_length[0]} and max_frames {self.max_length}; a patch of "
                f"{patch} frames fits into the shorter, and that into the longer"
            )
        self.step, self.first = stride, (patch - 1) / 2
        self.grid = n_patches(n_bins, patch, stride), n_patches(n_frames, patch, stride)
        self.patch_embed = Patches(dim, patch, (stride, stride))
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.dist_token = nn.Parameter(torch.zeros(1, 1, dim))
        n_positions = self.grid[0] * self.grid[1] + N_TOKENS
        self.pos_embed = nn.Parameter(torch.zeros(1, n_positions, dim))
        self.blocks = nn.Sequential(*(Block(dim, n_heads, epsilon=epsilon) for _ in range(depth)))
        self.norm = nn.LayerNorm(dim, eps=epsilon)
        self.mlp_head = nn.Sequential(
            nn.LayerNorm(dim, eps=head_epsilon), nn.Linear(dim, n_classes)
        )
        initialize(self)

    def listen(self, *inputs: Tensor) -> Output:
        """Return tags of features ``(batch, n_frames, n_bins)``; frame embeddings by patch."""
        (features,) = inputs
        require_window(features, self.max_length)
        grid = self.patch_embed(features)  # (batch, dim, n_frequencies, n_times)
        tokens = grid.flatten(2).transpose(1, 2)  # frequency by frequency
        special = torch.cat([self.cls_token, self.dist_token], dim=1).expand(
            tokens.shape[0], -1, -1
        )
        x = torch.cat([special, tokens], dim=1) + self.positions(grid.shape[-1])
        x = self.norm(self.blocks(x))  # (batch, 2 + n_frequencies * n_times, dim)
        embedding = x[:, :N_TOKENS].mean(dim=1)  # (batch, dim)
        by_time = mean_over_frequency(x[:, N_TOKENS:], self.grid[0])
        return Output(self.mlp_head(embedding), embedding, None, by_time)

    def positions(self, n_times: int) -> Tensor:
        """Return position embeddings ``(1, 2 + n_frequencies * n_times, dim)``."""
        if n_times == self.grid[1]:
            return self.pos_embed
        grid = self.pos_embed[:, N_TOKENS:].transpose(1, 2).reshape(1, -1, *self.grid)
        grid = fitted(grid, self.grid[0], n_times)
        return torch.cat([self.pos_embed[:, :N_TOKENS], grid.flatten(2).transpose(1, 2)], dim=1)


def load_image_weights(
    net: AST, content: Mapping[str, Any], channels: Literal["sum", "mean"] = "sum"
) -> None:
    """Begin `net` from a transformer of images: what AST's authors trained it from.

    Colors of a patch are joined into one, positions fitted to the patches of a spectrogram; the
    head stays as it is.

    Parameters
    ----------
    net
        The network, of the same width and depth.
    content
        Tensors of a ViT or a distilled DeiT over square images, named as timm names them. A ViT has
        no distillation token: its class token stands in.
    channels
        ``"sum"`` hears a spectrogram as a gray picture, its three colors alike, which is what the
        published network began with; ``"mean"``, as its paper words it, is a third of that.

    Raises
    ------
    WeightsError
        Where the tensors do not fit.
    """
    kept = {name: x for name, x in content.items() if not name.startswith("head")}
    if "cls_token" not in kept or "pos_embed" not in kept or "patch_embed.proj.weight" not in kept:
        raise WeightsError("the checkpoint is no ViT: it lacks cls_token, pos_embed or patch_embed")
    colors = kept["patch_embed.proj.weight"]  # (dim, 3, patch, patch)
    joined = colors.sum(1, keepdim=True)
    kept["patch_embed.proj.weight"] = joined / colors.shape[1] if channels == "mean" else joined
    n_known = 2 if "dist_token" in kept else 1
    kept.setdefault("dist_token", kept["cls_token"])
    kept["pos_embed"] = _image_positions(kept["pos_embed"], n_known, net.grid)
    own = {name: x for name, x in net.state_dict().items() if name.startswith("mlp_head.")}
    load_published(net, kept | own, KeyMap())


def _image_positions(positions: Tensor, n_known: int, size: tuple[int, int]) -> Tensor:
    """Fit positions ``(1, n_known + side * side, dim)`` of an image to a grid of `size`."""
    special, rest = positions[:, :n_known], positions[:, n_known:]
    side = round(rest.shape[1] ** 0.5)
    if side * side != rest.shape[1]:
        raise WeightsError(f"the checkpoint has {rest.shape[1]} positions; a square image has n²")
    grid = rest.transpose(1, 2).reshape(1, -1, side, side)
    new = fitted(grid, *size).flatten(2).transpose(1, 2)
    special = special if n_known == N_TOKENS else special.expand(-1, N_TOKENS, -1)
    return torch.cat([special, new], dim=1)
