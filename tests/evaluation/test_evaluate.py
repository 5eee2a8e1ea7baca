import json

import numpy as np
import pytest
import signals
import soundfile

import mirkit
from mirkit.errors import AudioError, FormatError, MissingExtra, ParameterError, UnknownName
from mirkit.evaluation import BENCHMARKS, Benchmark, Item, draw, evaluate
from mirkit.evaluation.items import read_items, spread
from mirkit.evaluation.systems import parse_system

RATE = 8000
CALLS = []


def estimator(name):
    """A system that answers with how loud a clip is, or fails."""
    if name not in ("loud", "half", "broken"):
        raise UnknownName("system", name, ["loud", "half", "broken"])

    def answer(audio):
        CALLS.append((name, audio.n_samples))
        if name == "broken" and audio.n_samples > 3 * RATE:
            raise AudioError("too long for me")
        return float(np.abs(audio.samples).max()) / (2 if name == "half" else 1)

    return answer


@pytest.fixture
def toy(monkeypatch):
    """A benchmark whose score is an estimate's nearness to the number in a text file."""
    benchmark = Benchmark(
        task="toy",
        measures={"near": "nearness", "never": "never there"},
        headline=("near",),
        systems=("loud", "half"),
        reference=lambda path: float(path.read_text()),
        estimator=estimator,
        score=lambda truth, found: {"near": 1 - abs(truth - found)},
        fingerprint=lambda name: f"{name} 1",
        subsets={"slow ones": {"speed": "slow"}, "none": {"speed": "no such"}},
    )
    monkeypatch.setitem(BENCHMARKS, "toy", benchmark)
    CALLS.clear()
    return benchmark


