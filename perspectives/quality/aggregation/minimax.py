"""Minimax conditional entropy: the flattest distribution of labels with the right counts per annotator and per item.

Papers: Zhou et al. 2012, Learning from the Wisdom of Crowds by Minimax Entropy (NIPS); Zhou et al. 2014, Aggregating
Ordinal Labels from Crowds by Minimax Conditional Entropy (ICML), the categorical model with regularised constraints.
Its dual is a log-linear model: annotator a gives item i of true level t the label l with a probability proportional to
exp(a[t, l] + i[t, l]), with penalties on the squares of both.
"""

import warnings

import numpy as np

from perspectives.errors import ConfigError, DataWarning
from perspectives.quality.aggregation.ascent import ascend
from perspectives.quality.aggregation.incidence import Incidence
from perspectives.quality.aggregation.result import Aggregate, known, normalised

FIRST = 25  # steps at most of the first fit, to the shares of votes
TOLD = 0.01  # by how much the likeliest level of all has to exceed its share of a uniform posterior, relative to it


def minimax(incidence: Incidence, iterations: int = 200, tolerance: float = 1e-7, penalty: float = 0.25) -> Aggregate:
    """Fits the parameters to the shares of votes, and from there the penalised likelihood over the unknown truth; all
    levels are equally likely beforehand.

    penalty: of annotators' parameters, as a share of levels²; that of items' is larger by the ratio of annotations per
        annotator to annotations per item, so that people may differ more than items, about which little is known.
        Rule and value are those of the authors' program; above 0, ConfigError otherwise. Where annotators gave few
        annotations per level, as on scales of many levels, it leaves nothing: the posterior becomes uniform, with a
        DataWarning.

    annotators: `log_odds` [annotator, level (true), level (given)], rows sum to 0, 0 without annotations.
    """
    if not penalty > 0:
        raise ConfigError(f"penalty={penalty} must be above 0, or nothing keeps the parameters finite")
    model = _Model(incidence, penalty)
    start = ascend(lambda x: model.loss(x, incidence.shares), _prior, np.zeros(model.size), FIRST, tolerance).parameters
    found = ascend(model.loss, _prior, start, iterations, tolerance)
    posterior, _ = normalised(model.probabilities(found.parameters)[1])
    highest = float(posterior[incidence.labelled].max())
    if highest * incidence.levels < 1 + TOLD:
        warnings.warn(
            f"minimax entropy tells nothing: with penalty={penalty} no level of any item is likelier than "
            f"{highest:.4f}, about 1 in {incidence.levels}; give a smaller penalty, or choose another method",
            DataWarning,
            stacklevel=2,
        )
    log_odds = model.split(found.parameters)[0].transpose(2, 0, 1)
    return Aggregate(
        known(incidence, posterior), {"log_odds": log_odds}, found.objective, found.log_likelihood, found.converged
    )


def _prior(parameters: np.ndarray) -> float:
    return -0.5 * float((parameters**2).sum())


class _Model:
    """The likelihood. Parameters are scaled by the root of their penalty, so that all steps are of one size. Arrays of
    cells have the cells last, as few long rows are read faster than many short ones."""

    def __init__(self, incidence: Incidence, penalty: float):
        self.incidence = incidence
        ratio = incidence.labelled.sum() / (incidence.given.sum(1) > 0).sum()
        penalty = penalty * incidence.levels**2
        self.scales = (penalty**-0.5, (penalty * ratio) ** -0.5)
        self.sizes = (incidence.annotators, incidence.items)
        self.places = (incidence.annotator, incidence.item)
        self.size = sum(self.sizes) * incidence.levels**2

    def split(self, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Log-odds of annotators and of items, [level (true), level (given), annotator or item]."""
        square = (self.incidence.levels, self.incidence.levels, -1)
        parts = np.split(parameters, [self.sizes[0] * self.incidence.levels**2])
        people, items = (part.reshape(square) * scale for part, scale in zip(parts, self.scales, strict=True))
        return people, items

    def probabilities(self, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of every label given every true level, [level (true), level (given), cell], and the log-probability of an
        item's annotations given each true level, [item, level]."""
        people, items = (part[:, :, place] for part, place in zip(self.split(parameters), self.places, strict=True))
        odds = people + items
        odds -= odds.max(1, keepdims=True)
        power = np.exp(odds)
        total = power.sum(1)
        logs = odds[:, self.incidence.label, np.arange(len(self.incidence.label))] - np.log(total)
        scores = _sums(logs * self.incidence.count, self.incidence.item, self.incidence.items)
        return power / total[:, None], scores.T

    def loss(self, parameters: np.ndarray, posterior: np.ndarray | None = None) -> tuple[float, np.ndarray]:
        """Minus the penalised log-likelihood, expected under `posterior` [item, level] where one is given, and its
        gradient."""
        incidence, levels = self.incidence, self.incidence.levels
        probability, scores = self.probabilities(parameters)
        if posterior is None:
            posterior, sums = normalised(scores)
            value = float((sums - np.log(levels))[incidence.labelled].sum())
        else:
            value = float((posterior * scores).sum())
        slope = -probability
        slope[:, incidence.label, np.arange(len(incidence.label))] += 1
        slope *= (posterior[incidence.item].T * incidence.count)[:, None]
        flat = slope.reshape(levels**2, -1)
        sums_of = zip(self.places, self.sizes, self.scales, strict=True)
        gradient = np.concatenate([_sums(flat, place, size).ravel() * scale for place, size, scale in sums_of])
        return -value - _prior(parameters), parameters - gradient


def _sums(rows: np.ndarray, place: np.ndarray, size: int) -> np.ndarray:
    """Of the cells of each item or annotator, [row, item or annotator]. rows: [row, cell]."""
    return np.stack([np.bincount(place, row, size) for row in rows])
