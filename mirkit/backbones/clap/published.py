"""Published checkpoints of CLAP: how LAION, the hub and Microsoft name their tensors.

LAION keeps two scales, for each direction of the loss; the one from audio to text is taken, which
is what ranks texts for a recording.
"""

from __future__ import annotations

from mirkit.backbones.htsat.network import HUB as HTSAT_HUB
from mirkit.backbones.published import KeyMap

_DERIVED = (
    r"(?:spectrogram_extractor|logmel_extractor)\.|head\.|tscam_conv\.|"
    r"layers\.\d+\.blocks\.\d+\.(?:attn\.relative_position_index|attn_mask)"
)
_BUFFERS = r"(?:\w+\.)*(?:position_ids|token_type_ids)$"
_PROJECTIONS = (
    (r"audio_projection\.0\.", "audio.projection.linear1."),
    (r"audio_projection\.2\.", "audio.projection.linear2."),
    (r"text_projection\.0\.", "text.projection.linear1."),
    (r"text_projection\.2\.", "text.projection.linear2."),
)
_SCALES = ((r"logit_scale_a$", "log_scale"), (r"logit_scale_t$", None))

LAION = KeyMap(
    rules=(
        (_BUFFERS, None),
        (rf"audio_branch\.(?:{_DERIVED})", None),
        (r"audio_branch\.", "audio.body."),
        (r"text_branch\.", "text.net.body."),
        *_PROJECTIONS,
        (r"(?:audio|text)_transform\.", None),
        *_SCALES,
    ),
)
"""LAION's files: ``audio_branch.…``, ``text_branch.…``, within ``state_dict``."""

HUB = KeyMap(
    rules=(
        (_BUFFERS, None),
        *(
            (old, None if new is None else f"audio.body.{new}")
            for old, new in HTSAT_HUB.rules
            if old.startswith("audio_model")
        ),
        (r"text_model\.", "text.net.body."),
        (r"(audio|text)_projection\.", r"\1.projection."),
        *_SCALES,
    ),
    convert=HTSAT_HUB.convert,
)
"""The same networks as transformers names them."""

MICROSOFT = KeyMap(
    rules=(
        (_BUFFERS, None),
        (r"caption_encoder\.base\.h\.\d+\.attn\.(?:masked_)?bias$", None),
        (rf"audio_encoder\.base\.(?:htsat\.)?(?:{_DERIVED})", None),
        (r"audio_encoder\.base\.(?:htsat\.)?", "audio.body."),
        (r"audio_encoder\.projection\.", "audio.projection."),
        (r"caption_encoder\.base\.", "text.net.body."),
        (r"caption_encoder\.projection\.", "text.projection."),
        (r"logit_scale$", "log_scale"),
    ),
)
"""Microsoft's files of 2022 (CNN14, BERT) and 2023 (HTS-AT, GPT-2), within ``model``."""

MAPS = {"laion": LAION, "hub": HUB, "microsoft": MICROSOFT}
"""By the name that cards give."""


def map_for(names: list[str], published: str) -> KeyMap:
    """Return the map for a checkpoint: LAION's networks come from the hub too.

    Parameters
    ----------
    names
        The names of its tensors, without wrappers.
    published
        The map that the card names.
    """
    from_hub = any(name.startswith("audio_model.") for name in names)
    return HUB if published == "laion" and from_hub else MAPS[published]
