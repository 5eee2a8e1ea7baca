"""Measure search in an index of many vectors: build time, size, milliseconds per query, recall.

    python benchmarks/vector_search.py VECTORS.npy --n 1000000

VECTORS are real embeddings of clap-mini; noise makes as many of them as are asked for. Recall at 10
is that of the graph against exact search.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import report

PAGE = report.ROOT / "docs" / "retrieval.md"
NOISE, N_QUERIES, K = 0.35, 200, 10


def multiplied(real: np.ndarray, n: int, seed: int = 0) -> np.ndarray:
    """Return `n` unit vectors: real ones with noise of a length relative to theirs."""
    rng = np.random.default_rng(seed)
    units = real / np.linalg.norm(real, axis=1, keepdims=True)
    found = units[rng.integers(len(units), size=n)].astype(np.float32)
    noise = rng.standard_normal(found.shape, np.float32) * NOISE / np.sqrt(found.shape[1])
    found += noise
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def main() -> None:
    """Run the command line."""
    from mirkit.sound.index import Space, VectorIndex

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("vectors", type=Path)
    parser.add_argument("--n", type=int, default=1_000_000)
    args = parser.parse_args()
    real = np.load(args.vectors)
    values, queries = multiplied(real, args.n), multiplied(real, N_QUERIES, seed=1)
    index = VectorIndex(Space("clap-mini"), values.shape[1])
    index.add([str(i) for i in range(args.n)], values)
    start = time.process_time()
    index.search(queries[:1], K, exact=False)
    built = time.process_time() - start
    exact = index.search(queries, K, exact=True)
    start = time.process_time()
    near = [index.search(query[None], K, exact=False)[0] for query in queries]
    each = (time.process_time() - start) / N_QUERIES
    pairs = zip(exact, near, strict=True)
    recall = np.mean([len({x.key for x in a} & {x.key for x in b}) / K for a, b in pairs])
    with tempfile.TemporaryDirectory() as folder:
        index.save(folder)
        size = sum(path.stat().st_size for path in Path(folder).iterdir())
    found = {
        "vectors": args.n, "dimensions": values.shape[1], "build [CPU s]": round(built, 1),
        "on disk [MB]": round(size / 1e6, 1), "query [CPU ms]": round(1000 * each, 3),
        "recall@10": round(float(recall), 4),
    }  # fmt: skip
    table = report.table(list(found), [list(found.values())])
    print(table)
    report.write_between_markers(PAGE, "search", table)
    report.write_json("vector_search", found)


if __name__ == "__main__":
    main()