@pytest.fixture
def clips(tmp_path):
    """Six clips of three songs, the last of them four seconds long."""
    items = []
    for i in range(6):
        audio, truth = tmp_path / f"clip{i}.wav", tmp_path / f"clip{i}.txt"
        samples = np.zeros((4 if i == 5 else 2) * RATE)
        samples[100] = (i + 1) / 8
        soundfile.write(audio, samples, RATE, subtype="FLOAT")
        truth.write_text(str((i + 1) / 8))
        columns = {"song": "abc"[i // 2], "speed": "slow" if i < 2 else "fast"}
        items.append(Item(audio.stem, audio, truth, columns))
    return items


def test_means_and_differences_are_those_of_the_scores(toy, clips):
    report = evaluate("toy", clips, by="speed", n_draws=200)
    halves = 1 - np.arange(1, 7) / 16
    assert report.means == {
        "loud": {"near": pytest.approx(1)},
        "half": {"near": pytest.approx(halves.mean())},
    }
    assert set(report.differences) == {"half"}
    assert report.differences["half"]["near"].mean == pytest.approx(halves.mean() - 1)
    low, high = report.intervals["half"]["near"].low, report.intervals["half"]["near"].high
    assert low < halves.mean() < high
    assert [part.name for part in report.summaries] == ["all", "slow ones"]
    assert [(part.n_clips, part.n_groups) for part in report.summaries] == [(6, 3), (2, 1)]
    assert report.summaries[1].means["half"]["near"].low is None
    assert [part.name for part in report.groups] == ["fast", "slow"]
    assert report.groups[0].means["half"]["near"].mean == pytest.approx(halves[2:].mean())


def test_a_clip_is_decoded_once_for_all_systems(toy, clips, monkeypatch):
    from mirkit.audio import reading

    read, n_reads = reading.read, []
    monkeypatch.setattr(
        reading, "read", lambda path, **options: n_reads.append(path) or read(path, **options)
    )
    evaluate("toy", clips, n_draws=10)
    assert len(n_reads) == 6
    assert len(CALLS) == 12


def test_a_system_that_fails_on_a_clip_harms_no_other(toy, clips):
    report = evaluate("toy", clips, systems=["loud", "broken"], n_draws=10)
    (clip, system, failure) = report.failed[0]
    assert (len(report.failed), clip, system) == (1, "clip5", "broken")
    assert failure.message == "too long for me"
    assert report.intervals["loud"]["near"].n == 6
    assert report.intervals["broken"]["near"].n == 5
    assert report.differences["broken"]["near"].n == 5
    assert "1 failed" in report.table()


def test_a_clip_that_is_not_there_fails_for_all_systems(toy, clips):
    clips[2].audio.unlink()
    report = evaluate("toy", clips, n_draws=10)
    assert [(clip, system) for clip, system, _ in report.failed] == [
        ("clip2", "loud"), ("clip2", "half"),
    ]  # fmt: skip
    assert len(report.rows) == 10


def test_what_was_kept_is_not_done_again_and_a_line_cut_off_is(toy, clips, tmp_path):
    kept = tmp_path / "kept.jsonl"
    whole = evaluate("toy", clips, keep=kept, n_draws=10)
    lines = kept.read_text().splitlines()
    assert len(lines) == 12
    kept.write_text("\n".join(lines[:7]) + "\n" + lines[7][:30])
    CALLS.clear()
    again = evaluate("toy", clips, keep=kept, n_draws=10)
    assert len(CALLS) == 5
    assert again.means == whole.means
    assert sorted(kept.read_text().splitlines()) == sorted(lines)


def test_scores_of_other_weights_are_not_used(toy, clips, tmp_path, monkeypatch):
    from dataclasses import replace

    kept = tmp_path / "kept.jsonl"
    evaluate("toy", clips, keep=kept, n_draws=10)
    monkeypatch.setitem(BENCHMARKS, "toy", replace(toy, fingerprint=lambda name: f"{name} 2"))
    CALLS.clear()
    evaluate("toy", clips, keep=kept, n_draws=10)
    assert len(CALLS) == 12


def test_a_kept_file_of_something_else_is_refused(toy, clips, tmp_path):
    kept = tmp_path / "kept.jsonl"
    for text in ("beats\nof a song\n", "beats"):
        kept.write_text(text)
        with pytest.raises(FormatError, match="line 1 is no score"):
            evaluate("toy", clips, keep=kept)
        assert kept.read_text() == text


def test_the_report_prints_as_a_table_and_as_strict_json(toy, clips):
    report = evaluate("toy", clips, by="speed", n_draws=50)
    table = report.table()
    assert "half - loud" in table
    assert "nearness by speed" in table
    assert "never there" not in table
    lines = [line for line in table.splitlines() if "nearness  " in line]
    assert len(lines) == 2
    assert "1.000 [1.000, 1.000]" in lines[0]
    value = json.loads(report.to_json())
    assert value["schema"] == 2
    assert value["parts"][0]["means"]["half"]["near"]["n"] == 6
    assert len(value["rows"]) == 12
    assert value["failed"] == []


def test_the_report_is_drawn(toy, clips, tmp_path):
    report = evaluate("toy", clips, by="speed", n_draws=10)
    draw(report).savefig(tmp_path / "report.png")
    assert (tmp_path / "report.png").read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_the_plot_names_the_line_that_installs_it(toy, clips, monkeypatch):
    import sys

    report = evaluate("toy", clips, n_draws=10)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtra, match=r"pip install 'mirkit\[plot\]'"):
        draw(report)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"systems": []}, ParameterError, "systems is empty"),
        ({"systems": ["lout"]}, UnknownName, "Did you mean 'loud'"),
        ({"against": "broken"}, ParameterError, "against is 'broken'"),
        ({"by": "style"}, ParameterError, "the columns are song, speed"),
        ({"clips": 0}, ParameterError, "clips is 0"),
        ({"n_draws": 0}, ParameterError, "n_draws is 0"),
        ({"split": "test"}, ParameterError, "split is 'test'; there are none"),
        ({"system": ["loud"]}, UnknownName, "setting of toy 'system'. Did you mean 'systems'"),
        ({"ontology": "x"}, UnknownName, "setting of toy 'ontology'"),
    ],
)
def test_what_is_wrong_is_named_before_any_work(toy, clips, options, error, message):
    with pytest.raises(error, match=message):
        evaluate("toy", clips, **options)
    assert not CALLS


def test_two_items_of_one_name_are_refused(toy, clips):
    with pytest.raises(ParameterError, match="'clip1' is the name of two items"):
        evaluate("toy", [*clips, clips[1]])


def test_a_task_without_a_benchmark_is_unknown():
    with pytest.raises(UnknownName, match="unknown task 'baet'"):
        evaluate("baet", "anything")


