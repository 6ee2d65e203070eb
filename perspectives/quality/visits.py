"""What was recorded of each annotation in the epochs in which training visited it.

Arrays are [epoch, annotation], with nan in epochs without a visit (`raters_per_item`); annotations that were never
visited get nan.
"""

import numpy as np

from perspectives.errors import DataError


def mean_over_visits(values: np.ndarray) -> np.ndarray:
    """Mean over visits, float64 [annotation]; without numpy's warning where there was none."""
    values = checked(values)
    visited = ~np.isnan(values)
    count, total = visited.sum(0), np.where(visited, values, 0.0).sum(0)
    return np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)


def last_visit(values: np.ndarray) -> np.ndarray:
    """The value at the last visit, float64 [annotation]."""
    values = checked(values)
    latest = np.full(values.shape[1], np.nan)
    for epoch in values:
        latest = np.where(np.isnan(epoch), latest, epoch)
    return latest


def checked(values: np.ndarray) -> np.ndarray:
    """The values as float64. Raises DataError unless they are [epoch, annotation]."""
    values = np.asarray(values, float)
    if values.ndim != 2:
        raise DataError(f"training dynamics are [epoch, annotation]; got an array of shape {values.shape}")
    return values
