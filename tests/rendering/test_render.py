import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mirkit import rendering
from mirkit.errors import FormatError, MissingExtra, ParameterError, UnknownName
from mirkit.rendering import codec, effects, mix, run, synth, voices
from mirkit.rendering.score import DRUMS, Part, note_array

SECONDS = 9.0

needs_synth = pytest.mark.skipif(
    shutil.which("fluidsynth") is None or not Path("/usr/share/sounds/sf2/TimGM6mb.sf2").is_file(),
    reason="FluidSynth or its soundfont is not installed",
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return rendering.Corpus(None, tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def spec(corpus):
    spec = rendering.plan("test", 1, 3, corpus, seconds=SECONDS, shares={"arranger": 1.0})[0]
    return replace(spec, style="rock", font="TimGM6mb")


def ticks(seconds: float) -> Part:
    times = np.arange(0.5, seconds - 0.5, 0.437)
    return Part("drums", DRUMS, note_array([(t, 0.1, 37.0, 110.0) for t in times]))


def onsets_of(samples: np.ndarray, times: np.ndarray, rate: int) -> np.ndarray:
    """Return by how much the sound rises later than each time [s]."""
    found = []
    for time in times:
        start = int((time - 0.03) * rate)
        envelope = np.abs(samples[start : start + int(0.1 * rate)])
        found.append((start + int(np.argmax(envelope > 0.2 * envelope.max()))) / rate - time)
    return np.array(found)


@needs_synth
def test_drums_sound_where_the_notes_are():
    part = ticks(8.0)
    desk = synth.Mix((110,), (64,))
    sound_ = synth.synthesize([part], desk, "TimGM6mb", 8.0, -mix.FONT_DELAY, 32000).mean(axis=0)
    late = onsets_of(sound_, part.notes[:, 0], 32000)
    assert np.abs(late).max() < 0.004


@needs_synth
@pytest.mark.parametrize("program", [0, 24, 33, 48, 53, 73])
def test_instruments_are_heard_near_their_notes(program):
    """A slow attack is begun early: half of the loudness is reached within 45 ms of the note."""
    times = np.arange(0.5, 9, 1.1)
    part = Part("x", program, note_array([(t, 0.8, 60.0, 95.0) for t in times]))
    heard = synth.synthesize([part], synth.Mix((110,), (64,)), "TimGM6mb", 10.0, 0.0, 22050)
    level = np.sqrt(np.convolve(heard.mean(axis=0) ** 2, np.ones(220) / 220, "same"))
    late = []
    for time in times:
        window = level[int((time - 0.1) * 22050) : int((time + 0.4) * 22050)]
        late.append(np.argmax(window > 0.5 * window.max()) / 22050 - 0.1)
    assert abs(np.median(late)) < 0.045


@needs_synth
def test_a_rendered_beat_is_where_it_is_annotated(spec, corpus):
    """The whole path, effects included: strokes on the beat rise within 12 ms of it."""
    from mirkit.rendering import sources
    from mirkit.rendering.score import Origin, Score

    beats = np.arange(0.3, 30, 0.5)
    strokes = note_array([(t, 0.1, 37.0, 115.0) for t in beats])
    score = Score(
        (Part("drums", DRUMS, strokes),), beats, np.ones(len(beats)), "1/4",
        Origin("test", "test", "test", "test"),
    )  # fmt: skip
    source = sources.Source(lambda *_: score, lambda corpus, split: ("ticks",), lambda corpus: True)
    late = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sources.SOURCES, "ticks", source)
        for seed in range(6):
            clip = run.render_clip(replace(spec, source="ticks", style="ticks", seed=seed), corpus)
            times = np.array(clip.annotation["beats"])
            inner = times[(times > 0.1) & (times < SECONDS - 0.2)]
            late.append(np.median(onsets_of(clip.samples, inner, run.SAMPLE_RATE)))
    assert np.abs(late).max() < 0.012
    assert abs(np.median(late)) < 0.004


@needs_synth
def test_the_same_specification_gives_the_same_samples(spec, corpus):
    first, second = run.render_clip(spec, corpus), run.render_clip(spec, corpus)
    assert np.array_equal(first.samples, second.samples)
    assert first.annotation == second.annotation
    other = run.render_clip(replace(spec, seed=spec.seed + 1), corpus)
    assert not np.array_equal(first.samples, other.samples)


@needs_synth
def test_rendering_goes_on_where_it_stopped(corpus, tmp_path):
    specs = rendering.plan("test", 3, 1, corpus, seconds=4.0, shares={"arranger": 1.0})
    seen = []
    assert rendering.render(specs[:1], tmp_path, 1, corpus) == {}
    before = (tmp_path / f"{specs[0].clip_id}.flac").stat().st_mtime_ns
    rendering.render(specs, tmp_path, 1, corpus, lambda done, n, clip: seen.append((done, n)))
    assert seen == [(2, 3), (3, 3)]
    assert (tmp_path / f"{specs[0].clip_id}.flac").stat().st_mtime_ns == before
    (tmp_path / f"{specs[1].clip_id}.json").unlink()  # stopped between its two files
    rendering.render(specs, tmp_path, 1, corpus, lambda done, n, clip: seen.append((done, n)))
    assert seen[2:] == [(3, 3)]


@needs_synth
def test_processes_make_what_one_process_makes(corpus, tmp_path):
    specs = rendering.plan("test", 2, 5, corpus, seconds=4.0, shares={"arranger": 1.0})
    for n_jobs in (1, 2):
        rendering.render(specs, tmp_path / str(n_jobs), n_jobs, corpus)
    for spec in specs:
        one, two = (tmp_path / str(n) / f"{spec.clip_id}.flac" for n in (1, 2))
        assert one.read_bytes() == two.read_bytes()


@needs_synth
def test_clips_are_read_back_as_values(corpus, tmp_path):
    specs = rendering.plan("test", 2, 2, corpus, seconds=SECONDS, shares={"arranger": 1.0})
    rendering.render(specs, tmp_path, 1, corpus)
    (tmp_path / ".half.json").write_text("{")  # one still under way
    clips = rendering.clips(tmp_path)
    assert [clip.path.name for clip in clips] == [f"{spec.clip_id}.flac" for spec in specs]
    for clip in clips:
        assert clip.path.is_file()
        assert len(clip.beats) == pytest.approx(SECONDS * clip.bpm / 60, abs=2.5)
        assert 60 / np.median(np.diff(clip.beats.times)) == pytest.approx(clip.bpm, rel=1e-3)
        assert clip.beats.bpm == pytest.approx(clip.bpm, rel=0.015)  # one of them holds a bar
        beats_per_bar = max(clip.beats.positions)
        downbeats = np.flatnonzero(clip.beats.positions == 1)
        assert (np.diff(downbeats) == beats_per_bar).all()
        assert clip.keys.intervals[-1, 1] <= SECONDS + 1e-6


@needs_synth
def test_a_manifest_makes_the_clips_again(corpus, tmp_path):
    specs = rendering.plan("test", 2, 9, corpus, seconds=4.0, shares={"arranger": 1.0})
    rendering.render(specs, tmp_path, 1, corpus)
    rendering.write_manifest(rendering.clips(tmp_path), tmp_path / "m.csv")
    rows = rendering.read_manifest(tmp_path / "m.csv")
    assert [row["clip_id"] for row in rows] == [spec.clip_id for spec in specs]
    assert rendering.read_specs(tmp_path / "m.csv") == specs


def test_specifications_survive_a_file(corpus, tmp_path):
    specs = rendering.plan("train", 5, 9, corpus)
    rendering.write_specs(specs, tmp_path / "specs.jsonl")
    assert rendering.read_specs(tmp_path / "specs.jsonl") == specs


def test_a_manifest_without_a_column_is_refused(tmp_path):
    (tmp_path / "m.csv").write_text("clip_id,split\na,b\n")
    with pytest.raises(FormatError, match="meter"):
        rendering.read_manifest(tmp_path / "m.csv")


def test_an_annotation_of_another_schema_is_refused(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"schema": 99}))
    with pytest.raises(FormatError, match="99"):
        rendering.clips(tmp_path)


