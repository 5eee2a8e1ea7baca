"""Networks run by onnxruntime: sessions, threads, providers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mirkit.errors import ParameterError, WeightsError
from mirkit.zoo.onnx_graph import floating_weights
from mirkit.zoo.protobuf import Damaged

THREADS_VARIABLE = "MIRKIT_THREADS"


class Runner(Protocol):
    """A network as onnxruntime or torch runs it."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs."""

    @property
    def n_bytes(self) -> int:
        """Bytes of the weights."""

    def batch(self, **inputs: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Map named inputs to named outputs, both with a batch axis."""


@dataclass(frozen=True)
class Session:
    """A network in an ONNX file, loaded once and run on one core unless told otherwise.

    The same input gives the same output, bit by bit, for a given number of threads.

    Parameters
    ----------
    source
        Path of an ``.onnx`` file, or its bytes.
    n_threads
        Threads within one operation; the environment variable ``MIRKIT_THREADS``, or 1, where None.
    providers
        Names of onnxruntime's execution providers, first choice first.

    Raises
    ------
    WeightsError
        Where onnxruntime cannot read the file, or weights in it are NaN.
    """

    source: str | Path | bytes = field(repr=False)
    n_threads: int | None = None
    providers: Sequence[str] = ("CPUExecutionProvider",)
    _session: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        n_threads = thread_count(self.n_threads)
        object.__setattr__(self, "n_threads", n_threads)
        object.__setattr__(self, "providers", tuple(self.providers))
        object.__setattr__(self, "_session", _open(self.source, n_threads, self.providers))

    def __call__(self, **inputs: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Run the network on one window.

        Parameters
        ----------
        **inputs
            Each input by its name, without the batch axis.

        Returns
        -------
        dict
            Each output by its name, without the batch axis.
        """
        outputs = self.batch(**{name: x[None] for name, x in inputs.items()})
        return {name: y[0] for name, y in outputs.items()}

    def batch(self, **inputs: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Run the network on a batch of windows: inputs and outputs have their batch axis."""
        missing = set(self.inputs) ^ set(inputs)
        if missing:
            raise ParameterError(
                f"inputs are {sorted(inputs)}; this network takes {sorted(self.inputs)}"
            )
        feed = {name: np.ascontiguousarray(x, np.float32) for name, x in inputs.items()}
        outputs = self._session.run(None, feed)
        return dict(zip(self.outputs, outputs, strict=True))

    @property
    def n_bytes(self) -> int:
        """Bytes of the file."""
        source = self.source
        return len(source) if isinstance(source, bytes) else Path(source).stat().st_size

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return tuple(x.name for x in self._session.get_inputs())

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs."""
        return tuple(y.name for y in self._session.get_outputs())

    @property
    def metadata(self) -> Mapping[str, str]:
        """Metadata that the file keeps beside the network, such as ``weights_sha256``."""
        return dict(self._session.get_modelmeta().custom_metadata_map)


def providers_of(device: str | None) -> tuple[str, ...]:
    """Return onnxruntime's execution providers for a device, the CPU last.

    Raises
    ------
    ParameterError
        Where onnxruntime has none for it.

    Examples
    --------
    >>> providers_of("cpu")
    ('CPUExecutionProvider',)
    """
    if device is None or device == "cpu":
        return ("CPUExecutionProvider",)
    import onnxruntime

    kind, _, _ = device.partition(":")
    known = {name.removesuffix("ExecutionProvider").lower(): name
             for name in onnxruntime.get_available_providers()}  # fmt: skip
    if kind not in known:
        raise ParameterError(
            f"device is {device!r}; this onnxruntime runs on {', '.join(sorted(known))}. For a GPU "
            "install onnxruntime-gpu, or load a checkpoint for torch"
        )
    return (known[kind], "CPUExecutionProvider")


def thread_count(n_threads: int | None = None) -> int:
    """Return `n_threads`, or what ``MIRKIT_THREADS`` says, or 1.

    Raises
    ------
    ParameterError
        Where that is not a whole number above 0.
    """
    value: object = n_threads
    if n_threads is None:
        value = os.environ.get(THREADS_VARIABLE, "1")
    if not str(value).isdecimal() or int(str(value)) < 1:
        source = "n_threads" if n_threads is not None else THREADS_VARIABLE
        raise ParameterError(f"{source} is {value!r}; it is a whole number above 0")
    return int(str(value))


def _open(source: str | Path | bytes, n_threads: int, providers: Sequence[str]) -> Any:
    import onnxruntime

    known = onnxruntime.get_available_providers()
    for provider in providers:
        if provider not in known:
            raise ParameterError(f"provider {provider!r} is not available; there are {known}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.use_deterministic_compute = True
    content = source if isinstance(source, bytes) else str(source)
    try:
        session = onnxruntime.InferenceSession(content, options, providers=list(providers))
    except Exception as error:  # noqa: BLE001  onnxruntime's errors share no other base
        raise WeightsError(
            f"{_name(source)}: onnxruntime cannot read it: {error}. Is it an .onnx file, wholly "
            "downloaded?"
        ) from None
    _refuse_nan(source)
    return session


def _refuse_nan(source: str | Path | bytes) -> None:
    """Refuse a network with weights that are NaN, since layers behind them may hide that."""
    content = source if isinstance(source, bytes) else Path(source).read_bytes()
    try:
        odd = {name: x for name, x in floating_weights(content) if np.isnan(x).any()}
    except Damaged:
        return  # it is in a format of onnxruntime's own
    for name, values in odd.items():
        raise WeightsError(
            f"{_name(source)}: {name!r} holds {int(np.isnan(values).sum())} numbers of "
            f"{values.size} that are NaN; the training that made it diverged, or the file is "
            "damaged"
        )


def _name(source: str | Path | bytes) -> str:
    return "<bytes>" if isinstance(source, bytes) else str(source)
