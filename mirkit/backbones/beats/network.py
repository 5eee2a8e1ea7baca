"""BEATs: a transformer over patches in time, told only how far apart they are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mirkit.backbones.base import Backbone, Output
from mirkit.backbones.beats.encoder import BEATsConfig, Encoder, PatchMap, projection, shaped
from mirkit.backbones.published import KeyMap, State, load_published
from mirkit.backbones.vit.vit import require_window
from mirkit.errors import ParameterError, WeightsError
from mirkit.vocab.audioset import audioset_classes
from mirkit.zoo.state_dicts import state_dict_in

# What its front end makes of zeros: Kaldi's floor, scaled.
SILENCE = (math.log(2.0**-23) - 15.41663) / (2 * 6.55582)

# Names in the ``cfg`` of a checkpoint, ours, and what its authors take where one is missing.
_PUBLISHED: tuple[tuple[str, str, Any], ...] = (
    ("input_patch_size", "patch", 16),
    ("embed_dim", "embed", 512),
    ("conv_bias", "conv_bias", False),
    ("encoder_embed_dim", "dim", 768),
    ("encoder_layers", "depth", 12),
    ("encoder_attention_heads", "n_heads", 12),
    ("encoder_ffn_embed_dim", "n_hidden", 3072),
    ("conv_pos", "conv_width", 128),
    ("conv_pos_groups", "conv_groups", 16),
    ("num_buckets", "n_buckets", 320),
    ("max_distance", "max_distance", 1280),
    ("deep_norm", "deep_norm", False),
    ("layer_norm_first", "norm_first", False),
    ("relative_position_embedding", "relative", False),
    ("gru_rel_pos", "gated", False),
    ("dropout", "dropout", 0.1),
    ("attention_dropout", "attention_dropout", 0.1),
    ("predictor_dropout", "head_dropout", 0.1),
)


def published_config(cfg: Mapping[str, Any] | None) -> BEATsConfig:
    """Return what the ``cfg`` of a checkpoint says of its encoder.

    A field that it lacks is what the authors' code takes then; without any, the encoder is that of
    the published files. What matters in training alone and is not in `BEATsConfig` is passed over.

    Raises
    ------
    WeightsError
        Where it says what no encoder here can be.
    """
    if not cfg:
        return BEATsConfig()
    if cfg.get("activation_fn", "gelu") != "gelu":
        raise WeightsError(
            f"cfg says activation_fn is {cfg['activation_fn']!r}; only 'gelu' is known here"
        )
    try:
        return BEATsConfig(**{ours: cfg.get(name, value) for name, ours, value in _PUBLISHED})
    except ParameterError as error:
        raise WeightsError(f"cfg of the checkpoint: {error}") from None


def shared_bias_once(state: State) -> State:
    """Keep the table of biases of the first layer, which all layers share."""
    kept = {n: x for n, x in state.items() if not n.endswith("relative_attention_bias.weight")}
    first = "encoder.layers.0.self_attn.relative_attention_bias.weight"
    if first in state:
        kept["encoder.relative_attention_bias.weight"] = state[first]
    return kept


ENCODER_RULES: tuple[tuple[str, str | None], ...] = (
    (r"encoder\.pos_conv\.0\.weight_g", "encoder.pos_conv.parametrizations.weight.original0"),
    (r"encoder\.pos_conv\.0\.weight_v", "encoder.pos_conv.parametrizations.weight.original1"),
    (r"encoder\.pos_conv\.0\.", "encoder.pos_conv."),
)


class BEATsKeys(KeyMap):
    """Names of a published checkpoint, and the order of its outputs, which is its own.

    Its ``label_dict`` says which class of AudioSet each output is; they are put in the order that
    all other networks have. Outputs of other classes stay where they are.
    """

    def __call__(self, content: Mapping[str, Any]) -> State:
        """Return the tensors of a checkpoint by the names, and in the order, they have here."""
        state = super().__call__(content)
        places = _places_of_audioset()
        if "predictor.weight" in state and _has_labels_of_audioset(content):
            order = torch.tensor(label_places(content, places)).argsort()
            for name in ("predictor.weight", "predictor.bias"):
                state[name] = state[name][order]
        return state


class BEATs(Backbone):
    """Bidirectional encoder representation from audio transformers.

    Tokens are patches, time by time; the logits of a fine-tuned network are the mean of those of
    its tokens. It could hear any length, at a cost that grows with the square of it, but was
    trained on ten seconds, which are its window unless `max_frames` says otherwise.

    Parameters
    ----------
    n_classes
        Width of the logits; 0 for a network that was only pre-trained.
    max_frames
        The most it hears at once, or None for any.
    **shape
        Fields of `BEATsConfig`.

    References
    ----------
    S. Chen et al., "BEATs: audio pre-training with acoustic tokenizers", ICML 2023.
    """

    front_end = "beats"
    sample_rate = 16000
    silence = (SILENCE,)
    published: ClassVar[KeyMap | None] = BEATsKeys(rules=ENCODER_RULES, convert=shared_bias_once)

    def __init__(self, n_classes: int = 527, max_frames: int | None = 1024, **shape: Any) -> None:
        super().__init__()
        self.config = config = shaped(shape)
        self.n_classes, self.n_bins, self.n_embedding = n_classes, config.n_bins, config.dim
        self.max_length = max_frames
        self.min_length = (config.patch,)
        self.step, self.first = config.patch, (config.patch - 1) / 2
        self.patch_embedding = PatchMap(config)
        self.layer_norm = nn.LayerNorm(config.embed)
        self.post_extract_proj = projection(config)
        self.encoder = Encoder(config)
        self.predictor = nn.Linear(config.dim, n_classes) if n_classes else None

    @classmethod
    def from_published(cls, content: Mapping[str, Any], **settings: Any) -> BEATs:
        """Return the network of a published checkpoint, shaped as its ``cfg`` says.

        Parameters
        ----------
        content
            What the file holds: ``cfg``, ``model`` and, where it was fine-tuned, ``label_dict``.
        **settings
            Other arguments of `BEATs`.

        Raises
        ------
        WeightsError
            Where the tensors do not fit.
        """
        assert cls.published is not None
        net = cls(**cls.published_settings(content) | settings)
        load_published(net, content, cls.published)
        return net

    @classmethod
    def published_settings(cls, content: Mapping[str, Any]) -> dict[str, Any]:
        """Return the shape that ``cfg`` tells, and how many classes there are: 0 without a head."""
        head = state_dict_in(content).get("predictor.weight")
        shape = asdict(published_config(content["cfg"])) if content.get("cfg") else {}
        return {"n_classes": 0 if head is None else len(head), **shape}

    @classmethod
    def published_labels(cls, content: Mapping[str, Any]) -> tuple[str, ...] | None:
        """Return what ``label_dict`` calls the outputs where they are no classes of AudioSet."""
        theirs = content.get("label_dict")
        if not theirs or _has_labels_of_audioset(content):
            return None
        return tuple(str(theirs[i]) for i in sorted(theirs, key=int))

    def listen(self, *inputs: Tensor) -> Output:
        """Return tags of features ``(batch, n_frames, n_bins)``, of the clip and by patch."""
        (features,) = inputs
        require_window(features, self.max_length)
        x = self.encoder(self.tokens(features))  # (batch, n_times * n_rows, dim)
        by_time = x.reshape(x.shape[0], -1, self.config.n_rows, x.shape[-1])
        embedding, frame_embedding = x.mean(dim=1), by_time.mean(dim=2)
        if self.predictor is None:
            return Output(embedding[:, :0], embedding, None, frame_embedding)
        dropped = F.dropout(x, self.config.head_dropout, self.training)
        logits = self.predictor(dropped)  # (batch, n_times * n_rows, n_classes)
        by_row = logits.reshape(x.shape[0], -1, self.config.n_rows, logits.shape[-1])
        return Output(logits.mean(dim=1), embedding, by_row.mean(dim=2), frame_embedding)

    def tokens(self, features: Tensor) -> Tensor:
        """Map features ``(batch, n_frames, n_bins)`` to tokens ``(batch, n_tokens, dim)``."""
        y: Tensor = self.post_extract_proj(self.layer_norm(self.patch_embedding(features)))
        return y


def label_places(content: Mapping[str, Any], labels: Mapping[str, int]) -> list[int]:
    """Return where each output of a fine-tuned checkpoint belongs among labels of ours.

    Its outputs are in an order of their own, which ``label_dict`` alone knows.

    Parameters
    ----------
    content
        What the file holds.
    labels
        Place of each label, by the identifier that the checkpoint uses (AudioSet's "/m/…").

    Raises
    ------
    WeightsError
        Where it holds no labels, or one that is not ours.

    Examples
    --------
    >>> label_places({"label_dict": {0: "/m/b", 1: "/m/a"}}, {"/m/a": 0, "/m/b": 1})
    [1, 0]
    """
    theirs = content.get("label_dict")
    if not theirs:
        raise WeightsError("the checkpoint holds no label_dict: it was not fine-tuned on labels")
    unknown = [label for label in theirs.values() if label not in labels]
    if unknown:
        raise WeightsError(f"label_dict names {unknown[0]!r}, which is none of the labels here")
    return [labels[theirs[i]] for i in sorted(theirs, key=int)]


def _places_of_audioset() -> dict[str, int]:
    """Return the place of each class of AudioSet by its identifier."""
    return {each.mid: each.index for each in audioset_classes()}


def _has_labels_of_audioset(content: Mapping[str, Any]) -> bool:
    """Tell whether the outputs of a checkpoint are the classes of AudioSet."""
    return set((content.get("label_dict") or {}).values()) == set(_places_of_audioset())
