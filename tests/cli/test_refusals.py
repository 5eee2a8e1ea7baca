"""Commands refuse what they cannot do, with a sentence, before they work."""

import socket

import pytest

from mirkit.cli import main


def test_a_model_that_nothing_is_drawn_of_is_wrong_usage(capsys, tmp_path):
    with pytest.raises(SystemExit) as end:
        main(["plot", "song.mp3", "-o", str(tmp_path / "x.png"), "--model", "beat-tcn"])
    assert end.value.code == 2
    assert "--view activations" in capsys.readouterr().err


def test_a_pattern_that_no_model_matches_is_named(capsys):
    assert main(["models", "beat-tcm"]) == 1
    out, err = capsys.readouterr()
    assert (out, "Did you mean 'beat-tcn'" in err) == ("", True)


@pytest.mark.parametrize("port", ["-5", "99999", "http"])
def test_a_port_is_a_number_of_one(capsys, port):
    with pytest.raises(SystemExit) as end:
        main(["serve", "--port", port])
    assert end.value.code == 2
    assert "is no port" in capsys.readouterr().err


def test_a_port_in_use_is_told(capsys, tmp_path):
    pytest.importorskip("fastapi")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["serve", "--port", port, "--data", str(tmp_path)]) == 1
    assert f"nothing can listen at port {port} of 127.0.0.1" in capsys.readouterr().err


def test_a_vocabulary_that_is_not_there_is_told_without_numbers(capsys, tmp_path):
    assert main(["zero-shot", "x.wav", "--labels", str(tmp_path / "none.txt")]) == 1
    err = capsys.readouterr().err
    assert "is no vocabulary" in err
    assert "Errno" not in err
