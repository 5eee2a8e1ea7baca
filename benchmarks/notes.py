"""Measure how true and how fast notes are, on rendered music whose notes are known.

Twelve pieces of 30 s: piano pop tunes, hymns, lieder, and game music with drums, played dry by
FluidSynth. Notes of one pitch that begin together are one note; drums are no notes. The curve of
the confidence is fitted on other pieces. Processor time of one core with one thread, the reading
of the file included. Writes the table into docs/notes.md and benchmarks/results/notes.json. Needs
the data pack, FluidSynth and its soundfonts.

Run: python benchmarks/notes.py WEIGHTS (the wheel of basic-pitch, or the .onnx file in it)
"""

import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import report

if TYPE_CHECKING:
    from mirkit.annotation import Events
    from mirkit.rendering.score import Part
    from mirkit.system import System

SECONDS = 30.0
SAMPLE_RATE = 44100
UNISON_SECONDS = 0.03
STYLES = {
    "pop909": ("pop tune on piano", 4),
    "hymnal": ("hymn", 3),
    "lieder": ("lied", 3),
    "freedoom": ("game music", 2),
}
"""Style and number of pieces of each source."""

FONTS = ("TimGM6mb", "FluidR3_GM")
SEEDS = {"test": 107, "val": 507}
N_FITTED = 4
"""How many times as many pieces the curve of the confidence is fitted on."""
COLUMNS = {
    "onset F": "onset_f_measure",
    "F": "f_measure",
    "P": "precision",
    "R": "recall",
    "F with offset": "offset_f_measure",
}


@dataclass(frozen=True)
class Piece:
    """A recording and its notes."""

    path: Path
    style: str
    song: str
    notes: "Events"


@dataclass(frozen=True)
class Result:
    """What was found in a piece: scores, confidence, whether each note is right, and the time."""

    piece: Piece
    n_found: int
    scores: dict[str, float]
    confidence: Sequence[float]
    right: Sequence[float]
    seconds: float


def calibration_of(name: str) -> tuple[float, float]:
    """Return slope and offset that a card holds."""
    from mirkit.zoo.registry import card

    fitted = card(name).confidence
    return fitted["slope"], fitted["offset"]


def main() -> None:
    """Measure, print and write."""
    report.use_one_core()
    from mirkit.system import load

    own, plain = (
        load("basic-pitch", weights=sys.argv[1], calibration=curve)
        for curve in (calibration_of("basic-pitch"), None)
    )
    with tempfile.TemporaryDirectory() as folder:
        tests = [heard(own, piece) for piece in rendered(Path(folder), "test")]
        others = [heard(plain, piece) for piece in rendered(Path(folder), "val", N_FITTED)]
    curve = fitted(others)
    rate = SECONDS * len(tests) / sum(result.seconds for result in tests)
    text = report.table(*rows(tests))
    text += f"\n\n{rate:.0f} times real time on one core ({report.machine()['processor']})."
    text += " " + honesty(tests)
    print(text)
    print(f"calibration: slope {curve[0]:.4f}, offset {curve[1]:.4f}")
    report.write_between_markers(report.ROOT / "docs" / "notes.md", "notes", text)
    report.write_json(
        "notes",
        {
            "machine": report.machine(),
            "times_real_time": rate,
            "calibration": curve,
            "means": means_of(tests),
            "pieces": {r.piece.song: r.scores | {"style": r.piece.style} for r in tests},
        },
    )


def rendered(folder: Path, split: str, times: int = 1) -> Iterator[Piece]:
    """Yield the pieces of a split, or some times as many, played into a folder."""
    import numpy as np
    import soundfile

    from mirkit.rendering.archives import Corpus
    from mirkit.rendering.score import crop
    from mirkit.rendering.sources import SOURCES
    from mirkit.rendering.synth import Mix, synthesize

    corpus = Corpus.default()
    for source, (style, n) in STYLES.items():
        for i in range(n * times):
            rng = np.random.default_rng(SEEDS[split] + 10 * i)
            score = SOURCES[source].play(style, split, 2 * SECONDS, rng, corpus)
            first = min(float(part.notes[:, 0].min()) for part in score.parts if len(part.notes))
            score = crop(score, first - 0.5, first - 0.5 + SECONDS, preroll=0.0)
            mix = Mix((100,) * len(score.parts), (64,) * len(score.parts))
            font = FONTS[i % len(FONTS)]
            sound = synthesize(score.parts, mix, font, SECONDS, sample_rate=SAMPLE_RATE)
            path = folder / f"{split}-{source}-{i}.wav"
            soundfile.write(path, sound.T, SAMPLE_RATE)
            yield Piece(path, style, score.origin.song, truth(score.parts))


