"""One rule for all containers: whole, cut, or open, by the length that is announced."""

import io

import numpy as np
import pytest
import signals
import soundfile
from encoders import encode

from mirkit.audio import Audio
from mirkit.audio.codecs import containers
from mirkit.audio.reading import blocks, read
from mirkit.errors import AudioError

SOUND = signals.music(2.0, 8000)
STEREO = np.stack([SOUND.samples[0], 0.5 * SOUND.samples[0][::-1]])
KINDS = {
    # suffix: the library's name, and how the samples are written
    "wav": ("WAV", "PCM_16"),
    "float.wav": ("WAV", "FLOAT"),
    "adpcm.wav": ("WAV", "IMA_ADPCM"),
    "wavex": ("WAVEX", "PCM_24"),
    "rf64": ("RF64", "PCM_16"),
    "w64": ("W64", "PCM_16"),
    "aiff": ("AIFF", "PCM_16"),
    "aifc": ("AIFF", "FLOAT"),
    "ima4.aifc": ("AIFF", "IMA_ADPCM"),
    "au": ("AU", "PCM_16"),
    "ulaw.au": ("AU", "ULAW"),
    "caf": ("CAF", "PCM_16"),
    "voc": ("VOC", "PCM_16"),
    "svx": ("SVX", "PCM_16"),
    "avr": ("AVR", "PCM_16"),
    "mpc": ("MPC2K", "PCM_16"),
    "nist": ("NIST", "PCM_16"),
    "wve": ("WVE", "ALAW"),
    "sds": ("SDS", "PCM_16"),
    "mat4": ("MAT4", "DOUBLE"),
    "mat5": ("MAT5", "DOUBLE"),
}
MONO = {"svx", "wve", "sds"}
COUNTED = {"avr", "mpc", "nist", "wve", "sds", "mat4", "mat5"}  # have a count and no chunk


def written(kind, **kwargs):
    """The sound in a file of that kind, as bytes."""
    name, subtype = KINDS[kind]
    stream = io.BytesIO()
    samples = STEREO[:1] if kind in MONO else STEREO
    soundfile.write(stream, samples.T, 8000, format=name, subtype=subtype, **kwargs)
    return stream.getvalue()


def behind(content, mark):
    return content.index(mark) + len(mark)


def with_sizes(kind, content, size):
    """The file as its writer left it that put `size` where it did not know the length."""
    content = bytearray(content)
    word, long = (
        (size & (1 << n) - 1).to_bytes(n // 8, "big" if kind in ("aiff", "au", "caf") else "little")
        for n in (32, 64)
    )
    if kind == "au":
        content[8:12] = word
    elif kind == "caf":
        at = behind(content, b"data")
        content[at : at + 8] = long
    elif kind == "w64":
        at = behind(content, b"data") + 12
        content[at : at + 8] = long
    elif kind == "rf64":
        content[20:44] = long * 3  # ds64 has the sizes, data refers to it
    else:
        content[4:8] = word
        at = behind(content, b"SSND" if kind == "aiff" else b"data")
        content[at : at + 4] = word
    return bytes(content)


@pytest.mark.parametrize("kind", KINDS)
def test_whole_files_are_read_and_tell_their_length(tmp_path, kind):
    path = tmp_path / f"x.{kind}"
    path.write_bytes(written(kind))
    with blocks(path, mono=False) as stream:
        samples = np.concatenate(list(stream), axis=1)
        assert stream.duration == samples.shape[1] / 8000
    assert samples.shape[1] >= SOUND.n_samples
    error = samples[:, :16_000] - (STEREO[:1] if kind in MONO else STEREO)
    assert np.sqrt(np.mean(error**2)) < 0.03


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.4, 0.9])
def test_cut_files_say_where_and_are_read_up_to_there(tmp_path, kind, share):
    content = written(kind)
    path = tmp_path / f"x.{kind}"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(AudioError, match=r"announces (2\.\d+|1\.99) s, but after [01]\.") as error:
        read(path)
    hint = float(str(error.value).rsplit("duration=", 1)[1])
    assert hint == pytest.approx(2 * share, abs=0.15)
    for rate, mono in ((None, False), (11025, True)):
        part = read(path, rate, mono=mono, duration=hint)
        assert part.duration == pytest.approx(hint, abs=1e-3)
    whole = tmp_path / f"whole.{kind}"
    whole.write_bytes(content)
    assert read(path, duration=hint) == read(whole, duration=hint)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - COUNTED - {"adpcm.wav", "ima4.aifc"}))
def test_one_byte_that_is_missing_is_missed(tmp_path, kind):
    content = written(kind)
    path = tmp_path / f"x.{kind}"
    path.write_bytes(content.rstrip(b"\0")[:-1] if kind == "voc" else content[:-1])
    with pytest.raises(AudioError, match="damaged or cut short"):
        read(path)


