"""The arrays that mir_eval takes: `to_mir_eval` and `from_mir_eval`.

| task | arrays |
|---|---|
| beat, onset | times ``(n,)`` [s] |
| tempo | two tempi [bpm], the slower first, and the weight of the slower in [0, 1] |
| chord, segment, key_segments | intervals ``(n, 2)`` [s] and a list of labels |
| key | text, ``"A minor"``; ``"A other"`` in other modes, ``"X"`` where there is none |
| note | intervals and frequencies [Hz] |
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mirkit import checks
from mirkit.annotation import Annotation, Beats, Events, Key, Segments, Tempo
from mirkit.errors import ParameterError
from mirkit.vocab.keys import is_scored


def to_mir_eval(value: Annotation) -> Any:
    """Return the arrays that mir_eval takes for `value`, as the table above says.

    Examples
    --------
    >>> to_mir_eval(Tempo(120, hypotheses=((120, 0.75), (60, 0.25))))
    (array([ 60., 120.]), 0.25)
    """
    if isinstance(value, Beats):
        return value.times
    if isinstance(value, Tempo):
        return _tempi(value)
    if isinstance(value, Key):
        return _key(value)
    if isinstance(value, Segments):
        return value.intervals, list(value.labels)
    if isinstance(value, Events):
        return _events(value)
    raise ParameterError(f"mir_eval has no measure for {type(value).__name__}")


def from_mir_eval(task: str, *arrays: Any) -> Annotation:
    """Return the annotation that mir_eval's arrays mean.

    Parameters
    ----------
    task
        ``beat``, ``onset``, ``tempo``, ``chord``, ``segment``, ``key`` or ``note``.
    *arrays
        What the table above says.

    Examples
    --------
    >>> from_mir_eval("chord", [[0, 2]], ["C:maj"]).kind
    'chord'
    """
    checks.member("task", task, _BUILDERS)
    return _BUILDERS[task](*arrays)  # type: ignore[no-any-return]


def _tempi(tempo: Tempo) -> tuple[Any, float]:
    levels = [*tempo.hypotheses[:2]] or ([] if tempo.bpm is None else [(tempo.bpm, 1.0)])
    if len(levels) < 2:  # the missing one counts nothing
        levels = [(0.0, 0.0), *(levels or [(0.0, 0.0)])]
    (slow, weight), (fast, other) = sorted(levels)
    total = weight + other
    return np.array([slow, fast], dtype=np.float64), weight / total if total else 0.5


def _key(key: Key) -> str:
    if key.label is None:
        return "X"
    return key.label if is_scored(key.label) else f"{key.label.split()[0]} other"


def _events(events: Events) -> Any:
    if events.kind == "onset":
        return events.intervals[:, 0]
    if events.kind == "note":
        if events.frequencies is None:
            raise ParameterError("these notes have no pitches, and mir_eval needs them")
        return events.intervals, events.frequencies
    return events.intervals, list(events.labels)


def _from_tempi(tempi: Any, weight: float = 0.5) -> Tempo:
    pairs = zip(np.asarray(tempi, dtype=np.float64), (weight, 1 - weight), strict=True)
    levels = sorted(((bpm, w) for bpm, w in pairs if bpm > 0), key=lambda level: -level[1])
    return Tempo(float(levels[0][0]) if levels else None, None, tuple(levels))


def _from_notes(intervals: Any, frequencies: Any) -> Events:
    numbers = 69 + 12 * np.log2(np.asarray(frequencies, dtype=np.float64) / 440)
    near = np.rint(numbers)
    labels = (
        str(int(n)) if abs(n - x) < 1e-6 else repr(float(x))
        for n, x in zip(near, numbers, strict=True)
    )
    return Events(intervals, tuple(labels), kind="note")


def _from_onsets(times: Any) -> Events:
    times = np.asarray(times, dtype=np.float64)
    return Events(np.stack([times, times], axis=1), ("onset",) * len(times), kind="onset")


_BUILDERS: dict[str, Any] = {
    "beat": lambda times: Beats(times),
    "onset": _from_onsets,
    "tempo": _from_tempi,
    "chord": lambda intervals, labels: Segments(intervals, tuple(labels), kind="chord"),
    "segment": lambda intervals, labels: Segments(intervals, tuple(labels), kind="section"),
    "key": lambda label: Key(None if label == "X" else label),
    "note": _from_notes,
}
