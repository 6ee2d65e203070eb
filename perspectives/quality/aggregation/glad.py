"""GLAD: annotators have an ability, items a difficulty, and both together decide how likely an answer is right.

Paper: Whitehill et al. 2009, Whose Vote Should Count More: Optimal Integration of Labels from Labelers of Unknown
Expertise (NIPS): P(right) = σ(ability · easiness), other levels equally likely; normal priors with mean and variance 1
on abilities and on the logarithm of easiness. EM whose maximisation is a few steps of L-BFGS.
"""

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from perspectives.errors import ConfigError
from perspectives.quality.aggregation.incidence import Incidence
from perspectives.quality.aggregation.result import Aggregate, Step, aggregate, climb, normalised


def glad(
    incidence: Incidence, iterations: int = 100, tolerance: float = 1e-6, inner: int = 25, precision: float = 1.0
) -> Aggregate:
    """Maximum a posteriori by EM; all levels are equally likely beforehand.

    inner: steps of L-BFGS at most in every iteration. precision: of the priors, at least 0, ConfigError otherwise; with
        0 there are none, and the likelihood may have no maximum, so that the number of iterations matters.
    annotators: `ability` [annotator], below 0 for people who tend to be wrong, 1 for those without annotations.
    """
    if precision < 0:
        raise ConfigError(f"precision={precision} is that of a normal prior; give a number of at least 0")
    people = incidence.annotators

    def step(parameters: np.ndarray) -> Step:
        ability, ease = parameters[:people], np.exp(parameters[people:])
        posterior, sums = normalised(_scores(incidence, ability, ease))
        likelihood = float((sums - np.log(incidence.levels))[incidence.labelled].sum())
        objective = likelihood - 0.5 * precision * float(((parameters - 1) ** 2).sum())
        right = posterior[incidence.item, incidence.label]
        arguments = (incidence, right, precision)
        found = minimize(_loss, parameters, arguments, method="L-BFGS-B", jac=True, options={"maxiter": inner})
        return Step(posterior, objective, likelihood, found.x)

    climbed = climb(step, np.ones(people + incidence.items), iterations, tolerance)
    return aggregate(incidence, climbed, {"ability": climbed.last.parameters[:people]})


def _scores(incidence: Incidence, ability: np.ndarray, ease: np.ndarray) -> np.ndarray:
    """Log-probability of an item's annotations given each level, [item, level]."""
    x = ability[incidence.annotator] * ease[incidence.item]
    wrong = log_expit(-x) - np.log(incidence.levels - 1)
    gain = incidence.count * (log_expit(x) - wrong)
    cell = incidence.item * incidence.levels + incidence.label
    gains = np.bincount(cell, gain, incidence.items * incidence.levels).reshape(incidence.items, incidence.levels)
    return gains + np.bincount(incidence.item, incidence.count * wrong, incidence.items)[:, None]


def _loss(
    parameters: np.ndarray, incidence: Incidence, right: np.ndarray, precision: float = 1.0
) -> tuple[float, np.ndarray]:
    """Minus the expected log density, and its gradient. right: P(the annotation is right), [cell]."""
    people = incidence.annotators
    ease = np.exp(parameters[people:])
    ability, easy = parameters[incidence.annotator], ease[incidence.item]
    x = ability * easy
    # log σ(-x) = log σ(x) - x, so that one logarithm serves right and wrong answers.
    expected = log_expit(x) - (1 - right) * x
    slope = incidence.count * (right - expit(x))
    gradient = np.concatenate(
        [
            np.bincount(incidence.annotator, slope * easy, people),
            np.bincount(incidence.item, slope * x, incidence.items),
        ]
    )
    distance = parameters - 1
    value = float((incidence.count * expected).sum() - 0.5 * precision * (distance**2).sum())
    return -value, precision * distance - gradient
