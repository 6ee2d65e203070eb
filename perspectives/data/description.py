"""Describe a set of annotations: counts, labels, demographics and agreement, without any text or annotator id.

Values held by fewer than `SMALLEST_GROUP` annotators are pooled, so that no single person is described; a numeric
attribute known for fewer is not summarised.
"""

from dataclasses import dataclass, field
from io import StringIO
from typing import Any

import numpy as np
import pandas as pd

from perspectives.data.annotations import AnnotationSet
from perspectives.data.scale import level_name
from perspectives.data.validation import PARTS, UNKNOWN
from perspectives.metrics.groups import SMALLEST_GROUP, pooled_name
from perspectives.quality.agreement import Agreement, agreement

QUANTILES = {
    "5 %": 0.05,
    "q1": 0.25,
    "median": 0.5,
    "q3": 0.75,
    "95 %": 0.95,
}  # not the extremes, which are single people
BINS = 10  # for the ratings of an interval scale, where more than this many are distinct


@dataclass(frozen=True, eq=False)
class Description:
    """Tables that describe an AnnotationSet.

    counts: one row per quantity, columns `quantity, count` (int64).
    labels: columns `label, annotations, share`; one row per level, or per rating or bin of an interval scale. Shares
        are of all annotations; for multilabel scales they need not sum to 1 and `(empty set)` is a row where it occurs.
    load: columns `annotations, min, median, mean, max`; rows `per item` and `per annotator`, of those that have any.
    attributes: columns `attribute, value, annotators, share`; one row per categorical value, most frequent first, then
        all values of fewer than 5 annotators in one row, then `unknown`. Shares are of all annotators.
    numeric: columns `attribute, known, unknown, 5 %, q1, median, q3, 95 %` (interpolated quantiles), a row per numeric
        attribute; nan where fewer than 5 annotators are known.
    splits: columns `split, items, annotators, annotations`; empty where nothing is published.
    conditions: columns `column, value, items, annotators, annotations` for the columns `condition` and `round`.
    agreement: raw and chance-corrected, see `perspectives.quality.agreement`.
    """

    name: str
    scale: str
    counts: pd.DataFrame
    labels: pd.DataFrame
    load: pd.DataFrame
    attributes: pd.DataFrame
    numeric: pd.DataFrame
    splits: pd.DataFrame
    conditions: pd.DataFrame
    agreement: Agreement
    notes: tuple[str, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, strings, lists and dicts for JSON; a table is a list of rows, nan is None."""
        tables = {name: _rows(getattr(self, name)) for name in TITLES}
        agreed = {name: _plain(value) for name, value in vars(self.agreement).items() if name != "alpha_per_level"}
        agreed["alpha_per_level"] = {level: _plain(alpha) for level, alpha in self.agreement.alpha_per_level.items()}
        return {"name": self.name, "scale": self.scale, **tables, "agreement": agreed, "notes": list(self.notes)}


TITLES = {
    "counts": "Counts",
    "labels": "Labels",
    "load": "Annotations per item and annotator",
    "attributes": "Attributes of the annotators",
    "numeric": "Numeric attributes of the annotators",
    "splits": "Published split",
    "conditions": "Conditions and rounds",
}


def describe(annotations: AnnotationSet) -> Description:
    """Describe a set of annotations. Warns with DataWarning where alpha is undefined."""
    per_item = np.bincount(annotations.item_index, minlength=len(annotations.items))
    per_annotator = np.bincount(annotations.annotator_index, minlength=len(annotations.annotators))
    counts = {
        "items": len(annotations.items),
        "annotators": len(annotations.annotators),
        "annotations": len(annotations),
        "items without annotations": int((per_item == 0).sum()),
        "annotators without annotations": int((per_annotator == 0).sum()),
    }
    return Description(
        annotations.name,
        f"{annotations.scale.kind}: {annotations.scale.describe()}",
        pd.DataFrame({"quantity": list(counts), "count": list(counts.values())}),
        _labels(annotations),
        pd.DataFrame([_load("per item", per_item), _load("per annotator", per_annotator)]),
        _categorical(annotations),
        _numeric(annotations),
        _splits(annotations),
        _conditions(annotations),
        agreement(annotations),
        annotations.notes,
    )


def render(description: Description, width: int = 100) -> str:
    """Return the description as text for a terminal of `width` columns, without empty tables."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=StringIO(), width=width, color_system=None)
    console.print(Text(f"{description.name} ({description.scale})"))
    for name, title in TITLES.items():
        table = getattr(description, name)
        if table.empty:
            continue
        shown = Table(title=title, title_justify="left")
        for column in table.columns:
            shown.add_column(column, justify="right" if pd.api.types.is_numeric_dtype(table[column]) else "left")
        for row in table.itertuples(index=False):
            shown.add_row(*(Text(_cell(value)) for value in row))
        console.print(shown)
    agreed = description.agreement
    console.print(
        f"Agreement: pairwise {agreed.pairwise:.3f}, Krippendorff's alpha {agreed.alpha:.3f} ({agreed.metric})"
    )
    for level, alpha in agreed.alpha_per_level.items():
        console.print(Text(f"  {level}: alpha {alpha:.3f}"))
    for note in description.notes:
        console.print(Text(f"Note: {note}"))
    return console.file.getvalue()  # type: ignore[attr-defined]


def _labels(annotations: AnnotationSet) -> pd.DataFrame:
    scale, total = annotations.scale, max(len(annotations), 1)
    if scale.kind == "interval":
        ratings = pd.Series(annotations.labels)
        if ratings.nunique() > BINS:
            ratings = pd.cut(ratings, BINS)
        counts = ratings.value_counts().sort_index()
        names = [f"{label:g}" if isinstance(label, float) else str(label) for label in counts.index]
        numbers = counts.to_numpy()
    else:
        names = list(scale.levels)
        indicator = annotations.indicator()
        numbers = indicator.sum(0, dtype=float).astype(np.int64)
        if scale.kind == "multilabel" and (empty := int((indicator.sum(1) == 0).sum())):
            names, numbers = [*names, "(empty set)"], np.append(numbers, empty)
    return pd.DataFrame({"label": names, "annotations": numbers, "share": numbers / total})


def _load(which: str, counts: np.ndarray) -> dict[str, Any]:
    counts = counts[counts > 0]
    if not len(counts):
        return {"annotations": which, "min": 0, "median": np.nan, "mean": np.nan, "max": 0}
    middle = {"median": float(np.median(counts)), "mean": float(counts.mean())}
    return {"annotations": which, "min": int(counts.min()), **middle, "max": int(counts.max())}


def _categorical(annotations: AnnotationSet) -> pd.DataFrame:
    rows = []
    for attribute in annotations.attributes:
        column = annotations.annotators[attribute]
        if pd.api.types.is_numeric_dtype(column):
            continue
        for value, count in _pooled(column.value_counts()).items():
            rows.append((attribute, value, count, count / max(len(column), 1)))
    return pd.DataFrame(rows, columns=["attribute", "value", "annotators", "share"])


def _pooled(counts: pd.Series) -> dict[str, int]:
    """Return annotators per value, values of fewer than SMALLEST_GROUP pooled without naming them, `unknown` last."""
    unknown = int(counts.get(UNKNOWN, 0))
    known = counts.drop(UNKNOWN, errors="ignore").sort_values(ascending=False, kind="stable")
    large = {str(value): int(count) for value, count in known[known >= SMALLEST_GROUP].items()}
    small = known[known < SMALLEST_GROUP]
    if len(small):
        large[pooled_name(len(small))] = int(small.sum())
    return large | ({UNKNOWN: unknown} if unknown else {})


def _numeric(annotations: AnnotationSet) -> pd.DataFrame:
    rows = []
    for attribute in annotations.attributes:
        column = annotations.annotators[attribute]
        if pd.api.types.is_numeric_dtype(column):
            known = column.dropna().to_numpy(float)
            shares = list(QUANTILES.values())
            enough = len(known) >= SMALLEST_GROUP
            quantiles = np.quantile(known, shares) if enough else np.full(len(shares), np.nan)
            rows.append((attribute, len(known), len(column) - len(known), *quantiles))
    return pd.DataFrame(rows, columns=["attribute", "known", "unknown", *QUANTILES])


def _splits(annotations: AnnotationSet) -> pd.DataFrame:
    columns = ["split", "items", "annotators", "annotations"]
    if "split" not in annotations.items:
        return pd.DataFrame(columns=columns)
    published = annotations.items["split"].fillna("(none)").to_numpy(object)
    parts = [part for part in (*PARTS, "(none)") if (published == part).any()]
    of_annotation = published[annotations.item_index]
    rows = [(part, int((published == part).sum()), *_people(annotations, of_annotation == part)) for part in parts]
    return pd.DataFrame(rows, columns=columns)


def _people(annotations: AnnotationSet, rows: np.ndarray) -> tuple[int, int]:
    """Count the annotators and annotations at `rows`."""
    return len(np.unique(annotations.annotator_index[rows])), int(rows.sum())


def _conditions(annotations: AnnotationSet) -> pd.DataFrame:
    table_rows = []
    for column in ("condition", "round"):
        if column not in annotations.annotations:
            continue
        stored = annotations.annotations[column]
        values = stored.map(level_name).where(stored.notna(), "(none)").to_numpy(object)
        for value in sorted(set(values)):
            rows = values == value
            items = len(np.unique(annotations.item_index[rows]))
            table_rows.append((column, value, items, *_people(annotations, rows)))
    return pd.DataFrame(table_rows, columns=["column", "value", "items", "annotators", "annotations"])


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): _plain(value) for name, value in row.items()} for row in table.to_dict("records")]


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and np.isnan(value) else value


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "–" if np.isnan(value) else f"{value:.3f}".rstrip("0").rstrip(".")
    return f"{value:,}" if isinstance(value, int) else str(value)
