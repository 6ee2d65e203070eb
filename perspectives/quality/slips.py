"""For every annotation: agreed, a perspective, or a slip?

A label may surprise given what others say of the item and be just what this person, or people like them, would say: a
perspective. Or it surprises on both counts: perhaps a slip. Majority-based cleaning cannot tell the two apart.

With probability ε a label is a slip: another level than meant, each equally likely.

    P(label) = (1 − ε) m(label) + ε (1 − m(label)) / (levels − 1)

m, what the person means to say, starts from an annotator model's prediction p_a(· | text), made out of fold, so that
the label itself had no part in it; where their group is given, what people like them would say joins in, with a weight
g. Of an item more is known than its text: the other raters' labels. They move the population's prediction p̄ to a
consensus c, and the person's prediction moves along, by a power κ:

    c(l) ∝ s p̄(l) + number of other raters who said l
    m(l) ∝ [p_a(l) (c(l) / p̄(l))^κ]^γ

g, s, κ, γ and ε are those under which the labels are likeliest; the probability of a slip follows by Bayes' rule.

Why γ: a model trained on labels with slips predicts them as well. Calibrated, it leaves nothing for ε to explain; but
as it cannot tell slips from meanings, it is less sure of everything than people are. γ undoes that, and ε explains the
labels that are then too surprising too often. So ε is learned where people are predicted with near certainty. Where
nobody can be, m explains everything: ε is near 0 and nothing is called a slip, although something may be one. Slips
that follow a rule (the neighbouring level, always the same answer) are predicted, and no slips here. Where the share is
known better, give it as `rate`; it is at most about half of how often people contradict themselves on the same item.

ε is the same for everybody: a rate per person would call whatever is hard to predict of them careless, and found fewer
planted slips.

A surprising label is a perspective only where this person would say it, by m. Where neither they nor others would, and
it is no likelier a slip than not, it stays unclear.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq, minimize
from scipy.special import log_softmax

from perspectives.errors import ConfigError, DataError, listing

SMALLEST = 1e-6
KINDS = ("agreed", "perspective", "unclear", "slip")


class Fit(NamedTuple):
    """How predictions and the other raters' labels are combined: s (the weight of the population's prediction, in
    raters), κ, γ and g."""

    strength: float
    power: float
    sharpness: float
    group: float = 0.0

    @classmethod
    def at(cls, point: np.ndarray) -> "Fit":
        """From log s, κ, log γ and, where there are groups, g."""
        return cls(float(np.exp(point[0])), float(point[1]), float(np.exp(point[2])), *map(float, point[3:]))


START = np.array([np.log(4), 0.5, 0.0, 0.1])  # where the search for the likeliest `Fit` begins, as `Fit.at` reads it
STEPS = np.array([1.0, 0.25, 0.25, 0.1])
BOUNDS = [(np.log(0.1), np.log(100)), (0.0, 1.0), (np.log(0.5), np.log(5)), (0.0, 1.0)]


@dataclass(frozen=True, eq=False)
class Slips:
    """What every annotation is taken for.

    slip: probability that another level was meant, 0..1, float64 [annotation]. consensus, person, group: probability of
    the label as anybody's who rates the item, as this person's by their prediction alone, and as that of people like
    them (nan without a group). meant: m, as this person's, knowing what the others said. All float64 [annotation].
    kind: one of KINDS, str [annotation]. rate: ε. fit: s, κ, γ and g. likelihood: mean log probability of a label.
    """

    slip: np.ndarray
    consensus: np.ndarray
    person: np.ndarray
    group: np.ndarray
    meant: np.ndarray
    kind: np.ndarray
    rate: float
    fit: Fit
    likelihood: float


def find_slips(
    label: np.ndarray,
    item: np.ndarray,
    predicted: np.ndarray,
    population: np.ndarray,
    group: np.ndarray | None = None,
    rate: float | None = None,
    fit: Fit | None = None,
) -> Slips:
    """Sort annotations into agreed, perspectives, unclear ones and slips.

    label: level positions int64 [annotation]. item: codes from 0, int64 [annotation].
    predicted: out-of-fold probabilities of what the person would say, float [annotation, level], rows sum to 1.
    population: the same of anybody, for example everyone's mean. group: the same of the person's group, whose weight is
        fitted: what people like them would say is a perspective, too.
    rate: the share of slips ε where it is known, at most (levels − 1) / levels; None estimates it. fit: that of another
        call, to be used again.

    A label is a slip where that is likelier than not, otherwise `agreed` where no other level is more than twice as
    likely by the consensus c, otherwise a perspective where none is by m, otherwise unclear. Raises DataError, with all
    that is wrong, for what does not have these shapes and ranges, ConfigError for a rate out of range.
    """
    label, item = np.asarray(label), np.asarray(item)
    told = {"predicted": predicted, "population": population} | ({} if group is None else {"group": group})
    told = {name: np.asarray(values, float) for name, values in told.items()}
    _refuse(label, item, told)
    predicted, population, *like = (np.clip(values, SMALLEST, None) for values in told.values())
    alike = like[0] if like else predicted
    levels = predicted.shape[1]
    if rate is not None and not 0 <= rate <= _most(levels):
        raise ConfigError(
            f"rate={rate}; the share of slips among {levels} levels is a number from 0 to {_most(levels):g}, or None "
            "to estimate it"
        )
    others, rows = _others(label, item, levels), np.arange(len(label))

    def meanings(fit: Fit) -> tuple[np.ndarray, np.ndarray]:
        return _combined((1 - fit.group) * predicted + fit.group * alike, population, others, fit)

    if fit is None:
        fit = _likeliest(lambda fit: _told(meanings(fit)[1][rows, label], levels, rate)[2], 4 if like else 3)
    shared, means = meanings(fit)
    consensus, meant = shared[rows, label], means[rows, label]
    slip, share, likelihood = _told(meant, levels, rate)
    expected = [2 * own >= best.max(1) for own, best in ((consensus, shared), (meant, means))]
    kind = np.select([slip > 0.5, *expected], ["slip", "agreed", "perspective"], "unclear")
    of_group = alike[rows, label] if like else np.full(len(label), np.nan)
    return Slips(slip, consensus, predicted[rows, label], of_group, meant, kind, share, fit, likelihood)


def _likeliest(likelihood: Callable[[Fit], float], size: int) -> Fit:
    """The fit of the highest likelihood; size: of the point that is searched."""
    simplex = START[:size] + np.vstack([np.zeros(size), np.diag(STEPS[:size])])
    options = {"initial_simplex": simplex, "xatol": 0.01, "fatol": 1e-6}

    def loss(point: np.ndarray) -> float:
        return -likelihood(Fit.at(point))

    return Fit.at(minimize(loss, START[:size], method="Nelder-Mead", bounds=BOUNDS[:size], options=options).x)


def _combined(own: np.ndarray, population: np.ndarray, others: np.ndarray, fit: Fit) -> tuple[np.ndarray, np.ndarray]:
    """c and m, like all arguments float64 [annotation, level]."""
    shared = (fit.strength * population + others) / (fit.strength + others.sum(1, keepdims=True))
    scores = np.log(own) + fit.power * (np.log(shared) - np.log(population))
    return shared, np.clip(np.exp(log_softmax(fit.sharpness * scores, axis=1)), SMALLEST, 1)


def _told(meant: np.ndarray, levels: int, rate: float | None) -> tuple[np.ndarray, float, float]:
    """P(slip) [annotation], ε and the mean log probability of a label; meant: m of the label, [annotation]."""
    by_slip = (1 - meant) / (levels - 1)
    rate = _slip_rate(meant, by_slip, levels) if rate is None else rate
    either = (1 - rate) * meant + rate * by_slip
    return rate * by_slip / either, rate, float(np.log(either).mean())


def _slip_rate(meant: np.ndarray, by_slip: np.ndarray, levels: int) -> float:
    """The likeliest ε; the likelihood is concave."""
    gain, most = by_slip - meant, _most(levels)

    def slope(rate: float) -> float:
        return float((gain / (meant + rate * gain)).mean())

    if slope(0.0) <= 0:
        return 0.0
    return most if slope(most) >= 0 else float(brentq(slope, 0.0, most))


def _most(levels: int) -> float:
    """The ε at which labels say nothing of what was meant."""
    return (levels - 1) / levels


def _others(label: np.ndarray, item: np.ndarray, levels: int) -> np.ndarray:
    """Votes of the item's other annotations, [annotation, level]."""
    votes = np.zeros((int(item.max(initial=-1)) + 1, levels))
    np.add.at(votes, (item, label), 1)
    others = votes[item]
    others[np.arange(len(label)), label] -= 1
    return others


