"""What two libraries must have in common, and a program that analyzes one."""

import sys

from mirkit.library import LIBRARY_TASKS, Library

FAST = {"beats": {"model": "tempogram"}}
"""The model that needs no weights."""


def table(library):
    """All that is known, by content: everything but numbers, times and the order of work."""
    found = {}
    for row in library.tracks(limit=None):
        values = {task: library.get(row.id, task) for task in LIBRARY_TASKS}
        makers = {task: library.maker(row.id, task) for task in LIBRARY_TASKS}
        about = (row.path, row.title, row.artist, row.bpm, row.key, row.energy, row.loudness)
        state = (row.status, row.audio_hash, row.duration)
        found[row.content_hash] = (values, makers, about, state, tuple(library.tags(row.id)))
    reasons = sorted(
        (row.path, row.task or "", row.type, row.message) for row in library.failures()
    )
    return found, reasons


if __name__ == "__main__":  # PATH of a library, FOLDER: scan and analyze, with two processes
    with Library(sys.argv[1]) as made:
        made.add(sys.argv[2])
        report = made.analyze(["beats", "loudness"], settings=FAST, n_jobs=int(sys.argv[3]))
        sys.stdout.write(f"{report.n_done} {report.n_failed}\n")