def test_styles_share_a_plan_equally(corpus):
    specs = rendering.plan("train", 260, 1, corpus, shares={"arranger": 1.0})
    counts = np.unique([spec.style for spec in specs], return_counts=True)[1]
    assert counts.max() - counts.min() <= 1


def test_no_soundfont_is_heard_in_training_and_in_the_test():
    train, test = ({name for name, _ in rendering.FONTS[split]} for split in ("train", "test"))
    assert not train & test


def test_a_name_has_one_split_for_ever():
    assert rendering.split_of("All the Things") == rendering.split_of("All the Things")
    shares = [rendering.split_of(f"song {i}") for i in range(4000)]
    assert shares.count("test") / 4000 == pytest.approx(0.12, abs=0.02)
    assert shares.count("val") / 4000 == pytest.approx(0.06, abs=0.015)


def test_an_unknown_split_is_refused(corpus):
    with pytest.raises(ParameterError, match="train, val, test"):
        rendering.plan("dev", 1, 0, corpus)


def test_a_missing_program_names_the_line_that_installs_it(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(MissingExtra, match="apt-get install fluidsynth"):
        synth._run_fluidsynth(b"", Path("font.sf2"), 0.5, 44100)
    with pytest.raises(MissingExtra, match="apt-get install ffmpeg"):
        codec.round_trip(np.zeros(100, np.float32), 22050, "mp3", 64)
    with pytest.raises(MissingExtra, match="soundfont Nowhere"):
        synth.soundfont("Nowhere")


def test_midi_ticks_are_milliseconds():
    import io

    import mido

    part = ticks(5.0)
    data = synth.midi_bytes([part], synth.Mix((100,), (64,)), delay=0.25)
    file = mido.MidiFile(file=io.BytesIO(data))
    now, found = 0.0, []
    for message in file:
        now += message.time
        if message.type == "note_on":
            found.append(now)
    assert np.abs(np.array(found) - part.notes[:, 0] - 0.25).max() <= 0.0005 + 1e-9


@pytest.mark.parametrize("name", ["mp3", "ogg", "opus", "aac"])
@pytest.mark.parametrize("kbps", [32, 64])
def test_a_codec_leaves_the_clip_in_its_place(name, kbps):
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    rng = np.random.default_rng(0)
    samples = np.zeros(4 * 22050, np.float32)
    for start in range(3000, len(samples) - 3000, 9000):
        samples[start : start + 1500] += rng.normal(size=1500) * np.exp(-np.arange(1500) / 300)
    samples *= 0.3
    out = codec.round_trip(samples, 22050, name, kbps)
    assert len(out) == len(samples)
    assert abs(codec.measure_delay(out, samples, 22050)) <= 0.002 * 22050
    assert not np.array_equal(out, samples)


def test_a_delay_is_measured_to_the_sample():
    rng = np.random.default_rng(0)
    samples = rng.normal(size=22050).astype(np.float32)
    for shift in (-700, -1, 0, 1, 1105):
        moved = np.roll(samples, shift)
        assert codec.measure_delay(moved, samples, 22050) == shift


def test_an_unknown_codec_is_refused():
    with pytest.raises(UnknownName, match="mp3"):
        codec.round_trip(np.zeros(10, np.float32), 22050, "mp4", 64)


def test_effects_keep_the_length_and_the_onsets():
    rng = np.random.default_rng(2)
    samples = np.zeros(3 * 22050, np.float32)
    samples[22050 : 22050 + 400] = rng.normal(size=400) * 0.5
    plan = effects.SoundPlan(
        eq=(6, -6, 3, 0, 3, -3, 6, 0, -6, 0), low_cut=120, high_cut=6000, room_seconds=0.8,
        room_mix=0.3, squeeze=4, drive=8,
    )  # fmt: skip
    out = effects.process(samples, plan, 22050, rng)
    assert out.shape == samples.shape
    assert out.dtype == np.float32
    assert np.isfinite(out).all()
    late = onsets_of(out, np.array([1.0]), 22050)
    assert abs(late[0]) < 0.002


def test_a_singer_and_a_synthesizer_sound_where_the_notes_are():
    times = np.arange(0.4, 5, 0.7)
    part = Part("lead", 53, note_array([(t, 0.4, 64.0 + i, 100.0) for i, t in enumerate(times)]))
    for play, tolerance in ((voices.sing, 0.06), (voices.synthesize, 0.03)):
        samples = play(part, 6.0, 0.0, 22050, np.random.default_rng(1))
        assert samples.shape == (6 * 22050,)
        gaps = [
            np.abs(samples[int((t - 0.15) * 22050) : int((t - 0.12) * 22050)]) for t in times[1:]
        ]
        inside = [np.abs(samples[int((t + tolerance) * 22050) :][:2205]) for t in times]
        assert min(x.max() for x in inside) > 4 * max(np.median(x) for x in gaps)


def test_a_note_of_the_synthesizer_has_its_pitch():
    patch = voices.Patch(ratio=1.0, index=1.0, index_decay=0.3, decay=2.0, attack=0.01, detune=0)
    tone = voices._fm(69.0, 1.0, patch, 22050)[:16384]
    spectrum = np.abs(np.fft.rfft(tone * np.hanning(len(tone))))
    assert np.argmax(spectrum) * 22050 / 16384 == pytest.approx(440, abs=2)


def test_an_amplifier_makes_combination_tones():
    time = np.arange(22050) / 22050
    chord = (np.sin(2 * np.pi * 440 * time) + np.sin(2 * np.pi * 660 * time)).astype(np.float32)
    out = effects.amplifier(chord, 22050, np.random.default_rng(0))
    spectrum = np.abs(np.fft.rfft(out))
    assert spectrum[220] > 0.02 * spectrum.max()  # the difference tone, absent before
    assert np.abs(np.fft.rfft(chord))[220] < 1e-3 * np.abs(np.fft.rfft(chord)).max()


def test_noise_has_the_level_that_was_asked_for():
    rng = np.random.default_rng(3)
    samples = np.sin(np.arange(44100) * 0.1).astype(np.float32)
    noisy = effects.add_noise(samples, effects.SoundPlan(noise_db=-20.0), 22050, rng)
    assert 20 * np.log10(effects.rms(noisy - samples) / effects.rms(samples)) == pytest.approx(
        -20, abs=0.2
    )
