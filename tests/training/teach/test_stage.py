import json

import numpy as np
import pytest
import soundfile

from mirkit.activations import Activations, Head, Provenance
from mirkit.errors import FormatError, ParameterError, UnknownName
from mirkit.frames import FrameGrid
from mirkit.training.teach import stage
from mirkit.training.teach.recipe import read_teach_recipe
from mirkit.training.teach.stage import Heard, cut_spans, pool, teach

RATE = 8000
LABELS = ("Dog", "Music", "Rain")


class Loud:
    """A teacher that takes loudness for a dog, and quiet for rain; one window per half second."""

    sample_rate = RATE
    provenance = Provenance("loud", weights_hash="ab" * 32)

    def activations(self, blocks, heads=None):
        x = np.concatenate([block[0] for block in blocks])
        level = np.array([np.abs(x[i : i + RATE // 2]).max() for i in range(0, len(x), RATE // 2)])
        grid = FrameGrid.from_fps(2, start=0.25)
        p = np.stack([level, 1 - level], axis=1).astype(np.float32)
        made = {"frames": Head(p, ("Bark", "Rain"), grid)}
        names = ("0", "1", "2")
        e = np.stack([level, 2 * level, 0 * level], axis=1).astype(np.float32)
        made["frame_embedding"] = Head(e, names, grid, "embedding")
        return Activations({name: made[name] for name in heads or made}, self.provenance)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder with a loud and quiet recording of 8 s and a quiet one of 1 s."""
    monkeypatch.setattr(stage.registry, "load_model", lambda name, weights=None: Loud())
    late = np.concatenate([np.zeros(6 * RATE), 0.8 * np.ones(2 * RATE)])
    soundfile.write(tmp_path / "late.wav", late, RATE)
    soundfile.write(tmp_path / "quiet.wav", np.zeros(RATE), RATE)
    rows = [
        {"path": "late.wav", "labels": ["Music"], "known": ["Music"]},
        {"path": "quiet.wav", "labels": ["Rain"], "known": ["Rain"], "source": "made/1"},
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "all.jsonl").write_text(text, "utf-8")
    return tmp_path


def recipe(folder, teachers="", top=""):
    path = folder / "teach.toml"
    path.write_text(
        f'task = "teach"\nname = "t"\nfolder = "{folder}/out"\ndata = "{folder}/all.jsonl"\n'
        f'window = 4.0\nlabels = ["Dog", "Music", "Rain"]\n{top}\n'
        f'[[teachers]]\nmodel = "yamnet"\n{teachers}\n[teachers.names]\nBark = "Dog"\n',
        "utf-8",
    )
    return path


def taught(path):
    with np.load(teach(path)) as file:
        return {name: file[name] for name in file.files}


def test_every_window_has_what_the_teacher_heard_there(folder):
    found = taught(recipe(folder))
    assert [path.rsplit("/")[-1] for path in found["paths"]] == ["late.wav"] * 2 + ["quiet.wav"]
    assert found["spans"].tolist() == [[0, 4], [4, 8], [0, np.inf]]
    p = 1 / (1 + np.exp(-found["logits"].astype(np.float64)))
    assert p[:, 0] == pytest.approx([0, (0.4 + 0.8) / 2, 0], abs=2e-3)  # half of it, and most
    assert tuple(found["labels"]) == LABELS


def test_what_people_heard_is_there_and_what_nobody_was_asked_is_unknown(folder):
    logits = taught(recipe(folder))["logits"]
    p = 1 / (1 + np.exp(-logits.astype(np.float64)))
    assert p[:2, 1] == pytest.approx(0.9, abs=1e-3)  # the label Music, which the teacher lacks
    assert np.isnan(logits[2, 1])
    assert p[2, 2] == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("setting", ['only = "Music"', 'without = ["made/"]'])
def test_a_teacher_is_asked_about_some_recordings_only(folder, setting):
    logits = taught(recipe(folder, setting))["logits"]
    assert np.isfinite(logits[:2, 0]).all()
    assert np.isnan(logits[2, 0])


def test_hints_are_the_dimensions_that_vary_most(folder):
    found = taught(recipe(folder, "hints = 2"))
    assert found["labels"].tolist()[3:] == ["yamnet: embedding 0", "yamnet: embedding 1"]
    p = 1 / (1 + np.exp(-found["logits"].astype(np.float64)))
    assert p[:, 3:] == pytest.approx(np.array([[0, 0], [0.5, 0.5], [0, 0]]), abs=0.05)


def test_labels_of_the_teacher_alone_may_be_hints(folder):
    path = recipe(folder, "others = true")
    path.write_text(path.read_text().replace("[teachers.names]\n", "").replace('Bark = "Dog"', ""))
    assert taught(path)["labels"].tolist() == [*LABELS, "yamnet: Bark"]


def test_who_taught_is_kept(folder):
    teach(recipe(folder))
    (told,) = json.loads((folder / "out" / "teachers.json").read_text())
    assert told["weights_hash"] == "ab" * 32
    assert (told["model"], told["license_weights"]) == ("yamnet", "Apache-2.0")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (("Bark =", "Woof ="), UnknownName, "Woof"),
        (('"Dog", "Music", "Rain"', '"Cat"'), ParameterError, "knows no label"),
        (("window = 4.0", "window = 0.0"), FormatError, "window"),
        (("window =", "windows ="), FormatError, "windows"),
        (('"teach"', '"tags"'), FormatError, "mirkit train"),
        (("[[teachers]]", "[teachers]"), FormatError, r"\[\[teachers\]\]"),
    ],
)
def test_what_cannot_be_taught_is_refused(folder, change, error, message):
    path = recipe(folder)
    path.write_text(path.read_text().replace(*change), "utf-8")
    with pytest.raises(error, match=message):
        teach(path)


def test_a_recipe_without_teachers_is_refused(folder):
    path = folder / "none.toml"
    path.write_text('name = "t"\ndata = "x"\nlabels = ["Dog"]\nteachers = []\n', "utf-8")
    with pytest.raises(FormatError, match="teachers is empty"):
        read_teach_recipe(path)


def test_windows_cover_a_recording():
    for seconds in (0.3, 5.4, 5.6, 12.0, 61.7):
        spans = cut_spans(seconds, 5.0)
        ends = [0.0, *(end for _, end in spans)]
        assert all(start <= end + 1e-9 for (start, _), end in zip(spans, ends, strict=False))
        assert spans[-1][1] >= seconds - 1e-9


def test_a_span_without_the_middle_of_a_window_takes_the_nearest():
    times = np.array([0.5, 1.5])
    heard = Heard(np.eye(2, dtype=np.float32), np.empty((2, 0), np.float32), times)
    assert heard.within((1.0, np.inf)) == slice(1, 2)
    assert heard.within((0.0, 0.2)) == slice(0, 1)
    assert heard.within((0.0, np.inf)) == slice(0, 2)


def test_a_sound_that_comes_once_counts_half():
    assert pool(np.array([[0.0], [1.0], [0.0], [0.0]], np.float32)) == pytest.approx([0.625])
