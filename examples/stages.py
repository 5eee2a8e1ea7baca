"""Stop after any arrow: audio, front end, model, decoder. Each is a callable.

Run: python examples/stages.py [FILE]
"""

import sys
from pathlib import Path

from mirkit.audio import reading
from mirkit.features import front_end
from mirkit.music.beat.decoder import decoder
from mirkit.music.beat.tempogram import Tempogram

DEMO = Path(__file__).parent / "audio" / "demo.ogg"


def main(path: Path) -> None:
    """Walk one recording through the stages."""
    audio = reading.read(path, sample_rate=22050, mono=True)
    print(f"audio        {audio.samples.shape} at {audio.sample_rate} Hz")

    features = front_end("tcn_22k")(audio)
    print(f"features     {features.values.shape} at {features.grid.fps:g} frames a second")

    activations = Tempogram().listen([audio.samples])
    print(f"activations  {', '.join(activations)}")

    for name in ("drift", "dp", "bars", "peaks"):
        beats = decoder(name)(activations)
        print(f"{name:12} {len(beats)} beats, {beats.bpm:.2f} bpm")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DEMO)
