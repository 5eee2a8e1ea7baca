import json

import numpy as np
import pytest
import soundfile

from mirkit.datasets.sound_folders import read_sounds
from mirkit.errors import FormatError


def write(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(100), 8000)


def test_a_folder_of_folders_is_classes(tmp_path):
    for name in ("rain/a.wav", "rain/deep/b.flac", "dog/c.wav", "dog/notes.txt"):
        if name.endswith("txt"):
            (tmp_path / name).write_text("no sound")
        else:
            write(tmp_path / name)
    found = [each.sound for each in read_sounds(tmp_path)]
    assert [(x.path.name, x.labels) for x in found] == [
        ("c.wav", ("dog",)),
        ("a.wav", ("rain",)),
        ("b.flac", ("rain",)),
    ]
    assert len({x.group for x in found}) == 3


def test_a_table_has_folds_sources_and_several_labels(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text('path,labels,fold,source\na.wav,rain; wind,2,x\nb.wav,"rain",,\n')
    first, second = read_sounds(table)
    assert first.sound.path == tmp_path / "a.wav"
    assert first.sound.labels == ("rain", "wind")
    assert (first.sound.fold, first.sound.group) == (2, "x")
    assert (second.sound.fold, second.sound.group, second.known) == (None, None, None)


def test_a_single_label_may_hold_any_character(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("path,label\na.wav,rain; or wind\n")
    assert read_sounds(table)[0].sound.labels == ("rain; or wind",)


def test_a_manifest_says_what_is_known(tmp_path):
    manifest = tmp_path / "m.jsonl"
    rows = [
        {"path": "/a.wav", "labels": ["Dog"], "known": ["Dog", "Cat"], "split": "val"},
        {"path": "b.wav", "labels": []},
    ]
    manifest.write_text("\n".join(map(json.dumps, rows)))
    first, second = read_sounds(manifest)
    assert first.known == ("Dog", "Cat")
    assert first.sound.split == "val"
    assert str(first.sound.path) == "/a.wav"
    assert second.sound.labels == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("label\nrain\n", "line 2 has no 'path'"),
        ("path\na.wav\n", "no 'label' and no 'labels'"),
        ("path,label,fold\na.wav,rain,one\n", "fold is 'one'"),
        ("path,label\n", "holds no recording"),
    ],
)
def test_a_table_that_lacks_something_says_where(tmp_path, text, message):
    table = tmp_path / "t.csv"
    table.write_text(text)
    with pytest.raises(FormatError, match=message):
        read_sounds(table)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(FormatError, match="folder of class folders"):
        read_sounds(tmp_path / "t.xlsx")
