from pathlib import Path

import pytest

from mirkit.datasets.real import (
    PACKS,
    SHARE,
    RealFile,
    draw_test,
    is_trained_on,
    join_recordings,
    read_real,
    read_test,
    write_test,
)
from mirkit.errors import FormatError

TABLE = Path(__file__).parents[2] / "data" / "manifests" / "real-test.csv"


@pytest.fixture(scope="module")
def files(data_dir):
    return read_real(data_dir)


@pytest.fixture(scope="module")
def recordings(files):
    return join_recordings(files)


def made(n, pack="sounds", **known):
    return [
        RealFile(
            f"{pack}/{i}.ogg", f"{pack}{i}", frozenset({f"{pack} {i}", *known.get(str(i), ())})
        )
        for i in range(n)
    ]


def test_files_of_one_identity_are_one_recording_through_others_too():
    a = RealFile("music/a.ogg", "a", frozenset({"a"}))
    b = RealFile("sounds/b.ogg", "b", frozenset({"b", "freesound 1"}))
    c = RealFile("samples/c.flac", "c", frozenset({"c", "freesound 1", "freesound 2"}))
    d = RealFile("songs/d.ogg", "d", frozenset({"freesound 2"}))
    for order in ([a, b, c, d], [d, a, c, b], [b, d, c, a]):
        joined = join_recordings(order)
        assert {name: {f.group for f in each} for name, each in joined.items()} == {
            "a": {"a"},
            "b": {"b", "c", "d"},
        }


def test_what_is_drawn_hangs_on_no_order_and_on_the_seed():
    files = [*made(60), *made(30, "music")]
    drawn = draw_test(join_recordings(files))
    assert drawn == draw_test(join_recordings(files[::-1]))
    assert sorted(name.split()[0] for name in drawn) == ["music"] * 3 + ["sounds"] * 6
    assert set(drawn) != set(draw_test(join_recordings(files), seed=1))


def test_a_recording_that_weights_were_trained_on_is_not_drawn():
    files = [*made(10, **{"3": ("x",)}), RealFile("songs/s.ogg", "s", frozenset({"x"}))]
    everything = draw_test(join_recordings(files), share=0.9)
    assert len(everything) == 9
    assert "sounds 3" not in everything


def test_a_table_is_read_as_it_was_written(tmp_path):
    drawn = draw_test(join_recordings(made(20)))
    write_test(tmp_path / "test.csv", drawn)
    held = read_test(tmp_path / "test.csv")
    assert held == {file.path: name for name, each in drawn.items() for file in each}
    (tmp_path / "other.csv").write_text("path,label\na,b\n")
    for wrong in ("other.csv", "nothing.csv"):
        with pytest.raises(FormatError, match=wrong):
            read_test(tmp_path / wrong)


def test_the_table_is_what_the_script_draws(recordings, tmp_path):
    write_test(tmp_path / "again.csv", draw_test(recordings))
    assert (tmp_path / "again.csv").read_bytes() == TABLE.read_bytes()


def test_a_tenth_of_each_pack_is_held_out(recordings):
    names = set(read_test(TABLE).values())
    for pack in PACKS:
        own = {name for name, each in recordings.items() if any(f.pack == pack for f in each)}
        assert len(names & own) == round(SHARE * len(own))


def test_each_recording_lies_on_one_side(files, recordings):
    held = read_test(TABLE)
    assert set(held) <= {file.path for file in files}
    for each in recordings.values():
        assert len({file.path in held for file in each}) == 1
    groups = [{(f.pack, f.group) for f in files if (f.path in held) is side} for side in (0, 1)]
    assert not groups[0] & groups[1]
    assert not any(is_trained_on(recordings[name]) for name in held.values())


SAME = [
    ("songs/vibe_ace.ogg", "music/librosa-data/Vibe_Ace_0.ogg"),
    ("songs/humpback.ogg", "sounds/librosa_data/glacier_bay_humpback_hq_2.ogg"),
    ("songs/solo_trumpet_06.ogg", "music/librosa-data/solo_trumpet_06_0.ogg"),
    ("songs/solo_trumpet_06.ogg", "sounds/librosa_data/sorohanro_solo_trumpet_06_hq.ogg"),
    ("music/sms-tools/sax_phrase_0.ogg", "music/sms-tools/sax_phrase_short_0.ogg"),
    ("samples/loop_amen_full.flac", "music/sonic-pi/loop_amen_full_0.ogg"),
    (
        "music/classical-pd/Vivaldi_Summer_Presto_1_0.ogg",
        "music/classical-pd/Vivaldi_Summer_Presto_3_0.ogg",
    ),
]


@pytest.mark.parametrize(("one", "other"), SAME, ids=lambda path: Path(path).stem)
def test_the_same_recording_is_known_in_all_folders(recordings, one, other):
    own = next(each for each in recordings.values() if one in {file.path for file in each})
    assert other in {file.path for file in own}


def test_what_esc_10_shares_with_the_sounds_is_joined(data_dir, recordings):
    import csv

    with (data_dir / "sounds" / "all.csv").open(newline="") as file:
        shared = {f"sounds/{row['folder']}/{row['file']}" for row in csv.DictReader(file)
                  if row["in_esc10"] == "yes"}  # fmt: skip
    joined = {
        file.path
        for each in recordings.values()
        if {"esc10", "sounds"} <= {file.pack for file in each}
        for file in each
    }
    assert shared
    assert shared <= joined


def test_every_held_out_file_is_there(data_dir):
    assert all((data_dir / path).is_file() for path in read_test(TABLE))


def test_a_folder_that_is_no_data_pack_is_refused(tmp_path):
    with pytest.raises(FormatError, match=r"all\.csv is not there; is this the data pack"):
        read_real(tmp_path)
