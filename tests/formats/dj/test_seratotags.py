"""Serato's blocks in recordings: they come back, and nothing else changes."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mirkit.decoding.grid import BeatGrid
from mirkit.errors import AudioError, FormatError, MissingExtra
from mirkit.formats.dj import serato, seratotags
from mirkit.formats.dj.anchors import deviation
from mirkit.formats.dj.model import Collection, Cue, DJTrack

mutagen = pytest.importorskip("mutagen")

GRID = BeatGrid([0.25, 30.5], [128.0, 126.5], 60.0, [1, 1], [4, 4])
CUES = (Cue(0.25, number=0, name="in", color=(1, 2, 3)), Cue(2.0, 4.0, number=3, name="Loop"))
ENCODERS = {"mp3": "libmp3lame", "m4a": "aac"}


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """A quiet second in every container, with tags that must stay."""
    folder = tmp_path_factory.mktemp("serato")
    samples = np.random.default_rng(0).normal(0, 0.01, 44100)
    soundfile.write(folder / "x.wav", samples, 44100)
    soundfile.write(folder / "x.aiff", samples, 44100)
    soundfile.write(folder / "x.flac", samples, 44100)
    for suffix, codec in ENCODERS.items():
        subprocess.run(
            ["ffmpeg", "-v", "error", "-i", folder / "x.wav", "-c:a", codec, "-metadata",
             "title=A titlé", "-metadata", "artist=keep", "-metadata", "date=2020-05-17",
             folder / f"x.{suffix}"], check=True,
        )  # fmt: skip
    return folder


@pytest.fixture(params=["mp3", "aiff", "flac", "m4a"])
def recording(request, recordings, tmp_path):
    path = tmp_path / f"x.{request.param}"
    path.write_bytes((recordings / path.name).read_bytes())
    return path


def track(path, **values):
    return DJTrack(str(path), **({"grid": GRID, "cues": CUES} | values))


def test_grid_cues_tempo_and_lock_come_back(recording):
    seratotags.write(track(recording), lock=True)
    found = seratotags.read(recording)
    assert found.locked
    assert deviation(GRID, found.track.grid) <= 1e-3
    assert found.autotags == serato.Autotags(128.0)
    assert found.track.tempo == pytest.approx(128.0, abs=0.005)
    for a, b in zip(CUES, found.track.cues, strict=True):
        assert (a.number, a.name) == (b.number, b.name)
        assert b.time == pytest.approx(a.time, abs=6e-4)
    assert [x.name for x in recording.parent.iterdir()] == [recording.name]


def other_tags(path):
    """All tags but Serato's, in bytes, in no order."""
    data = path.read_bytes()
    if path.suffix == ".flac":
        return sorted(x for x in mutagen.File(path).tags if not x[0].startswith("SERATO"))
    if path.suffix == ".m4a":
        at = data.index(b"ilst") - 4
        atoms = list(atoms_of(data[at + 8 : at + int.from_bytes(data[at : at + 4], "big")]))
        return sorted(atom for atom in atoms if b"com.serato.dj" not in atom)
    at = data.find(b"ID3")
    return [] if at < 0 else sorted(x for x in frames_of(data[at:]) if b"Serato" not in x)


def atoms_of(data):
    while data:
        size = int.from_bytes(data[:4], "big")
        yield data[:size]
        data = data[size:]


def frames_of(data):
    """The frames of an ID3 tag, whose sizes have seven bits a byte in version 4."""

    def seven(b):
        return b[0] << 21 | b[1] << 14 | b[2] << 7 | b[3]

    size = seven if data[3] == 4 else lambda b: int.from_bytes(b, "big")
    data = data[10 : 10 + seven(data[6:10])]
    while data[:1] > b"\0":
        end = 10 + size(data[4:8])
        yield data[:end]
        data = data[end:]


def sound(path):
    """The encoded packets, or the samples where they are not encoded."""
    return subprocess.run(
        ["ffmpeg", "-v", "error", "-i", path, "-map", "0:a", "-c", "copy", "-f", "framemd5", "-"],
        check=True, capture_output=True,
    ).stdout  # fmt: skip


