"""Write the accuracy on unseen recordings into README.md: from benchmarks/results/unseen.json.

The recordings are not here; the numbers were measured by people who have them, and stand in the
file with their date, the version and the hashes of the weights.

Run: python -m benchmarks.unseen  (or python benchmarks/unseen.py)
"""

from __future__ import annotations

from typing import Any

import report


def main() -> None:
    """Write the tables."""
    known = report.read_json("unseen")
    parts = [_board(board) for board in known["boards"]]
    said = f"Measured on {known['version']} on {known['date']}"
    text = "\n\n".join([*parts, f"{said}{_changes(known['weights'])}."])
    report.write_between_markers(report.ROOT / "README.md", "unseen", text)
    print(text)


def _board(board: dict[str, Any]) -> str:
    header = (f"{board['task']}: {board['recordings']}", *board["measures"])
    rows = [(name, *map(_cell, values)) for name, values in board["systems"].items()]
    return report.table(header, rows)


def _cell(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.1f}" if value > 1 else f"{value:.3f}"


def _changes(weights: dict[str, str]) -> str:
    """Return a clause about the models whose files have changed since."""
    import mirkit

    cards = {card.name: card for card in mirkit.models()}
    changed = [name for name, sha256 in weights.items() if cards[name].sha256 != sha256]
    return f"; the files of {', '.join(changed)} have changed since" if changed else ""


if __name__ == "__main__":
    main()