@pytest.mark.parametrize("kind", ["wav", "wavex", "rf64", "w64", "aiff", "au", "caf"])
@pytest.mark.parametrize("size", [0, 2**64 - 1, 2**64 - 4096, 2**63 - 1])
def test_files_whose_writer_did_not_know_the_length_are_whole(tmp_path, kind, size):
    path = tmp_path / f"x.{kind}"
    path.write_bytes(written(kind))
    expected = read(path)
    path.write_bytes(with_sizes(kind, path.read_bytes(), size))
    assert read(path) == expected
    assert read(io.BytesIO(path.read_bytes())) == expected
    assert read(path, offset=0.5, duration=1) == read(
        path.with_name(path.name), offset=0.5, duration=1
    )


@pytest.mark.parametrize("kind", ["wav", "aiff"])
def test_a_length_near_2_to_the_31_is_open_too(tmp_path, kind):
    path = tmp_path / f"x.{kind}"
    path.write_bytes(written(kind))
    expected = read(path)
    path.write_bytes(with_sizes(kind, path.read_bytes(), 0x7FFFF000))
    assert read(path) == expected


def test_a_long_file_that_is_cut_is_not_open(tmp_path):
    path = tmp_path / "x.wav"
    path.write_bytes(with_sizes("wav", written("wav"), 3 * 2**30))
    with pytest.raises(AudioError, match=r"announces 100\d+\.\d+ s, but after 2\.000 s"):
        read(path)


@pytest.mark.parametrize("known", [True, False])
def test_rf64_may_leave_the_size_of_its_data_to_ds64_by_0_too(tmp_path, known):
    content = bytearray(written("rf64"))
    path = tmp_path / "x.wav"
    path.write_bytes(content)
    expected = read(path)
    at = behind(content, b"data")
    content[at : at + 4] = bytes(4)
    if not known:
        content[20:44] = bytes(24)
    path.write_bytes(content)
    assert read(path) == expected


def test_bw64_is_rf64(tmp_path, monkeypatch):
    content = written("rf64")
    monkeypatch.setenv("PATH", "/nowhere")  # without ffmpeg
    path = tmp_path / "x.wav"
    path.write_bytes(b"BW64" + content[4:])
    assert read(path) == read(io.BytesIO(content))
    path.write_bytes(b"BW64" + content[4:40_000])
    with pytest.raises(AudioError, match=r"announces 2\.000 s, but after 1\.2"):
        read(path)


@pytest.mark.data
def test_the_cases_of_users(cases):
    with pytest.raises(AudioError, match=r"announces 8\.000 s, but after 3\.997 s"):
        read(cases / "r02_cut.rf64.wav")
    audio = read(cases / "r03_size0.wav")
    assert (audio.n_samples, audio.sample_rate) == (64_000, 8000)
    assert np.abs(audio.samples).max() > 0.1


@pytest.mark.parametrize("kind", ["wav", "rf64", "aiff", "caf"])
def test_a_file_without_samples_has_none_whatever_follows(tmp_path, kind):
    name, subtype = KINDS[kind]
    stream = io.BytesIO()
    with soundfile.SoundFile(
        stream, "w", 8000, 1, format=name, subtype=subtype, closefd=False
    ) as file:
        file.title = "Nothing"  # a chunk behind that of the sound
    path = tmp_path / f"x.{kind}"
    path.write_bytes(stream.getvalue())
    with pytest.raises(AudioError, match="holds no samples"):
        read(path)


@pytest.mark.parametrize("kind", ["wav", "aiff", "w64", "caf", "au"])
def test_what_follows_the_sound_is_no_sound(tmp_path, kind):
    path = tmp_path / f"x.{kind}"
    content = written(kind)
    path.write_bytes(content)
    expected = read(path)
    path.write_bytes(content + b"junk" * 100)
    assert read(path) == expected


def test_chunks_before_the_sound_are_skipped(tmp_path):
    content = written("wav")
    at = content.index(b"data")
    chunk = b"LIST" + (1001).to_bytes(4, "little") + bytes(1002)  # at an odd place none begins
    path = tmp_path / "x.wav"
    path.write_bytes(content[:at] + chunk + content[at:])
    assert read(path) == Audio(read(io.BytesIO(content)).samples, 8000)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(AudioError, match=r"announces 2\.000 s, but after 1\.9"):
        read(path)


@pytest.mark.parametrize("codec", ["wavpack", "tta", "alac_streamable", "matroska"])
def test_what_ffmpeg_reads_follows_the_rule(tmp_path, codec):
    """Cut where no packet is, so that ffmpeg itself sees no damage."""
    source = tmp_path / "x.wav"
    soundfile.write(source, np.tile(STEREO, 3).T, 8000)
    path = encode(codec, source, tmp_path)
    assert read(path).duration == pytest.approx(6.0, abs=0.01)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(AudioError, match=r"announces 6\.0\d\d s, but after"):
        read(path)


def test_an_mp3_in_a_wav_is_whole(tmp_path):
    source = tmp_path / "x.wav"
    soundfile.write(source, STEREO.T, 8000)
    path = encode("mp3_in_wav", source, tmp_path)
    assert read(path).duration == pytest.approx(2.0, abs=0.2)


def test_other_bytes_announce_nothing():
    for content in (b"", b"RIFF", b"RIFF\0\0\0\0AVI ", b"RIFF\0\0\0\0WAVE", b"caff\0\1", bytes(99)):
        content = containers.look(io.BytesIO(content))
        assert content is None or (content.share, content.n_announced) == (1.0, None)
