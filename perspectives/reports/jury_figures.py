"""A sweep as a figure: a line for two pools, a triangle for three, a panel per pool for more."""

from pathlib import Path
from typing import Any

import numpy as np

from perspectives.errors import ConfigError
from perspectives.juries.results import SweepResult
from perspectives.reports.figures import save

COLORS = ("#1f5fa8", "#c58b2a")
LABELS = {"flips": "flips against the population jury", "p_positive": "mean P(positive)"}


def figure(sweep: SweepResult, path: str | Path) -> None:
    """Share of flips and mean P(positive) over the compositions. Raises ConfigError without matplotlib."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError("figures need matplotlib; pip install 'perspectives[figures]'") from error
    pools = len(sweep.swept.pools)
    named = all(pool.members.sum() == 1 for pool in sweep.pools)
    columns = 2 if pools <= 3 and not named else min(pools, 4)
    rows = 1 if pools <= 3 and not named else -(-pools // columns)
    drawing = Figure(figsize=(4.2 * min(columns, 3), 3.4 * rows), layout="constrained")
    FigureCanvasAgg(drawing)
    axes = np.atleast_1d(drawing.subplots(rows, columns, squeeze=False)).ravel()
    table = {name: np.array([row[name] for row in sweep.rows], float) for name in LABELS}
    if pools == 2 and not named:
        for place, name in zip(axes, LABELS, strict=True):
            _line(place, sweep, table[name], name)
    elif pools == 3 and not named:
        for place, name in zip(axes, LABELS, strict=True):
            _triangle(drawing, place, sweep, table[name], name)
    else:
        for number, place in enumerate(axes):
            if number < pools:
                _panel(place, sweep, table["flips"], number)
            else:
                place.set_visible(False)
    head = sweep.headline
    null = f", shuffled {head['null']:.3f}, p = {head['p']:.2g}" if "p" in head else ""
    depends = f"verdicts that depend on who sits {head['dependent']:.3f}{null}"
    title = f"{head['event']}, {head['rule']} of {head['size']}: {depends}"
    drawing.suptitle(title, fontsize=10, parse_math=False)
    save(drawing, Path(path))


def _line(axes: Any, sweep: SweepResult, values: np.ndarray, name: str) -> None:
    seats = sweep.swept.compositions[:, 0]
    order = np.argsort(seats)
    if name == "flips":
        rows = sweep.rows
        low, high = (np.array([row[f"flips_{end}"] for row in rows], float) for end in ("low", "high"))
        axes.fill_between(seats[order], low[order], high[order], color=COLORS[0], alpha=0.18, linewidth=0)
    axes.plot(seats[order], values[order], "o-", color=COLORS[0], markersize=4)
    axes.axvline(sweep.start[0], color="#8a8f98", linewidth=1, linestyle=":")
    axes.set_xlabel(f"seats for {sweep.swept.pools[0]}, others {sweep.swept.pools[1]}", parse_math=False)
    axes.set_ylabel(LABELS[name])
    if name == "flips":
        axes.set_ylim(bottom=0)
    _plain(axes)


def _triangle(drawing: Any, axes: Any, sweep: SweepResult, values: np.ndarray, name: str) -> None:
    shares = sweep.swept.compositions / sweep.swept.compositions.sum(1, keepdims=True)
    across, up = shares[:, 1] + shares[:, 2] / 2, shares[:, 2] * np.sqrt(3) / 2
    size = min(24_000 / sweep.setting.size**2 + 8, 900)  # neighbours nearly touch
    dots = axes.scatter(across, up, c=values, s=size, marker="h", cmap="cividis", linewidths=0)
    axes.plot([0, 1, 0.5, 0], [0, 0, np.sqrt(3) / 2, 0], color="#8a8f98", linewidth=0.8, zorder=0)
    corners = ((0, -0.05, "left", "top"), (1, -0.05, "right", "top"), (0.5, 0.93, "center", "bottom"))
    for (x, y, side, height), pool in zip(corners, sweep.swept.pools, strict=True):
        axes.text(x, y, f"all {pool}", ha=side, va=height, fontsize=8, parse_math=False)
    drawing.colorbar(dots, ax=axes, shrink=0.8, label=LABELS[name])
    axes.set_aspect("equal")
    axes.set_axis_off()


def _panel(axes: Any, sweep: SweepResult, values: np.ndarray, pool: int) -> None:
    """Compositions by the seats of one pool: each a dot, their mean a line."""
    seats = sweep.swept.compositions[:, pool]
    axes.plot(seats, values, ".", color=COLORS[0], alpha=0.15, markersize=4, rasterized=True)
    present = np.unique(seats)
    axes.plot(present, [np.nanmean(values[seats == n]) for n in present], "o-", color=COLORS[1], markersize=4)
    axes.set_xlabel(f"seats for {sweep.swept.pools[pool]}", parse_math=False)
    axes.set_ylabel(LABELS["flips"], fontsize=8)
    axes.set_ylim(bottom=0)
    _plain(axes)


def _plain(axes: Any) -> None:
    axes.grid(color="#e3e5e8")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
