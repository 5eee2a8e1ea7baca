"""The recipe of self-supervised BEATs: stage, networks, data, losses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from mirkit.backbones.beats.encoder import BEATsConfig
from mirkit.backbones.beats.tokenizer import CODE_DIM, N_CODES
from mirkit.errors import ParameterError
from mirkit.training.recipe import Recipe


@dataclass(frozen=True)
class SSLModelSettings:
    """The networks of a recipe.

    Parameters
    ----------
    stage
        ``"model"`` or ``"tokenizer"``.
    front_end
        Name of the front end.
    config
        Shape of the network, and of the tokenizer's encoder.
    n_codes, code_dim
        Size of the codebook, and of each code.
    code_decay, code_idle
        Update of a tokenizer's codebook: see `mirkit.backbones.beats.tokenizer.Codebook`.
    tokenizer
        Checkpoint of the tokenizer whose codes are predicted; random projections where empty.
    teacher
        Checkpoint of the network that the tokenizer learns from.
    predictor_depth
        Layers that predict masked patches, or estimate the teacher's output.
    """

    stage: Literal["model", "tokenizer"] = "model"
    front_end: str = "beats"
    config: BEATsConfig = field(default_factory=BEATsConfig)
    n_codes: int = N_CODES
    code_dim: int = CODE_DIM
    code_decay: float = 0.99
    code_idle: float = 0.02
    tokenizer: str = ""
    teacher: str = ""
    predictor_depth: int = 3

    def __post_init__(self) -> None:
        if self.stage == "tokenizer" and not self.teacher:
            raise ParameterError("stage is 'tokenizer': it needs a teacher, the model before it")


@dataclass(frozen=True)
class SSLDataSettings:
    """The data of a recipe.

    Parameters
    ----------
    folder
        Recordings of any kind, in any sub-folder.
    crop
        Length of an excerpt [s].
    n_validation
        Recordings to validate on, which are not trained on.
    """

    folder: str
    crop: float = 10.0
    n_validation: int = 32


@dataclass(frozen=True)
class SSLLossSettings:
    """The losses of a recipe.

    Parameters
    ----------
    mask
        Share of the patches that is masked.
    commitment
        Weight of the distance to the codes beside the estimate.
    """

    mask: float = 0.75
    commitment: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.mask < 1:
            raise ParameterError(f"mask is {self.mask}; it is a share between 0 and 1")


@dataclass(frozen=True, kw_only=True)
class SSLRecipe(Recipe):
    """A recipe of self-supervised BEATs.

    Parameters
    ----------
    model, data, loss
        Its tables.
    """

    trains: ClassVar[str] = "ssl"
    entry: ClassVar[str] = "mirkit.training.ssl.task:SSLTask"

    data: SSLDataSettings
    model: SSLModelSettings = field(default_factory=SSLModelSettings)
    loss: SSLLossSettings = field(default_factory=SSLLossSettings)
