"""Shares and means with 95 % intervals, as the tables of README.md write them."""

import numpy as np
from scipy.stats import binomtest

from perspectives.metrics.estimate import mean
from perspectives.metrics.intervals import two_way
from perspectives.reports.tables import number


def within(value: float, low: float, high: float) -> str:
    return number(value) if np.isnan(low) else f"{number(value)} [{number(low)}, {number(high)}]"


def share(count: int, of: int) -> str:
    """Of independent cases, by Wilson's interval."""
    if not of:
        return "–"
    limits = binomtest(int(count), int(of)).proportion_ci(method="wilson")
    return within(count / of, limits.low, limits.high)


def average(values: np.ndarray, item: np.ndarray, annotator: np.ndarray) -> str:
    """Mean over annotations, all [annotation]; over items and, from 20 on, annotators. Missing values are left out."""
    known = ~np.isnan(values)
    about = two_way(mean(values[known]), item[known], annotator[known])
    return within(about.value, about.low, about.high)
