import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from mirkit.annotation import Events
from mirkit.errors import FormatError, ParameterError
from mirkit.formats import dcase, read
from mirkit.rendering import effects
from mirkit.rendering.scenes import (
    SceneEvent,
    SceneSpec,
    SoundReader,
    SoundSource,
    choose_labels,
    find_sources,
    mix_scene,
    plan_scenes,
    read_scenes,
    render_scenes,
    write_scenes,
)
from mirkit.rendering.scenes.mix import AUDIBLE, CEILING, SAMPLE_RATE, find_audible, tile, trim

MANIFESTS = Path(__file__).parents[2] / "data" / "manifests"
RATE = SAMPLE_RATE


def noise(seconds, seed=0, level=0.1):
    rng = np.random.default_rng(seed)
    return (level * rng.standard_normal(round(seconds * RATE))).astype(np.float32)


SOUNDS = {"bed": noise(3), "short": noise(0.5, 1), "long": noise(20, 2), "quiet": noise(1, 3, 0.01)}


def spec(*events, seconds=4.0, background="bed", db=-40.0, **settings):
    settings = {"background_labels": (), "background_start": 0.3, **settings}
    return SceneSpec("x", seconds, 7, background, background_db=db, events=events, **settings)


def event(path, start=1.0, labels=("Dog",), max_length=30.0, **settings):
    return SceneEvent(path, labels, start, max_length, **settings)


def mix(*events, **settings):
    return mix_scene(spec(*events, **settings), SOUNDS.__getitem__)


