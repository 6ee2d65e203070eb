"""Truth inference for ratings: mean, median, and LFC_N, where every annotator has a variance.

Paper: Raykar et al. 2010, Learning From Crowds (section on regression), without features, as in Zheng et al. 2017.
"""

from dataclasses import dataclass, field

import numpy as np

from perspectives.errors import DataError
from perspectives.quality.aggregation.incidence import refuse_codes

LEAST = 1e-12  # share of the overall variance that no annotator's goes below


@dataclass(frozen=True, eq=False)
class NumericAggregate:
    """ratings: float64 [item], nan for items nobody rated. annotators: `variance` [annotator] of lfc_n around the
    true rating, nan for those without annotations; empty for mean and median. converged: as in `Aggregate`."""

    ratings: np.ndarray
    annotators: dict[str, np.ndarray] = field(default_factory=dict)
    converged: bool = True


def mean(item: np.ndarray, rating: np.ndarray, items: int) -> NumericAggregate:
    """item: codes from 0, int [annotation]. rating: float [annotation]. items: how many there are. Raises DataError for
    missing ratings, other codes and none at all."""
    rating, item = _checked(rating, (items,), item=item)
    return NumericAggregate(_weighted(item, rating, np.ones(len(rating)), items))


def median(item: np.ndarray, rating: np.ndarray, items: int) -> NumericAggregate:
    """The middle rating, or the mean of the two middle ones. Arguments and errors as `mean`."""
    rating, item = _checked(rating, (items,), item=item)
    order = np.lexsort([rating, item])
    ordered = rating[order]
    size = np.bincount(item, minlength=items)
    first = np.concatenate([[0], np.cumsum(size)[:-1]])
    rated = size > 0
    middle = np.full(items, np.nan)
    low, high = (first + (size - 1) // 2)[rated], (first + size // 2)[rated]
    middle[rated] = (ordered[low] + ordered[high]) / 2
    return NumericAggregate(middle)


def lfc_n(
    item: np.ndarray,
    annotator: np.ndarray,
    rating: np.ndarray,
    shape: tuple[int, int],
    iterations: int = 100,
    tolerance: float = 1e-6,
) -> NumericAggregate:
    """Ratings weighted by the inverse of their annotator's variance, and variances around these ratings, in turns.

    item, annotator: int [annotation]. shape: numbers of items and annotators. Starts from the mean; stops when no
    rating moves by more than `tolerance` standard deviations. The likelihood has no maximum (it grows without bound as
    one annotator is believed entirely), so that the start matters. Raises DataError as `mean`.
    """
    rating, item, annotator = _checked(rating, shape, item=item, annotator=annotator)
    items, people = shape
    size = np.bincount(annotator, minlength=people)
    spread = float(rating.var()) or 1.0
    truth = _weighted(item, rating, np.ones(len(rating)), items)
    for _ in range(max(iterations, 1)):
        errors = np.bincount(annotator, (rating - truth[item]) ** 2, people)
        variance = np.maximum(errors / np.maximum(size, 1), LEAST * spread)
        before, truth = truth, _weighted(item, rating, 1 / variance[annotator], items)
        if converged := bool(np.nanmax(np.abs(truth - before)) <= tolerance * np.sqrt(spread)):
            break
    return NumericAggregate(truth, {"variance": np.where(size > 0, variance, np.nan)}, converged)


def _weighted(item: np.ndarray, rating: np.ndarray, weight: np.ndarray, items: int) -> np.ndarray:
    total = np.bincount(item, weight, items)
    sums = np.bincount(item, weight * rating, items)
    return np.divide(sums, total, out=np.full(items, np.nan), where=total > 0)


def _checked(rating: np.ndarray, sizes: tuple[int, ...], **codes: np.ndarray) -> tuple[np.ndarray, ...]:
    """The ratings, float64 [annotation], and the codes, int64 [annotation]."""
    found = {name: np.asarray(code) for name, code in codes.items()}
    refuse_codes(found, sizes)
    rating, size = np.asarray(rating), len(found["item"])
    if rating.shape != (size,) or rating.dtype.kind not in "biuf":
        raise DataError(f"ratings are {rating.dtype} {rating.shape}; needed is a number for each of {size} annotations")
    missing = ~np.isfinite(rating)
    if missing.any():
        raise DataError(f"{missing.sum()} rating(s) are missing or infinite; leave such annotations out")
    return rating.astype(float), *(code.astype(np.int64) for code in found.values())
