"""Read the files whose paths come on stdin, one a line, and say how each went on stdout."""

import faulthandler
import resource
import sys
import traceback

import numpy as np

from mirkit.audio.reading import read
from mirkit.errors import AudioError

LONGEST = 100  # [s]; the files hold 2 s


def outcome(path, *args, **part):
    """``audio`` and the number of samples, ``AudioError``, or ``BAD`` and what is."""
    try:
        audio = read(path, *args, **part)
    except AudioError as error:
        return "AudioError" if path in str(error) else f"BAD: the error names no file: {error}"
    except BaseException:  # noqa: BLE001 (whatever it is, the parent shall hear of it)
        return "BAD: " + traceback.format_exc()[-600:].replace("\n", " | ")
    if not (audio.n_samples and np.isfinite(audio.samples).all() and audio.duration < LONGEST):
        return f"BAD: {audio.n_samples} samples"
    return f"audio: {audio.n_samples}"


if __name__ == "__main__":
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, 4 * 2**30))
    for line in sys.stdin:
        whole = outcome(line.rstrip("\n"))
        part = outcome(line.rstrip("\n"), 22050, mono=True, offset=0.5, duration=0.5)
        print(part if part.startswith("BAD") else whole, flush=True)  # noqa: T201
