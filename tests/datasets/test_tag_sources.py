import csv
import json

import pytest

from mirkit.datasets.tag_sources import (
    BERKLEE,
    ENERGIES,
    ESC10,
    OWN_NAMES,
    TEMPI,
    instrument_labels,
    render_truth,
    tag_rows,
    vocabularies,
    write_rows,
)

FOLDERS = ("esc10", "berklee", "ambience", "samples", "songs")


def truth(**changes):
    band = [
        {"role": "keys", "program": 0, "n_notes": 80},
        {"role": "bass", "program": 33, "n_notes": 5},
    ]
    return {
        "instruments": band,
        "drums": False,
        "bpm": 150.0,
        "seconds": 30.0,
        "sound": {},
    } | changes


def labeled(**changes):
    return render_truth(truth(**changes), *map(set, vocabularies()))


def test_labels_are_those_of_audioset(data_dir):
    with (data_dir / "ontology" / "class_labels_indices.csv").open() as file:
        names = {row["display_name"] for row in csv.DictReader(file)}
    music, other = vocabularies()
    assert {*music, *other} - names == set(OWN_NAMES)
    assert not set(music) & set(other)


@pytest.mark.parametrize("name", FOLDERS)
def test_every_label_of_a_source_is_known_and_every_file_is_there(data_dir, name):
    rows = tag_rows({name: data_dir / name})
    music, other = vocabularies()
    everything = {*music, *other}
    for row in rows:
        assert set(row["labels"]) <= set(row["known"]) <= everything
        assert not set(row["labels"]) & set(OWN_NAMES)  # tempo and energy are of rendered music
    if name != "songs":  # where music is repeated
        assert len({row["path"] for row in rows}) == len(rows)


def test_what_is_no_music_has_no_tempo_and_a_note_may(data_dir):
    rows = tag_rows({name: data_dir / name for name in ("esc10", "berklee")})
    for row in rows:
        knows_tempo = set(TEMPI) <= set(row["known"])
        assert knows_tempo == ("Music" in row["known"])
    assert {"Music" in row["known"] for row in rows} == {True, False}


def test_tables_name_every_class_of_their_source(data_dir):
    for name, known in (("esc10", ESC10), ("berklee", BERKLEE)):
        with (data_dir / name / f"{name}.csv").open() as file:
            assert {row["label"] for row in csv.DictReader(file)} == set(known)


def test_a_source_lies_in_one_split(data_dir):
    rows = tag_rows({name: data_dir / name for name in FOLDERS})
    splits = {}
    for row in rows:
        splits.setdefault(row["source"], set()).add(row["split"])
    assert all(len(each) == 1 for each in splits.values())
    assert {row["split"] for row in rows} == {"train", "val"}


def test_a_render_names_its_instruments_tempo_and_energy():
    labels, known = labeled()
    assert {"Music", "Piano", "Keyboard (musical)", TEMPI[2], ENERGIES[0]} <= labels
    assert "Bass guitar" not in labels  # five notes may lie outside an excerpt ...
    assert "Bass guitar" not in known  # ... so nobody knows
    assert {"Drum kit", "Violin, fiddle", "Dog"} <= known - labels


def test_drums_say_nothing_of_their_parts():
    labels, known = labeled(drums=True)
    assert {"Drum kit", "Drum", "Percussion"} <= labels
    assert not {"Hi-hat", "Snare drum"} & known


def test_renders_in_an_ambience_say_nothing_of_other_sounds():
    _, known = labeled(sound={"ambience": "rain"})
    assert not {"Rain", "Dog"} & known


def test_general_midi_families():
    assert "Guitar" in instrument_labels(30)
    assert instrument_labels(127) == set()
    assert {"Brass instrument", "Trumpet"} == instrument_labels(56)


def test_many_renders_are_thinned_evenly(tmp_path):
    for i in range(10):
        clip = truth(song=f"s{i}", split="train")
        (tmp_path / f"{i}.json").write_text(json.dumps(clip))
        (tmp_path / f"{i}.flac").touch()
    rows = tag_rows({"renders-a": tmp_path}, 4)
    assert [row["source"] for row in rows] == ["song/s0", "song/s2", "song/s5", "song/s7"]
    write_rows(rows, tmp_path / "m.jsonl")
    assert len((tmp_path / "m.jsonl").read_text().splitlines()) == 4
