"""Long tables of entries: a row per entry and metric, or per group of annotators."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from perspectives.evaluation.comparison import Entry
from perspectives.evaluation.scores import METRICS_OF_PAIRS
from perspectives.metrics.groups import SMALLEST_GROUP, GroupScores
from perspectives.metrics.intervals import Interval, holm


def table(found: Sequence[Entry], baseline: str | None, metrics: Sequence[str]) -> pd.DataFrame:
    """Long table, a row per entry and metric.

    Columns: entry, kind (prior, model or oracle), metric, value, low, high, seeds, seed_sd, folds, pairs, items,
    annotators, annotators_fixed and, where there is an entry named `baseline`, difference, difference_low,
    difference_high, p and p_holm (two-sided, corrected over all rows of the metric except oracles).
    """
    reference = next((entry for entry in found if entry.name == baseline), None)
    rows = [_row(entry, metric, reference) for metric in metrics for entry in found if metric in entry.metrics]
    long = pd.DataFrame(rows)
    if reference is not None:
        tested = long[long["kind"] != "oracle"]
        long["p_holm"] = tested.groupby("metric")["p"].transform(lambda p: holm(p.to_numpy()))
    return long


def group_table(
    found: Sequence[Entry], metrics: Sequence[str], attributes: Sequence[str], unknown: bool = False
) -> pd.DataFrame:
    """Long table, a row per entry, metric, attribute and group; see `metrics.groups.GroupScores`.

    Columns: entry, kind, metric, attribute, group, value, low, high (nan where suppressed), suppressed, pairs, items,
    people, annotators_fixed (always false for metrics of items, whose intervals are over items), worst (whether the
    group is the entry's worst) and, the same in every row of an entry's groups, gap, gap_low, gap_high,
    gap_annotators_fixed.
    """
    rows: list[dict[str, Any]] = []
    for metric in metrics:
        for entry in (entry for entry in found if metric in entry.metrics):
            for attribute in attributes:
                scores = entry.groups(metric, attribute, unknown)
                about = {"entry": entry.name, "kind": entry.kind, "metric": metric, "attribute": attribute}
                rows += [about | row for row in _group_rows(scores, metric.startswith(METRICS_OF_PAIRS))]
    return pd.DataFrame(rows)


def _group_rows(scores: GroupScores, of_pairs: bool) -> list[dict[str, Any]]:
    gap = _ends(scores.gap, "gap", "gap_", of_pairs)
    return [
        {"group": score.name, **_ends(score.interval, "value", "", of_pairs), "suppressed": score.interval is None}
        | {"pairs": score.pairs, "items": score.items, "people": score.people, "worst": score.name == scores.worst}
        | gap
        for score in scores.scores
    ]


def _ends(interval: Interval | None, name: str, prefix: str, of_pairs: bool) -> dict[str, Any]:
    fixed = of_pairs and interval is not None and interval.annotators_fixed
    return _limits(interval, name, prefix) | {f"{prefix}annotators_fixed": fixed}


def _limits(interval: Interval | None, name: str, prefix: str) -> dict[str, float]:
    """Value and limits of an interval; nan without one."""
    numbers = (float("nan"),) * 3 if interval is None else (interval.value, interval.low, interval.high)
    return dict(zip((name, f"{prefix}low", f"{prefix}high"), numbers, strict=True))


def _too_few(metric: str, interval: Interval) -> bool:
    """Whether a score of seen or unseen people rests on so few that it would describe individuals."""
    return metric.endswith(("_seen", "_unseen")) and interval.clusters["annotator"] < SMALLEST_GROUP


def _row(entry: Entry, metric: str, reference: Entry | None) -> dict[str, Any]:
    interval, predictions = entry.interval(metric), entry.evaluations[0].predictions
    hidden, nan = _too_few(metric, interval), float("nan")
    row: dict[str, Any] = {"entry": entry.name, "kind": entry.kind, "metric": metric}
    row |= _limits(None if hidden else interval, "value", "")
    row |= {"seeds": len(entry.evaluations), "seed_sd": nan if hidden else entry.seed_spread(metric)}
    row |= {"folds": entry.folds, "pairs": len(predictions), "items": len(predictions.items)}
    row |= {"annotators": int(predictions.pairs["annotator_id"].nunique())}
    row |= {"annotators_fixed": interval.annotators_fixed}
    if reference is not None:
        none = hidden or entry is reference or metric not in reference.metrics
        difference = None if none else entry.difference(reference, metric)
        row |= _limits(difference, "difference", "difference_")
        row |= {"p": nan if difference is None else difference.p_value}
    return row
