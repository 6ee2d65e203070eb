"""Votes: of equal weight, or weighted by how often annotators agree with experts or with each other.

Paper: Callison-Burch 2009, Fast, Cheap, and Creative: Evaluating Translation Quality Using Amazon's Mechanical Turk.
"""

import numpy as np

from perspectives.errors import DataError
from perspectives.quality.aggregation.incidence import Incidence
from perspectives.quality.aggregation.result import Aggregate, known


def majority(incidence: Incidence) -> Aggregate:
    """Every vote counts the same: posterior is the share of votes."""
    return Aggregate(known(incidence, incidence.shares), {})


def leave_one_out(incidence: Incidence) -> Aggregate:
    """A vote weighs as much as its annotator agrees with others.

    annotators: `agreement` [annotator], mean over their annotations of the share of the item's other annotators who
    gave the same label, in [0, 1]; nan for those who never met anybody, whose votes weigh the mean.
    """
    own = np.bincount(incidence.pair, incidence.count)[incidence.pair]
    others = incidence.votes.sum(1)[incidence.item] - own
    same = incidence.votes[incidence.item, incidence.label] - incidence.count
    met = others > 0
    right = np.divide(same, others, out=np.zeros_like(same), where=met) * incidence.count
    return _voted(incidence, "agreement", right, incidence.count * met)


def gold_weighted(incidence: Incidence) -> Aggregate:
    """A vote weighs as much as its annotator agrees with experts, whose levels are `incidence.gold`.

    annotators: `accuracy` [annotator], share of their annotations of gold items that are right, in [0, 1]; nan for
    those without gold items, whose votes weigh the mean. Gold items are voted on like any other, so accuracy on the
    same gold flatters it.
    Raises DataError for gold of another length or off the scale, and when no annotation is of a gold item.
    """
    gold = np.full(incidence.items, -1) if incidence.gold is None else incidence.gold
    if gold.shape != (incidence.items,) or (gold < -1).any() or (gold >= incidence.levels).any():
        raise DataError(
            f"gold needs one level from 0 to {incidence.levels - 1}, or -1, for each of {incidence.items} items; got "
            f"{gold.size} from {gold.min(initial=0)} to {gold.max(initial=0)}"
        )
    given = gold[incidence.item]
    if not (given >= 0).any():
        raise DataError("no annotation is of a gold item, so nobody can be weighted; use leave_one_out")
    count = incidence.count * (given >= 0)
    return _voted(incidence, "accuracy", count * (given == incidence.label), count)


def _voted(incidence: Incidence, name: str, right: np.ndarray, count: np.ndarray) -> Aggregate:
    """Votes weighted by Σ right / Σ count of each annotator, both [cell]."""
    total, counts = (np.bincount(incidence.annotator, x, incidence.annotators) for x in (right, count))
    weight = np.divide(total, counts, out=np.full_like(total, np.nan), where=counts > 0)
    mean = total.sum() / counts.sum() if counts.any() else 1.0
    scores = incidence.weighted_votes(np.where(counts > 0, weight, mean))
    return Aggregate(vote_shares(incidence, scores), {name: weight})


def vote_shares(incidence: Incidence, scores: np.ndarray) -> np.ndarray:
    """Weighted votes [item, level] as shares; shares of votes where all of an item's weights are 0, nan without any."""
    total = scores.sum(1, keepdims=True)
    return known(incidence, np.divide(scores, total, out=incidence.shares.copy(), where=total > 0))
