"""A music library: scan folders, analyze what is new, keep what is known, find tracks again.

    library = mirkit.library.Library("music.db")
    library.add("/home/me/Music")
    library.analyze(n_jobs=4)

The database is one SQLite file: see `mirkit.library.schema`.
"""

from mirkit.library.analyzing import AnalysisReport, Plan, Progress
from mirkit.library.core import Library
from mirkit.library.database import LibraryError
from mirkit.library.makers import DEFAULT_TASKS, HUMAN, LIBRARY_TASKS, Maker
from mirkit.library.records import Result
from mirkit.library.review import Doubt, Probe
from mirkit.library.rows import FailureRow, Status, TrackRow
from mirkit.library.scanning import ScanReport

__all__ = [
    "DEFAULT_TASKS",
    "HUMAN",
    "LIBRARY_TASKS",
    "AnalysisReport",
    "Doubt",
    "FailureRow",
    "Library",
    "LibraryError",
    "Maker",
    "Plan",
    "Probe",
    "Progress",
    "Result",
    "ScanReport",
    "Status",
    "TrackRow",
]
