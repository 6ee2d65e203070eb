"""For every annotation: agreed, a perspective, or a slip?

A label may surprise given what others say of the item and be just what this person, or people like them, would say: a
perspective. Or it surprises on both counts: perhaps a slip. Majority-based cleaning cannot tell the two apart.

With probability ε a label is a slip: another level than meant, each equally likely.

    P(label) = (1 − ε) m(label) + ε (1 − m(label)) / (levels − 1)

m, what the person means to say, starts from an annotator model's prediction p_a(· | text), made out of fold, so that
the label itself had no part in it; where their groups are given, what people like them would say joins in, with a
weight g. Of an item more is known than its text: the other raters' labels. They move the population's prediction p̄ to a
consensus c, and the person's prediction moves along, by a power κ:

    c(l) ∝ s p̄(l) + number of other raters who said l
    m(l) ∝ [p_a(l) (c(l) / p̄(l))^κ]^γ

g, s, κ, γ and ε are those under which the labels are likeliest; the probability of a slip follows by Bayes' rule.

Why γ: a model trained on labels with slips predicts them as well. Calibrated, it leaves nothing for ε to explain; but
as it cannot tell slips from meanings, it is less sure of everything than people are. γ undoes that, and ε explains the
labels that are then too surprising too often. So ε is learned where people are predicted with near certainty. Where
nobody can be, m alone explains the labels as well as m and slips do: ε is 0 unless it makes n labels likelier by more
than ½ log n (Schwarz 1978), and nothing is called a slip, although something may be one. A χ² test would be too easy:
labels of an item are not independent, and s, κ and γ mean nothing where predictions tell nothing. Slips that follow a
rule (the neighbouring level, always the same answer) are predicted, and no slips here. Where the share is known better,
give it as `rate`; it is at most about half of how often people contradict themselves on the same item.

ε is the same for everybody: a rate per person would call whatever is hard to predict of them careless, and found fewer
planted slips.

A label is expected where no other level is more than twice as likely. One that is not expected of anybody is a
perspective where it is expected of this person, by their prediction or by m, or of one of their groups. Where it is
expected of none of these, and is no likelier a slip than not, it stays unclear.

Paper: Schwarz 1978, Estimating the Dimension of a Model (the Bayesian information criterion).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import OptimizeResult, brentq, minimize
from scipy.special import log_softmax

from perspectives.errors import ConfigError, DataError, listing

SMALLEST = 1e-6
KINDS = ("agreed", "perspective", "unclear", "slip")
SOURCES = ("anybody", "person", "group", "meant")  # of whom a label can be expected


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

    def point(self) -> np.ndarray:
        """What `at` reads, with g."""
        return np.array([np.log(self.strength), self.power, np.log(self.sharpness), self.group])


STARTS = np.array([[np.log(4), 0.5, 0.0, 0.1], [np.log(20), 0.25, np.log(2), 0.1]])  # of searches, read by `Fit.at`
STEPS = np.array([1.0, 0.25, 0.25, 0.1])
BOUNDS = [(np.log(0.1), np.log(100)), (0.0, 1.0), (np.log(0.5), np.log(5)), (0.0, 1.0)]


@dataclass(frozen=True, eq=False)
class Slips:
    """What every annotation is taken for.

    slip: probability that another level was meant, 0..1, float64 [annotation]. consensus, person, group: probability of
    the label as anybody's who rates the item, as this person's by their prediction alone, and as that of people like
    them (nan without a group). meant: m, as this person's, knowing what the others said. All float64 [annotation].
    expected: of whom the label is expected, in the order of SOURCES, bool [annotation, source].
    likeliest, meaning: the level that anybody (by the consensus) and this person (by m) is likeliest to choose, int64
    [annotation]. kind: one of KINDS, str [annotation]. rate: ε. fit: s, κ, γ and g. likelihood: mean log probability of
    a label.
    """

    slip: np.ndarray
    consensus: np.ndarray
    person: np.ndarray
    group: np.ndarray
    meant: np.ndarray
    expected: np.ndarray
    likeliest: np.ndarray
    meaning: np.ndarray
    kind: np.ndarray
    rate: float
    fit: Fit
    likelihood: float


def find_slips(
    label: np.ndarray,
    item: np.ndarray,
    predicted: np.ndarray,
    population: np.ndarray,
    groups: np.ndarray | None = None,
    rate: float | None = None,
    fit: Fit | None = None,
) -> Slips:
    """Sort annotations into agreed, perspectives, unclear ones and slips.

    label: level positions int64 [annotation]. item: codes from 0, int64 [annotation].
    predicted: out-of-fold probabilities of what the person would say, float [annotation, level], rows sum to 1.
    population: the same of anybody, for example everyone's mean. groups: the same of each of the person's groups, float
        [attribute, annotation, level], nan where it is unknown; the weight of their mean is fitted.
    rate: the share of slips ε where it is known, at most (levels − 1) / levels; None estimates it, up to half of that.
    fit: that of another call, to be used again.

    A label is a slip where that is likelier than not, otherwise `agreed` where it is expected of anybody (by the
    consensus c), otherwise a perspective where it is expected of the person, of one of their groups or by m, otherwise
    unclear. Raises DataError, with all that is wrong, for what does not have these shapes and ranges, ConfigError for a
    rate out of range.
    """
    label, item = np.asarray(label), np.asarray(item)
    told: dict[str, np.ndarray] = {"predicted": predicted, "population": population}
    told |= {f"group {place}": values for place, values in enumerate([] if groups is None else groups)}
    told = {name: np.asarray(values, float) for name, values in told.items()}
    _refuse(label, item, told)
    predicted, population, *like = (np.clip(values, SMALLEST, None) for values in told.values())
    alike = _mean_group(like, population) if like else predicted
    levels = predicted.shape[1]
    if rate is not None and not 0 <= rate <= _most(levels):
        raise ConfigError(
            f"rate={rate}; the share of slips among {levels} levels is a number from 0 to {_most(levels):g}, or None "
            "to estimate it"
        )
    others, rows = _others(label, item, levels), np.arange(len(label))

    def meanings(fit: Fit) -> tuple[np.ndarray, np.ndarray]:
        return _combined((1 - fit.group) * predicted + fit.group * alike, population, others, fit)

    def likelihood(fit: Fit, rate: float | None) -> float:
        return _told(meanings(fit)[1][rows, label], levels, rate)[2]

    size = 4 if like else 3
    if rate is None:
        fit, rate = _estimated(likelihood, fit, size, len(label))
    elif fit is None:
        fit = _likeliest(lambda fit: likelihood(fit, rate), size)
    shared, means = meanings(fit)
    slip, share, mean_log = _told(means[rows, label], levels, rate)
    of_groups = np.any([_expected(values, label) for values in like], axis=0) if like else np.zeros(len(label), bool)
    expected = np.column_stack(
        [_expected(shared, label), _expected(predicted, label), of_groups, _expected(means, label)]
    )
    kind = np.select([slip > 0.5, expected[:, 0], expected.any(1)], ["slip", "agreed", "perspective"], "unclear")
    return Slips(
        slip=slip,
        consensus=shared[rows, label],
        person=predicted[rows, label],
        group=alike[rows, label] if like else np.full(len(label), np.nan),
        meant=means[rows, label],
        expected=expected,
        likeliest=shared.argmax(1),
        meaning=means.argmax(1),
        kind=kind,
        rate=share,
        fit=fit,
        likelihood=mean_log,
    )


def _estimated(
    likelihood: Callable[[Fit, float | None], float], fit: Fit | None, size: int, count: int
) -> tuple[Fit, float | None]:
    """The fit, where none is given, and the rate: 0 unless slips explain the labels better, None for the likeliest.

    likelihood: mean log probability of a label. size: of the point that is searched. count: of labels.
    """
    without, within = fit, fit
    if without is None or within is None:
        without = _likeliest(lambda fit: likelihood(fit, 0.0), size)
        within = _likeliest(lambda fit: likelihood(fit, None), size, [without.point()])
    gain = count * (likelihood(within, None) - likelihood(without, 0.0))
    return (within, None) if gain > 0.5 * np.log(count) else (without, 0.0)


def _likeliest(likelihood: Callable[[Fit], float], size: int, starts: Sequence[np.ndarray] = ()) -> Fit:
    """The fit of the highest likelihood, searched from STARTS and `starts`; size: of the point that is searched."""

    def found(start: np.ndarray) -> OptimizeResult:
        simplex = start + np.vstack([np.zeros(size), np.diag(STEPS[:size])])
        options = {"initial_simplex": simplex, "xatol": 0.01, "fatol": 1e-6}
        return minimize(
            lambda point: -likelihood(Fit.at(point)),
            start,
            method="Nelder-Mead",
            bounds=BOUNDS[:size],
            options=options,
        )

    searched = [found(start[:size]) for start in (*STARTS, *starts)]
    return Fit.at(min(searched, key=lambda one: one.fun).x)


def _expected(chance: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Whether no other level is more than twice as likely, bool [annotation]; not where chance [annotation, level] is
    nan."""
    return 2 * chance[np.arange(len(label)), label] >= chance.max(1)


