"""What the others said of the unit, beside each annotation."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Others:
    """count: how many annotations they gave, int64 [annotation]. mean: of their points, float64 [annotation, axis], and
    square: of the points' squared norms, [annotation]; nan where nobody else labelled the unit.
    """

    count: np.ndarray
    mean: np.ndarray
    square: np.ndarray


def others(unit: np.ndarray, annotator: np.ndarray, point: np.ndarray) -> Others:
    """unit, annotator: int64 [annotation], from 0. point: float [annotation, axis]. Repeated annotations of one
    person are that person's, not another's."""
    own = np.unique(np.column_stack([unit, annotator]), axis=0, return_inverse=True)[1].reshape(-1)
    count = np.bincount(unit)[unit] - np.bincount(own)[own]
    sums = [_total(x, unit) - _total(x, own) for x in (*point.T, (point**2).sum(1))]
    divisor = np.where(count > 0, count, np.nan)
    return Others(count, np.stack(sums[:-1], 1) / divisor[:, None], sums[-1] / divisor)


def _total(values: np.ndarray, code: np.ndarray) -> np.ndarray:
    """Sum over the annotations of the same code, [annotation]."""
    return np.bincount(code, values)[code]