def test_a_short_background_never_stops_nor_dips():
    bed = tile(SOUNDS["bed"], 10 * RATE, 0.3)
    level = np.sqrt(np.square(bed).reshape(-1, RATE // 20).mean(axis=1))
    assert len(bed) == 10 * RATE
    assert level.min() > 0.07
    assert level.max() < 0.14


@pytest.mark.parametrize("start", [0.0, 0.01, 0.5, 0.999])
def test_a_background_begins_within_the_recording_and_is_as_loud_at_once(start):
    bed = tile(SOUNDS["bed"], RATE, start)
    assert np.sqrt(np.square(bed[: RATE // 10]).mean()) == pytest.approx(0.1, rel=0.3)


def test_parts_sum_to_the_mix_sample_by_sample():
    scene = mix(event("short"), event("long", start=2.0, speed=1.1))
    assert scene.samples.shape == (4 * RATE,)
    assert len(scene.parts) == 3
    np.testing.assert_array_equal(scene.samples, np.sum(scene.parts, axis=0, dtype=np.float32))


@pytest.mark.parametrize("start", [0.0, 1.0, 3.7])
def test_an_event_longer_than_the_scene_ends_with_it(start):
    scene = mix(event("long", start=start))
    assert scene.samples.shape == (4 * RATE,)
    assert scene.events.intervals.tolist() == [[pytest.approx(start, abs=0.011), 4.0]]


def test_the_label_is_the_span_of_the_sound():
    scene = mix(event("short", start=1.25))
    assert scene.events.intervals[0] == pytest.approx([1.25, 1.75], abs=0.021)
    sounding = np.flatnonzero(scene.parts[1]) / RATE
    assert [sounding[0], sounding[-1]] == pytest.approx([1.25, 1.75], abs=1e-3)


def test_silence_around_a_sound_is_trimmed_and_not_labeled():
    padded = np.concatenate([np.zeros(RATE), noise(0.5), np.zeros(RATE)]).astype(np.float32)
    assert len(trim(padded)) == pytest.approx(0.5 * RATE, abs=0.03 * RATE)
    assert find_audible(padded)[0] / RATE == pytest.approx([1.0, 1.5], abs=0.021)


def test_a_tail_is_labeled_as_far_as_it_is_heard():
    decay = np.exp(-np.arange(2 * RATE) / RATE * 6.9077)  # 60 dB/s
    found = find_audible((noise(2) * decay).astype(np.float32)) / RATE
    assert found[0] == pytest.approx([0, AUDIBLE / 60], abs=0.1)


def test_pauses_divide_an_event_where_they_are_long():
    for pause, n in ((0.3, 1), (0.6, 2)):
        both = np.concatenate([noise(0.3), np.zeros(round(pause * RATE)), noise(0.3)])
        assert len(find_audible(both.astype(np.float32))) == n


def test_the_level_holds_in_the_span_of_the_event():
    for snr in (0.0, 6.0, 15.0):
        scene = mix(event("short", snr=snr), event("quiet", start=2.5, snr=snr, labels=("Cat",)))
        for part, (start, end) in zip(scene.parts[1:], scene.events.intervals, strict=True):
            span = slice(round(start * RATE), round(end * RATE))
            ratio = effects.rms(part[span]) / effects.rms(scene.parts[0][span])
            assert 20 * np.log10(ratio) == pytest.approx(snr, abs=0.3)


def test_loud_scenes_are_turned_down_as_a_whole():
    loud = mix(event("long", start=0.0, snr=15.0), db=-3.0)
    soft = mix(event("long", start=0.0, snr=15.0), db=-40.0)
    assert np.abs(loud.samples).max() == pytest.approx(CEILING, abs=1e-4)
    ratio = loud.parts[1] / np.where(soft.parts[1] == 0, np.inf, soft.parts[1])
    assert np.ptp(ratio[soft.parts[1] != 0]) < 1e-2 * ratio.max()  # nothing is clipped


def test_overlapping_events_of_a_class_are_one():
    scene = mix(event("short", start=1.0), event("short", start=1.3, labels=("Dog", "Bark")))
    assert scene.events.labels == ("Dog", "Bark")
    assert scene.events.intervals[0] == pytest.approx([1.0, 1.8], abs=0.03)


def test_reverberation_is_heard_and_not_labeled():
    wet = mix(event("short", room_seconds=1.0, room_mix=0.4))
    assert wet.events.intervals[0] == pytest.approx([1.0, 1.5], abs=0.021)
    assert np.abs(wet.parts[1][2 * RATE : 3 * RATE]).max() > 0


def test_a_part_of_a_long_sound_is_taken_from_its_place():
    steps = np.repeat(np.linspace(0.1, 1, 10), RATE).astype(np.float32) * np.tile([1, -1], 5 * RATE)
    take = mix_scene(
        spec(event("steps", start=1.0, max_length=1.0, place=0.5, snr=0.0)),
        {**SOUNDS, "steps": steps}.__getitem__,
    )
    assert take.events.intervals[0] == pytest.approx([1.0, 2.0], abs=0.021)
    inside = np.abs(take.parts[1][round(1.1 * RATE) : round(1.9 * RATE)])
    assert inside.max() / inside[: RATE // 4].mean() == pytest.approx(0.6 / 0.5, rel=0.05)


def test_faster_sounds_are_shorter():
    scene = mix(event("short", speed=2.0))
    assert scene.events.intervals[0] == pytest.approx([1.0, 1.25], abs=0.021)


def test_a_background_counts_for_its_classes_throughout():
    scene = mix(event("short", labels=("Rain",)), background_labels=("Rain",))
    assert scene.events.intervals.tolist() == [[0.0, 4.0]]


def sources(n=12):
    rows = []
    for i in range(n):
        split = ("train", "test")[i % 2]
        rows.append(SoundSource(f"s{i}", (f"c{i % 3}",), f"r{i}", split, "event", "CC0"))
    rows.append(SoundSource("bed", ("Wind",), "bed", "train", "background", "CC0"))
    return rows


def test_plans_are_the_same_each_time_and_grow_at_the_end():
    plans = [plan_scenes(sources(), ["c0", "c1", "c2"], n, seed=5) for n in (4, 4, 9)]
    assert plans[0] == plans[1] == plans[2][:4]
    assert plan_scenes(sources(), ["c0", "c1", "c2"], 4, seed=6) != plans[0]


def test_plans_keep_to_their_split_and_ranges():
    found = plan_scenes(
        sources(), ["c0", "c1"], 200, seed=1, split="test", snr=(3, 9), shares=(0.5, 0.3)
    )
    paths = {each.path for scene in found for each in scene.events}
    assert paths == {s.path for s in sources() if s.split == "test" and s.labels[0] != "c2"}
    assert {len(scene.events) for scene in found} == {1, 2, 3, 4, 5}
    assert all(3 <= each.snr <= 9 for scene in found for each in scene.events)
    kinds = [scene.supervision for scene in found]
    assert [kinds.count(kind) for kind in ("strong", "weak", "none")] == pytest.approx(
        [100, 60, 40], abs=20
    )
    with pytest.raises(ParameterError, match="no sound of the split"):
        plan_scenes(sources(), ["other"], 1, seed=1)


def test_scenes_survive_their_file(tmp_path):
    plan = plan_scenes(sources(), ["c0", "c1"], 5, seed=1)
    write_scenes(plan, tmp_path / "plan.jsonl")
    assert read_scenes(tmp_path / "plan.jsonl") == plan
    (tmp_path / "bad.jsonl").write_text('{"scene_id": 1}\n')
    with pytest.raises(FormatError, match=r"bad.jsonl, line 1 is no scene"):
        read_scenes(tmp_path / "bad.jsonl")


@pytest.fixture(scope="module")
def real(data_dir):
    return find_sources(data_dir, MANIFESTS / "real-test.csv")


def test_sources_lie_in_one_split_and_none_is_held_out_or_share_alike(real, data_dir):
    by_recording = {}
    for source in real:
        by_recording.setdefault(source.recording, set()).add(source.split)
    assert all(len(splits) == 1 for splits in by_recording.values())
    closed = (MANIFESTS / "real-test.csv").read_text()
    assert not [s.path for s in real if f"{s.path}," in closed]
    assert not [s.path for s in real if "-SA" in s.licence]
    assert all((data_dir / s.path).is_file() for s in real)
    assert {s.split for s in real if s.path.startswith(("esc10", "berklee"))} == {"train"}


def test_the_held_out_scenes_are_as_they_were_fixed(real):
    scenes = read_scenes(MANIFESTS / "scenes-test.jsonl")
    splits = {source.path: source.split for source in real}
    used = {each.path for scene in scenes for each in scene.events}
    used |= {scene.background for scene in scenes} - {""}
    assert len(scenes) == 300
    assert {splits[path] for path in used} == {"test"}
    events = [each for scene in scenes for each in scene.events]
    assert len({label for each in events for label in each.labels}) >= 40
    assert all(0 <= each.snr <= 15 for each in events)
    assert all(1 <= len(scene.events) <= 5 and scene.seconds == 10 for scene in scenes)


def test_the_labels_of_the_plan_are_those_chosen(real):
    labels = choose_labels(real)
    assert len(labels) >= 60
    assert {"Dog", "Speech", "Music", "Snare drum", "Walk, footsteps"} <= set(labels)


def test_rendering_goes_on_where_it_stopped(tmp_path, real, data_dir):
    plan = plan_scenes(
        real, choose_labels(real), 3, seed=3, split="val", seconds=2.0, shares=(0.5, 0.5)
    )
    plan = [
        dataclasses.replace(each, supervision=kind)
        for each, kind in zip(plan, ("strong", "weak", "none"), strict=True)
    ]
    paths = render_scenes(plan[:2], data_dir, tmp_path)
    before = [path.stat().st_mtime_ns for path in paths]
    paths = render_scenes(plan, data_dir, tmp_path)
    assert [path.stat().st_mtime_ns for path in paths[:2]] == before
    assert [path.name for path in paths] == [f"{each.scene_id}.flac" for each in plan]
    strong = dcase.loads_table((tmp_path / "strong.tsv").read_text(), "strong.tsv")
    weak = dcase.loads_weak((tmp_path / "weak.tsv").read_text(), "weak.tsv")
    assert (list(strong), list(weak)) == ([paths[0].name], [paths[1].name])
    scene = mix_scene(plan[0], SoundReader(data_dir))
    saved = read(paths[0].with_suffix(".jams"))
    assert isinstance(saved, Events)
    assert saved.labels == scene.events.labels == strong[paths[0].name].labels
    np.testing.assert_allclose(saved.intervals, scene.events.intervals, atol=1e-9)
    durations = (tmp_path / "durations.tsv").read_text().splitlines()
    assert durations == ["filename\tduration", *(f"{p.name}\t2" for p in paths)]


def test_a_scene_of_the_plan_is_as_it_was_mixed_before(data_dir):
    known = json.loads((Path(__file__).parent / "scenes.json").read_text())
    scene = mix_scene(read_scenes(MANIFESTS / "scenes-test.jsonl")[0], SoundReader(data_dir))
    assert scene.events.labels == tuple(known["labels"])
    np.testing.assert_allclose(scene.events.intervals, known["intervals"], atol=1e-6)
    assert effects.rms(scene.samples) == pytest.approx(known["rms"], rel=1e-3)
