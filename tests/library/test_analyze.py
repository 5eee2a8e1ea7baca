import os
import signal
import time

import numpy as np
import pytest
import soundfile
from libraries import FAST, table

import mirkit
from mirkit.annotation import Key
from mirkit.batch import Failure
from mirkit.errors import ParameterError
from mirkit.library import Library
from mirkit.library.executors import Processes
from mirkit.library.makers import makers
from mirkit.library.worker import Job, Outcome


def test_a_library_holds_what_the_verbs_find(library, tmp_path, clicks):
    path = clicks(tmp_path / "clicks.wav", 126)
    library.add(path)
    assert library.analyze().n_done == 1
    row = library.track(path)
    found = mirkit.analyze(path, tasks=["beats", "tempo", "chords", "key", "sections"])
    for task, value in found.items():
        assert library.get(row.id, task) == value, task
    assert library.get(row.id, "loudness") == mirkit.loudness(path)
    vector = library.get(row.id, "embed").values
    np.testing.assert_array_equal(vector, mirkit.embed(path).values)
    assert library.get(row.id, "tags") == mirkit.tags(path, top=50, threshold=0.01)
    assert row.bpm == pytest.approx(found["tempo"].bpm)
    assert (row.duration, row.status) == (found.duration, "done")
    assert library.analysis(row.id)["beats"] == found["beats"]


def test_every_file_ends_as_a_row_and_a_second_run_does_nothing(library, music):
    library.add(music)
    report = library.analyze(["beats", "loudness"], settings=FAST)
    assert (report.n_done, report.n_failed) == (2, 1)
    (row,) = {row.path: row for row in library.failures()}.values()
    assert row.path == str(music / "a" / "broken.mp3")
    assert row.type == "AudioError"
    assert library.status().tracks == {"done": 2, "failed": 1, "new": 0}
    again = library.analyze(["beats", "loudness"], settings=FAST)
    assert again.n_done + again.n_failed == 0
    assert library.analyze(["beats"], settings=FAST, retry=True).n_failed == 1


def test_another_model_and_another_task_are_left_to_do(library, music):
    library.add(music)
    library.analyze(["loudness"])
    assert library.plan(["loudness"]).n_tracks == 0
    plan = library.plan(["loudness", "beats"], settings=FAST)
    assert (plan.n_tracks, plan.tasks) == (3, {"beats": 3, "loudness": 0})
    library.analyze(["beats"], settings=FAST)
    hinted = {"beats": {"model": "tempogram", "hint_bpm": 60.0}}
    assert library.plan(["beats"], settings=FAST).n_tracks == 0
    assert library.plan(["beats"], settings=hinted).n_tracks == 3


def test_processes_find_the_same_as_one(library, music, tmp_path, clicks):
    for i in range(3):
        clicks(music / f"{i}.wav", 100 + i, seed=i)
    library.add(music)
    library.analyze(["beats", "loudness"], settings=FAST)
    with Library(tmp_path / "two.db") as two:
        two.add(music)
        seen = []
        report = two.analyze(["beats", "loudness"], settings=FAST, n_jobs=2, progress=seen.append)
        assert (report.n_done, report.n_failed) == (5, 1)
        assert table(two) == table(library)
    assert [each.n_done for each in seen] == [1, 2, 3, 4, 5, 6]
    assert seen[-1].n_total == 6
    assert seen[0].in_hand
    assert seen[-1].eta == 0


def die(job):
    if job.path == "b":
        os.kill(os.getpid(), signal.SIGKILL)
    return Outcome((), "h", 1.0)


def test_a_process_that_dies_costs_its_own_file_only():
    wanted = tuple(makers(["key"]).values())
    jobs = [Job(i, name, wanted) for i, name in enumerate("abcd")]
    outcomes = {job.path: outcome for job, outcome in Processes(2).run(die, iter(jobs))}
    assert {path: bool(outcome.results) for path, outcome in outcomes.items()} == {
        "a": False, "b": True, "c": False, "d": False,
    }  # fmt: skip
    assert outcomes["b"].results[0].value == Failure(
        "AudioError", "b: the process that read it died (signal 9)"
    )


def test_new_tags_alone_cost_no_analysis_and_keep_corrections(library, music):
    path = music / "b" / "fast.flac"
    library.add(music)
    library.analyze(["beats"], settings=FAST)
    library.correct(library.track(path).id, "key", Key("A minor"))
    import mutagen

    file = mutagen.File(path)
    file["title"] = ["Another"]
    file.save()
    library.add()
    new = library.track(path)
    assert (new.status, new.key) == ("new", None)
    report = library.analyze(["beats"], settings=FAST)
    assert (report.n_same, report.n_done) == (1, 0)
    row = library.track(path)
    assert (row.title, row.key, row.status) == ("Another", "A minor", "done")
    other = library.track(music / "b" / "copy.flac")
    assert other.audio_hash == row.audio_hash
    assert library.get(row.id, "beats") == library.get(other.id, "beats")
    assert [[x.id for x in group] for group in library.duplicates()] == [[other.id, row.id]]


def test_what_is_taken_over_is_completed(library, music, clicks):
    path = music / "a" / "slow.wav"
    library.add(music)
    library.analyze(["loudness"])
    samples, rate = soundfile.read(path)
    soundfile.write(path, samples, rate, format="WAVEX")  # another header, the same samples
    assert library.add().n_changed == 1
    library.analyze(["loudness", "beats"], settings=FAST)
    row = library.track(path)
    assert library.get(row.id, "beats").bpm == pytest.approx(90, abs=1)
    assert library.get(row.id, "loudness") is not None


def test_a_file_that_is_gone_is_no_failure(library, music):
    library.add(music)
    (music / "a" / "slow.wav").unlink()
    report = library.analyze(["loudness"])
    assert (report.n_gone, report.n_done, report.n_failed) == (1, 1, 1)


def test_a_limit_is_kept(library, music):
    library.add(music)
    report = library.analyze(["loudness"], limit=1)
    assert report.n_done + report.n_failed == 1
    assert library.plan(["loudness"]).n_tracks == 2


def test_a_share_of_the_time_is_worked(library, music):
    library.add(music)
    start = time.monotonic()
    report = library.analyze(["loudness"], share=0.2)
    assert time.monotonic() - start > 4 * report.work_seconds
    with pytest.raises(ParameterError, match="in percent"):
        library.analyze(["loudness"], share=50, retry=True)


def test_long_recordings_are_decoded_again_and_not_kept(monkeypatch, music):
    from mirkit.library import worker

    job = Job(1, str(music / "a" / "slow.wav"), tuple(makers(["beats", "loudness"], FAST).values()))
    kept = worker.work(job)
    monkeypatch.setattr(worker, "MOST_KEPT", 1000)
    again = worker.work(job)
    assert [x.value for x in again.results] == [x.value for x in kept.results]
    assert again.audio_hash == kept.audio_hash


def test_tags_and_embedding_share_one_run_of_the_model(monkeypatch, music):
    from mirkit.library import worker
    from mirkit.sound.tag.model import Tagger

    runs = []
    plain = Tagger.activations
    monkeypatch.setattr(
        Tagger, "activations", lambda self, *args: runs.append(1) or plain(self, *args)
    )
    job = Job(1, str(music / "a" / "slow.wav"), tuple(makers(["tags", "embed"]).values()))
    assert len(worker.work(job).results) == 2
    assert runs == [1]
