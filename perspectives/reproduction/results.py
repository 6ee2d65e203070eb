"""The values of a table's cells, beside those that the paper reports."""

from collections.abc import Container, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from perspectives.evaluation.comparison import Entry, best_of
from perspectives.evaluation.scores import panel_ceilings
from perspectives.metrics.intervals import holm
from perspectives.reproduction.measured import Kept, Measurement
from perspectives.reproduction.spec import Published, Table
from perspectives.reproduction.trainings import Cell

WITHIN, OUTSIDE, INCOMPARABLE, UNVERIFIED = "within", "outside", "not comparable", "not verified"
ANOTHER = "options of the command line make this another experiment"


def filled(table: Table, cells: Sequence[Cell], kept: Mapping[tuple[str, str], Kept], changed: bool) -> pd.DataFrame:
    """Long table, a row per cell and metric.

    kept: results of measured cells, by row and column. changed: whether options of the command line, or a smoke test,
    make this a different experiment from the specification's.
    Columns: row, column, metric, value, low, high (nan where the cell is empty), seed_sd, over_annotators (whether the
    interval is, and not over items alone), seeds, folds, pairs, items, annotators, setting (what was chosen on
    validation), empty (why there is no value), published, source, note (why it is not comparable), mark (`within` or
    `outside` tolerance, `not comparable`, `not verified`, or none), ceiling (of soft metrics, what finite panels leave
    to a perfect model of each item's rate) and, where the table has a baseline, difference and
    p_holm (paired with it; two-sided, corrected over the metric's cells but the oracles').
    """
    rows: list[dict[str, Any]] = []
    for column in table.columns:
        part = [cell for cell in cells if cell.column == column]
        measured = {cell.row: kept[cell.row, column] for cell in part if (cell.row, column) in kept}
        scores = _measured(table, measured) if table.measure else _scored(table, part)
        for cell in part:
            for metric in table.metrics:
                score = scores.get(cell.row, {}).get(metric)
                rows.append(_line(table, cell, metric, score, changed, measured.get(cell.row)))
    long = pd.DataFrame(rows)
    if table.baseline is not None and "p" in long:
        long["p_holm"] = long.groupby("metric")["p"].transform(lambda p: holm(p.to_numpy()))
    return long


def _measured(table: Table, measured: Mapping[str, Kept]) -> dict[str, dict[str, Any]]:
    """Row → metric → measurement, of measured cells."""
    return {
        row: {
            name: kept.metrics[metric]
            for name, accepted in table.metrics.items()
            for metric in _available(accepted, kept.metrics)
        }
        for row, kept in measured.items()
    }


def _scored(table: Table, cells: Sequence[Cell]) -> dict[str, dict[str, Any]]:
    """Row → metric → measurement, with its paired difference from the baseline and the ceiling of finite panels."""
    entries: dict[str, tuple[Entry, str]] = {}
    for cell in cells:
        if cell.runs and all(run.finished for run in cell.runs):
            name = table.rows[cell.row].prior or cell.trainings[0].config.model.name
            if name in cell.runs[0].metrics["predictions"]:  # not every prior suits every scale
                entries[cell.row] = best_of(cell.runs, name)
    baseline = entries.get(table.baseline, (None, ""))[0] if table.baseline else None
    ceilings = _ceilings([entry for entry, _ in entries.values()])
    return {
        row: {
            name: _score(entry, metric, setting, baseline, ceilings)
            for name, accepted in table.metrics.items()
            for metric in _available(accepted, entry.metrics)
        }
        for row, (entry, setting) in entries.items()
    }


def _ceilings(entries: Sequence[Entry]) -> dict[str, float]:
    """By metric, see `panel_ceilings`; the entries of a column are judged on the same items."""
    return panel_ceilings(entries[0].evaluations[0].predictions, entries[0].metrics) if entries else {}


def _available(accepted: str | Sequence[str], metrics: Container[str]) -> list[str]:
    """The first of the accepted metrics that is among these, or none."""
    names = [accepted] if isinstance(accepted, str) else accepted
    return [name for name in names if name in metrics][:1]


