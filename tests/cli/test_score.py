import pytest


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
