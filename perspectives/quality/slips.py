"""For every annotation: agreed, a perspective, or a slip?

A label may surprise given what others say of the item and be just what this person, or people like them, would say: a
perspective. Or it surprises on both counts: perhaps a slip. Majority-based cleaning cannot tell the two apart.

Every label is taken to be meant, with probability 1 − ε, or a slip: any level, at random.

    P(label) = (1 − ε) m(label) + ε / levels

m, what the person means to say, starts from an annotator model's prediction p_a(· | text), made out of fold, so that
the label itself had no part in it. Of an item more is known than its text: the other raters' labels. They move the
population's prediction p̄ to a consensus c, and the person's prediction moves along, by a power κ:

    c(l) ∝ s p̄(l) + number of other raters who said l
    m(l) ∝ p_a(l) (c(l) / p̄(l))^κ

s and κ are those under which the labels are likeliest, ε is found by EM, and the probability of a slip follows by
Bayes' rule. ε is the same for everybody: a rate per person would call whatever is hard to predict of them careless, and
found fewer planted slips.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from perspectives.errors import DataError

STRENGTHS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)  # of the population's prediction, in raters
POWERS = (0.0, 0.25, 0.5, 0.75, 1.0)
SMALLEST = 1e-6
KINDS = ("agreed", "perspective", "slip")


@dataclass(frozen=True, eq=False)
class Slips:
    """What every annotation is taken for.

    slip: probability that the label was not meant, 0..1, float64 [annotation]. meant, consensus: probability of the
    label as this person's, and as anybody's who rates the item. kind: one of KINDS, str [annotation]. rate: ε.
    strength, power: s and κ. likelihood: mean log probability of a label.
    """

    slip: np.ndarray
    meant: np.ndarray
    consensus: np.ndarray
    kind: np.ndarray
    rate: float
    strength: float
    power: float
    likelihood: float


def find_slips(
    label: np.ndarray,
    item: np.ndarray,
    predicted: np.ndarray,
    population: np.ndarray,
    group: np.ndarray | None = None,
    strengths: Sequence[float] = STRENGTHS,
    powers: Sequence[float] = POWERS,
) -> Slips:
    """Sort annotations into agreed, perspectives and slips.

    label: level positions int64 [annotation]. item: codes from 0, int64 [annotation].
    predicted: out-of-fold probabilities of what the person would say, float [annotation, level], rows sum to 1.
    population: the same of anybody, for example everyone's mean. group: the same of the person's group, which then
        counts half: what people like them would say is a perspective, too.

    A label is a slip where that is likelier than not, otherwise `agreed` where no other level is more than twice as
    likely by the consensus, otherwise a perspective. Raises DataError for shapes that do not match, and for rows that
    are no distributions.
    """
    predicted, population = _distributions(predicted, label), _distributions(population, label)
    own = predicted if group is None else (predicted + _distributions(group, label)) / 2
    others = _others(label, item, predicted.shape[1])
    best: tuple[float, float, float, np.ndarray, np.ndarray] | None = None
    for strength, power in product(strengths, powers):
        shared = (strength * population + others) / (strength + others.sum(1, keepdims=True))
        meant = own * (shared / population) ** power
        meant /= meant.sum(1, keepdims=True)
        chance = np.maximum(meant[np.arange(len(label)), label], SMALLEST)
        _, _, likelihood = _slip_rate(chance, predicted.shape[1])
        if best is None or likelihood > best[0]:
            best = (likelihood, strength, power, shared, chance)
    likelihood, strength, power, shared, chance = best  # type: ignore[misc]
    slip, rate, _ = _slip_rate(chance, predicted.shape[1])
    consensus = shared[np.arange(len(label)), label]
    agreed = 2 * consensus >= shared.max(1)
    kind = np.where(slip > 0.5, "slip", np.where(agreed, "agreed", "perspective"))
    return Slips(slip, chance, consensus, kind, rate, strength, power, likelihood)


def _slip_rate(chance: np.ndarray, levels: int, rounds: int = 200) -> tuple[np.ndarray, float, float]:
    """EM: P(slip) [annotation], ε, and the mean log probability of a label; chance: of the label if meant."""
    rate = 0.05
    for _ in range(rounds):
        either = (1 - rate) * chance + rate / levels
        slip = rate / levels / either
        before, rate = rate, float(slip.mean())
        if abs(rate - before) < 1e-7:
            break
    return slip, rate, float(np.log(either).mean())


def _others(label: np.ndarray, item: np.ndarray, levels: int) -> np.ndarray:
    """Votes of the item's other annotations, [annotation, level]."""
    votes = np.zeros((int(item.max(initial=-1)) + 1, levels))
    np.add.at(votes, (item, label), 1)
    others = votes[item]
    others[np.arange(len(label)), label] -= 1
    return others


def _distributions(values: np.ndarray, label: np.ndarray) -> np.ndarray:
    values = np.asarray(values, float)
    if values.ndim != 2 or len(values) != len(label) or not np.allclose(values.sum(1), 1, atol=1e-3):
        raise DataError(
            f"predictions {values.shape} must be distributions, [annotation, level], of {len(label)} labels"
        )
    return np.clip(values, SMALLEST, None)
