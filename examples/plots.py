"""Draw the demo piece in every way that there is, into a folder: ``python plots.py FOLDER``."""

import sys
from pathlib import Path

import mirkit

DEMO = Path(__file__).parent / "audio" / "demo.ogg"


def main(folder: Path) -> None:
    """Write the pictures of docs/plots.md."""
    found = mirkit.analyze(DEMO)
    beats = found["beats"]
    activations = mirkit.load(task="chords").activations(DEMO)
    figures = {
        "waveform": mirkit.plot(DEMO, found),
        "spectrogram": mirkit.plot(DEMO, found, view="spectrogram", start=8, end=20),
        "tempogram": mirkit.plot(DEMO, beats, view="tempogram"),
        "activations": mirkit.plot(activations),
        "tags": mirkit.plot(found["tags"]),
    }
    for name, figure in figures.items():
        figure.savefig(folder / f"plot-{name}.png", dpi=80)
        print(f"plot-{name}.png shows {len(figure.axes)} axes")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
