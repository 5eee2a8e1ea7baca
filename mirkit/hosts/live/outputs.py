"""Outputs of events. An output takes any event, sends what it has a form for, and does not wait."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any, Protocol, TextIO

from mirkit.errors import MissingExtra, ParameterError
from mirkit.hosts.live.events import Beat, Event, KeyFound, Pulse, Start, Stop, to_object
from mirkit.hosts.live.osc import message


class Output(Protocol):
    """Sender of events."""

    def send(self, event: Event, sent: float) -> None:
        """Send an event; `sent` is the time of the music now [s]."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


class JsonLines:
    """One JSON object a line, for all but pulses."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def send(self, event: Event, sent: float) -> None:
        """Write a line."""
        if not isinstance(event, Pulse):
            print(json.dumps(to_object(event, sent)), file=self.stream, flush=True)

    def close(self) -> None:
        """Leave the stream to its owner."""


class Osc:
    """OSC over UDP: ``/mirkit/beat position bpm number``, ``/mirkit/bpm``, ``/mirkit/key``, ….

    Nobody need listen: what is not received is lost.
    """

    def __init__(self, host: str, port: int) -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        except OSError as error:
            raise ParameterError(f"OSC host {host!r} is not known: {error}") from None
        self.address: Any = found[4]
        self.socket = socket.socket(found[0], socket.SOCK_DGRAM)
        self.socket.setblocking(False)

    def send(self, event: Event, sent: float) -> None:
        """Send the messages of an event."""
        for packet in packets(event):
            try:
                self.socket.sendto(packet, self.address)
            except OSError:  # no listener, no route, or a full buffer: the next beat may arrive
                continue

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()


def packets(event: Event) -> list[bytes]:
    """Return an event as OSC messages; a pulse has none."""
    if isinstance(event, Beat):
        beat = message("/mirkit/beat", event.position, float(event.bpm), event.number)
        return [beat, message("/mirkit/bpm", float(event.bpm))]
    if isinstance(event, KeyFound):
        return [message("/mirkit/key", event.key or "")]
    if isinstance(event, Start):
        return [message("/mirkit/start")]
    return [message("/mirkit/stop")] if isinstance(event, Stop) else []


STATUS = {"clock": 0xF8, "start": 0xFA, "stop": 0xFC}
MIDI: dict[type[Event], str] = {Pulse: "clock", Start: "start", Stop: "stop"}


class MidiPort:
    """MIDI clock to a port: 24 pulses a beat, start and stop."""

    def __init__(self, name: str, *, virtual: bool = False) -> None:
        import mido

        try:
            self.port = mido.open_output(name, virtual=virtual)
        except ImportError:
            raise MissingExtra(
                "python-rtmidi", "pip install 'mirkit[live]'", "a MIDI port"
            ) from None
        except (OSError, ValueError) as error:
            known = ", ".join(mido.get_output_names()) or "none"
            raise ParameterError(f"MIDI port {name!r}: {error}; ports here: {known}") from None

    def send(self, event: Event, sent: float) -> None:
        """Send the message of an event, if it has one."""
        import mido

        if type(event) in MIDI:
            self.port.send(mido.Message(MIDI[type(event)]))

    def close(self) -> None:
        """Stop what runs, and close the port."""
        self.send(Stop(0.0), 0.0)
        self.port.close()


class MidiDevice:
    """MIDI clock as raw bytes into a device such as ``/dev/snd/midiC1D0``, a pipe or a file."""

    def __init__(self, path: Path) -> None:
        try:
            self.stream = path.open("wb", buffering=0)
        except OSError as error:
            raise ParameterError(f"MIDI device {path} cannot be written: {error}") from None

    def send(self, event: Event, sent: float) -> None:
        """Write the byte of an event, if it has one."""
        if type(event) in MIDI:
            self.stream.write(bytes([STATUS[MIDI[type(event)]]]))

    def close(self) -> None:
        """Stop what runs, and close the device."""
        self.send(Stop(0.0), 0.0)
        self.stream.close()
