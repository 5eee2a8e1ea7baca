"""Stop after any arrow: audio, features, activations, beats.

Run: python examples/stages.py [FILE]
"""

import sys
from pathlib import Path

import mirkit
from mirkit.audio import reading

DEMO = Path(__file__).parent / "audio" / "demo.ogg"


def main(path: Path) -> None:
    """Walk one recording through the stages."""
    system = mirkit.load("beat-tcn")
    audio = reading.read(path, sample_rate=system.sample_rate, mono=True)
    print(f"audio        {audio.samples.shape} at {audio.sample_rate} Hz")

    features = system.model.features([audio.samples])
    for each in features:
        print(f"features     {each.values.shape} of {each.front_end}, {each.grid.fps:g} per second")

    activations = system.model.activations(features)
    print(f"activations  {', '.join(activations)}")

    for name in ("drift", "dp", "bars", "peaks"):
        beats = mirkit.beats(activations, decoder=name)
        print(f"{name:12} {len(beats)} beats, {beats.bpm:.2f} bpm")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DEMO)
