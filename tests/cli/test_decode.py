import numpy as np
import pytest


def activations(folder, name, **arrays):
    folder.mkdir(exist_ok=True)
    np.savez(folder / name, **arrays)


def pulse(bpm, fps=100, seconds=20):
    time = np.arange(round(seconds * fps)) / fps
    phase = time * bpm / 60 % 1
    return 0.02 + 0.9 * np.exp(-0.5 * (np.minimum(phase, 1 - phase) * 60 / bpm * fps) ** 2)


@pytest.fixture
def folder(tmp_path):
    tempo = np.full(300, 1e-3)
    tempo[100] = 1
    downbeats = pulse(25) * 0.9
    activations(
        tmp_path / "a", "full.npz", beats=pulse(100), downbeats=downbeats, tempo=tempo, fps=100
    )
    activations(tmp_path / "a", "beats.npz", beats=pulse(100, fps=50), fps=50)
    activations(tmp_path / "a", "wrong.npz", other=np.zeros(3))
    (tmp_path / "a" / "text.npz").write_text("no archive")
    return tmp_path / "a"


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_folder_is_decoded_and_what_is_wrong_is_named(mirkit_cli, folder, n_jobs):
    result = mirkit_cli("decode", "beats", folder, "--json", "--jobs", n_jobs)
    assert result.status == 1
    rows = {row["file"].rsplit("/", 1)[-1]: row for row in result.objects()}
    assert "needs an array `beats`" in rows["wrong.npz"]["error"]["message"]
    assert "no readable .npz" in rows["text.npz"]["error"]["message"]
    for name in ("full.npz", "beats.npz"):
        assert rows[name]["tempo"]["bpm"] == pytest.approx(100, rel=0.01)
        times = np.array([beat["time"] for beat in rows[name]["beats"]])
        np.testing.assert_allclose(times / 0.6 - np.rint(times / 0.6), 0, atol=0.01)
    assert [beat["position"] for beat in rows["full.npz"]["beats"]][:5] == [1, 2, 3, 4, 1]
    assert rows["beats.npz"]["beats"][0]["position"] is None


@pytest.mark.parametrize(
    ("name", "array", "said"),
    [
        ("a.npy", np.zeros(3), "is a .npy file, of one array without a name"),
        ("none.npz", None, "does not exist"),
        ("rate.npz", {"beats": np.zeros(3), "fps": "fast"}, "fps is"),
        ("rates.npz", {"beats": np.zeros(3), "fps": [100, 50]}, "fps is"),
        ("text.npz", b"no archive", "no readable .npz"),
    ],
)
def test_what_holds_no_activations_is_named_with_a_guess(mirkit_cli, tmp_path, name, array, said):
    path = tmp_path / name
    if isinstance(array, bytes):
        path.write_bytes(array)
    elif isinstance(array, dict):
        np.savez(path, **array)
    elif array is not None:
        np.save(path, array)
    result = mirkit_cli("decode", "beats", path, "--jobs", 1)
    assert result.status == 1
    assert said in result.err
    assert "internal error" not in result.err


def test_text_shows_tempo_and_beats(mirkit_cli, folder):
    out = mirkit_cli("decode", "beats", folder / "full.npz").out
    assert "100.0" in out.splitlines()[0]
    assert len(out.splitlines()) > 30


def test_every_decoder_is_reached_by_name(mirkit_cli, folder):
    for name in ("peaks", "dp", "dbn", "bars"):
        result = mirkit_cli("decode", "beats", folder / "full.npz", "--decoder", name, "--json")
        assert result.status == 0, result.err
        assert len(result.objects()[0]["beats"]) > 25
