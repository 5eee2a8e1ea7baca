import io
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import signals
import soundfile

import mirkit
from mirkit.audio import Audio, Track
from mirkit.audio.reading import blocks, content_hash, find_audio, read, track
from mirkit.audio.sources import add_hash
from mirkit.errors import AudioError, AudioWarning, ParameterError

TONE = signals.ticks([0.1], 0.3, 8000)


@pytest.mark.parametrize(
    ("source", "match"),
    [
        (["a.wav", "b.wav"], "one call takes one recording"),
        (("a.wav", "b.wav"), "one call takes one recording"),
        ((44100, np.zeros(10)), r"the order is \(samples, sample_rate\)"),
        ((np.zeros(10), 44100, 2), "tuple of 3"),
        ((np.zeros(10), None), "sample_rate is NoneType"),
        ((np.zeros(10), np.zeros(10)), "sample_rate is ndarray"),
        (np.zeros(10), "without a rate"),
        (io.StringIO("RIFF"), "mode 'rb'"),
        ("https://example.org/a.mp3", "downloads nothing"),
        ("file:///tmp/a.mp3", "is a URL"),
        ("a\0b.wav", "zero character"),
        (None, "NoneType; a recording is"),
        (3, "int; a recording is"),
        ((np.zeros(10, np.int64), 8000), "Divide integers of another full scale"),
        ((np.zeros((8000, 2), np.float32), 8000), "Transpose"),
    ],
)
def test_what_is_no_recording_gets_a_guess_of_what_was_meant(source, match):
    with pytest.raises(ParameterError, match=match):
        track(source)


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.uint8, np.float64])
@pytest.mark.parametrize("shape", [(-1,), (1, -1), (-1, 1), (2, -1)])
def test_arrays_of_any_type_are_the_same_recording(dtype, shape):
    floats = np.round(TONE.samples[0] * 100) / 128
    if np.dtype(dtype).kind == "f":
        samples = floats.astype(dtype)
    else:
        info = np.iinfo(dtype)
        middle = 128 if info.min == 0 else 0
        samples = (floats.astype(np.float64) * 2.0 ** (info.bits - 1) + middle).astype(dtype)
    audio = read((samples.reshape(shape), 8000))
    channels = 2 if shape[0] == 2 else 1
    np.testing.assert_array_equal(audio.samples, floats.reshape(channels, -1), strict=True)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, io.BytesIO])
@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_the_content_of_a_file_is_a_recording(save_wav, kind, suffix):
    path = save_wav(f"x.{suffix}", TONE)
    recording = track(kind(path.read_bytes()))
    assert recording.name in ("<bytes>", "<file object>")
    assert read(recording) == read(recording) == read(path)
    assert content_hash(recording) == content_hash(track(path))


def test_bytes_that_are_no_recording_are_told(save_wav):
    path = save_wav("x.wav", TONE)
    with pytest.raises(ParameterError, match=r"bytes that name a file.*x\.wav"):
        track(os.fsencode(path))
    for content in (b"", b"x", b"RIFF", os.fsencode(path) + b"no", bytes(100), b"a" * 10_000):
        with pytest.raises(AudioError, match="<bytes>"):
            read(content)


@pytest.mark.data
def test_every_verb_takes_bytes_and_integers(data_dir):
    path = data_dir / "songs" / "vibe_ace.ogg"
    audio = read(path, 44100, offset=10, duration=4)
    stream = io.BytesIO()
    soundfile.write(stream, audio.samples.T, 44100, format="WAV", subtype="PCM_16")
    integers = np.frombuffer(stream.getvalue()[44:], "<i2").reshape(-1, 2).T
    for verb in (mirkit.beats, mirkit.tempo, mirkit.chords, mirkit.key, mirkit.sections):
        assert verb(stream.getvalue()) == verb(stream) == verb((integers, 44100))


def test_a_missing_file_is_told_with_the_names_that_are_close(save_wav, tmp_path):
    save_wav("My Song.wav", TONE)
    for name in ("my song.wav", "My Sogn.wav", "My Song.mp3"):
        with pytest.raises(AudioError, match=r"does not exist\. Did you mean 'My Song\.wav'"):
            track(tmp_path / name)
    with pytest.raises(AudioError, match=r"does not exist\.$"):
        track(tmp_path / "zzz.ogg")
    with pytest.raises(AudioError, match=r"of its folders, .*does, the next does not"):
        track(tmp_path / "no" / "such" / "x.wav")


