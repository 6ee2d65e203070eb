"""The figure of `perspectives compare`, and how all figures are written: as .png, .svg or .pdf."""

from pathlib import Path
from typing import Any

import pandas as pd

from perspectives.errors import ConfigError
from perspectives.files import new_file
from perspectives.metrics.direction import lower_is_better, signed

COLORS = {"prior": "#8a8f98", "model": "#1f5fa8", "oracle": "#c58b2a"}
KINDS = {"prior": "prior", "model": "trained", "oracle": "oracle (sees the item's annotations)"}


def check_figure(path: str | Path) -> None:
    """Raises ConfigError for an unknown file ending or when matplotlib is not installed."""
    if Path(path).suffix not in (".png", ".svg", ".pdf"):
        raise ConfigError(f"--figure {path} must end in .png, .svg or .pdf")
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise ConfigError("figures need matplotlib; pip install 'perspectives[figures]'") from error


def comparison(long: pd.DataFrame, metric: str, path: str | Path) -> None:
    """Dots with 95 % intervals, one row per entry of `tables.table`, best on top; ties keep the table's order.

    Raises ConfigError for an unknown file ending or when matplotlib is not installed.
    """
    check_figure(path)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    rows = long[long["metric"] == metric]
    size = rows["value"].abs() if signed(metric) else rows["value"]
    rows = rows.loc[size.sort_values(kind="stable", ascending=lower_is_better(metric)).index[::-1]]
    figure = Figure(figsize=(7.5, 0.34 * len(rows) + 1.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for height, row in enumerate(rows.to_dict("records")):
        color = COLORS[row["kind"]]
        axes.plot([row["low"], row["high"]], [height, height], color=color, linewidth=2.2, solid_capstyle="round")
        axes.plot([row["value"]], [height], "o", color=color, markersize=6.5, markeredgecolor="white")
    axes.set_yticks(range(len(rows)), rows["entry"], parse_math=False)  # a name may hold a $
    axes.set_xlabel(f"{metric.replace('/', ' ').replace('_', ' ')}, 95 % interval")
    axes.grid(axis="x", color="#e3e5e8")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    shown = [kind for kind in KINDS if (rows["kind"] == kind).any()]
    handles = [Line2D([], [], marker="o", color=COLORS[kind], label=KINDS[kind]) for kind in shown]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(shown), frameon=False)
    save(figure, Path(path))


def save(figure: Any, path: Path) -> None:
    """Write a figure, whole or not at all; the same numbers give the same file."""
    from matplotlib import rc_context

    with new_file(path) as partial, rc_context({"svg.hashsalt": "perspectives"}):  # ids in an SVG are random otherwise
        figure.savefig(partial, format=path.suffix[1:], dpi=160, metadata=_undated(path))


def _undated(path: Path) -> dict | None:
    """Metadata without a creation date, so that the same numbers give the same file."""
    return {"Date": None} if path.suffix == ".svg" else {"CreationDate": None} if path.suffix == ".pdf" else None
