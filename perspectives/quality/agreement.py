"""Agreement between annotators: raw pairwise agreement, Fleiss' kappa and Krippendorff's alpha.

Everything is computed from counts [unit, value]: how many annotators gave each value to each unit. A unit is an item
(within one round, where there are several, so that nobody is paired with themselves). Missing annotations are not
counted; units with fewer than two annotations carry no information on agreement and are left out.
Paper: Krippendorff 2011, Computing Krippendorff's Alpha-Reliability.
"""

import warnings
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from perspectives.data.annotations import AnnotationSet
from perspectives.errors import ConfigError, DataError, DataWarning

METRICS = ("nominal", "ordinal", "interval", "ratio")


@dataclass(frozen=True)
class Agreement:
    """Agreement over a whole set of annotations; nan where it is undefined.

    pairwise: share of pairs of annotators that give the same label to the same item, in [0, 1]; for multilabel scales
        the same set of levels.
    alpha: Krippendorff's alpha with the difference function `metric`, at most 1, 0 at chance. For multilabel scales
        the mean of `alpha_per_level` over the levels where it is defined.
    alpha_per_level: for multilabel scales, the nominal alpha of "contains the level" for each level; else empty.
    """

    pairwise: float
    alpha: float
    metric: str
    alpha_per_level: dict[str, float] = field(default_factory=dict)


def agreement(annotations: AnnotationSet) -> Agreement:
    """Agreement with the alpha that suits the scale: nominal, ordinal or interval; per level for multilabel.

    Weights are not used. Warns with DataWarning where alpha is undefined.
    """
    unit, metric = units_of(annotations), annotations.scale.kind
    pairwise = _pairwise(unit, pd.factorize(annotations.annotations["label"])[0])
    by_level: dict[str, float] = {}
    if metric == "multilabel":
        metric = "nominal per level"
        tables = [_table(unit, contained.astype(np.int64), 2) for contained in annotations.labels.T]
        levels = zip(annotations.scale.levels, tables, strict=True)
        by_level = {level: _alpha(table, "nominal", None) for level, table in levels}
        defined = [alpha for alpha in by_level.values() if not np.isnan(alpha)]
        alpha = float(np.mean(defined)) if defined else float("nan")
    elif metric == "interval":
        centred = annotations.labels - annotations.labels.mean() if len(annotations) else annotations.labels
        alpha = _interval_alpha(*(np.bincount(unit, centred**power) for power in range(3)))
    else:
        alpha = _alpha(_table(unit, annotations.labels, annotations.scale.size), metric, None)
    return Agreement(pairwise, _undefined() if np.isnan(alpha) else alpha, metric, by_level)


def value_counts(annotations: AnnotationSet) -> np.ndarray:
    """How often each level was given to each unit (item, or item in a round), int64 [unit, level].

    Raises DataError for interval and multilabel scales, whose labels are not one level each.
    """
    if annotations.scale.kind not in ("nominal", "ordinal"):
        kind = annotations.scale.kind
        raise DataError(f"{annotations.name} has a {kind} scale: labels are not single levels; use `agreement`")
    return _table(units_of(annotations), annotations.labels, annotations.scale.size)


def pairwise_agreement(counts: np.ndarray) -> float:
    """Share of agreeing pairs among all pairs of annotations of the same unit, in [0, 1]; every pair weighs the same.

    counts: [unit, value], not negative, else DataError. nan where no unit has two annotations.
    """
    counts = _counts(counts)
    return _share(counts, counts.sum(1))


def fleiss_kappa(counts: np.ndarray) -> float:
    """Fleiss' kappa = (observed - chance) / (1 - chance) agreement; 1 is perfect, 0 is chance, negative is worse.

    counts: [unit, value], not negative; units with the same number of annotations, at least two. Units without any are
    left out. nan, with a DataWarning, where all annotations are equal or there are none.
    Raises DataError for units of one annotation or of different numbers, and for negative or missing counts.
    Paper: Fleiss 1971, Measuring Nominal Scale Agreement among Many Raters.
    """
    counts = _counts(counts)
    counts = counts[counts.sum(1) > 0]
    raters = counts.sum(1)
    if len(counts) and (raters.min() < raters.max() or raters[0] < 2):
        came = f"{raters.min():g}" if raters.min() == raters.max() else f"{raters.min():g} to {raters.max():g}"
        raise DataError(
            f"Fleiss' kappa needs the same number of annotations of every unit, at least 2; got {came}; "
            "use krippendorff_alpha"
        )
    chance = float(((counts.sum(0) / max(counts.sum(), 1)) ** 2).sum())
    if not len(counts) or chance == 1:
        return _undefined("Fleiss' kappa")
    return (pairwise_agreement(counts) - chance) / (1 - chance)


