"""CLAP at work: windows, filling, cosines, texts; published networks in torch too."""

from dataclasses import replace

import clap_towers
import numpy as np
import pytest
import torch

from mirkit.activations import Activations, Head, Provenance
from mirkit.calibration import Calibration
from mirkit.errors import FormatError, ParameterError, WeightsError
from mirkit.sound.clap.decoder import ZeroShotDecoder, decoder
from mirkit.sound.clap.model import Clap, fill_up
from mirkit.sound.clap.prompts import embed_prompts, read_labels
from mirkit.sound.clap.text import HubTextEncoder
from mirkit.zoo.registry import card, read_card

MINE = """
name = "mine"
task = "zero_shot"
summary = "a CLAP for tests"
entry = "mirkit.sound.clap.model:Clap"
obtain = "It is made by tests."
sample_rate = 32000
labels = ["embedding"]
license_code = "MIT"
license_weights = "MIT"
front_end = "mirkit_32k"
trained_on = ["nothing"]

[config]
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return clap_towers.write_clap(tmp_path_factory.mktemp("clap"))


@pytest.fixture(scope="module")
def model(path):
    return Clap.from_card(read_card(MINE, "mine.toml"), path)


def sound(seconds, seed=0, rate=32000):
    return np.random.default_rng(seed).normal(0, 0.1, round(seconds * rate)).astype(np.float32)


def vector(model, samples):
    return model.activations([samples[None]])["embedding"].values[0]


def test_vectors_have_length_1_and_say_where_they_are_from(model):
    found = model.activations([sound(25)[None]], ["embedding", "frame_embedding"])
    for head in found.values():
        np.testing.assert_allclose(np.linalg.norm(head.values, axis=1), 1, atol=1e-5)
    assert found["embedding"].values.shape == (1, clap_towers.N_JOINT)
    assert found["frame_embedding"].n_frames > 20
    assert found.provenance == Provenance("mine", found.provenance.version, f"{0:064d}")


def test_the_same_recording_has_the_same_vector(model):
    x = sound(33)
    np.testing.assert_array_equal(vector(model, x), vector(model, x))
    blocks = [part[None] for part in np.split(x, [100, 5000, 200_000])]
    whole = model.activations(blocks)["embedding"].values[0]
    np.testing.assert_allclose(whole, vector(model, x), atol=1e-5)


def test_texts_are_embedded_alike_alone_and_in_batches(model):
    texts = ["a dog barking", "hiss", "the sound of a cat"] * 30
    rows = model.embed_texts(texts)
    assert rows.shape == (90, clap_towers.N_JOINT)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(rows[1], model.embed_texts(["hiss"])[0], atol=1e-5)


def test_prompts_of_a_label_are_averaged(model):
    rows = model.embed_texts(["a dog", "the sound of a dog"])
    mean = rows.mean(axis=0) / np.linalg.norm(rows.mean(axis=0))
    found = embed_prompts(model.text, ["a dog"], ["{}", "the sound of {}"])
    np.testing.assert_allclose(found[0], mean, atol=1e-6)


def test_scores_are_calibrated_cosines(model):
    labels = ["a dog", "a cat", "hiss"]
    heard = model.activations([sound(5)[None]])
    cosines = heard["embedding"].values[0] @ embed_prompts(model.text, labels, ["{}"]).T
    find = ZeroShotDecoder(labels, ["{}"], calibration=Calibration(0.5, -1.0)).with_model(model)
    found = dict(find(heard))
    for label, cosine in zip(labels, cosines, strict=True):
        expected = 1 / (1 + np.exp(-(0.5 * 20 * cosine - 1)))
        assert found[label] == pytest.approx(expected, abs=1e-5)
    plain = dict(replace(find, calibration=None)(heard))
    odds = np.exp(20 * cosines)
    assert [plain[label] for label in labels] == pytest.approx(odds / odds.sum(), abs=1e-5)
    with_none = dict(replace(find, none=True)(heard))
    assert with_none["none of these"] == pytest.approx(1 - max(found.values()), abs=1e-6)


def test_kinds_of_tags_and_limits(model):
    heard = model.activations([sound(5)[None]])
    find = ZeroShotDecoder(["a dog", "a cat", "hiss"], top=2).with_model(model)
    assert find(heard).kind == "zero_shot"
    assert len(find(heard)) == 2
    assert len(replace(find, threshold=1.0)(heard)) == 0


def test_other_models_are_refused(model):
    find = ZeroShotDecoder(["a dog"])
    vectors = {
        "embedding": Head(np.ones((1, clap_towers.N_JOINT)), ("",) * clap_towers.N_JOINT, None)
    }
    with pytest.raises(ParameterError, match="do not say which model"):
        find(Activations(vectors))
    with pytest.raises(ParameterError, match="knows no texts"):
        find(Activations(vectors, Provenance("tag-mn")))
    short = {"embedding": Head(np.ones((1, 3)), ("0", "1", "2"), None, "embedding")}
    with pytest.raises(ParameterError, match="3 dimensions, and texts have 16"):
        find.with_model(model)(Activations(short))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": []}, "labels are empty"),
        ({"labels": ["a", " "]}, r"labels\[1\] is empty"),
        ({"labels": ["a", "a"]}, "twice"),
        ({"labels": ["a"], "templates": ["the sound"]}, "each has one {}"),
        ({"labels": ["a"], "templates": []}, "templates are empty"),
        ({"labels": ["none of these"], "none": True}, "none=True adds"),
        ({"labels": ["a"], "top": 0}, "top is 0"),
        ({"labels": ["a"], "wrong": 1}, "no option 'wrong'"),
    ],
)
def test_mistakes_are_named(options, message):
    with pytest.raises(ParameterError, match=message):
        decoder(**options)


def test_without_labels_the_classes_of_audioset_are_sentences(model):
    found = decoder().with_model(model)(model.activations([sound(2)[None]]))
    assert len(found) > 500
    assert "a dog barking" in found.labels


def test_vocabularies_are_files(tmp_path):
    path = tmp_path / "sounds.txt"
    path.write_text("# mine\na dog barking  # loud\n\nrain\n")
    assert read_labels(path) == ("a dog barking", "rain")
    path.write_text("rain\nrain\n")
    with pytest.raises(FormatError, match=r"sounds\.txt: labels hold 'rain' twice"):
        read_labels(path)
    with pytest.raises(FormatError, match="is no vocabulary"):
        read_labels(tmp_path / "missing.txt")


def test_the_text_tower_must_be_there_and_belong(path, tmp_path):
    mine = read_card(MINE, "mine.toml")
    (tmp_path / "small.onnx").write_bytes(path.read_bytes())
    with pytest.raises(WeightsError, match=r"small-text\.onnx is missing"):
        Clap.from_card(mine, tmp_path / "small.onnx")
    other = clap_towers.write_clap(tmp_path, seed=1)
    other.write_bytes(path.read_bytes())
    with pytest.raises(WeightsError, match="belongs to another audio tower"):
        Clap.from_card(mine, other)


@pytest.mark.parametrize(
    ("fill", "expected"),
    [("repeat", "12312300"), ("tile", "12312312"), ("none", "12300000")],
)
def test_short_recordings_fill_their_window(fill, expected):
    x = np.array([1, 2, 3], np.float32)
    filled = np.concatenate([x, fill_up(x, 8, fill)])
    assert "".join(f"{value:.0f}" for value in filled) == expected


TEXT = {
    "vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
    "intermediate_size": 32, "max_position_embeddings": 40, "type_vocab_size": 1,
    "pad_token_id": 1,
}  # fmt: skip
BODY = {"dim": 8, "depths": [1, 1], "n_heads": [1, 2], "n_classes": 0, "size": 256, "n_bins": 64}
LAION = {
    "published": "laion", "body": "mirkit.backbones.htsat.network:HTSAT",
    "settings": BODY | {"front_end": "laion_clap", "sample_rate": 48000, "short": "stretch"},
    "n_joint": 8, "projection": "relu", "fill": "repeat", "audio": {"overlap": 0.0},
}  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = ["<s>", "<pad>", "</s>", "<unk>", "a", "dog", "barking", "cat"]
    made = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.BertProcessing(("</s>", 2), ("<s>", 0))
    folder = tmp_path_factory.mktemp("tokenizer")
    fast = PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", unk_token="<unk>")
    fast.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def laion(tokenizer):
    text = {"kind": "roberta", "settings": TEXT, "tokenizer": tokenizer}
    mine = read_card(MINE, "mine.toml")
    mine = replace(mine, sample_rate=48000, front_end="laion_clap", config=LAION | {"text": text})
    return Clap.from_card(mine, "random")


def test_a_published_network_hears_and_reads(laion):
    rows = laion.embed_texts(["a dog barking", "a cat"])
    assert rows.shape == (2, 8)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(laion.embed_texts(["a cat"])[0], rows[1], atol=1e-5)
    assert laion.scale == pytest.approx(1 / 0.07)
    x = sound(12, rate=48000)
    assert vector(laion, x) == pytest.approx(vector(laion, x))


def test_a_short_recording_is_heard_as_if_it_were_repeated(laion):
    x = sound(3, rate=48000)
    again = np.concatenate([x, x, x, np.zeros(48000, np.float32)])
    np.testing.assert_allclose(vector(laion, x), vector(laion, again), atol=1e-5)
    silent = np.concatenate([x, np.zeros(7 * 48000, np.float32)])
    assert not np.allclose(vector(laion, x), vector(laion, silent), atol=1e-3)
    assert laion.front_ends == ()


def test_its_checkpoint_is_loaded_by_its_map(laion, tmp_path):
    body = laion.audio.run.heads.net
    state = {f"audio_branch.{n}": t for n, t in body.body.state_dict().items()}
    state |= {f"text_branch.{n}": t for n, t in laion.text.net.net.body.state_dict().items()}
    for name, tower in (("audio", body), ("text", laion.text.net)):
        for old, new in (("linear1", "0"), ("linear2", "2")):
            part = getattr(tower.projection, old)
            state |= {f"{name}_projection.{new}.{n}": t for n, t in part.state_dict().items()}
    state |= {"logit_scale_a": torch.tensor(3.0), "logit_scale_t": torch.tensor(2.0)}
    torch.save({"state_dict": {f"module.{n}": t for n, t in state.items()}}, tmp_path / "l.pt")
    loaded = Clap.from_card(laion.card, tmp_path / "l.pt")
    x = sound(2, rate=48000)
    np.testing.assert_allclose(vector(loaded, x), vector(laion, x), atol=1e-6)
    assert loaded.scale == pytest.approx(np.exp(3))
    assert loaded.provenance.weights_hash


def test_a_missing_tokenizer_says_how_to_fetch_it(laion):
    with pytest.raises(WeightsError, match="from_pretrained\\('no-such-tokenizer'\\)"):
        HubTextEncoder(laion.text.net, "no-such-tokenizer").embed(["a"])


@pytest.mark.parametrize("name", ["laion-clap", "laion-clap-music", "ms-clap-2022", "ms-clap-2023"])
def test_cards_of_published_networks_describe_what_can_be_made(name):
    from mirkit.backbones.clap.network import make_clap

    config = dict(card(name).config)
    with torch.device("meta"):
        net = make_clap(config)
    assert net.audio.front_end == card(name).front_end
    assert net.audio.sample_rate == card(name).sample_rate
