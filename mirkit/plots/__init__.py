"""Pictures of plain arrays: one function a kind, each returns a matplotlib figure to save or show.

They keep no state of pyplot, open no window, and need ``pip install 'mirkit[plot]'``.
"""

from mirkit.plots.intervals import Panel, plot_intervals
from mirkit.plots.ranks import plot_ranks
from mirkit.plots.reliability import plot_reliability

__all__ = ["Panel", "plot_intervals", "plot_ranks", "plot_reliability"]
