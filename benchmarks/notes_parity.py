"""Compare our Basic Pitch with its authors' own package on real recordings.

The same decoded samples go through both. Writes the table into docs/notes.md and
benchmarks/results/notes_parity.json. Needs the data pack, and an environment with their package
but not with what it pulls in, which is an old TensorFlow:

    pip install --no-deps basic-pitch==0.4.0
    pip install onnxruntime librosa mir_eval pretty_midi resampy "setuptools<81"

Run: python benchmarks/notes_parity.py
"""

import logging
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import report

FILES = (
    "hungarian_dance_5", "lets_go_fishin", "solo_trumpet_06", "sugar_plum_fairy", "vibe_ace",
    "speech_198",
)  # fmt: skip
HEADS = ("note", "onset", "contour")
RATE = 22050


def main() -> None:
    """Measure, print and write."""
    report.use_one_core()
    logging.disable(logging.WARNING)  # of the packages that theirs could use
    songs = Path(os.environ["MIRKIT_DATA"]) / "songs"
    results = {name: compared(songs / f"{name}.ogg") for name in FILES}
    rows = [
        (
            name, f"{r['activations']:.1e}", r["theirs"], r["ours"], r["same"], r["only_at_end"],
            f"{r['their_seconds'] / r['our_seconds']:.0f}",
        )
        for name, r in results.items()
    ]  # fmt: skip
    header = (
        "recording", "activations differ by", "their notes", "ours", "the same",
        "differ at the end", "our decoder's speed / theirs",
    )  # fmt: skip
    text = report.table(header, rows)
    print(text)
    report.write_between_markers(report.ROOT / "docs" / "notes.md", "parity", text)
    report.write_json("notes_parity", {"machine": report.machine(), "recordings": results})


def compared(path: Path) -> dict[str, Any]:
    """Return how the activations and the notes of both differ on a recording."""
    import numpy as np
    import soundfile
    from basic_pitch import inference, note_creation

    from mirkit.audio import reading
    from mirkit.music.note import inputs
    from mirkit.music.note.decoder import NoteDecoder
    from mirkit.zoo.registry import load_model

    weights = Path(inference.__file__).parent / "saved_models" / "icassp_2022" / "nmp.onnx"
    samples = reading.read(path, RATE, mono=True).samples
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "x.wav"
        soundfile.write(wav, samples[0], RATE, subtype="FLOAT")
        theirs = inference.run_inference(wav, inference.Model(weights))
    ours = load_model("basic-pitch", str(weights), n_threads=1).activations([samples])
    n_frames = len(theirs["note"])
    difference = max(
        float(np.abs(ours[name].values[:n_frames] - theirs[name]).max()) for name in HEADS
    )
    start = time.process_time()
    their_notes = note_creation.output_to_notes_polyphonic(
        theirs["note"].copy(), theirs["onset"].copy(), onset_thresh=0.5, frame_thresh=0.3,
        min_note_len=11, infer_onsets=True, max_freq=None, min_freq=None,
    )  # fmt: skip
    middle = time.process_time()
    our_notes = NoteDecoder().find(inputs.read(ours))
    end = time.process_time()
    expected = {(int(first), int(last), int(pitch)) for first, last, pitch, _ in their_notes}
    found = {(note.start, note.end, note.row + 21) for note in our_notes}
    # the last frames of the recording are theirs to leave out, so notes there differ
    late = n_frames - 200
    return {
        "activations": difference,
        "theirs": len(expected),
        "ours": len(found),
        "same": len(expected & found),
        "only_at_end": len([note for note in expected ^ found if note[1] > late]),
        "their_seconds": middle - start,
        "our_seconds": end - middle,
    }


if __name__ == "__main__":
    main()
