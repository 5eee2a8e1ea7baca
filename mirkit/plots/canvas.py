"""Parts of all pictures: an empty figure, a grid, a legend outside the axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirkit.errors import MissingExtra

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CHARACTER, _HANDLE = 0.09, 0.6  # widths in a legend [inches]


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of this size [inches].

    Raises
    ------
    MissingExtra
        Where matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtra("matplotlib", "pip install 'mirkit[plot]'", "a plot") from None
    return Figure(figsize=(width, height), dpi=150, layout="constrained")


def style_axes(ax: Axes, title: str = "", grid: str = "x") -> None:
    """Write the title, and draw a grid behind the data without a box around it."""
    ax.set_title(title, loc="left", fontsize="medium")
    ax.set_axisbelow(True)
    ax.grid(axis=grid, alpha=0.3)  # type: ignore[arg-type]
    ax.spines[["top", "right"]].set_visible(False)


def add_legend(figure: Figure, ax: Axes) -> None:
    """Write the names of what `ax` shows above all axes, where they hide no data."""
    handles, labels = ax.get_legend_handles_labels()
    if not labels:
        return
    width = max(map(len, labels)) * _CHARACTER + _HANDLE  # of a column [inches]
    n_columns = max(1, int(figure.get_figwidth() / width))
    figure.legend(
        handles, labels, loc="outside upper left", ncols=min(n_columns, len(labels)), frameon=False
    )
