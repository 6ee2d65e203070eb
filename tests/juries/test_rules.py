"""Rules: how they are written, and the verdict for every number of votes."""

from fractions import Fraction

import numpy as np
import pytest

from perspectives.errors import ConfigError
from perspectives.juries.rules import TIES, Rule, weights


@pytest.mark.parametrize(
    ("text", "kind", "number", "shown"),
    [
        ("majority", "majority", 1, "majority"),
        (" unanimity ", "unanimity", 1, "unanimity"),
        ("supermajority 2/3", "supermajority", Fraction(2, 3), "supermajority 2/3"),
        ("supermajority  0.6", "supermajority", Fraction(3, 5), "supermajority 3/5"),
        ("supermajority 1", "supermajority", 1, "supermajority 1"),
        ("at_least 3", "at_least", 3, "at_least 3"),
        ("median_of_means", "median_of_means", 1, "median_of_means"),
    ],
)
def test_rules_are_read_and_written(text, kind, number, shown):
    rule = Rule.parse(text)
    assert (rule.kind, rule.number, str(rule)) == (kind, number, shown)
    assert Rule.parse(str(rule)) == rule
    assert rule.counting == (kind in ("majority", "supermajority", "unanimity", "at_least"))


def test_verdicts_of_every_count_of_votes():
    visited = 0
    for jurors in range(1, 25):
        votes = range(jurors + 1)
        sides = {share: [(v, jurors - v) for v in votes] for share in ("2/3", "0.51", "3/4")}
        for share, pairs in sides.items():
            least = Fraction(share) * jurors
            wanted = [1 if yes >= least else -1 if no >= least else 0 for yes, no in pairs]
            assert Rule.parse(f"supermajority {share}").outcomes(jurors).tolist() == wanted
            visited += 1
        majority = [(2 * v > jurors) - (2 * v < jurors) for v in votes]
        assert Rule("majority").outcomes(jurors).tolist() == majority
        assert Rule("unanimity").outcomes(jurors).tolist() == [-1, *[0] * (jurors - 1), 1]
        for needed in range(1, jurors + 1):
            wanted = [1 if v >= needed else -1 for v in votes]
            assert Rule("at_least", Fraction(needed)).outcomes(jurors).tolist() == wanted
    assert visited == 72


def test_a_supermajority_is_exact_where_floating_point_is_not():
    assert 0.55 * 100 > 55
    assert Rule.parse("supermajority 0.55").outcomes(100)[54:56].tolist() == [0, 1]


@pytest.mark.parametrize("tie", TIES)
def test_undecided_juries_count_as_told(tie):
    found = weights(np.array([1, 0, -1]), tie)
    undecided = {"hung": (0, 0), "positive": (1, 0), "negative": (0, 1), "half": (0.5, 0.5)}[tie]
    assert found.tolist() == [[1, undecided[0], 0], [0, undecided[1], 1]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("most", "rule 'most' is unknown; choose majority, supermajority 2/3, unanimity, at_least 3, plurality"),
        ("supermajority 66%", "is unknown; choose majority"),
        ("supermajority 2/0", "is unknown; choose majority"),
        ("", "rule '' is unknown"),
        (3, "rule 3 is unknown"),
        ("supermajority", "supermajority and at_least need a number, and other rules take none"),
        ("majority 2/3", "supermajority and at_least need a number, and other rules take none"),
        ("supermajority 1/2", "supermajority takes a share above 1/2 and at most 1, such as 2/3"),
        ("supermajority 1.01", "supermajority takes a share above 1/2 and at most 1, such as 2/3"),
        ("at_least 0", "at_least takes a whole number of votes, 1 or more"),
        ("at_least 5/2", "at_least takes a whole number of votes, 1 or more"),
    ],
)
def test_what_is_no_rule_is_refused(text, said):
    with pytest.raises(ConfigError) as refusal:
        Rule.parse(text)
    assert said in str(refusal.value)


def test_more_votes_than_jurors_cannot_be_required():
    with pytest.raises(ConfigError, match="rule at_least 4: the jury has only 3 jurors; require fewer votes"):
        Rule.parse("at_least 4").outcomes(3)


def test_an_unknown_way_with_ties_is_refused():
    with pytest.raises(ConfigError, match="tie=coin is unknown; choose one of hung, positive, negative, half"):
        weights(np.array([0]), "coin")
