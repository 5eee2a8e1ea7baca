from itertools import pairwise


def test_sections_span_the_recording(mirkit_cli, demo):
    result = mirkit_cli("sections", demo, "--json")
    assert result.status == 0
    (row,) = result.objects()
    segments = row["sections"]
    assert segments[0]["start"] == 0
    for earlier, later in pairwise(segments):
        assert earlier["end"] == later["start"]
    assert row["schema"] == 2


def test_sections_are_written_as_files(mirkit_cli, demo, tmp_path):
    result = mirkit_cli("sections", demo, "-o", tmp_path)
    assert result.status == 0
    assert len((tmp_path / "demo.lab").read_text().splitlines()[0].split()) == 3


def test_sections_need_no_model(mirkit_cli, demo):
    result = mirkit_cli("sections", demo, "--model", "beat-tcn")
    assert result.status == 2
    assert "--model" in result.err
    assert result.out == ""
