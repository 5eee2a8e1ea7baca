"""Draw the real recordings that nothing learns from: data/manifests/real-test.csv.

A tenth of the recordings of `sounds` and of `music`, seeded; a recording is held out in every
folder of the data pack that has it. The table is fixed: draw it again only to see that it is the
same. MIRKIT_DATA names the data pack.

Run: python benchmarks/real_test.py
"""

import os
from pathlib import Path

import report

TABLE = report.ROOT / "data" / "manifests" / "real-test.csv"


def main() -> None:
    """Draw, count and write."""
    from mirkit.datasets.real import PACKS, draw_test, join_recordings, read_real, write_test

    recordings = join_recordings(read_real(Path(os.environ["MIRKIT_DATA"])))
    drawn = draw_test(recordings)
    for pack in PACKS:
        known, held = (
            sum(any(file.pack == pack for file in files) for files in each.values())
            for each in (recordings, drawn)
        )
        print(f"{pack}: {held} of {known} recordings")
    write_test(TABLE, drawn)


if __name__ == "__main__":
    main()
