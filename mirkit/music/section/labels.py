"""Label segments that are the same again alike."""

from __future__ import annotations

import numpy as np

from mirkit.arrays import Floats, Ints


def likeness(alike: Floats, starts: Ints, ends: Ints) -> Floats:
    """Return how alike each two segments are, ``(n, n)``, from the self-similarity of their beats.

    Two segments are as alike as their beats one by one, at the shift that is best for it; shifts
    that leave less than half of the shorter are not tried.
    """
    n = len(starts)
    found = np.eye(n)
    for i in range(n):
        for j in range(i):
            block = alike[starts[i] : ends[i], starts[j] : ends[j]]
            found[i, j] = found[j, i] = best_diagonal(block)
    return found


def best_diagonal(block: Floats) -> float:
    """Return the highest mean of a diagonal of `block`, at least half as long as its short side.

    Examples
    --------
    >>> best_diagonal(np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]))
    1.0
    """
    rows, columns = block.shape
    least = max(1, (min(rows, columns) + 1) // 2)
    diagonal = (np.arange(columns) - np.arange(rows)[:, None] + rows - 1).ravel()
    sums, lengths = np.bincount(diagonal, block.ravel()), np.bincount(diagonal)
    is_long = lengths >= least
    return float((sums[is_long] / lengths[is_long]).max())


def letters(alike: Floats, threshold: float) -> tuple[str, ...]:
    """Return a letter for each segment: groups of mean likeness above `threshold` share one.

    Groups are joined as long as that holds, the two most alike first (average linkage); letters
    go by first appearance.

    Examples
    --------
    >>> letters(np.array([[1, 0.1, 0.9], [0.1, 1, 0.2], [0.9, 0.2, 1]]), 0.5)
    ('A', 'B', 'A')
    """
    groups = [[i] for i in range(len(alike))]
    while len(groups) > 1:
        pairs = [(i, j) for i in range(len(groups)) for j in range(i)]
        means = [float(alike[np.ix_(groups[i], groups[j])].mean()) for i, j in pairs]
        best = int(np.argmax(means))
        if means[best] < threshold:
            break
        i, j = pairs[best]
        groups[j] += groups.pop(i)
    order = sorted(range(len(groups)), key=lambda k: min(groups[k]))
    names = {member: letter(at) for at, k in enumerate(order) for member in groups[k]}
    return tuple(names[i] for i in range(len(alike)))


def letter(n: int) -> str:
    """Return the name of group `n`: A … Z, AA, AB, ….

    Examples
    --------
    >>> letter(0), letter(25), letter(26), letter(53)
    ('A', 'Z', 'AA', 'BB')
    """
    head = letter(n // 26 - 1) if n >= 26 else ""
    return head + chr(ord("A") + n % 26)