def test_a_folder_is_told_with_what_it_holds(save_wav, tmp_path):
    with pytest.raises(AudioError, match="holds no recording"):
        track(tmp_path)
    save_wav("b/x.wav", TONE)
    with pytest.raises(AudioError, match=r"is a folder; one call takes one recording.*x\.wav"):
        read(tmp_path)


def test_a_folder_is_refused_at_once(tmp_path, monkeypatch):
    """Before a model is loaded, and however many files there are below it."""
    for name in range(30):
        (tmp_path / f"{name}.txt").touch()
    (tmp_path / "z.wav").touch()
    monkeypatch.setattr("mirkit.audio.sources._LOOKED_AT", 10)
    monkeypatch.setattr("mirkit.system.load", lambda *args, **settings: pytest.fail("loaded"))
    with pytest.raises(AudioError, match=r"is a folder; one call takes one recording\. Pass"):
        mirkit.beats(tmp_path)


@pytest.mark.parametrize(
    "name", ["with space.wav", "🎵 Björk – Jóga.wav", "-v.wav", "a:b.wav", "%d.wav", "'\"$(x).wav"]
)
def test_any_file_name_works(save_wav, name):
    assert read(save_wav(name, TONE)).n_samples == TONE.n_samples


def test_a_name_that_is_not_utf8_works(save_wav, tmp_path):
    save_wav("x.wav", TONE)
    name = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav")
    try:
        Path(tmp_path, "x.wav").rename(name)
    except OSError:
        pytest.skip("this file system takes no such name")
    assert read(name).n_samples == TONE.n_samples
    assert find_audio([tmp_path]) == [Path(name)]


def test_permission_denied_is_told(save_wav, tmp_path):
    path = save_wav("x.wav", TONE)
    recording = track(path)
    path.chmod(0)
    root = os.geteuid() == 0
    tmp_path.chmod(0o755)
    try:
        if root:  # root reads everything
            os.seteuid(65534)
        with pytest.raises(AudioError, match="permission denied"):
            read(recording)
    finally:
        if root:
            os.seteuid(0)


def test_devices_are_refused():
    with pytest.raises(AudioError, match="is a device"):
        read("/dev/zero")


def test_an_empty_file_is_told(tmp_path):
    (tmp_path / "x.wav").touch()
    with pytest.raises(AudioError, match=r"x\.wav is empty \(0 bytes\)"):
        read(tmp_path / "x.wav")


@pytest.mark.parametrize("suffix", ["wav", "ogg", "aiff"])
def test_a_file_without_samples_is_told(save_wav, suffix):
    path = save_wav(f"x.{suffix}", Audio(np.zeros((1, 0)), 8000))
    with pytest.raises(AudioError, match="holds no samples"):
        read(path)


def test_no_samples_are_told():
    with pytest.raises(AudioError, match="<samples> holds no samples"):
        blocks(([], 8000))


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"Verse 1: it was a dark and stormy night\n" * 50, "text"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "error page"),
        (b"%PDF-1.7\n" + bytes(range(256)) * 8, "PDF"),
        (b"MThd\0\0\0\6\0\1\0\1\3\xc0", "MIDI, which holds notes"),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), "picture"),
        (np.random.default_rng(0).bytes(100_000), "no known kind"),
        (bytes(100_000), "no known kind"),
        (b"x", "text"),
        (b"ID3\4\0\0\0\0\0\0", "MP3, but damaged"),
        (b"\xff\xfb\x90\x64" + bytes(300), "no known kind"),
        (b"ID3\4\0\0\0\0\0\0\xff\xfb\x90\x64" + bytes(5000), "MP3, but damaged"),
    ],
)
@pytest.mark.parametrize("name", ["x.mp3", "x.wav", "x.m4a"])
def test_what_is_no_audio_is_told_with_what_it_looks_like(tmp_path, content, match, name):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(AudioError, match=match):
        read(path)


@pytest.mark.parametrize("name", ["x.mp3", "x.txt", "x", "x.m4a", "x.raw"])
def test_the_content_counts_and_not_the_suffix(save_wav, tmp_path, name):
    save_wav("y.wav", TONE).rename(tmp_path / name)
    assert read(tmp_path / name).n_samples == TONE.n_samples