def _refuse(label: np.ndarray, item: np.ndarray, told: dict[str, np.ndarray]) -> None:
    shape = told["predicted"].shape
    if label.ndim != 1 or not len(label) or len(shape) != 2 or shape[1] < 2:
        raise DataError(
            f"labels are {label.shape} and predictions {shape}; give at least one label, [annotation], and predictions "
            "of at least two levels, [annotation, level]"
        )
    problems = [_no_codes("label", label, len(label), shape[1] - 1), _no_codes("item", item, len(label))]
    for name, values in told.items():
        if values.shape != (len(label), shape[1]):
            problems.append(f"{name} is {values.shape}; needed is {(len(label), shape[1])}, [annotation, level]")
        elif not ((values >= 0).all() and np.allclose(values.sum(1), 1, atol=1e-3)):
            problems.append(f"{name} has rows that are no distributions: give probabilities that sum to 1")
    if found := [problem for problem in problems if problem]:
        raise DataError("slips cannot be told from this:\n" + listing(found))


def _no_codes(name: str, codes: np.ndarray, size: int, most: int | None = None) -> str:
    """What is wrong with codes that count from 0; empty where nothing is."""
    if codes.shape != (size,) or codes.dtype.kind not in "iu":
        return f"{name} is {codes.dtype} {codes.shape}; needed is an integer for each of {size} annotations"
    if codes.min() >= 0 and (most is None or codes.max() <= most):
        return ""
    accepted = "0 and above" if most is None else f"0 to {most}"
    return f"{name} runs from {codes.min()} to {codes.max()}; accepted is {accepted}: leave other annotations out"
