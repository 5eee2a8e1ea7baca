"""Events that are sent, each at its time in the music."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from mirkit.tasks import SCHEMA


@dataclass(frozen=True)
class Beat:
    """A beat, foretold.

    Parameters
    ----------
    time
        When it is, from the start of the music [s].
    number
        How many beats were before it.
    position
        Its number in the bar (1 = downbeat), 0 where that is not known yet.
    bpm
        The tempo now [bpm].
    """

    time: float
    number: int
    position: int
    bpm: float


@dataclass(frozen=True)
class Pulse:
    """A 24th of a beat: the clock of MIDI."""

    time: float


@dataclass(frozen=True)
class Start:
    """The pulse begins, with the beat that follows at the same time."""

    time: float


@dataclass(frozen=True)
class Stop:
    """Nothing pulses any more."""

    time: float


@dataclass(frozen=True)
class KeyFound:
    """The key of the last half minute is another than before; None for no key."""

    time: float
    key: str | None
    confidence: float | None = None


Event: TypeAlias = Beat | Pulse | Start | Stop | KeyFound

NAMES = {Beat: "beat", Pulse: "pulse", Start: "start", Stop: "stop", KeyFound: "key"}


def to_object(event: Event, sent: float) -> dict[str, Any]:
    """Return an event as a JSON object; `sent` is when it went out, in the time of the music [s].

    Examples
    --------
    >>> to_object(Stop(2.5), 2.5004)
    {'schema': 2, 'type': 'stop', 'time': 2.5, 'sent': 2.5004}
    """
    fields = {
        name: round(value, 6) if isinstance(value, float) else value
        for name, value in asdict(event).items()
    }
    return {"schema": SCHEMA, "type": NAMES[type(event)], **fields, "sent": round(sent, 6)}
