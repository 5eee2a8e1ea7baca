"""Pictures: one function a kind, each returns a matplotlib figure to save or show.

`mirkit.plot` chooses among them. They keep no state of pyplot, open no window, and need
``pip install 'mirkit[plot]'``.
"""

from mirkit.plots.curves import plot_precision_recall
from mirkit.plots.front import plot
from mirkit.plots.heads import plot_activations, plot_features, plot_tags, plot_tempo
from mirkit.plots.intervals import Panel, plot_intervals
from mirkit.plots.ranks import plot_ranks
from mirkit.plots.recording import plot_recording
from mirkit.plots.reliability import plot_reliability

__all__ = [
    "Panel",
    "plot",
    "plot_activations",
    "plot_features",
    "plot_intervals",
    "plot_precision_recall",
    "plot_ranks",
    "plot_recording",
    "plot_reliability",
    "plot_tags",
    "plot_tempo",
]
