"""Exact verdicts against enumeration, against Monte Carlo, and against exact rational arithmetic."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from brute_force import probabilities
from hypothesis import given, settings
from hypothesis import strategies as st

from perspectives.data.scale import Scale
from perspectives.errors import ConfigError
from perspectives.juries.compositions import Seats
from perspectives.juries.counts import MOST_SEATS_BY_MOMENTS, count_distributions
from perspectives.juries.events import Event
from perspectives.juries.rules import TIES, Rule
from perspectives.juries.sampling import sampled_verdicts
from perspectives.juries.seating import seated
from perspectives.juries.verdicts import Question, verdicts

RULES = ("majority", "supermajority 2/3", "supermajority 0.6", "unanimity", "at_least 2", "plurality", "median", "mean")


@st.composite
def cases(draw):
    """A small question: people, overlapping or disjoint pools, seats that fit, and everything else."""
    people, levels = draw(st.integers(2, 5)), draw(st.integers(2, 3))
    replacement = draw(st.booleans())
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    answers = random.dirichlet(np.full(levels, draw(st.sampled_from([0.2, 1.0]))), (2, people))
    if draw(st.booleans()):
        members = np.eye(2, dtype=bool)[random.integers(0, 2, people)].T
    else:
        members = random.random((2, people)) < 0.7
    members = members[members.any(1)] if members.any() else np.ones((1, people), bool)
    first = draw(st.integers(1, 3))
    sizes = [first, draw(st.integers(0, 4 - first))][: len(members)]
    rule = Rule.parse(draw(st.sampled_from(RULES)))
    threshold = draw(st.integers(1, levels - 1))
    return answers, members, sizes, rule, threshold, draw(st.sampled_from(TIES)), draw(st.booleans()), replacement


def test_verdicts_equal_enumeration():
    visited = {"rules": set(), "overlapping": 0, "even": 0}

    @given(cases())
    @settings(max_examples=600, deadline=None, derandomize=True)
    def every_case(case):
        answers, members, sizes, rule, threshold, tie, hard, replacement = case
        scale = Scale.integers(1, answers.shape[2])
        event = Event.parse(f"label>={threshold + 1}", scale)
        places = zip(sizes, members, strict=True)
        seats = [Seats(count, f"pool {place}", who) for place, (count, who) in enumerate(places)]
        try:
            seating = seated(seats, replacement=replacement)
            found = verdicts(answers, seating, Question(event, rule, tie, hard, replacement))
        except ConfigError as error:
            assert "seats; use fewer seats" in str(error) or "; require fewer votes" in str(error)  # noqa: PT017
            return
        visited["rules"].add(str(rule))
        visited["overlapping"] += bool((members.sum(0) > 1).any())
        visited["even"] += sum(sizes) % 2 == 0
        for item, said in enumerate(answers):
            wanted = probabilities(
                said, seats, event.levels, scale.values, event.holds_of, rule, tie, hard, replacement
            )
            assert (found.positive[item, 0], found.negative[item, 0]) == pytest.approx(wanted, abs=1e-12)

    every_case()
    assert len(visited["rules"]) == len(RULES)
    assert visited["overlapping"] > 10
    assert visited["even"] > 20


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("hard", [False, True])
def test_large_pools_lie_within_monte_carlo_error(rule, hard):
    random = np.random.default_rng(1)
    answers = random.dirichlet([0.5, 0.4, 0.6], (8, 60))
    seats = [Seats(4, "a", np.arange(60) < 25), Seats(5, "b", np.arange(60) >= 20)]
    question = Question(Event.parse("label>=1", Scale.integers(0, 2)), Rule.parse(rule), hard=hard)
    sampled = sampled_verdicts(answers, seats, question, trials=1000)
    found = verdicts(answers, seated(seats), question)
    error = np.sqrt(found.positive * (1 - found.positive) / 1000)
    assert (np.abs(sampled.positive - found.positive) <= 4.5 * error + 1e-9).all()
    assert (sampled.error <= 0.5 / np.sqrt(1000)).all()


def test_the_median_of_means_hardly_varies():
    """Where every juror is the same, 100 juries of 12 settle on the mean answer; there is no exact solution."""
    answers = np.array([[[0.8, 0.2]], [[0.3, 0.7]]])
    seats = [Seats(12, "all", np.ones(30, bool))]
    question = Question(Event.parse("label>=0.5", Scale("interval", low=0, high=1)), Rule("median_of_means"))
    found = sampled_verdicts(answers[..., 1:], seats, question, trials=20)
    assert found.positive[:, 0].tolist() == [0, 1]
    with pytest.raises(ConfigError, match="no exact solution"):
        verdicts(answers[..., 1:], seated(seats), question)


@pytest.mark.parametrize("seats", [12, 40])
def test_large_pools_lose_no_precision(seats):
    """17,280 people against integers of any length."""
    random = np.random.default_rng(2)
    people = 17_280 if seats == 12 else 900
    numerators = [int(x) for x in random.integers(0, 2**16 + 1, people)]
    ways = [[0] * (seats + 1) for _ in range(seats + 1)]
    ways[0][0] = 1
    for numerator in numerators:  # Π (1 + t (1 − b + b z)), times 2^16 per juror
        for n in range(seats, 0, -1):
            before = ways[n - 1]
            for k in range(n, -1, -1):
                ways[n][k] += (2**16 - numerator) * before[k] + (numerator * before[k - 1] if k else 0)
    votes = np.array(numerators)[None] / 2**16
    found = count_distributions(votes, np.ones((1, people), bool), seats)[0, 0]
    for n in (1, seats // 2, seats):
        total = comb(people, n) * 2 ** (16 * n)
        assert found[n] == pytest.approx([float(Fraction(ways[n][k], total)) for k in range(seats + 1)], abs=1e-13)
    assert (seats > MOST_SEATS_BY_MOMENTS) == (seats == 40)


def test_hard_votes_are_hypergeometric():
    from scipy.stats import hypergeom

    votes = (np.arange(50) < 18).astype(float)[None]
    found = count_distributions(votes, np.ones((1, 50), bool), 12)[0, 0]
    for n in range(13):
        assert found[n, : n + 1] == pytest.approx(hypergeom(50, 18, n).pmf(np.arange(n + 1)), abs=1e-13)


def test_who_is_absent_is_not_drawn():
    random = np.random.default_rng(3)
    votes, present = random.random((4, 9)), random.random((4, 9)) < 0.6
    for most in (3, 7):
        found = count_distributions(votes, np.ones((1, 9), bool), most, present=present)
        for item in range(4):
            alone = count_distributions(votes[item][present[item]][None], np.ones((1, present[item].sum()), bool), most)
            assert found[item] == pytest.approx(alone[0], abs=1e-12, nan_ok=True)


def test_renaming_people_changes_nothing():
    random = np.random.default_rng(4)
    answers, members = random.dirichlet(np.ones(3), (5, 30)), random.random(30) < 0.5
    order = random.permutation(30)
    question = Question(Event.parse("label=b|c", Scale("nominal", ("a", "b", "c"))), Rule("plurality"))
    found = verdicts(answers, seated([Seats(3, "x", members), Seats(2, "y", ~members)]), question)
    moved = [Seats(3, "x", members[order]), Seats(2, "y", ~members[order])]
    assert verdicts(answers[:, order], seated(moved), question).positive == pytest.approx(found.positive, abs=1e-12)


def test_one_answer_for_everybody_is_broadcast():
    answers = np.array([[[0.3, 0.7]]])
    question = Question(Event.parse(None, Scale("nominal", ("no", "yes"))))
    found = verdicts(answers, seated([Seats(3, "all", np.ones(10, bool))]), question)
    assert found.positive[0, 0] == pytest.approx(0.7**3 + 3 * 0.7**2 * 0.3)


def test_more_of_a_pool_with_more_votes_may_do_harm():
    """The design's example: greedy moves are wrong."""
    answers = np.zeros((1, 12, 2))
    positive = np.array([1] * 4 + [0] * 3 + [1] * 3 + [0] * 2)
    answers[0, np.arange(12), positive] = 1
    pools = [Seats(7, "A", np.arange(12) < 7), Seats(0, "B", np.arange(12) >= 7)]
    question = Question(Event.parse(None, Scale("nominal", ("no", "yes"))))
    found = verdicts(answers, seated(pools, np.array([[7, 0], [6, 1]])), question)
    assert found.positive[0] == pytest.approx([1.0, 0.7714], abs=1e-4)
