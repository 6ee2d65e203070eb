"""ZenCrowd: every annotator is right with one probability, and all wrong levels are equally likely; fitted by EM.

Paper: Demartini, Difallah, Cudré-Mauroux 2012, ZenCrowd: Leveraging Probabilistic Reasoning and Crowdsourcing
Techniques for Large-Scale Entity Linking. As in the comparison of Zheng et al. 2017 all levels are equally likely
beforehand; a prior fitted to the data gives another method.
"""

import numpy as np

from perspectives.errors import ConfigError
from perspectives.quality.aggregation.incidence import Incidence
from perspectives.quality.aggregation.result import Aggregate, Step, aggregate, climb, normalised

LEAST = 1e-10  # probabilities of a right answer stay this far from 0 and 1


def zencrowd(incidence: Incidence, iterations: int = 100, tolerance: float = 1e-7, start: float = 0.7) -> Aggregate:
    """Maximum likelihood by EM.

    start: everybody's probability of a right answer at first, strictly between 0 and 1; ConfigError otherwise.
    annotators: `right` [annotator], that probability; nan for annotators without annotations.
    """
    if not 0 < start < 1:
        raise ConfigError(f"start={start} is the chance of a right answer; give a number between 0 and 1")
    given = incidence.given.sum(1)

    def step(right: np.ndarray) -> Step:
        log_wrong = np.log((1 - right) / (incidence.levels - 1))
        scores = incidence.weighted_votes(np.log(right) - log_wrong) + (incidence.pairs @ log_wrong)[:, None]
        posterior, sums = normalised(scores)
        likelihood = float((sums - np.log(incidence.levels))[incidence.labelled].sum())
        hits = incidence.hits(posterior).sum(1)
        share = np.divide(hits, given, out=np.full_like(hits, start), where=given > 0)
        return Step(posterior, likelihood, likelihood, np.clip(share, LEAST, 1 - LEAST))

    climbed = climb(step, np.full(incidence.annotators, start), iterations, tolerance)
    return aggregate(incidence, climbed, {"right": np.where(given > 0, climbed.last.parameters, np.nan)})
