"""Write what the boards measured into the cards of the models.

The numbers come from benchmarks/results, which the scripts of the boards write; run this after
them. Each board becomes a table ``[scores.BOARD]`` at the end of the card, the speed a line.

Run: python benchmarks/card_scores.py
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import report

CARDS = report.ROOT / "mirkit" / "cards"
RESULTS = report.ROOT / "benchmarks" / "results"

CHORD = ("root", "majmin", "majmin_inv", "sevenths", "tetrads", "mirex", "seg")
KEY = ("weighted", "correct", "local_correct", "local_weighted")
BEATS = ("f_measure", "cmlt", "amlt", "downbeat_f_measure")
TAGS = ("map", "auc", "lwlrap")
NOTES = ("f_measure", "onset_f_measure", "offset_f_measure")
MUSICNNS = ("mtt.musicnn-mtt", "mtt.musicnn-mtt-vgg", "msd.musicnn-msd", "msd.musicnn-msd-vgg")

SOURCES: Sequence[tuple[str, str, str, tuple[str, ...]]] = (
    ("beat-tcn", "held-out", "held_out.means.all.beat-tcn", ("f_measure", "cmlt", "amlt",
                 "downbeat_f_measure", "tempo_accuracy_1", "tempo_accuracy_2")),
    ("chord-crnn", "held-out", "chord_board.chord-crnn?prior=flat", CHORD),
    ("chord-crnn", "held-out-music", "chord_board.chord-crnn", CHORD),
    ("key-crnn", "held-out", "key_board.key-crnn?prior=flat", KEY),
    ("key-crnn", "held-out-music", "key_board.key-crnn", KEY),
    ("tag-mn", "validation", "tag-mn.boards.validation", ("map_music", "map_other", "ece_music",
               "ece_other")),
    *((f"beatnet-{i}", "rendered", f"published_boards.beats-rendered.beatnet-{i}", BEATS)
      for i in (1, 2, 3)),
    ("crema", "rendered", "published_boards.chords-rendered.crema", ("root", "majmin", "sevenths",
              "tetrads", "seg")),
    ("s-key", "real", "published_boards.key-stated.s-key", ("weighted", "correct")),
    *((x.split(".")[1], "real", f"published_boards.tags-{x}", TAGS) for x in MUSICNNS),
    ("yamnet", "esc10-by-names", "esc10_by_names.yamnet", ("accuracy",)),
    ("yamnet", "real", "published_boards.tags-sounds.yamnet", TAGS),
    ("basic-pitch", "rendered", "notes.means", NOTES),
)  # fmt: skip
"""Model, name of the board, where its means stand, and which of them are told.

The balanced renders are held out with the flat prior; ``held-out-music`` is the same with the prior
of music, which is the default.
"""


def main() -> None:
    """Read the results and write the cards."""
    for model, board, place, names in SOURCES:
        means = found(place)
        path = CARDS / f"{model}.toml"
        text = with_scores(path.read_text(), board, {name: means[name] for name in names})
        path.write_text(text)
        print(f"{model}: {', '.join(f'{name} {means[name]:.3f}' for name in names)}")
    for model, speed in found("published_songs.speed").items():
        path = CARDS / f"{model}.toml"
        if path.is_file():  # a system with another decoder than the card's has none
            path.write_text(with_speed(path.read_text(), speed))


def found(place: str) -> Mapping[str, float]:
    """Return what stands at a place such as ``file.key.key`` of benchmarks/results."""
    name, *keys = place.split(".")
    value = json.loads(Path(RESULTS / f"{name}.json").read_text())
    for key in keys:
        value = value[key]
    return value


def with_scores(card: str, board: str, scores: Mapping[str, float]) -> str:
    """Return the text of a card with these scores of a board, instead of older ones."""
    without = re.sub(rf"\n\[scores\.{re.escape(board)}\]\n(?:[^\[\n].*\n)*", "", card)
    rows = "".join(f"{name} = {value:.4f}\n" for name, value in scores.items())
    return f"{without.rstrip()}\n\n[scores.{board}]\n{rows}"


def with_speed(card: str, speed: float) -> str:
    """Return the text of a card with this speed, times real time on one core."""
    without = re.sub(r"\nspeed = .*", "", card)
    line = f"\\g<0>speed = {speed:.0f}\n"
    return re.sub(r"^license_weights = .*\n", line, without, count=1, flags=re.M)


if __name__ == "__main__":
    main()
