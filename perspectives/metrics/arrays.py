"""Arguments of metrics, checked once: every error names the argument, what came and what is accepted."""

import numpy as np

from perspectives.errors import DataError

ROUNDING = 0.05  # how far from 1 a row may sum: published soft labels are rounded to two decimals


def level_codes(labels: np.ndarray, predicted: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Both as int64 [unit]. Raises DataError unless labels are in -1..size-1 and predictions in 0..size-1."""
    labels, predicted = _alike(("labels", labels), ("predicted", predicted), "[unit]")
    for name, codes, lowest in (("labels", labels, -1), ("predicted", predicted[labels >= 0], 0)):
        off = codes[(codes < lowest) | (codes >= size) | (codes != np.floor(codes))]
        if len(off):
            raise DataError(f"{name} holds {off[0]}; accepted is a level from {lowest} to {size - 1}")
    return labels.astype(np.int64), predicted.astype(np.int64)


def indicators(labels: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both as int64 [unit, level]. Raises DataError unless they hold 0 and 1 only."""
    labels, predicted = _alike(("labels", labels), ("predicted", predicted), "[unit, level]")
    if not (np.isin(labels, (0, 1)).all() and np.isin(predicted, (0, 1)).all()):
        raise DataError("labels or predicted hold something else than 0 and 1; pass sets of levels as indicators")
    return labels.astype(np.int64), predicted.astype(np.int64)


def numbers(first: str, a: np.ndarray, second: str, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64 [unit]. Raises DataError, naming the arguments `first` and `second`, where they hold nan."""
    a, b = _alike((first, np.asarray(a, float)), (second, np.asarray(b, float)), "[unit]")
    for name, values in ((first, a), (second, b)):
        if np.isnan(values).any():
            raise DataError(f"{name} holds {np.isnan(values).sum()} nan; leave such units out")
    return a, b


def distributions(target: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64 [item, level]. Raises DataError where a row is no distribution, with the row."""
    target, predicted = np.asarray(target, float), np.asarray(predicted, float)
    _alike(("target", target), ("predicted", predicted), "[item, level]")
    for name, soft in (("target", target), ("predicted", predicted)):
        bad = ~((soft >= 0).all(1) & (np.abs(soft.sum(1) - 1) <= ROUNDING))
        if bad.any():
            row = bad.argmax()
            raise DataError(
                f"{name}: {bad.sum()} row(s) are no distributions, for example row {row}: {soft[row]}; "
                "rows hold no nan, nothing negative, and sum to 1"
            )
    return target, predicted


def _alike(a: tuple[str, np.ndarray], b: tuple[str, np.ndarray], axes: str) -> tuple[np.ndarray, np.ndarray]:
    (first, left), (second, right) = (a[0], np.asarray(a[1])), (b[0], np.asarray(b[1]))
    if left.shape != right.shape or left.ndim != len(axes.split(",")):
        raise DataError(f"{first} {left.shape} and {second} {right.shape} must both be {axes}, of the same shape")
    return left, right
