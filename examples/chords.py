"""Chords and key of a track, in DJs' notation too; kept as a lab file, JAMS and MIDI.

Run: python examples/chords.py [FILE [MODEL_OF_CHORDS MODEL_OF_KEYS]]
"""

import sys
import tempfile
from pathlib import Path

import mirkit

DEMO = Path(__file__).parent / "audio" / "demo.ogg"


def main(path: Path, chord_model: str | None = None, key_model: str | None = None) -> None:
    """Print what is found, and write it."""
    key = mirkit.key(path, model=key_model)
    print(f"{path.name}: {key.label} ({key.write('camelot')}), confidence {key.confidence:.2f}")
    for (start, end), label in zip(key.segments.intervals, key.segments.labels, strict=True):
        print(f"  {start:6.2f} – {end:6.2f} s  {label}")

    chords = mirkit.chords(path, model=chord_model, vocabulary="majmin", beats=True)
    print(f"{len(chords)} chords, on beats:")
    for (start, end), label in list(zip(chords.intervals, chords.labels, strict=True))[:8]:
        print(f"  {start:6.2f} – {end:6.2f} s  {label}")

    folder = Path(tempfile.mkdtemp())
    for name in ("track.lab", "track.jams", "track.mid"):
        mirkit.save(chords, folder / name)
    assert mirkit.read(folder / "track.lab").labels == chords.labels
    print(f"  written to {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DEMO, *sys.argv[2:])
