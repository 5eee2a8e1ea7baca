import json
from dataclasses import replace

import bundles
import golden_taggers
import numpy as np
import published
import pytest
import signals

from mirkit.errors import UnknownName, WeightsError
from mirkit.sound.tag.musicnn import FRONT_END, LABELS, MusicNN
from mirkit.zoo.registry import card, models

GOLDEN = json.loads(golden_taggers.GOLDEN.read_text())["musicnn"]
NAMES = [each.name for each in models("musicnn-*")]


def test_the_front_end_is_librosas():
    librosa = pytest.importorskip("librosa")
    samples = golden_taggers.signal()
    power = librosa.feature.melspectrogram(
        y=samples, sr=16000, hop_length=256, n_fft=512, n_mels=96, pad_mode="reflect"
    )
    ours = np.concatenate(list(FRONT_END.stream([samples])))
    np.testing.assert_allclose(ours, np.log10(10000 * power.T + 1), atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_tags_and_embeddings_are_those_of_tensorflow(name):
    model = published.model(name)
    heads = model.activations([golden_taggers.signal()], heads=["frames", "frame_embedding"])
    golden = GOLDEN[card(name).weights.split("/")[1]]
    assert heads["frames"].n_frames == len(golden["frames"]) + 1  # and the end, moved back
    for row, known in zip(heads["frames"].values, golden["frames"], strict=False):
        np.testing.assert_allclose(row[places(known)], list(known.values()), atol=2e-5)
        assert int(row.argmax()) == places(known)[0]
    row, known = heads["frame_embedding"].values[0], golden["embedding"]
    np.testing.assert_allclose(row[places(known)], list(known.values()), rtol=1e-4)


def places(known):
    return [int(place) for place in known]


@pytest.mark.parametrize("name", NAMES)
def test_its_origin_is_remembered(name):
    heads = published.model(name).activations([np.zeros((1, 16000), np.float32)])
    assert (heads.provenance.model, heads.provenance.weights_hash) == (name, card(name).sha256)
    assert heads["tags"].labels == LABELS["magnatagatune" if "mtt" in name else "lastfm"]
    assert heads["embedding"].values.shape == (1, 256 if name.endswith("vgg") else 200)


def test_blocks_of_any_size_give_the_same():
    samples, model = golden_taggers.signal(), published.model("musicnn-mtt")
    whole = model.activations([samples])
    parts = model.activations(signals.cut(samples, np.random.default_rng(0), 9000))
    for name in whole:
        np.testing.assert_allclose(parts[name].values, whole[name].values, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "song", "expected"),
    [
        ("musicnn-mtt", "hungarian_dance_5", {"classical", "violin", "strings"}),
        ("musicnn-mtt-vgg", "hungarian_dance_5", {"classical", "violin", "strings"}),
        ("musicnn-mtt", "lets_go_fishin", {"guitar", "female"}),
        ("musicnn-msd", "lets_go_fishin", {"female vocalists", "folk"}),
        ("musicnn-msd", "vibe_ace", {"jazz"}),
        ("musicnn-msd-vgg", "vibe_ace", {"jazz"}),
    ],
)
def test_songs_have_the_tags_that_one_hears(data_dir, name, song, expected):
    from mirkit.audio import reading

    model = published.model(name)
    path = data_dir / "songs" / f"{song}.ogg"
    with reading.blocks(path, sample_rate=model.sample_rate) as blocks:
        tags = model.activations(blocks)["tags"]
    order = tags.values[0].argsort()[::-1]
    assert expected <= {tags.labels[place] for place in order[:3]}


def test_other_checkpoints_are_refused(tmp_path):
    index = bundles.write(tmp_path, {"dense/kernel": np.zeros((3, 50), np.float32)})
    data = next(index.parent.glob("*.data-*"))
    for name in ("musicnn-msd", "musicnn-msd-vgg"):
        with pytest.raises(WeightsError, match=f"does not fit '{name}'"):
            MusicNN.convert(data, tmp_path / "net.onnx", card(name))
    odd = replace(card("musicnn-mtt"), config={"network": "musicn", "tags": "lastfm"})
    with pytest.raises(UnknownName, match="Did you mean 'musicnn'"):
        MusicNN.convert(data, tmp_path / "net.onnx", odd)
    assert not (tmp_path / "net.onnx").exists()


def test_a_checkpoint_of_the_other_network_is_refused(tmp_path):
    data = published.checkpoint("musicnn-mtt-vgg", tmp_path)
    with pytest.raises(WeightsError, match="has no 'conv2d/"):
        MusicNN.convert(data, tmp_path / "net.onnx", card("musicnn-mtt"))
    assert not (tmp_path / "net.onnx").exists()


def test_every_tag_has_a_name_of_its_own():
    for labels in LABELS.values():
        assert len(set(labels)) == 50
    assert len(NAMES) == 4