def _score(
    entry: Entry, metric: str, setting: str, baseline: Entry | None, ceilings: Mapping[str, float]
) -> tuple[Measurement, dict[str, float]]:
    interval, predictions = entry.interval(metric), entry.evaluations[0].predictions
    counts = {"pairs": len(predictions), "items": len(predictions.items)}
    counts["annotators"] = int(predictions.pairs["annotator_id"].nunique())
    beside = {"ceiling": ceilings[metric]} if metric in ceilings else {}
    if baseline is not None and baseline is not entry and metric in baseline.metrics:
        paired = entry.difference(baseline, metric)
        beside |= {"difference": paired.value, "p": float("nan") if entry.oracle else paired.p_value}
    measurement = Measurement(
        interval.value, interval.low, interval.high, entry.seed_spread(metric), len(entry.evaluations), entry.folds,
        counts, setting, "annotator" in interval.clusters and not interval.annotators_fixed,
    )  # fmt: skip
    return measurement, beside


def _line(table: Table, cell: Cell, metric: str, score: Any, changed: bool, kept: Kept | None) -> dict[str, Any]:
    """A row of the long table. score: a measurement, alone or with what stands beside it (its difference from the
    baseline, the ceiling); None for none."""
    measurement, beside = score if isinstance(score, tuple) else (score, {})
    line: dict[str, Any] = {"row": cell.row, "column": cell.column, "metric": metric}
    nothing = Measurement(float("nan"), seeds=0, folds=0)
    shown = measurement or nothing
    line |= {"value": shown.value, "low": shown.low, "high": shown.high, "seed_sd": shown.seed_sd}
    line |= {"over_annotators": shown.over_annotators, "seeds": shown.seeds, "folds": shown.folds}
    line |= {name: shown.counts.get(name, 0) for name in ("pairs", "items", "annotators")}
    line |= {"setting": shown.setting, "empty": "" if measurement else why_empty(cell, table.measure is not None, kept)}
    published = table.published_value(cell.row, cell.column, metric)
    line |= {
        "published": published.value if published else float("nan"),
        "source": published.source if published else "",
    }
    line |= {"note": (published.comparable or (ANOTHER if changed else "")) if published else ""}
    line["mark"] = mark(shown, published, table.tolerance, changed)
    line["ceiling"] = beside.get("ceiling", float("nan"))
    if table.baseline is not None:
        line |= {name: beside.get(name, float("nan")) for name in ("difference", "p")}
    return line


def why_empty(cell: Cell, is_measured: bool, kept: Kept | None) -> str:
    """Why a cell has no value, in one line."""
    if cell.empty is not None:
        return cell.empty.splitlines()[0]  # what to do about it is printed once, not in every cell
    finished = sum(run.finished for run in cell.runs)
    if finished < len(cell.runs):
        return f"{finished} of {len(cell.runs)} runs are finished"
    if not is_measured:
        return "the runs have no such metric"
    if kept is None:
        return "not measured yet"
    return f"failed: {kept.failed}" if kept.failed else "does not apply"


def mark(ours: Measurement, published: Published | None, tolerance: float | None, changed: bool) -> str:
    """How our value compares with the published one; empty where one is missing, or there is neither a tolerance nor an
    interval.

    Without a tolerance of the value or the table, the published value has to lie within our interval.
    """
    if published is None:
        return ""
    if published.comparable is not None or changed:
        return INCOMPARABLE
    if not published.verified:
        return UNVERIFIED
    allowed = tolerance if published.tolerance is None else published.tolerance
    if np.isnan(ours.value) or (allowed is None and np.isnan(ours.low)):
        return ""
    if allowed is None:
        return WITHIN if ours.low <= published.value <= ours.high else OUTSIDE
    return WITHIN if abs(ours.value - published.value) <= allowed + 1e-12 else OUTSIDE


def numbers_behind(long: pd.DataFrame) -> Mapping[str, str]:
    """Column → `1,008 pairs, 168 items, 6 annotators, 5 folds, up to 3 seeds, whose spread is in the CSV`."""
    return {
        str(column): behind
        for column, part in long.groupby("column", sort=False)
        if (behind := _behind(part[part["empty"] == ""]))
    }


def _behind(part: pd.DataFrame) -> str:
    if not len(part):
        return ""
    most = {name: int(part[name].max()) for name in ("pairs", "items", "annotators", "folds", "seeds")}
    counts = [f"{most[name]:,} {name}" for name in ("pairs", "items", "annotators") if most[name]]
    counts += [f"{most['folds']} folds"] if most["folds"] > 1 else []
    counts += [f"up to {most['seeds']} seeds, whose spread is in the CSV"] if most["seeds"] > 1 else []
    return ", ".join(counts)
