import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import signals
import soundfile

from mirkit.audio import Audio, Track
from mirkit.audio.reading import blocks, content_hash, find_audio, hashed, read, track
from mirkit.errors import AudioError, ParameterError

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
        (b"RIFF", "io.BytesIO"),
        (io.StringIO("RIFF"), "mode 'rb'"),
        ("https://example.org/a.mp3", "downloads nothing"),
        ("file:///tmp/a.mp3", "is a URL"),
        ("a\0b.wav", "zero character"),
        (None, "NoneType; a recording is"),
        (3, "int; a recording is"),
        ((np.zeros(10, np.int16), 8000), "Divide 16-bit samples by 32768"),
        ((np.zeros((8000, 2), np.float32), 8000), "Transpose"),
    ],
)
def test_what_is_no_recording_gets_a_guess_of_what_was_meant(source, match):
    with pytest.raises(ParameterError, match=match):
        track(source)


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
    with pytest.raises(AudioError, match=r"is a folder with 1 recordings.*x\.wav"):
        read(tmp_path)


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
    assert hashed(track(path)).content_hash == expected
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
