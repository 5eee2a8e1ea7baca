import io
import json
import socket
import struct
import sys
import time

import mido
import numpy as np
import pytest
import signals

from mirkit.annotation import Key
from mirkit.audio import mixing
from mirkit.errors import AudioWarning, MissingExtra, ParameterError
from mirkit.hosts.live.events import Beat, KeyFound, Pulse, Start, Stop
from mirkit.hosts.live.keywatch import KeyWatch
from mirkit.hosts.live.osc import message
from mirkit.hosts.live.outputs import JsonLines, MidiDevice, MidiPort, Osc
from mirkit.hosts.live.sources import Block, microphone, pace, raw_blocks

BEAT = Beat(1.5, 3, 4, 120.0)


def test_osc_messages_are_those_of_the_specification():
    # the two examples at the end of the OSC 1.0 specification
    assert message("/oscillator/4/frequency", 440.0) == (
        b"/oscillator/4/frequency\0,f\0\0" + bytes.fromhex("43dc0000")
    )
    assert message("/foo", 1000, -1, "hello", 1.234, 5.678) == (
        b"/foo\0\0\0\0,iisff\0\0" + bytes.fromhex("000003e8ffffffff")
        + b"hello\0\0\0" + bytes.fromhex("3f9df3b640b5b22d")
    )  # fmt: skip


@pytest.mark.parametrize("words", [("mirkit",), ("/a", True), ("/a", None)])
def test_what_osc_cannot_say_is_refused(words):
    with pytest.raises(ParameterError, match=r"slash|OSC takes"):
        message(*words)


def test_osc_reaches_a_listener():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(10)
        output = Osc("127.0.0.1", listener.getsockname()[1])
        for event in (Pulse(1.0), BEAT, KeyFound(2.0, "A minor"), Stop(3.0)):
            output.send(event, 1.5)
        packets = [listener.recv(200) for _ in range(4)]
        output.close()
    assert packets[0] == b"/mirkit/beat\0\0\0\0,ifi\0\0\0\0" + struct.pack(">ifi", 4, 120.0, 3)
    assert packets[1] == b"/mirkit/bpm\0,f\0\0" + struct.pack(">f", 120)
    assert packets[2] == b"/mirkit/key\0,s\0\0A minor\0"
    assert packets[3] == b"/mirkit/stop\0\0\0\0,\0\0\0"


def test_osc_without_a_listener_goes_on():
    output = Osc("127.0.0.1", 9)
    for _ in range(3):
        output.send(BEAT, 1.5)
    output.close()


def test_lines_hold_all_but_pulses():
    stream = io.StringIO()
    for event in (Start(1.5), Pulse(1.5), BEAT):
        JsonLines(stream).send(event, 1.5001)
    assert [json.loads(line) for line in stream.getvalue().splitlines()] == [
        {"schema": 2, "type": "start", "time": 1.5, "sent": 1.5001},
        {"schema": 2, "type": "beat", "time": 1.5, "number": 3, "position": 4, "bpm": 120.0,
         "sent": 1.5001},
    ]  # fmt: skip


def test_midi_device_is_written_the_bytes_of_the_clock(tmp_path):
    path = tmp_path / "midiC1D0"
    path.write_bytes(b"")
    output = MidiDevice(path)
    for event in (Start(1.0), BEAT, *[Pulse(1.0)] * 24, Stop(2.0)):
        output.send(event, 1.0)
    assert path.read_bytes() == b"\xfa" + b"\xf8" * 24 + b"\xfc", "each is written at once"
    output.close()
    parser = mido.Parser()
    parser.feed(path.read_bytes())
    kinds = [found.type for found in parser]
    assert kinds == ["start", *["clock"] * 24, "stop", "stop"]
    with pytest.raises(ParameterError, match="nowhere"):
        MidiDevice(tmp_path / "nowhere" / "midi")


def test_midi_without_a_backend_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "rtmidi", None)
    with pytest.raises(MissingExtra, match=r"mirkit\[live\]"):
        MidiPort("mirkit", virtual=True)