def test_folders_are_searched_in_order_without_hidden_files(save_wav, tmp_path):
    for name in ("b/2.wav", "b/1.FLAC", "a/x.wav", ".hidden/x.wav", "b/.x.wav"):
        save_wav(name, TONE)
    (tmp_path / "b" / "notes.txt").write_text("")
    found = [path.relative_to(tmp_path).as_posix() for path in find_audio([tmp_path])]
    assert found == ["a/x.wav", "b/1.FLAC", "b/2.wav"]
    assert find_audio(tmp_path) == find_audio([tmp_path, tmp_path / "b", tmp_path / "a/x.wav"])


def test_named_files_are_kept_whatever_they_are_called(tmp_path):
    assert find_audio([tmp_path / "b.dat", tmp_path / "a.wav"]) == [
        tmp_path / "b.dat",
        tmp_path / "a.wav",
    ]


def test_what_is_no_file_is_skipped_in_folders_with_a_word(save_wav, tmp_path):
    save_wav("a/x.wav", TONE)
    os.mkfifo(tmp_path / "a" / "pipe.wav")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.path.relpath(tmp_path / "a" / "socket.mp3"))
    (tmp_path / "a" / "zero.flac").symlink_to("/dev/zero")
    (tmp_path / "a" / "gone.ogg").symlink_to("nowhere")
    with pytest.warns(AudioWarning, match="is skipped") as caught:
        found = find_audio([tmp_path])
    assert [path.name for path in found] == ["gone.ogg", "x.wav"]
    said = "\n".join(str(each.message) for each in caught)
    for words in ("pipe.wav is skipped: it is a named pipe", "it is a socket", "it is a device"):
        assert words in said
    assert len(caught) == 3
    with pytest.raises(AudioError, match=r"socket\.mp3 is a socket, not a recording"):
        read(tmp_path / "a" / "socket.mp3")
    with pytest.raises(AudioError, match=r"zero\.flac is a device, not a recording"):
        read(tmp_path / "a" / "zero.flac")


def test_a_folder_of_pipes_alone_holds_no_recording(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    with (
        pytest.warns(AudioWarning, match="named pipe"),
        pytest.raises(AudioError, match="holds no recording but"),
    ):
        find_audio([tmp_path])


def test_a_folder_without_recordings_is_an_error(tmp_path):
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(AudioError, match=r"holds no recording.*\.wav"):
        find_audio([tmp_path])


def test_the_hash_is_that_of_the_bytes_wherever_they_come_from(save_wav):
    import hashlib

    path = save_wav("x.wav", TONE)
    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    assert content_hash(track(path)) == expected
    assert content_hash(track(io.BytesIO(path.read_bytes()))) == expected
    assert add_hash(track(path)).content_hash == expected
    assert content_hash(Track(path, content_hash="known")) == "known"


def test_the_hash_of_samples_changes_with_samples_rate_and_shape():
    samples = np.arange(8, dtype=np.float32) / 8
    hashes = {
        content_hash(track((samples, 8000))),
        content_hash(track((samples, 16_000))),
        content_hash(track((samples[::-1], 8000))),
        content_hash(track((samples.reshape(2, 4), 8000))),
    }
    assert len(hashes) == 4
    assert content_hash(track((samples.astype(float), 8000))) in hashes


def test_a_file_object_can_be_read_twice():
    stream = io.BytesIO()
    soundfile.write(stream, TONE.samples.T, 8000, format="WAV")
    recording = track(stream)
    assert read(recording) == read(recording)
    content_hash(recording)
    assert read(recording).n_samples == TONE.n_samples


@pytest.mark.parametrize("how", ["redirected", "piped", "named pipe"])
def test_standard_input_and_pipes_are_read(save_wav, tmp_path, how):
    path = save_wav("x.wav", TONE)
    code = "import sys, mirkit.audio.reading as a; print(a.read(sys.argv[1]).n_samples)"
    if how == "named pipe":
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        with subprocess.Popen(["cp", path, pipe]):
            assert read(pipe).n_samples == TONE.n_samples
        return
    command = [sys.executable, "-c", code, "-"]
    if how == "redirected":
        with path.open("rb") as file:
            done = subprocess.run(command, stdin=file, capture_output=True, check=True)
    else:
        done = subprocess.run(command, input=path.read_bytes(), capture_output=True, check=True)
    assert int(done.stdout) == TONE.n_samples
