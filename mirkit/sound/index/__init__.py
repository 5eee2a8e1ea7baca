"""An index of embeddings: nearest-neighbor search by cosine, in memory and on disk.

``embeddings → VectorIndex → hits``: every index remembers which model made its vectors, and
refuses those of another.
"""

from mirkit.sound.index.graph import Graph
from mirkit.sound.index.space import Space
from mirkit.sound.index.vectors import EXACT_BELOW, Hit, VectorIndex

__all__ = ["EXACT_BELOW", "Graph", "Hit", "Space", "VectorIndex"]
