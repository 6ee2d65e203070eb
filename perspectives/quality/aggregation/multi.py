"""Multi: items are points in a space, annotators directions and thresholds in it, with noise; for two levels.

Paper: Welinder et al. 2010, The Multidimensional Wisdom of Crowds (NIPS): an item's point is drawn around (-1, …, -1)
or (1, …, 1), depending on its level, and an annotator gives the higher level with the probability
Φ(vector · point - threshold). Priors and their values are those of the authors' program, CUBAM.
"""

import numpy as np
from scipy.special import expit, log_ndtr

from perspectives.errors import ConfigError, DataError
from perspectives.quality.aggregation.ascent import ascend
from perspectives.quality.aggregation.incidence import Incidence
from perspectives.quality.aggregation.result import Aggregate, known
from perspectives.quality.aggregation.starts import annotator_draws

SPREAD = 2.0  # standard deviation of points around their level
VECTOR = (2.0, 10.0)  # mean and standard deviation of annotators' vectors
THRESHOLD = 10.0  # standard deviation


def multi(
    incidence: Incidence, dimensions: int = 1, iterations: int = 10_000, tolerance: float = 1e-12, seed: int = 0
) -> Aggregate:
    """Maximum a posteriori, points and annotators together; both levels are equally likely beforehand.

    dimensions: of the space; 1 as Zheng et al. 2017 ran it. Points start at the shares of votes, vectors at 1 with
        noise (from `seed`) that tells dimensions apart.
    iterations: at most so many. The authors' program ends after 30 turns of fitting the points, then the annotators:
        long before the density stops rising, where answers still depend on how annotators are named.

    The posterior is that of the level given the item's point. annotators: `vector` [annotator, dimension], small for
    people who answer at random, and `threshold` [annotator], high for people who rarely give the higher level.
    Raises DataError for scales of more than two levels, ConfigError for fewer than one dimension.
    """
    if incidence.levels != 2:
        raise DataError(f"multi needs labels on two levels; got {incidence.levels}; use dawid_skene or cbcc")
    if dimensions < 1:
        raise ConfigError(f"dimensions={dimensions}; give at least 1")
    draws = annotator_draws(incidence, seed, dimensions)
    points = np.repeat(2 * incidence.shares[:, 1:] - 1, dimensions, axis=1)
    vectors = 1 + draws - draws.mean(1, keepdims=True)
    start = np.concatenate([points.ravel(), vectors.ravel(), np.zeros(incidence.annotators)])
    found = ascend(
        lambda parameters: _loss(parameters, incidence, dimensions),
        lambda parameters: _prior(*_split(parameters, incidence, dimensions))[0],
        start,
        iterations,
        tolerance,
    )
    points, vectors, thresholds = _split(found.parameters, incidence, dimensions)
    log_odds = 2 * points.sum(1) / SPREAD**2
    posterior = known(incidence, expit(np.column_stack([-log_odds, log_odds])))
    people = {"vector": vectors, "threshold": thresholds}
    return Aggregate(posterior, people, found.objective, found.log_likelihood, found.converged, seed)


def _split(parameters: np.ndarray, incidence: Incidence, dimensions: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points [item, dimension], vectors [annotator, dimension] and thresholds [annotator]."""
    ends = np.cumsum([incidence.items * dimensions, incidence.annotators * dimensions])
    points, vectors, thresholds = np.split(parameters, ends)
    return points.reshape(-1, dimensions), vectors.reshape(-1, dimensions), thresholds


def _loss(parameters: np.ndarray, incidence: Incidence, dimensions: int) -> tuple[float, np.ndarray]:
    """Minus the log density of parameters and annotations, and its gradient."""
    points, vectors, thresholds = _split(parameters, incidence, dimensions)
    prior, slopes = _prior(points, vectors, thresholds)
    point, vector = points[incidence.item], vectors[incidence.annotator]
    sign = 2.0 * incidence.label - 1
    x = sign * ((point * vector).sum(1) - thresholds[incidence.annotator])
    logs = log_ndtr(x)
    slope = incidence.count * sign * np.exp(-0.5 * x**2 - logs) / np.sqrt(2 * np.pi)
    by_item = [np.bincount(incidence.item, slope * v, incidence.items) for v in vector.T]
    by_annotator = [np.bincount(incidence.annotator, slope * p, incidence.annotators) for p in point.T]
    gradient = [
        slopes[0] + np.column_stack(by_item),
        slopes[1] + np.column_stack(by_annotator),
        slopes[2] - np.bincount(incidence.annotator, slope, incidence.annotators),
    ]
    value = prior + float((incidence.count * logs).sum())
    return -value, -np.concatenate([part.ravel() for part in gradient])


def _prior(
    points: np.ndarray, vectors: np.ndarray, thresholds: np.ndarray
) -> tuple[float, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Log density of parameters up to a constant, and its gradient for each kind of them."""
    side = points.sum(1, keepdims=True) / SPREAD**2
    centred = (vectors - VECTOR[0]) / VECTOR[1]
    value = np.logaddexp(side, -side).sum() - 0.5 * ((points / SPREAD) ** 2).sum()
    value -= 0.5 * (centred**2).sum() + 0.5 * ((thresholds / THRESHOLD) ** 2).sum()
    slopes = ((np.tanh(side) - points) / SPREAD**2, -centred / VECTOR[1], -thresholds / THRESHOLD**2)
    return float(value), slopes
