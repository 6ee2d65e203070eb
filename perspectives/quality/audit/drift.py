"""Do labels and agreement change over time, rounds, or from one domain to another?"""

import warnings

import numpy as np
import pandas as pd

from perspectives.data.annotations import AnnotationSet
from perspectives.data.scale import level_name
from perspectives.metrics.estimate import mean
from perspectives.metrics.intervals import two_way
from perspectives.quality.agreement import agreement

PERIODS = 8  # of time, of about equally many annotations
MOST_VALUES = 30
UNIX = (1, 1000)  # per second: numbers that are taken for Unix time, where all are of 2001 to 2033
OF_ANNOTATIONS = ("time", "round", "condition")
NO_FIELDS = ("item_id", "text", "text_pair", "gold", "official_label", "official_soft_label", "group")
COLUMNS = ["field", "value", "annotations", "items", "annotators", "mean", "low", "high", "pairwise", "alpha"]


def drift(annotations: AnnotationSet) -> pd.DataFrame:
    """A row per field of the data and value of it: of time (see `moments`, in 8 periods), round, condition, and of item
    attributes with 2 to 30 values.

    Columns: field, value, annotations, items, annotators; mean label with low and high (95 %, over items and
    annotators; numbers of the levels, or their rank from 0; nan for three unordered levels or more and for sets);
    pairwise agreement (nan for ratings, of which hardly two are equal) and alpha as in `agreement`. Empty where the
    data has no such field. Warns with DataWarning where alpha is undefined.
    """
    numbers = numeric_labels(annotations)
    rows = []
    for name, values in fields(annotations).items():
        for value in _ordered(values):
            chosen = (values == value).to_numpy()
            part = annotations.select(chosen)
            found = (float("nan"),) * 3
            if numbers is not None:
                about = two_way(mean(numbers[chosen]), part.item_index, part.annotator_index)
                found = (about.value, about.low, about.high)
            agreed = agreement(part)
            sizes = (len(part), len(part.items), len(part.annotators))
            pairwise = float("nan") if annotations.scale.kind == "interval" else agreed.pairwise
            rows.append((name, str(value), *sizes, *found, pairwise, agreed.alpha))
    return pd.DataFrame(rows, columns=COLUMNS)


def numeric_labels(annotations: AnnotationSet) -> np.ndarray | None:
    """float64 [annotation]; None where labels have no order."""
    scale = annotations.scale
    if scale.kind == "interval":
        return annotations.labels
    return scale.values[annotations.labels] if scale.kind == "ordinal" or scale.binary else None


def fields(annotations: AnnotationSet) -> dict[str, pd.Series]:
    """The fields by which labels may drift: name → value of each annotation, missing ones nan."""
    table, found = annotations.annotations, {}
    for name in OF_ANNOTATIONS:
        if name in table:
            found[name] = _periods(table[name]) if name == "time" else table[name].map(level_name, na_action="ignore")
    for name in annotations.items.columns.difference(list(NO_FIELDS), sort=False):
        column = annotations.items[name]
        if not pd.api.types.is_float_dtype(column) and not column.map(_nested).any():
            found[str(name)] = column.iloc[annotations.item_index].reset_index(drop=True)
    return {name: values for name, values in found.items() if 2 <= values.nunique() <= MOST_VALUES}


def _periods(time: pd.Series) -> pd.Series:
    """Periods of about equally many annotations, named by when they begin and end, and numbered where names are not
    enough."""
    when = moments(time)
    number = pd.qcut(when, PERIODS, labels=False, duplicates="drop")
    ends = when.groupby(number).agg(["min", "max"])  # numbers between which nothing lies have no row
    names = [f"{_moment(low)} to {_moment(high)}" for low, high in ends.itertuples(index=False)]
    if len(set(names)) < len(names):
        names = [f"{place}: {name}" for place, name in enumerate(names, 1)]
    code = ends.index.get_indexer(pd.Index(number.fillna(-1)))
    return pd.Series(pd.Categorical.from_codes(code, pd.Index(names), ordered=True), index=time.index)


def moments(time: pd.Series) -> pd.Series:
    """When each annotation was made: numbers where all are, and dates (UTC) of Unix seconds or milliseconds and of
    anything else; missing where it cannot be read."""
    if pd.api.types.is_datetime64_any_dtype(time):
        return pd.to_datetime(time, utc=True)
    given, numbers = time.notna(), pd.to_numeric(time, errors="coerce")
    if numbers[given].notna().all():
        for scale in UNIX:
            if given.any() and numbers[given].between(1e9 * scale, 2e9 * scale).all():
                return pd.to_datetime(numbers / scale, unit="s", utc=True)
        return numbers
    words = time.map(str, na_action="ignore")
    dates = pd.to_datetime(words, errors="coerce", utc=True, format="ISO8601")
    if dates.notna().any():
        return dates
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # no single format was found: each is read on its own
        return pd.to_datetime(words, errors="coerce", utc=True)


def unread(annotations: AnnotationSet) -> str | None:
    """What to say of times that are no times; None where all can be read."""
    if "time" not in annotations.annotations:
        return None
    time = annotations.annotations["time"]
    lost, given = int((moments(time).isna() & time.notna()).sum()), int(time.notna().sum())
    if not lost:
        return None
    return f"{lost:,} of {given:,} times are no dates, nor are all of them numbers: drift over time leaves these out."


def _moment(value: float | pd.Timestamp) -> str:
    return value.strftime("%Y-%m-%d %H:%M") if isinstance(value, pd.Timestamp) else f"{value:.10g}"


def _nested(value: object) -> bool:
    return isinstance(value, (list, tuple, dict, np.ndarray))


def _ordered(values: pd.Series) -> list:
    if isinstance(values.dtype, pd.CategoricalDtype):
        return list(values.cat.categories)
    return sorted(values.dropna().unique(), key=lambda value: (str(type(value)), value))
