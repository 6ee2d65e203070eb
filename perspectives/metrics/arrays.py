"""Checks of the arguments of metrics; every error names the argument, what came and what is accepted."""

import numpy as np

from perspectives.errors import DataError

ROUNDING = 0.05  # how far from 1 a row may sum: published soft labels are rounded to two decimals
NEAR_ZERO = 1e-12  # probabilities are kept this far from 0 before a logarithm is taken


def level_codes(labels: np.ndarray, predicted: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return both as int64 [unit]. Raises DataError unless labels are in -1..size-1 and predictions in 0..size-1."""
    labels, predicted = _alike(("labels", labels), ("predicted", predicted), "[unit]")
    for name, codes, lowest in (("labels", labels, -1), ("predicted", predicted[labels >= 0], 0)):
        off = codes[(codes < lowest) | (codes >= size) | (codes != np.floor(codes))]
        if len(off):
            raise DataError(f"{name} holds {off[0]}; expected a level from {lowest} to {size - 1}")
    return labels.astype(np.int64), predicted.astype(np.int64)


def indicators(labels: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both as int64 [unit, level]. Raises DataError unless they hold 0 and 1 only."""
    labels, predicted = _alike(("labels", labels), ("predicted", predicted), "[unit, level]")
    if not (np.isin(labels, (0, 1)).all() and np.isin(predicted, (0, 1)).all()):
        raise DataError("labels or predicted hold values other than 0 and 1; pass sets of levels as indicators")
    return labels.astype(np.int64), predicted.astype(np.int64)


def numbers(first: str, a: np.ndarray, second: str, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return `a` and `b` as float64 [unit]. Raises DataError where they hold nan.

    first, second: names of the arguments, for messages.
    """
    a, b = _alike((first, np.asarray(a, float)), (second, np.asarray(b, float)), "[unit]")
    for name, values in ((first, a), (second, b)):
        if np.isnan(values).any():
            raise DataError(f"{name} holds {np.isnan(values).sum()} nan; leave these units out")
    return a, b


def distributions(target: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both as float64 [item, level]. Raises DataError with the first row that is not a distribution."""
    target, predicted = np.asarray(target, float), np.asarray(predicted, float)
    _alike(("target", target), ("predicted", predicted), "[item, level]")
    for name, soft in (("target", target), ("predicted", predicted)):
        bad = ~((soft >= 0).all(1) & (np.abs(soft.sum(1) - 1) <= ROUNDING))
        if bad.any():
            row = bad.argmax()
            raise DataError(
                f"{name}: {bad.sum()} row(s) are not distributions, for example row {row}: {soft[row]}; "
                "rows must sum to 1, without negative numbers or nan"
            )
    return target, predicted


def _alike(a: tuple[str, np.ndarray], b: tuple[str, np.ndarray], axes: str) -> tuple[np.ndarray, np.ndarray]:
    (first, left), (second, right) = (a[0], np.asarray(a[1])), (b[0], np.asarray(b[1]))
    if left.shape != right.shape or left.ndim != len(axes.split(",")):
        raise DataError(f"{first} {left.shape} and {second} {right.shape} must both be {axes}, of the same shape")
    return left, right
