"""Calibration to humans: whether the predicted distribution has the shape of the human one. The unit is the item.

target, predicted: float [item, level], rows sum to 1, as in `soft`. Empty input gives nan. DataError is raised for rows
that are not distributions and for shapes that do not match.

The human distribution is a panel's share of votes, not the rate behind it. The smaller the panel, the further its
shares lie from the rate and the lower is their entropy. So even a perfect model of the rate has errors here, and an
entropy above the panel's; `rates_behind` estimates what the rates may be. There is no binned calibration error of
single answers: it is biased upwards where a model is well calibrated, and a first-order interval does not show that.
Paper: Baan et al. 2022, Stop Measuring Calibration When Humans Disagree (DistCE, EntCE, RankCS).
"""

import numpy as np
from scipy.optimize import minimize
from scipy.special import digamma, gammaln

from perspectives.errors import DataError
from perspectives.metrics.arrays import distributions
from perspectives.metrics.estimate import Estimate, mean, ratio
from perspectives.metrics.soft import entropy, total_variation

EQUAL = 1e-9  # shares closer than this are tied
CONCENTRATION = (1e-3, 1e3)  # of one level, range of the fit


def distribution_error(target: np.ndarray, predicted: np.ndarray) -> Estimate:
    """DistCE: mean total variation distance of the human and the predicted distribution, 0..1; lower is better."""
    return total_variation(target, predicted)


def entropy_error(target: np.ndarray, predicted: np.ndarray) -> Estimate:
    """Mean |EntCE|: how far the predicted entropy is from the human one, in nats, 0..ln(levels); lower is better."""
    return mean(np.abs(_entropy_difference(target, predicted)))


def entropy_bias(target: np.ndarray, predicted: np.ndarray) -> Estimate:
    """Mean EntCE, predicted minus human entropy in nats: above 0 less certain than the panel, below 0 more certain."""
    return mean(_entropy_difference(target, predicted))


def rank_score(target: np.ndarray, predicted: np.ndarray) -> Estimate:
    """RankCS: share of items whose levels are ranked by the prediction as by the humans, 0..1; higher is better.

    Levels with equal human shares (for example those nobody chose) may be in any order; levels with different human
    shares must not be tied in the prediction.
    """
    target, predicted = distributions(target, predicted)
    same = np.ones(len(target), bool)
    for level in range(target.shape[1]):
        human = target[:, level, None] > target + EQUAL
        same &= ~(human & (predicted[:, level, None] <= predicted + EQUAL)).any(1)
    return mean(same)


def rate_bias(observed: np.ndarray, predicted: np.ndarray, raters: np.ndarray) -> Estimate:
    """Calibration in the large: predicted minus observed rate of an answer over all pairs, with items as units.

    observed, predicted: mean over the item's pairs, float [item], of "this level was chosen" and of its probability, or
        of the observed and predicted ratings. raters: number of pairs of each item, [item].

    0 is best.
    """
    difference = np.asarray(predicted, float) - np.asarray(observed, float)
    return ratio(difference * raters, np.asarray(raters, float))


def rates_behind(counts: np.ndarray, draws: int = 20, seed: int = 0) -> np.ndarray:
    """Draw plausible rates of each item given its panel, float64 [draw, item, level], rows sum to 1.

    counts: votes of the panel, [item, level], not negative.

    Assumes that an item's votes are independent draws from one rate, and that the rates of these items follow one
    Dirichlet distribution, whose parameters are fitted to all panels (empirical Bayes). Returns draws from each item's
    posterior, which shrinks rates towards those of the other items, the more so the smaller the panel. Who voted is
    ignored.

    Raises DataError when counts are negative, or when no item has two votes, because single votes tell nothing about
    disagreement.
    Paper: Minka 2000, Estimating a Dirichlet distribution (equation 53, the Dirichlet-multinomial likelihood).
    """
    counts = np.asarray(counts, float)
    if counts.ndim != 2 or (counts < 0).any():
        raise DataError(f"counts must be [item, level] without negative numbers; got shape {counts.shape}")
    if not (counts.sum(1) >= 2).any():
        raise DataError(
            "no item has two votes, so the rates behind the votes cannot be estimated; pass items with several votes"
        )
    shape = _dirichlet(counts) + counts
    drawn = np.maximum(np.random.default_rng(seed).standard_gamma(shape, (draws, *shape.shape)), 1e-300)
    return drawn / drawn.sum(2, keepdims=True)


def _dirichlet(counts: np.ndarray) -> np.ndarray:
    """Fit the Dirichlet distribution under which the panels [item, level] are most likely: parameters [level]."""
    size = counts.sum(1)

    def loss(logs: np.ndarray) -> tuple[float, np.ndarray]:
        """Minus the log likelihood, and its gradient."""
        alpha = np.exp(logs)
        total = alpha.sum()
        value = (gammaln(counts + alpha) - gammaln(alpha)).sum() + (gammaln(total) - gammaln(size + total)).sum()
        slope = (digamma(counts + alpha) - digamma(alpha)).sum(0) + (digamma(total) - digamma(size + total)).sum()
        return float(-value), -alpha * slope

    bounds = [tuple(np.log(CONCENTRATION))] * counts.shape[1]
    share = np.log(np.maximum(counts.sum(0) / counts.sum(), 1e-6))
    starts = [
        np.clip(share + shift, *bounds[0]) for shift in range(-2, 6)
    ]  # far from the optimum the likelihood is flat
    best = min(starts, key=lambda start: loss(start)[0])
    return np.exp(minimize(loss, best, jac=True, method="L-BFGS-B", bounds=bounds).x)


def _entropy_difference(target: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    target, predicted = distributions(target, predicted)
    return entropy(predicted) - entropy(target)