def test_websocket_gives_every_client_every_event():
    client = pytest.importorskip("websockets.sync.client")
    from mirkit.hosts.live.websocket import WebSocket

    server = WebSocket("127.0.0.1", 0)
    url = f"ws://127.0.0.1:{server.port}"
    with client.connect(url, proxy=None) as one, client.connect(url, proxy=None) as other:
        deadline = time.monotonic() + 20
        while server.n_clients < 2 and time.monotonic() < deadline:
            time.sleep(0.005)
        for event in (Pulse(1.0), BEAT, Stop(2.0)):
            server.send(event, 1.5)
        for each in (one, other):
            kinds = [json.loads(each.recv(timeout=20))["type"] for _ in range(2)]
            assert kinds == ["beat", "stop"]
        with pytest.raises(ParameterError, match="taken"):
            WebSocket("127.0.0.1", server.port)
        server.close()


def test_websocket_without_its_package_says_what_to_install(monkeypatch):
    from mirkit.hosts.live.websocket import WebSocket

    monkeypatch.setitem(sys.modules, "websockets.sync.server", None)
    with pytest.raises(MissingExtra, match=r"mirkit\[live\]"):
        WebSocket("127.0.0.1", 0)


def test_sound_card_without_its_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(MissingExtra, match=r"mirkit\[live\]"):
        next(microphone(None, 22050, None))


class Trickle(io.RawIOBase):
    """A pipe that gives a few bytes at a time, and never a whole number of frames."""

    def __init__(self, data):
        self.data = data

    def read(self, n=-1):
        n = min(n, 7)
        chunk, self.data = self.data[:n], self.data[n:]
        return chunk


@pytest.mark.parametrize("encoding", ["s16", "s32", "f32"])
def test_raw_samples_are_mixed_and_scaled(encoding):
    left = np.linspace(-0.5, 0.5, 500)
    both = np.stack([left, np.zeros(500)], axis=1)
    scale, kind = {"s16": (32768, "<i2"), "s32": (2**31, "<i4"), "f32": (1, "<f4")}[encoding]
    data = (both * scale).astype(kind).tobytes()
    blocks = list(raw_blocks(Trickle(data), 22050, 22050, 2, encoding))
    heard = np.concatenate([block.samples for block in blocks])
    np.testing.assert_allclose(heard, left / 2, atol=1 / 32768)
    assert blocks[-1].end == pytest.approx(500 / 22050)


def test_channels_that_cancel_are_heard_as_those_of_files_are():
    left = signals.music(4.0, 22050).samples[0]
    both = np.stack([left, -left]).astype(np.float32)
    with pytest.warns(AudioWarning, match=r"the pipe: its channels cancel"):
        blocks = list(raw_blocks(Trickle(both.T.tobytes()), 22050, 22050, 2, "f32"))
    heard = np.concatenate([block.samples for block in blocks])
    with pytest.warns(AudioWarning):
        expected = mixing.mix_to_mono(both, 22050)[0]
    np.testing.assert_array_equal(heard, expected)
    np.testing.assert_array_equal(heard[22050:], left[22050:])
    assert np.abs(np.diff([0.0, *(block.end for block in blocks)])).max() < 0.051


def test_raw_samples_of_another_rate_last_as_long():
    data = np.zeros(44100 * 2, "<i2").tobytes()
    blocks = list(raw_blocks(io.BytesIO(data), 22050, 44100, 2))
    assert sum(len(block.samples) for block in blocks) == pytest.approx(22050, abs=2)
    assert blocks[-1].end == 1.0
    with pytest.raises(ParameterError, match="s16, s32, f32"):
        raw_blocks(io.BytesIO(), 22050, 44100, 2, "u8")


def test_files_are_played_at_their_speed():
    now = [5.0]

    class Clock:
        def now(self):
            return now[0]

    waits = []

    def sleep(seconds):
        waits.append(round(seconds, 6))
        now[0] += seconds

    for i, _ in enumerate(pace([Block(np.zeros(1), 0.1 * k) for k in (1, 2, 3)], Clock(), sleep)):
        now[0] += 0.04 if i == 0 else 0.2  # the second block takes longer than it lasts
    assert waits == [0.1, 0.06]


def test_key_is_told_when_it_changes():
    lengths = []

    def find(x):
        lengths.append(len(x[0]))
        return Key("A minor" if len(lengths) < 3 else None)

    watch = KeyWatch(10, find, seconds=3.0, every=1.0)
    found = [key for i in range(1, 9) for key in watch.hear(np.zeros(5, "f4"), i / 2, wait=True)]
    assert found == [KeyFound(1.0, "A minor"), KeyFound(3.0, None)]
    assert lengths == [10, 20, 30, 30]
