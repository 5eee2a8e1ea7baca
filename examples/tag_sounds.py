"""What sounds in a recording, and which of several recordings sound alike.

Run: python examples/tag_sounds.py [FILE …]
"""

import sys
from pathlib import Path

import numpy as np

import mirkit

DEMO = Path(__file__).parent / "audio" / "demo.ogg"


def main(paths: list[Path]) -> None:
    """Print the tags of each recording, and its nearest neighbor."""
    for path, tags in zip(paths, mirkit.tags(paths, top=5), strict=True):
        print(f"{path.name}: " + ", ".join(f"{label} {score:.2f}" for label, score in tags))

    vectors = np.concatenate([embedding.values for embedding in mirkit.embed(paths)])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    alike = vectors @ vectors.T
    np.fill_diagonal(alike, -1)
    for path, row in zip(paths, alike, strict=True):
        if len(paths) > 1:
            print(f"{path.name} is most like {paths[row.argmax()].name}, {row.max():.2f}")


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]] or [DEMO])
