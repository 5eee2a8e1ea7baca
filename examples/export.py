"""From beats to a grid, and into DJ software: what fits, what is lost.

Run: python examples/export.py [FILE [OUT.xml]]
"""

import sys
import tempfile
from pathlib import Path

import mirkit
from mirkit.formats.dj import Collection, losses, read_collection, save_collection
from mirkit.formats.dj.tracks import track_of

DEMO = Path(__file__).parent / "audio" / "demo.ogg"


def main(path: Path, out: Path) -> None:
    """Export one recording to rekordbox, and say how exact that is."""
    track, fit = track_of(path, mirkit.beats(path))
    assert fit is not None, "fewer than two beats make no grid"
    tempo = "one tempo" if fit.constant else f"{len(fit.grid)} tempi"
    print(f"{path.name}: {fit.grid.bpm:.2f} bpm, {tempo}, first downbeat {fit.grid.first_downbeat}")
    print(f"beats within {1000 * fit.max_error:.1f} ms of the grid, quality {fit.quality:.2f}")

    collection = Collection([track])
    for name in ("rekordbox", "traktor", "virtualdj"):
        (loss,) = losses(collection, name)
        print(f"{name}: worst beat {1000 * loss.deviation:.3f} ms off")

    save_collection(collection, out, "rekordbox")
    print(f"{out.name} holds {len(read_collection(out))} track")


if __name__ == "__main__":
    arguments = [Path(word) for word in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as folder:
        target = arguments[1] if len(arguments) > 1 else Path(folder) / "rekordbox.xml"
        main(arguments[0] if arguments else DEMO, target)