def test_other_tags_stay_byte_for_byte_and_so_does_the_sound(recording):
    tags, packets = other_tags(recording), sound(recording)
    for bpm in (120.0, 96.0):
        seratotags.write(track(recording, grid=BeatGrid([0.5], [bpm], 60.0)), lock=False)
        assert other_tags(recording) == tags
        assert seratotags.read(recording).track.grid.bpms[0] == bpm
    assert sound(recording) == packets
    if recording.suffix in (".mp3", ".m4a"):
        assert len(tags) >= 3


def test_odd_frames_of_id3_stay_as_they_are(recordings, tmp_path):
    """A year of version 2.3, a text with a zero behind it, a frame that no one knows; ID3v1 too."""
    path = tmp_path / "x.mp3"
    from mutagen.id3 import ID3

    path.write_bytes((recordings / "x.mp3").read_bytes())
    ID3(path).delete(path)
    frames = b"".join(
        name + len(body).to_bytes(4, "big") + b"\0\0" + body
        for name, body in [(b"TYER", b"\x002020"), (b"TDAT", b"\x001705"), (b"TIT2", b"\x00x\0"),
                           (b"XYZW", b"mine"), (b"PRIV", b"me\0\1\2")]
    )  # fmt: skip
    old = b"TAG" + b"old title".ljust(125, b"\0")
    head = b"ID3\3\0\0" + bytes([0, 0, len(frames) >> 7, len(frames) & 127]) + frames
    path.write_bytes(head + path.read_bytes() + old)
    tags = other_tags(path)
    assert len(tags) == 5
    seratotags.write(track(path))
    assert other_tags(path) == tags
    assert path.read_bytes()[:4] == b"ID3\3"
    assert path.read_bytes().endswith(old)
    assert path.read_bytes().count(b"TAGold") == 1
    assert seratotags.read(path).track.cues[0].name == "in"


def test_a_locked_grid_is_left_alone(recording):
    seratotags.write(track(recording), lock=True)
    before = recording.read_bytes()
    other = track(recording, grid=BeatGrid([0.5], [100.0], 60.0), cues=())
    with pytest.raises(FormatError, match="locked in Serato"):
        seratotags.write(other)
    assert recording.read_bytes() == before
    seratotags.write(other, force=True)
    found = seratotags.read(recording)
    assert (found.locked, found.track.tempo, len(found.track.cues)) == (True, 100.0, 2)
    seratotags.write(track(recording, grid=None, cues=CUES[:1]), lock=False)
    found = seratotags.read(recording)
    assert (found.locked, found.track.tempo, len(found.track.cues)) == (False, 100.0, 1)


def test_times_in_an_mp3_count_what_serato_plays(recordings, tmp_path):
    """The frame of the tag, and the delay that the tag tells."""
    path = tmp_path / "x.mp3"
    path.write_bytes((recordings / "x.mp3").read_bytes())
    seratotags.write(track(path))
    raw = seratotags.read(path, mp3_offset=0.0).track
    assert raw.grid.times[0] == pytest.approx(0.25 + (1152 + 1105) / 44100, abs=1e-6)
    assert raw.cues[0].time == 0.301
    seratotags.write(track(path), mp3_offset=0.01)
    assert seratotags.read(path, mp3_offset=0.0).track.grid.times[0] == pytest.approx(0.26)


def test_gains_and_unknown_entries_stay_and_stale_markers_go(recordings, tmp_path):
    from mutagen.id3 import GEOB, ID3

    path = tmp_path / "x.mp3"
    path.write_bytes((recordings / "x.mp3").read_bytes())
    marks = serato.marks_bytes(CUES, old=serato.Marks(entries=(("COLOR", b"\0\1\2\3"),)))
    old = ID3(path)
    for name, data in [("Serato Autotags", serato.autotags_bytes(serato.Autotags(99, -3.5, 1))),
                       ("Serato Markers2", marks), ("Serato Markers_", b"\2\5"),
                       ("Serato Overview", b"picture")]:  # fmt: skip
        old.add(GEOB(encoding=0, mime="application/octet-stream", desc=name, data=data))
    old.save(path)
    seratotags.write(track(path))
    found = ID3(path)
    assert "GEOB:Serato Markers_" not in found
    assert found["GEOB:Serato Overview"].data == b"picture"
    assert seratotags.read(path).autotags == serato.Autotags(128, -3.5, 1)
    entries = serato.read_marks(found["GEOB:Serato Markers2"].data).entries
    assert entries[0] == ("COLOR", b"\0\1\2\3")


