"""Mixxx itself reads what we write: tags when it scans, its library when it plays.

Where Mixxx is not installed these tests are skipped; where MIRKIT_REQUIRE_HOSTS=1, they fail.
"""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from mixxx import Mixxx, missing

from mirkit.decoding.grid import BeatGrid
from mirkit.formats.dj import mixxx, mixxxblobs, protobuf, seratotags, traktor
from mirkit.formats.dj.clocks import mixxx_lead
from mirkit.formats.dj.model import Collection, Cue, DJTrack, Playlist

pytestmark = pytest.mark.host

SECONDS = 40.0
FIRST_SOUND = 1.0  # [s]
GRIDS = {
    "one": BeatGrid([0.25], [128.0], SECONDS),
    "three": BeatGrid([0.5, 10.45, 20.6], [120.0, 131.37, 97.5], SECONDS, [1, 1, 1], [4, 4, 4]),
    "drift": BeatGrid(
        np.cumsum([0.3, *(60 / np.linspace(100, 140, 70))]),
        [*np.linspace(100, 140, 70), 140.0], SECONDS,
    ),
}  # fmt: skip
CUES = (
    Cue(2.0, number=0, name="Drop ä", color=(0xCC, 0, 0)), Cue(5.5, number=4, color=(0, 0, 0xCC)),
    Cue(8.0, 10.0, number=1, name="Loop"),
)  # fmt: skip
FILES = {
    "lame.mp3": ["-c:a", "libmp3lame"],
    "untagged.mp3": ["-c:a", "libmp3lame", "-write_xing", "0"],
    "x.flac": [],
    "x.m4a": ["-c:a", "aac"],
}
DECKS = ("x.flac", "lame.mp3")
BOUND = 1e-3  # [s]
NML = Collection(
    [DJTrack("/music/ä & b.flac", "Title ä", "Artist <x>", "Album", "House", "words", 240.0,
             bit_rate=900000, key="A minor", rating=3, grid=BeatGrid([0.25], [127.97], 240.0)),
     DJTrack("/music/two.mp3", "Two", "B", duration=120.0, key="Eb major",
             grid=BeatGrid([0.25, 60.25], [128.0, 120.0], 120.0))],
    [Playlist("my set", ["/music/two.mp3", "/music/ä & b.flac"])],
)  # fmt: skip


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """Files of every container, silent but for a tone that starts after a second."""
    if absent := missing():
        reason = f"{', '.join(absent)} not installed: Mixxx cannot judge"
        if os.environ.get("MIRKIT_REQUIRE_HOSTS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("mixxx")
    (folder / "music").mkdir()
    time = np.arange(int(SECONDS * 44100)) / 44100
    tone = 0.3 * np.sin(2000 * np.pi * (time - FIRST_SOUND)) * (time >= FIRST_SOUND)
    soundfile.write(folder / "tone.wav", tone, 44100)
    for name, options in FILES.items():
        subprocess.run(["ffmpeg", "-v", "error", "-i", folder / "tone.wav", *options,
                        folder / name], check=True)  # fmt: skip
        for kind in GRIDS:
            shutil.copy(folder / name, folder / "music" / f"{kind}.{name}")
    return folder


@pytest.fixture(scope="module")
def scanned(music):
    """Mixxx after it has read Serato's tags: in all files, in a damaged one, and in two without."""
    for path in (music / "music").iterdir():
        kind = path.name.partition(".")[0]
        seratotags.write(DJTrack(str(path), grid=GRIDS[kind], cues=CUES), lock=kind == "drift")
    damaged = music / "music" / "damaged.mp3"
    shutil.copy(music / "music" / "one.lame.mp3", damaged)
    data = damaged.read_bytes()
    at = data.index(b"Serato Markers2") + 20
    damaged.write_bytes(data[:at] + data[at : at + 24].swapcase() + data[at + 24 :])
    for name in DECKS:
        shutil.copy(music / name, music / "music" / f"deck.{name}")
    host = Mixxx(music / "profile")
    host.scan(music / "music")
    return host, host.warnings()


def tracks(host):
    """What Mixxx has in its own clock: file name to beats [s], lock and cues, by plain decoding."""
    found = {}
    rows = host.query(
        "select library.id, filename, samplerate, beats, beats_version, bpm_lock from library"
        " join track_locations on library.location = track_locations.id"
        " where filename not like 'deck.%'"
    )
    for number, name, rate, beats, version, locked in rows:
        assert version == mixxxblobs.MAP
        frames = [dict(protobuf.fields(beat)).get(1, 0) for _, beat in protobuf.fields(beats)]
        cues = host.query("select type, hotcue, position, length, label, color from cues"
                          " where track_id = ? and type in (1, 4) order by type, hotcue",
                          number)  # fmt: skip
        found[name] = (np.array(frames) / rate, locked, cues, rate)
    return found


def test_mixxx_reads_our_serato_tags_and_complains_of_a_damaged_one_only(scanned):
    host, warnings = scanned
    (warning,) = warnings  # the judge can say no, and says it of no other file
    assert "Unknown inner Serato Markers2 tag version" in warning
    assert len(tracks(host)) == len(GRIDS) * len(FILES) + 1


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", GRIDS)
def test_mixxx_puts_our_serato_grid_where_we_mean(music, scanned, kind, name):
    path = music / "music" / f"{kind}.{name}"
    found, locked, cues, rate = tracks(scanned[0])[path.name]
    lead = mixxx_lead(path)
    beats = GRIDS[kind].beats().times + lead
    beats = beats[beats > BOUND]  # what Mixxx hears no more
    assert len(found) == len(beats)
    assert np.max(np.abs(found - beats)) <= BOUND
    assert locked == (kind == "drift")
    hot, other, loop = [
        (number, position / 2 / rate - lead, length / 2 / rate, label)
        for _, number, position, length, label, _ in cues
    ]
    assert (hot[0], other[0], loop[0]) == (0, 4, 1 if loop[0] == 1 else 9)
    assert (hot[3], loop[3]) == ("Drop ä", "Loop")
    for cue, x in zip(CUES, (hot, other, loop), strict=True):
        assert x[1] == pytest.approx(cue.time, abs=BOUND)
    assert loop[2] == pytest.approx(2.0, abs=BOUND)


@pytest.fixture(scope="module")
def played(music, scanned):
    """Mixxx after two tracks of its library were ours to write, were in its decks, and it quit.

    Meanwhile it has opened our Traktor collection.
    """
    host, _ = scanned
    files = [music / "music" / f"deck.{name}" for name in DECKS]
    tracks = [
        DJTrack(str(files[0]), grid=GRIDS["drift"], key="A minor",
                cues=(*CUES, Cue(1.5, kind="load"), Cue(1, 3, "fade-in"), Cue(30, 35, "fade-out"))),
        DJTrack(str(files[1]), grid=BeatGrid([0.25], [127.0], SECONDS), key="F# major", cues=CUES),
    ]  # fmt: skip
    assert mixxx.update(Collection(tracks), host.database) == {}
    (host.home / "collection.nml").write_bytes(traktor.dumps(NML))
    before = host.query(ROWS)
    host.load(*files, says="Beat calculation", seconds=120, then=host.read_traktor)
    return host, before, tracks


ROWS = (
    "select id, beats, beats_version, beats_sub_version, keys, keys_version, keys_sub_version,"
    " key_id, bpm_lock from library where location in (select id from track_locations where"
    " filename like 'deck.%') order by id"
)


def test_our_rows_survive_deck_and_quit_byte_for_byte(played):
    host, before, _ = played
    assert len(before) == 2
    assert host.query(ROWS) == before


def test_mixxx_sees_no_need_to_analyze(played):
    host, _, _ = played
    log = host.log.read_text(errors="replace")
    assert "Beat calculation skips analyzing" in log
    assert "Beat calculation started" not in log


def test_our_cues_are_still_there(played):
    host, _, tracks = played
    again = mixxx.load(host.database)
    for track in tracks:
        found = again.track(track.location).cues
        for cue in track.cues:
            same = [
                x for x in found if (x.kind, x.number, x.name) == (cue.kind, cue.number, cue.name)
            ]
            assert len(same) == 1, (cue, found)
            assert same[0].time == pytest.approx(cue.time, abs=2e-5)
            assert cue.end is None or same[0].end == pytest.approx(cue.end, abs=4e-5)


def test_mixxx_hears_the_first_sound_where_our_clocks_say(played):
    """Its own analysis of silence, beside the tone's true place."""
    host, _, tracks = played
    for track in tracks:
        (position, rate), = host.query(
            "select position, samplerate from cues join library on cues.track_id = library.id"
            " join track_locations on library.location = track_locations.id"
            " where type = 8 and track_locations.location = ?", track.location,
        )  # fmt: skip
        heard = position / 2 / rate - mixxx_lead(Path(track.location))
        assert heard == pytest.approx(FIRST_SOUND, abs=8e-3)  # what encoders put before an attack


def test_mixxx_reads_our_traktor_collection(played):
    host, _, _ = played
    first, second = host.query(
        "select artist, title, album, genre, location, comment, duration, bitrate, key, rating, bpm"
        " from traktor_library order by id"
    )
    place = "Macintosh HD/music/"
    assert first[:-1] == ("Artist <x>", "Title ä", "Album", "House", f"{place}ä & b.flac", "words",
                          240, 900, "1m", 3)  # fmt: skip
    assert (first[-1], second[-1]) == pytest.approx((127.97, 128.0))  # it keeps 32 bits
    assert (second[0], second[1], second[4], second[6]) == ("B", "Two", f"{place}two.mp3", 120)
    assert second[8] == "10d"
    lists = host.query(
        "select name, title from traktor_playlist_tracks join traktor_playlists"
        " on playlist_id = traktor_playlists.id join traktor_library"
        " on track_id = traktor_library.id order by position"
    )
    assert lists == [("-->my set", "Two"), ("-->my set", "Title ä")]