def test_fewer_clips_are_evenly_spaced(clips):
    assert [item.name for item in spread(tuple(clips), 3)] == ["clip0", "clip2", "clip4"]
    assert len(spread(tuple(clips), 60)) == 6


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    """Two click tracks with their beats beside them, in a folder and in a table."""
    folder = tmp_path_factory.mktemp("songs")
    lines = ["audio,annotation,style,song"]
    for name, bpm in (("slow", 90), ("fast", 120)):
        audio = signals.click_track(bpm, n_beats=30, sample_rate=22050)
        soundfile.write(folder / f"{name}.wav", audio.samples.T, audio.sample_rate)
        beats = mirkit.Beats(0.5 + np.arange(30) * 60 / bpm, np.arange(30) % 4 + 1)
        suffix = ".jams" if name == "slow" else ".beats"
        mirkit.save(beats, folder / f"{name}{suffix}")
        lines.append(f"{name}.wav,{name}{suffix},clicks,{name}")
    (folder / "board.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_a_folder_and_a_table_are_the_same_benchmark(songs):
    of_folder, of_table = read_items(songs), read_items(songs / "board.csv")
    assert sorted(item.name for item in of_folder) == sorted(item.name for item in of_table)
    assert {item.columns["style"] for item in of_table} == {"clicks"}
    report = evaluate("beats", songs, systems=["tempogram"], n_draws=10)
    assert report.means["tempogram"]["f_measure"] > 0.95
    assert not report.failed


def test_the_benchmark_of_beats_scores_what_the_verb_finds(songs):
    report = evaluate("beats", songs / "board.csv", systems=["tempogram+dp"], n_draws=10)
    row = next(row for row in report.rows if row.clip == "fast")
    found = mirkit.beats(songs / "fast.wav", model="tempogram", decoder="dp")
    by_hand = mirkit.score(mirkit.read(songs / "fast.beats"), found).mean()
    assert row.scores == by_hand
    assert row.song == "fast"


def test_a_tempo_is_scored_against_a_number_or_beats(songs, tmp_path):
    found = evaluate("tempo", songs, systems=["tempogram"], n_draws=10)
    assert found.means == {"tempogram": {"tempo_accuracy_1": 1, "tempo_accuracy_2": 1}}
    twice = [Item("slow", songs / "slow.wav", mirkit.Tempo(180))]
    means = evaluate("tempo", twice, systems=["tempogram"], n_draws=10).means["tempogram"]
    assert means == {"tempo_accuracy_1": 0, "tempo_accuracy_2": 1}
    mirkit.save(mirkit.Tempo(45.0), tmp_path / "slow.json")
    scores = mirkit.score(tmp_path / "slow.json", songs / "slow.jams", "tempo").mean()
    assert scores == {"tempo_accuracy_1": 0, "tempo_accuracy_2": 1}


def test_a_split_is_selected(toy, clips):
    from dataclasses import replace

    halves = [
        replace(item, columns={**item.columns, "split": "train" if i < 4 else "test"})
        for i, item in enumerate(clips)
    ]
    report = evaluate("toy", halves, split="test", n_draws=10)
    assert {row.clip for row in report.rows} == {"clip4", "clip5"}
    with pytest.raises(ParameterError, match="there are test, train"):
        evaluate("toy", halves, split="val")


def test_a_value_of_another_task_is_refused():
    with pytest.raises(ParameterError, match="from Beats or Tempo, or a path, not Key"):
        mirkit.score(mirkit.Key("C major"), mirkit.Key("C major"))


def test_rendered_clips_are_read_with_their_columns(tmp_path):
    truth = {
        "schema": 1, "clip_id": "c1", "style": "samba", "meter": "2/4", "drums": True,
        "positions": None, "beats": [0.5, 1.0], "song": "own-1", "bpm": 120,
    }  # fmt: skip
    (tmp_path / "c1.json").write_text(json.dumps(truth))
    soundfile.write(tmp_path / "c1.flac", np.zeros(800), RATE)
    manifest = tmp_path / "clips.jsonl"
    manifest.write_text('{"clip_id": "c1", "style": "samba"}\n{"clip_id": "c2"}\n')
    first, second = read_items(manifest)
    assert (first.columns["drums"], first.columns["meter"], first.song) == ("1", "2/4", "own-1")
    assert second.song == "c2"
    assert len(BENCHMARKS["beats"].reference(first.reference)) == 2
    (alone,) = read_items(tmp_path)
    assert alone.columns["style"] == "samba"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "columns audio and"),
        ("audio,annotation\n", "neither the column"),
        ("", "none"),
    ],
)
def test_a_table_that_is_no_manifest_is_refused(tmp_path, text, message):
    (tmp_path / "board.csv").write_text(text)
    with pytest.raises((FormatError, ParameterError), match=message):
        read_items(tmp_path / "board.csv")


def test_a_manifest_that_is_absent_or_a_folder_without_pairs_is_named(tmp_path):
    with pytest.raises(ParameterError, match="is not there"):
        read_items(tmp_path / "no.csv")
    soundfile.write(tmp_path / "lonely.wav", np.zeros(800), RATE)
    with pytest.raises(ParameterError, match="share a name"):
        read_items(tmp_path)


def test_a_system_needs_a_model():
    assert parse_system("beat-tcn") == {
        "model": "beat-tcn", "decoder": None, "prior": None, "weights": None,
    }  # fmt: skip
    full = parse_system("key-crnn+viterbi?prior=minor=.8,major=.2@x.onnx")
    assert full == {
        "model": "key-crnn", "decoder": "viterbi", "prior": {"minor": 0.8, "major": 0.2},
        "weights": "x.onnx",
    }  # fmt: skip
    for wrong in ("key-crnn?prior=", "key-crnn?", "key-crnn?weight=1"):
        with pytest.raises(ParameterError, match="MODEL"):
            parse_system(wrong)
    with pytest.raises(ParameterError, match="MODEL"):
        parse_system("@x.onnx")
