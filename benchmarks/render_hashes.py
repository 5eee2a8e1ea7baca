"""Hash rendered clips: held-out clips must stay as they are, bit for bit, whatever changes.

Renders a few clips of each manifest, evenly spread over it, and prints a line for each: SHA-256 of
its samples, SHA-256 of its annotation, its name. Samples depend on the versions of FluidSynth,
FFmpeg, MMA, numpy, scipy and soxr, which the first lines name. Where these differ from those of
benchmarks/results/render_hashes.txt, print the hashes before a change and check them after it.

Run: python benchmarks/render_hashes.py --check benchmarks/results/render_hashes.txt
     python benchmarks/render_hashes.py MANIFEST ... --clips 9 > before.txt
     python benchmarks/render_hashes.py MANIFEST ... --clips 9 --check before.txt
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

from mirkit.rendering import ClipSpec, Corpus, read_specs, render_clip

ROOT = Path(__file__).parents[1]
HELD_OUT = ("test", "val-v7", "calibration", "chord-test", "chord-val")
PACKAGES = ("numpy", "scipy", "soxr", "soundfile")
PROGRAMS = (["fluidsynth", "--version"], ["ffmpeg", "-version"], ["mma", "-v"])


def main() -> int:
    """Run the script and return its exit status: 1 where a hash differs from the file's."""
    args = arguments()
    specs = [spec for path in args.manifests for spec in spread(read_specs(path), args.clips)]
    known = read_hashes(args.check) if args.check else {}
    print("\n".join(f"# {line}" for line in versions()))
    corpus, n_different = Corpus.default(), 0
    with ProcessPoolExecutor(args.jobs, mp_context=get_context("spawn")) as pool:
        for spec, hashes in zip(specs, pool.map(hash_clip, specs, repeat(corpus)), strict=True):
            is_different = args.check and known.get(spec.clip_id) != hashes
            n_different += bool(is_different)
            print(*hashes, spec.clip_id, *["DIFFERENT"] * bool(is_different), flush=True)
    if args.check:
        print(f"{len(specs) - n_different} of {len(specs)} clips are as in {args.check}")
    return 1 if n_different else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    manifests = [ROOT / "data" / "manifests" / f"{name}.jsonl" for name in HELD_OUT]
    help_text = "default: the five of held-out clips"
    parser.add_argument(
        "manifests", type=Path, nargs="*", default=manifests, metavar="MANIFEST", help=help_text
    )
    parser.add_argument("--clips", type=int, default=4, help="of each manifest (default: 4)")
    parser.add_argument("--check", type=Path, metavar="FILE", help="what was printed before")
    parser.add_argument("--jobs", type=int, default=1)
    return parser.parse_args()


def versions() -> list[str]:
    """Return the libraries and programs that have a say in the samples, and their versions."""
    packages = [f"{name} {version(name)}" for name in PACKAGES]
    return packages + [f"{command[0]} {_version_of(command)}" for command in PROGRAMS]


def _version_of(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"\d+(\.\d+)+\S*", done.stdout + done.stderr)
    return found[0] if found else "unknown"


def spread(specs: tuple[ClipSpec, ...], n: int) -> list[ClipSpec]:
    """Return `n` of the specifications, at equal distances, the first and the last among them."""
    n = min(n, len(specs))
    return [specs[i * (len(specs) - 1) // max(n - 1, 1)] for i in range(n)]


def hash_clip(spec: ClipSpec, corpus: Corpus) -> tuple[str, str]:
    """Return the hashes of a clip's samples and of its annotation."""
    clip = render_clip(spec, corpus)
    text = json.dumps(clip.annotation, separators=(",", ":"))
    return _sha256(clip.samples.tobytes()), _sha256(text.encode())


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def read_hashes(path: Path) -> dict[str, tuple[str, str]]:
    """Return the hashes of each clip in what this script printed."""
    rows = [line.split() for line in path.read_text().splitlines()]
    return {row[2]: (row[0], row[1]) for row in rows if len(row) == 3 and len(row[0]) == 64}


if __name__ == "__main__":
    sys.exit(main())
