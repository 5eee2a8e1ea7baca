import io
from collections import Counter

import numpy as np
import pytest
import signals
import soundfile

import mirkit
from mirkit import recording
from mirkit.audio import reading
from mirkit.errors import AudioError, ParameterError, UnknownName
from mirkit.features import FeatureCache, front_end

HARMONY = ("chords", "key", "sections")


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    """Ten seconds of chords with a click on each half second, as a file."""
    path = tmp_path_factory.mktemp("song") / "song.wav"
    chords = signals.chords([("C:maj", 2.0), ("A:min", 2.0), ("F:maj", 2.0)], 22050).samples[0]
    clicks = signals.click_track(120, 11, 22050).samples[0]
    clicks = np.pad(clicks, (0, max(0, chords.size - clicks.size)))[: chords.size]
    soundfile.write(path, 0.5 * (chords + clicks), 22050)
    return path


@pytest.fixture(scope="module")
def found(song):
    return mirkit.analyze(song, tasks=("beats", "tempo", *HARMONY))


@pytest.fixture
def decodings(monkeypatch):
    """How often files are decoded, and samples that are in memory."""
    counted = Counter()
    real = reading.open_decoder

    def counting(track):
        counted[type(track.source).__name__] += 1
        return real(track)

    monkeypatch.setattr(reading, "open_decoder", counting)
    return counted


def test_each_task_gives_what_its_own_verb_gives(song, found):
    beats = mirkit.beats(song)
    np.testing.assert_allclose(found["beats"].times, beats.times, atol=1e-6)
    assert found["tempo"].bpm == pytest.approx(beats.bpm)
    for verb, task in ((mirkit.chords, "chords"), (mirkit.sections, "sections")):
        own = verb(song)
        assert found[task].labels == own.labels
        np.testing.assert_allclose(found[task].intervals, own.intervals, atol=1e-3)
    key = mirkit.key(song)
    assert found["key"].label == key.label
    assert found["key"].tuning_cents == pytest.approx(key.tuning_cents, abs=0.1)


def test_the_analysis_knows_its_track(song, found):
    assert list(found) == ["beats", "tempo", "chords", "key", "sections"]
    assert found.duration == pytest.approx(6.0, abs=1e-3)
    assert found.track.name == str(song)


def test_files_are_decoded_once_for_all_rates(song, decodings):
    mirkit.analyze(song, tasks=("beats", "tempo", *HARMONY))
    rates = {front_end(name).sample_rate for name in ("tcn_22k", "vqt_11k")}
    assert len(rates) == 2
    assert decodings["PosixPath"] + decodings["WindowsPath"] == 1
    assert decodings["Audio"] == 2


@pytest.mark.parametrize("n_channels", [1, 2])
def test_a_shared_recording_gives_the_samples_of_its_file(tmp_path, n_channels):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (3 * 44100 + 1, n_channels))
    soundfile.write(tmp_path / "noise.wav", noise, 44100)
    alone = recording.Recording.of(tmp_path / "noise.wav")
    shared = alone.shared()
    for rate in (44100, 32000, 22050, 11025):
        with alone.blocks(rate) as own, shared.blocks(rate) as kept:
            np.testing.assert_array_equal(
                np.concatenate(list(own), axis=1), np.concatenate(list(kept), axis=1)
            )
    assert shared.duration == alone.duration


def test_features_are_computed_once_and_can_be_kept(song):
    cache = FeatureCache()
    mirkit.analyze(song, tasks=("chords", "key"), cache=cache)
    assert (cache.n_misses, cache.n_hits) == (1, 1)
    mirkit.analyze(song, tasks=("key",), cache=cache)
    assert (cache.n_misses, cache.n_hits) == (1, 2)


def test_content_is_hashed_only_where_the_cache_goes_on(song, monkeypatch):
    hashed = []
    real = recording.content_hash
    monkeypatch.setattr(recording, "content_hash", lambda x: hashed.append(x) or real(x))
    mirkit.analyze(song, tasks=("chords", "key"))
    assert not hashed
    mirkit.analyze(song, tasks=("chords", "key"), cache=FeatureCache())
    assert len(hashed) == 1


def test_long_recordings_are_not_kept_and_give_the_same(song, found, monkeypatch, decodings):
    monkeypatch.setattr(recording, "MOST_KEPT", 22050)
    again = mirkit.analyze(song, tasks=("chords", "key"))
    assert decodings["Audio"] == 0
    assert again["chords"].labels == found["chords"].labels
    assert again["key"] == found["key"]


def test_samples_and_file_objects_are_analyzed_too(song, found):
    samples, rate = soundfile.read(song)
    for x in ((samples, rate), io.BytesIO(song.read_bytes())):
        assert mirkit.analyze(x, tasks=("key",))["key"].label == found["key"].label


def test_tags_are_those_of_the_verb(song, monkeypatch):
    torch = pytest.importorskip("torch")
    import taggers

    assert torch is not None
    taggers.install(monkeypatch, "random")
    heard = mirkit.analyze(song, tasks=("tags",), models={"tags": "small"})
    assert heard["tags"] == mirkit.tags(song, model="small")


def test_an_analysis_survives_jams(song, found, tmp_path):
    mirkit.save(found, tmp_path / "x.jams")
    again = mirkit.read(tmp_path / "x.jams")
    assert dict(again) == dict(found)
    assert again.duration == found.duration


def test_wrong_tasks_and_models_are_refused(song):
    with pytest.raises(UnknownName, match="'key'"):
        mirkit.analyze(song, tasks=("keys",))
    with pytest.raises(ParameterError, match=r"call mirkit\.beats\("):
        mirkit.analyze(song, tasks=("sections",), models={"sections": "beat-tcn"})
    with pytest.raises(ParameterError, match="empty"):
        mirkit.analyze(song, tasks=())


def test_what_is_no_recording_is_refused(tmp_path):
    (tmp_path / "text.mp3").write_text("this is no music")
    with pytest.raises(AudioError, match=r"text\.mp3"):
        mirkit.analyze(tmp_path / "text.mp3", tasks=("key",))