def truth(parts: "Iterable[Part]") -> "Events":
    """Return the notes of all parts but drums, those in unison as one."""
    import numpy as np

    from mirkit.annotation import Events

    played = [part.notes for part in parts if not part.is_drums and len(part.notes)]
    kept: list[list[float]] = []
    latest: dict[float, list[float]] = {}
    for start, length, pitch, velocity in sorted(np.concatenate(played).tolist()):
        end = min(start + length, SECONDS)
        note = latest.get(pitch)
        if note is not None and start - note[0] < UNISON_SECONDS:
            note[1], note[3] = max(note[1], end), max(note[3], velocity)
            continue
        latest[pitch] = [start, end, pitch, velocity]
        kept.append(latest[pitch])
    starts, ends, pitches, velocities = np.array(kept).T
    labels = tuple(str(int(pitch)) for pitch in pitches)
    return Events(
        np.stack([starts, ends], axis=1), labels, kind="note", velocities=velocities.clip(1, 127)
    )


def heard(system: "System[Events]", piece: Piece) -> Result:
    """Return how a system does on a piece."""
    import numpy as np
    from mir_eval import transcription

    from mirkit.metrics.note import note_scores

    start = time.process_time()
    found = system(piece.path)
    seconds = time.process_time() - start
    true: Any = (piece.notes.intervals, piece.notes.frequencies)
    pairs = transcription.match_notes(*true, found.intervals, found.frequencies, offset_ratio=None)
    right = np.zeros(len(found))
    right[[j for _, j in pairs]] = 1
    sure: Any = found.confidence
    return Result(piece, len(found), note_scores(piece.notes, found), sure, right.tolist(), seconds)


def fitted(results: Sequence[Result]) -> tuple[float, float]:
    """Return the slope and the offset of the curve from onset activation to confidence."""
    import numpy as np

    from mirkit.metrics.calibration import fit_logistic

    onset = np.clip(np.concatenate([result.confidence for result in results]), 1e-6, 1 - 1e-6)
    right = np.concatenate([result.right for result in results])
    model = fit_logistic(np.log(onset / (1 - onset))[:, None], right)
    return round(model.weights[0], 4), round(model.intercept, 4)


def honesty(results: Sequence[Result]) -> str:
    """Say how honest the confidence is."""
    import numpy as np

    from mirkit.metrics.calibration import auroc, expected_calibration_error

    sure = np.concatenate([result.confidence for result in results])
    right = np.concatenate([result.right for result in results])
    error, area = expected_calibration_error(sure, right), auroc(sure, right)
    return f"Confidence of {len(sure)} notes: calibration error {error:.3f}, AUROC {area:.3f}."


def means_of(results: Sequence[Result]) -> dict[str, float]:
    """Return the mean of each measure over pieces."""
    return {
        name: sum(result.scores[name] for result in results) / len(results)
        for name in COLUMNS.values()
    }


def rows(results: Sequence[Result]) -> tuple[Sequence[str], list[Sequence[object]]]:
    """Return header and lines of the table: each piece, and the mean."""
    lines: list[Sequence[object]] = [
        (
            f"{r.piece.style}: {r.piece.song.split('/')[-1]}",
            len(r.piece.notes),
            r.n_found,
            *(f"{r.scores[name]:.3f}" for name in COLUMNS.values()),
        )
        for r in results
    ]
    means = list(means_of(results).values())
    n_notes, n_found = sum(len(r.piece.notes) for r in results), sum(r.n_found for r in results)
    lines.append(("**mean**", n_notes, n_found, *(f"**{mean:.3f}**" for mean in means)))
    return ("piece", "notes", "found", *COLUMNS), lines


if __name__ == "__main__":
    main()