def krippendorff_alpha(counts: np.ndarray, metric: str = "nominal", values: np.ndarray | None = None) -> float:
    """Krippendorff's alpha = 1 - observed / expected disagreement; 1 is perfect, 0 is chance, negative is worse.

    counts: [unit, value], how many annotators gave each value to each unit; rows may sum to anything.
    metric: `nominal` (any two values differ by 1), `ordinal` (by the number of annotations between them; columns in
        ascending order), `interval` (by (c - k)²) or `ratio` (by ((c - k) / (c + k))²).
    values: the number each column stands for, [value]; needed for interval and ratio.

    nan, with a DataWarning, where no unit has two annotations or all of them are equal: without variation agreement
    cannot be told from chance. Raises ConfigError for an unknown metric or missing or misshapen `values`,
    DataError for negative or missing counts, missing values and, with `ratio`, negative ones.
    """
    counts = _counts(counts)
    if metric not in METRICS:
        raise ConfigError(f"metric={metric!r} is unknown; choose one of {', '.join(METRICS)}")
    if metric in ("interval", "ratio"):
        if values is None or np.shape(values) != counts.shape[1:]:
            came = "none" if values is None else f"shape {np.shape(values)}"
            raise ConfigError(f"metric={metric} needs the number of each of {counts.shape[1]} columns; got {came}")
        values = np.asarray(values, float)
        if not np.isfinite(values).all():
            raise DataError("values must be a finite number for each column; leave out columns without one")
        if metric == "ratio" and (values < 0).any():
            raise DataError("metric=ratio needs values of at least 0; use metric=interval for negative values")
    alpha = _alpha(counts, metric, values)
    return _undefined() if np.isnan(alpha) else alpha


def _counts(counts: np.ndarray) -> np.ndarray:
    counts = np.asarray(counts, float)
    if counts.ndim != 2 or not (np.isfinite(counts) & (counts >= 0)).all():
        raise DataError(
            f"counts must be [unit, value], finite and not negative; got shape {counts.shape} from "
            f"{counts.min(initial=np.inf):g} to {counts.max(initial=-np.inf):g}"
        )
    return counts


def _alpha(counts: np.ndarray, metric: str, values: np.ndarray | None) -> float:
    counts = counts[counts.sum(1) >= 2].astype(float)
    used = counts.any(0)
    counts, values = counts[:, used], None if values is None else values[used]
    if counts.shape[1] < 2:
        return float("nan")
    total = counts.sum(1)
    marginal = counts.sum(0)
    if metric == "interval":
        assert values is not None
        return _interval_alpha(*(counts @ (values - values.mean()) ** power for power in range(3)))
    # This includes pairs of a person with themselves: only on the diagonal, where the difference is 0.
    coincidence = (counts / (total - 1)[:, None]).T @ counts
    difference = _difference(marginal, metric, values)
    observed = (coincidence * difference).sum()
    expected = (np.outer(marginal, marginal) * difference).sum() / (marginal.sum() - 1)
    return float(1 - observed / expected) if expected > 0 else float("nan")


def _interval_alpha(count: np.ndarray, total: np.ndarray, squares: np.ndarray) -> float:
    """Alpha with squared differences from each unit's count, sum and sum of squares of the values, each [unit].

    Over all ordered pairs the sum of (c - k)² is 2 (n Σc² - (Σc)²): no value × value table is needed, which fine
    sliders would make large. Values should be roughly centred, or the difference loses digits.
    """
    paired = count >= 2
    count, total, squares = count[paired], total[paired], squares[paired]
    everything = count.sum()
    expected = (everything * squares.sum() - total.sum() ** 2) / (everything - 1)
    if not paired.any() or np.isclose(expected, 0, atol=1e-12 * max(squares.sum(), 1e-300)):
        return float("nan")
    return float(1 - ((count * squares - total**2) / (count - 1)).sum() / expected)


def _difference(marginal: np.ndarray, metric: str, values: np.ndarray | None) -> np.ndarray:
    """Squared difference of each pair of values, [value, value]."""
    if metric == "nominal":
        return 1.0 - np.eye(len(marginal))
    if metric == "ordinal":
        middle = np.cumsum(marginal) - marginal / 2  # the annotations between two values, half of the ends included
        return (middle[:, None] - middle) ** 2
    assert values is not None
    total = values[:, None] + values
    return np.divide(values[:, None] - values, total, out=np.zeros_like(total), where=total > 0) ** 2


def _pairwise(unit: np.ndarray, value: np.ndarray) -> float:
    """Pairwise agreement from the unit and the code of the value of each annotation, each int64 [annotation]."""
    same = np.unique(unit * (value.max(initial=0) + 1) + value, return_counts=True)[1]
    return _share(same, np.bincount(unit))


def _share(same: np.ndarray, total: np.ndarray) -> float:
    pairs = float((total * (total - 1)).sum())
    return float((same * (same - 1)).sum()) / pairs if pairs else float("nan")


def units_of(annotations: AnnotationSet) -> np.ndarray:
    """Consecutive code of each annotation's item, or item and round, int64 [annotation]."""
    if "round" not in annotations.annotations:
        return annotations.item_index
    rounds = pd.factorize(annotations.annotations["round"], use_na_sentinel=False)[0]
    pairs = np.column_stack([annotations.item_index, rounds])
    return np.unique(pairs, axis=0, return_inverse=True)[1].reshape(-1)


def _table(unit: np.ndarray, value: np.ndarray, size: int) -> np.ndarray:
    units = int(unit.max(initial=-1)) + 1
    return np.bincount(unit * size + value, minlength=units * size).reshape(units, size)


def _undefined(what: str = "alpha") -> float:
    message = f"{what} is undefined: no item has two annotations, or all annotations of such items are equal"
    warnings.warn(message, DataWarning, stacklevel=3)
    return float("nan")