def test_interruption_leaves_the_old_file(recording, monkeypatch):
    """At each sync and rename; within the copy nothing of the file itself is touched."""
    before = recording.read_bytes()
    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:

            def fail(*args):
                raise OSError("no power")

            patch.setattr("os.fsync" if name == "fsync" else "pathlib.Path.replace", fail)
            with pytest.raises(OSError, match="no power"):
                seratotags.write(track(recording))
        assert recording.read_bytes() == before
        assert list(recording.parent.iterdir()) == [recording]


@pytest.mark.parametrize("step", [1, 2, 3, 5, 8, 13, 21])
def test_interruption_at_any_write_of_the_copy_leaves_the_old_file(recording, monkeypatch, step):
    """The n-th write into the copy fails half way, as where the disk is full."""
    import builtins

    before, left, real = recording.read_bytes(), [step], builtins.open

    class Full:
        def __init__(self, file):
            self.file = file

        def __getattr__(self, name):
            return getattr(self.file, name)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.file.close()

        def write(self, data):
            left[0] -= bool(data)  # mutagen tries whether it may write
            if left[0] == 0 and data:
                self.file.write(data[: len(data) // 2])
                raise OSError(28, "No space left on device")
            return self.file.write(data)

    def opened(path, mode="r", *args, **kwargs):
        file = real(path, mode, *args, **kwargs)
        return Full(file) if "+" in mode and ".tmp" in str(path) else file

    monkeypatch.setattr(builtins, "open", opened)
    try:
        seratotags.write(track(recording))
    except OSError:  # AudioError too
        assert recording.read_bytes() == before
    else:
        monkeypatch.undo()
        assert seratotags.read(recording).track.cues
    assert list(recording.parent.iterdir()) == [recording]
    assert left[0] < step  # something was written


def test_what_serato_does_not_tag_is_refused(recordings, tmp_path):
    for suffix, content in [(".wav", (recordings / "x.wav").read_bytes()), (".mp3", b"no music")]:
        path = tmp_path / f"x{suffix}"
        path.write_bytes(content)
        with pytest.raises(AudioError, match="x"):
            seratotags.write(track(path))
        assert path.read_bytes() == content


def test_without_mutagen_the_message_says_how_to_get_it(recordings, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "mutagen", None)
    with pytest.raises(MissingExtra, match=r"pip install 'mirkit\[tags\]'"):
        seratotags.read(recordings / "x.flac")


def test_what_comes_back_of_a_collection_is_told():
    (found,) = seratotags.again(Collection([track("/a.mp3", key="Am", duration=60.0)])).tracks
    assert (found.key, found.tempo, len(found.cues)) == (None, 128.0, 2)
    assert deviation(GRID, found.grid) <= 1e-3


@pytest.mark.parametrize("suffix", ["mp3", "aiff"])
def test_serato_tools_finds_what_we_write(recordings, tmp_path, suffix):
    pytest.importorskip("serato_tools")
    from serato_tools.track_beatgrid import TrackBeatgrid
    from serato_tools.track_cues_v2 import TrackCuesV2

    path = Path(tmp_path / f"x.{suffix}")
    path.write_bytes((recordings / path.name).read_bytes())
    seratotags.write(track(path), lock=True, mp3_offset=0.0)
    assert TrackBeatgrid(str(path)).entries[0].position == 0.25
    assert [entry.NAME for entry in TrackCuesV2(str(path)).entries] == ["CUE", "LOOP", "BPMLOCK"]