def _mean_group(like: Sequence[np.ndarray], population: np.ndarray) -> np.ndarray:
    """Mean over the groups that are known, float64 [annotation, level]; the population where none is."""
    known = ~np.isnan(like)
    count = known.sum(0)
    return np.where(count > 0, np.where(known, like, 0).sum(0) / np.maximum(count, 1), population)


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
    """The likeliest ε, up to half of what would leave labels without any meaning; the likelihood is concave."""
    gain, most = by_slip - meant, _most(levels) / 2

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
        elif not _distributions(values[~np.isnan(values).all(1)] if name.startswith("group") else values):
            problems.append(f"{name} has rows that are no distributions: give probabilities that sum to 1")
    if found := [problem for problem in problems if problem]:
        raise DataError("slips cannot be told from this:\n" + listing(found))


def _distributions(values: np.ndarray) -> bool:
    return bool((values >= 0).all() and np.allclose(values.sum(1), 1, atol=1e-3))


def _no_codes(name: str, codes: np.ndarray, size: int, most: int | None = None) -> str:
    """What is wrong with codes that count from 0; empty where nothing is."""
    if codes.shape != (size,) or codes.dtype.kind not in "iu":
        return f"{name} is {codes.dtype} {codes.shape}; needed is an integer for each of {size} annotations"
    if codes.min() >= 0 and (most is None or codes.max() <= most):
        return ""
    accepted = "0 and above" if most is None else f"0 to {most}"
    return f"{name} runs from {codes.min()} to {codes.max()}; accepted is {accepted}: leave other annotations out"
