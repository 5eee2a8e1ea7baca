"""VGGish: an embedding of each 0.96 s, and what turns it into AudioSet's released 8-bit numbers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

from mirkit.backbones.base import Backbone, Output
from mirkit.backbones.published import KeyMap, State, load_published
from mirkit.errors import WeightsError
from mirkit.zoo.checkpoints import load_content

SILENCE = math.log(0.01)  # of the front end "vggish"
N_FRAMES, N_BINS = 96, 64  # of a patch: 0.96 s, 64 mels
POOL = None
LAYERS = (1, POOL, 2, POOL, 4, 4, POOL, 8, 8, POOL)  # channels, in multiples of the first
LARGEST = 2.0  # whitened embeddings are clipped to ±2 and spread over 8 bits


class VGGish(Backbone):
    """Six convolutions and three layers, on patches of 96 frames that do not overlap.

    The clip's embedding is the mean over its patches, and the frame embeddings are the patches'
    own. Shorter clips are padded to one patch; frames after the last whole patch are not heard, as
    published.

    Parameters
    ----------
    n_classes
        Width of the logits: of a linear layer behind the embedding, which the published checkpoint
        does not have. Where 0, there is none.
    width
        Channels of the first convolution.
    n_hidden
        Width of the two layers before the embedding.
    n_embedding
        Width of the embedding.
    rectifies
        Whether the embedding has no negative numbers: so in the published port to torch.
    front_end, sample_rate, silence
        What it listens through, at which rate [Hz], and what silence looks like there.

    References
    ----------
    S. Hershey et al., "CNN architectures for large-scale audio classification", ICASSP 2017.

    Examples
    --------
    >>> net = VGGish(n_classes=5, width=2, n_hidden=8).eval()
    >>> output = net(torch.zeros(3, 200, 64))
    >>> output.logits.shape, output.embedding.shape, output.frame_embedding.shape
    (torch.Size([3, 5]), torch.Size([3, 128]), torch.Size([3, 2, 128]))
    """

    published: ClassVar[KeyMap | None] = KeyMap()

    def __init__(
        self,
        n_classes: int = 0,
        width: int = 64,
        n_hidden: int = 4096,
        n_embedding: int = 128,
        rectifies: bool = True,
        front_end: str = "vggish",
        sample_rate: int = 16000,
        silence: float = SILENCE,
    ) -> None:
        super().__init__()
        self.front_end, self.sample_rate, self.silence = front_end, sample_rate, (silence,)
        self.n_classes, self.n_bins, self.n_embedding = n_classes, N_BINS, n_embedding
        self.step, self.first = N_FRAMES, (N_FRAMES - 1) / 2
        self.min_length = (N_FRAMES,)
        self.features = convolutions(width)
        n_image = LAYERS[-2] * width * (N_FRAMES // 16) * (N_BINS // 16)
        layers: list[nn.Module] = [
            nn.Linear(n_image, n_hidden),
            nn.ReLU(),
            nn.Linear(n_hidden, n_hidden),
            nn.ReLU(),
            nn.Linear(n_hidden, n_embedding),
        ]
        self.embeddings = nn.Sequential(*layers, *([nn.ReLU()] if rectifies else []))
        self.classifier = nn.Linear(n_embedding, n_classes) if n_classes else None

    def listen(self, *inputs: Tensor) -> Output:
        """Return what is in features, shape ``(batch, n_frames, n_bins)``."""
        (features,) = inputs
        rows = self.embed(patches(features))  # (batch, n_patches, n_embedding)
        embedding = rows.mean(dim=1)
        if self.classifier is None:
            return Output(embedding[:, :0], embedding, None, rows)
        return Output(self.classifier(embedding), embedding, self.classifier(rows), rows)

    def embed(self, x: Tensor) -> Tensor:
        """Map ``(batch, n_patches, 96, n_bins)`` to ``(batch, n_patches, n_embedding)``."""
        batch, n_patches = x.shape[:2]
        image = self.features(x.flatten(0, 1).unsqueeze(1))  # (batch * n_patches, n_channels, 6, 4)
        by_place = image.permute(0, 2, 3, 1).flatten(1)  # channels last, as the weights have them
        rows: Tensor = self.embeddings(by_place)
        return rows.reshape(batch, n_patches, -1)


class Whitening(nn.Module):
    """Embeddings of VGGish as AudioSet and YouTube-8M release them: whitened, in 8 bits.

    The principal components come from a published file, which holds arrays: see `from_file`.

    Parameters
    ----------
    rounds
        Whether to round to the nearest number, as the port to torch does; otherwise fractions are
        cut off, as in the original, which made AudioSet's.
    n_embedding
        Width of the embedding.

    Examples
    --------
    >>> whitening = Whitening(n_embedding=3)
    >>> whitening(torch.tensor([[-5.0, 0.02, 1.0]]))
    tensor([[  0, 129, 191]], dtype=torch.uint8)
    """

    pca_eigen_vectors: Tensor
    pca_means: Tensor
    published: ClassVar[KeyMap]

    def __init__(self, rounds: bool = True, n_embedding: int = 128) -> None:
        super().__init__()
        self.rounds = rounds
        self.register_buffer("pca_eigen_vectors", torch.eye(n_embedding))
        self.register_buffer("pca_means", torch.zeros(n_embedding))

    @classmethod
    def from_file(cls, path: str | Path, rounds: bool = True) -> Whitening:
        """Return the whitening of a published file, ``vggish_pca_params-970ea276.pth``.

        Raises
        ------
        WeightsError
            Where the file holds something else, or code.
        """
        net, content = cls(rounds), load_content(path)
        try:
            load_published(net, content, cls.published)
        except WeightsError as error:
            raise WeightsError(f"{path}: {error}") from None
        return net

    def forward(self, embedding: Tensor) -> Tensor:
        """Map ``(..., n_embedding)`` to numbers from 0 to 255 of the same shape."""
        white = (embedding - self.pca_means) @ self.pca_eigen_vectors.T
        level = (white.clamp(-LARGEST, LARGEST) + LARGEST) * (255 / (2 * LARGEST))
        return (level.round() if self.rounds else level).to(torch.uint8)


def _flat_means(state: State) -> State:
    means = state.get("pca_means")
    return state if means is None else {**state, "pca_means": means.flatten()}


Whitening.published = KeyMap(convert=_flat_means)


def patches(features: Tensor) -> Tensor:
    """Cut ``(batch, n_frames, n_bins)`` into ``(batch, n_patches, 96, n_bins)``."""
    batch, n_frames, n_bins = features.shape
    n_patches = n_frames // N_FRAMES
    whole = features[:, : n_patches * N_FRAMES]
    return whole.reshape(batch, n_patches, N_FRAMES, n_bins)


def convolutions(width: int) -> nn.Sequential:
    """Return the convolutions, which shrink an image of 96 × 64 to 6 × 4."""
    layers: list[nn.Module] = []
    n_in = 1
    for multiple in LAYERS:
        if multiple is POOL:
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(n_in, multiple * width, 3, padding=1), nn.ReLU()]
            n_in = multiple * width
    return nn.Sequential(*layers)
