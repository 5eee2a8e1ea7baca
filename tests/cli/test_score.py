import pytest

from mirkit.annotation import Key
from mirkit.formats import save


@pytest.fixture
def folders(tmp_path):
    for name, shift in (("reference", 0.0), ("estimate", 0.01)):
        (tmp_path / name).mkdir()
        for song in ("one", "two"):
            lines = [f"{5 + i / 2 + shift}\t{i % 4 + 1}\n" for i in range(40)]
            (tmp_path / name / f"{song}.beats").write_text("".join(lines))
    return tmp_path


def test_folders_are_matched_by_name_and_averaged(mirkit_cli, folders):
    result = mirkit_cli(
        "score", "beats", "--reference", folders / "reference", "--estimate", folders / "estimate",
        "--json",
    )  # fmt: skip
    rows = result.objects()
    assert result.status == 0
    assert rows[0]["file"] == "one"
    assert rows[-1]["n_files"] == 2
    assert rows[-1]["mean"]["f_measure"] == 1
    assert rows[-1]["mean"]["downbeat_f_measure"] == 1
    assert rows[-1]["mean"]["cemgil"] < 1


def test_the_table_has_a_row_a_file_and_the_mean(mirkit_cli, folders):
    result = mirkit_cli(
        "score", "beats", "--reference", folders / "reference", "--estimate", folders / "estimate"
    )
    lines = result.out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["one", "two", "mean"]
    assert "f_measure" in lines[0]


def test_a_reference_without_estimate_is_named(mirkit_cli, folders):
    (folders / "estimate" / "two.beats").unlink()
    result = mirkit_cli(
        "score", "beats", "--reference", folders / "reference", "--estimate", folders / "estimate"
    )
    assert result.status == 1
    assert "two has no estimate" in result.err


def test_a_folder_against_a_file_is_refused(mirkit_cli, folders):
    result = mirkit_cli(
        "score", "beats", "--reference", folders / "reference",
        "--estimate", folders / "estimate" / "one.beats",
    )  # fmt: skip
    assert result.status == 1
    assert "two folders or two files" in result.err


@pytest.fixture
def estimate(tmp_path):
    """What our own key finder would have written."""
    path = tmp_path / "estimate.json"

    def write(key):
        save(Key(key, 0.5), path)
        return path

    return write


@pytest.mark.parametrize(
    ("name", "key"),
    [("r15_Db_minor.lab", "C# minor"), ("r15_D_minor.lab", "D minor"),
     ("r15_isophonics.lab", "D minor")],
)  # fmt: skip
def test_references_of_any_spelling_are_scored(mirkit_cli, cases, estimate, name, key):
    found = mirkit_cli("score", "key", "--reference", cases / name, "--estimate", estimate(key),
                       "--json")  # fmt: skip
    assert found.status == 0, found.err
    assert found.objects()[-1]["mean"]["weighted"] == 1
    other = mirkit_cli("score", "key", "--reference", cases / name, "--estimate",
                       estimate("F# major"), "--json")  # fmt: skip
    assert other.objects()[-1]["mean"]["weighted"] == 0


@pytest.mark.parametrize(
    ("lines", "key", "weighted"),
    [
        ("0\t10\tD:min\n", "D minor", 1),  # by its spelling a chord
        ("0\t10\tC\n", "C major", 1),
        ("0\t10\t8A\n", "A minor", 1),  # by its spelling a section
        ("0\t2\tSilence\n2\t30\tKey\tF#\n30\t90\tKey\tE\n", "E major", 1),
        ("0\t9\tA flat minor\n", "Eb minor", 0.5),
        ("0\t9\tN\n9\t10\tA:minor\n", "C major", 0.3),
        ("0\t9\t12B - E\n", "E minor", 0.2),
    ],
)
def test_the_task_says_what_labels_are(mirkit_cli, tmp_path, estimate, lines, key, weighted):
    reference = tmp_path / "true.lab"
    reference.write_text(lines)
    found = mirkit_cli("score", "key", "--reference", reference, "--estimate", estimate(key),
                       "--json")  # fmt: skip
    assert found.status == 0, found.err
    assert found.objects()[-1]["mean"]["weighted"] == weighted


def test_modes_are_not_scored_and_what_is_no_key_is_named(mirkit_cli, tmp_path, estimate):
    reference = tmp_path / "true.lab"
    reference.write_text("0\t9\tKey\tD:dorian\n")
    found = mirkit_cli("score", "key", "--reference", reference, "--estimate", estimate("D minor"),
                       "--json")  # fmt: skip
    assert (found.status, found.objects()[-1]["mean"]) == (0, {})
    reference.write_text("0\t9\tverse\n")
    found = mirkit_cli("score", "key", "--reference", reference, "--estimate", estimate("D minor"))
    assert found.status == 1
    assert "true.lab holds no keys: 'verse' is no key" in found.err
