"""Majority vote: the documented answer of every tie rule."""

import numpy as np
import pytest

from perspectives.errors import ConfigError, DataError
from perspectives.quality.aggregation.majority import TIES, majority_vote

#                 clear      tie 1-2    no vote    three-way   missing
VOTES = np.array([[3, 1, 0], [1, 2, 2], [0, 0, 0], [1, 1, 1], [np.nan] * 3])
OFFICIAL = np.array([2, 2, 0, -1, 1])


@pytest.mark.parametrize(
    ("tie", "expected"),
    [
        ("positive", [0, 2, -1, 2, -1]),
        ("lowest", [0, 1, -1, 0, -1]),
        ("official", [0, 2, -1, -1, -1]),
        ("drop", [0, -1, -1, -1, -1]),
    ],
)
def test_documented_tie_answers(tie, expected):
    answer = majority_vote(VOTES, tie, official=OFFICIAL)
    assert answer.tolist() == expected
    assert answer.dtype == np.int64


def test_random_ties_are_fair_and_seeded():
    votes = np.tile([2, 0, 2, 2], (6000, 1))
    answer = majority_vote(votes, "random", seed=3)
    np.testing.assert_allclose(np.bincount(answer, minlength=4) / 6000, [1 / 3, 0, 1 / 3, 1 / 3], atol=0.02)
    np.testing.assert_array_equal(answer, majority_vote(votes, "random", seed=3))
    assert (answer != majority_vote(votes, "random", seed=4)).any()


def test_a_random_tie_depends_on_the_position_alone():
    votes = np.tile([1, 1], (50, 1))
    others = votes.copy()
    others[:25] = [3, 0]
    np.testing.assert_array_equal(majority_vote(votes)[25:], majority_vote(others)[25:])
    np.testing.assert_array_equal(majority_vote(votes)[:10], majority_vote(votes[:10]))
    assert (majority_vote(others)[:25] == 0).all()


@pytest.mark.parametrize("tie", TIES)
def test_without_ties_the_rule_does_not_matter(tie):
    votes = np.random.default_rng(0).permuted(np.tile([0, 1, 2, 4], (40, 1)), axis=1)
    expected = votes.argmax(1)
    np.testing.assert_array_equal(majority_vote(votes, tie, official=np.zeros(40, int)), expected)
    np.testing.assert_array_equal(majority_vote(votes / 7, tie, official=np.zeros(40, int)), expected)


def test_shares_that_differ_by_rounding_are_tied():
    weights = np.array([[0.1 + 0.2, 0.3]])
    assert weights[0, 0] != weights[0, 1]
    assert majority_vote(weights, "drop").tolist() == [-1]


def test_no_items():
    assert majority_vote(np.zeros((0, 3))).shape == (0,)


def test_messages():
    with pytest.raises(
        ConfigError, match="tie='coin' is unknown; choose one of random, positive, lowest, official, drop"
    ):
        majority_vote(VOTES, "coin")
    with pytest.raises(ConfigError, match="needs the official label of each of the 5 items; got nothing"):
        majority_vote(VOTES, "official")
    with pytest.raises(ConfigError, match="got 2 labels"):
        majority_vote(VOTES, "official", official=np.zeros(2, int))
    with pytest.raises(DataError, match=r"votes \(3,\) must be \[item, level\]"):
        majority_vote(np.ones(3))
