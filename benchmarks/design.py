"""Count the form of the package: files on the way to beats, lengths of functions and files.

Run: python -m benchmarks.design  (or python benchmarks/design.py); it writes docs/design.md.
"""

from __future__ import annotations

import ast
import statistics
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import report

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "mirkit"
DEMO = ROOT / "examples" / "audio" / "demo.ogg"
LANDMARKS = {"zoo/runtime.py": "batch", "music/beat/results.py": "assemble"}
"""The functions whose call stacks are looked at: the network is run, the beats are put together."""


def stacks() -> dict[str, list[str]]:
    """Return the files of mirkit on the call stack of each landmark, from the verb down."""
    import mirkit

    mirkit.beats(DEMO)  # what is loaded once is not counted
    found: dict[str, list[str]] = {}

    def look(frame: FrameType, event: str, _: Any) -> None:
        if event != "call":
            return
        file = place(frame)
        if LANDMARKS.get(file) == frame.f_code.co_name and file not in found:
            found[file] = files_of(frame)

    sys.setprofile(look)
    try:
        mirkit.beats(DEMO)
    finally:
        sys.setprofile(None)
    return found


def place(frame: FrameType) -> str:
    """Return the file of a frame, below the package."""
    path = Path(frame.f_code.co_filename)
    return path.relative_to(PACKAGE).as_posix() if path.is_relative_to(PACKAGE) else ""


def files_of(frame: FrameType | None) -> list[str]:
    """Return the files of mirkit on a stack, outermost first, each once."""
    files: list[str] = []
    while frame is not None:
        if place(frame):
            files.insert(0, place(frame))
        frame = frame.f_back
    return list(dict.fromkeys(files))


def functions() -> list[int]:
    """Return the number of lines of each function of the package, without its docstring."""
    lengths = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                doc = ast.get_docstring(node, clean=False)
                n_doc = doc.count("\n") + 1 if doc else 0
                lengths.append((node.end_lineno or node.lineno) - node.lineno + 1 - n_doc)
    return lengths


def main() -> None:
    """Count, print and write."""
    found = stacks()
    files = list(dict.fromkeys(file for stack in found.values() for file in stack))
    rows = [
        (file, *("x" if file in found[landmark] else "" for landmark in LANDMARKS))
        for file in files
    ]
    header = ("file", "to the run of the network", "to the decoded beats")
    lengths = functions()
    sizes = {
        path.relative_to(PACKAGE).as_posix(): len(path.read_text().splitlines())
        for path in PACKAGE.rglob("*.py")
    }
    longest = max(sizes, key=lambda name: sizes[name])
    p90 = statistics.quantiles(lengths, n=10)[-1]
    facts = [
        ("files on the call stack from `mirkit.beats` to the run of the network",
         len(found["zoo/runtime.py"])),
        ("files on the call stack from `mirkit.beats` to the decoded beats",
         len(found["music/beat/results.py"])),
        ("files on either", len(files)),
        ("functions", len(lengths)),
        ("median length of a function, without docstring [lines]",
         f"{statistics.median(lengths):g}"),
        ("90 % are at most so long [lines]", f"{p90:g}"),
        ("files", len(sizes)),
        (f"longest file, `{longest}` [lines]", sizes[longest]),
    ]  # fmt: skip
    text = report.table(("", ""), facts) + "\n\n" + report.table(header, rows)
    report.write_between_markers(ROOT / "docs" / "design.md", "design", text)
    print(text)


if __name__ == "__main__":
    main()
