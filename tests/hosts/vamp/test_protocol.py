import io
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mirkit.errors import FormatError
from mirkit.hosts.vamp import worker
from mirkit.hosts.vamp.outputs import without_padding
from mirkit.hosts.vamp.protocol import (
    Feature,
    Hello,
    pack_features,
    pack_hello,
    parse_hello,
    read_message,
    unpack_features,
    write_message,
)

floats = st.floats(allow_nan=False, allow_infinity=False, width=32)
features = st.builds(
    Feature,
    st.integers(0, 2**32 - 1),
    floats,
    st.lists(floats, max_size=3).map(tuple),
    st.text("aé♭:𝄫 ", max_size=5),
    st.none() | floats,
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # the first draw imports, on a busy machine
@given(st.lists(features, max_size=5))
def test_features_survive_the_socket(some):
    assert unpack_features(pack_features(some)) == some


def test_messages_come_one_by_one_until_the_end():
    stream = io.BytesIO()
    write_message(stream, "A", b"1234")
    write_message(stream, "F")
    stream.write(b"A\x09\x00")  # cut short
    stream.seek(0)
    assert [read_message(stream) for _ in range(3)] == [("A", b"1234"), ("F", b""), None]


def test_library_of_another_protocol_is_told_to_be_compiled_anew():
    hello = Hello("beats", 48000.0, 120.0)
    assert parse_hello(pack_hello(hello)) == hello
    stereo = Hello("key", 48000.0, 0.0, 2)
    assert parse_hello(pack_hello(stereo)) == stereo
    for content in (b"", struct.pack("=Idd", 1, 1, 1) + b"beats", struct.pack("=I", 2)):
        with pytest.raises(FormatError, match="mirkit vamp install"):
            parse_hello(content)


def served(*messages):
    """What the worker answers to these messages."""
    said, heard = io.BytesIO(), io.BytesIO()
    for kind, content in messages:
        write_message(said, kind, content)
    said.seek(0)
    worker.serve(said, heard)
    heard.seek(0)
    return list(iter(lambda: read_message(heard), None))


HELLO = ("H", pack_hello(Hello("key", 22050.0)))


def test_nothing_heard_is_nothing_found():
    assert served(HELLO, ("F", b"")) == [("R", b""), ("O", pack_features([]))]


def test_reset_forgets_the_audio_before(monkeypatch):
    monkeypatch.setenv("MIRKIT_VAMP_KEY", "librosa-key")
    noise = np.full(100, np.nan, np.float32).tobytes()
    answers = served(HELLO, ("A", noise), ("Z", b""), ("A", bytes(88200)), ("F", b""))
    assert answers == [("R", b""), ("O", pack_features([]))]


@pytest.mark.parametrize(
    ("hello", "audio", "message"),
    [
        (Hello("key", 22050.0), np.full(9, np.nan, np.float32), "sample 0 of channel 0 is nan"),
        (Hello("key", 0.0), np.zeros(9, np.float32), "the sample rate is 0 Hz"),
        (Hello("chord", 22050.0), np.zeros(9, np.float32), "Did you mean 'chords'"),
    ],
)
def test_faults_are_answers(hello, audio, message, monkeypatch):
    monkeypatch.setenv("MIRKIT_VAMP_KEY", "librosa-key")
    (_, (kind, text)) = served(("H", pack_hello(hello)), ("A", audio.tobytes()), ("F", b""))
    assert kind == "E"
    assert message in text.decode()


@pytest.mark.parametrize(
    ("n_zeros", "n_left"), [(0, 5000), (1, 5000), (1023, 5000), (1024, 5001), (9999, 13976)]
)
def test_zeros_that_fill_the_last_block_are_not_heard(n_zeros, n_left):
    samples = np.zeros(5000 + n_zeros, np.float32)
    samples[:5000:2], samples[4999] = 0.1, -0.1
    assert without_padding(samples[None]).shape == (1, n_left)
    both = np.stack([np.zeros_like(samples), samples])
    assert without_padding(both).shape == (2, n_left)


def test_a_block_of_zeros_alone_is_nothing():
    assert without_padding(np.zeros((2, 1023), np.float32)).size == 0


def test_what_is_no_protocol_is_answered_too():
    assert served(("F", b""))[0][0] == "E"
    assert b"'Q'" in served(("Q", b""))[0][1]
    assert served(("H", b"old"))[0][0] == "E"


def test_faults_of_our_own_are_told_with_their_trace(monkeypatch, capsys):
    from mirkit.hosts.vamp import outputs

    monkeypatch.setattr(outputs, "features_of", lambda *_: 1 / 0)
    (_, (kind, text)) = served(HELLO, ("F", b""))
    assert (kind, text) == ("E", b"ZeroDivisionError: division by zero (a fault of mirkit's)")
    assert "Traceback" in capsys.readouterr().err
