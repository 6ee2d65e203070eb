"""Events: which labels make them happen, who votes for them, and what is refused."""

import operator

import numpy as np
import pandas as pd
import pytest

from perspectives.data.scale import Scale
from perspectives.errors import ConfigError
from perspectives.juries.events import Event

BINARY, ORDINAL = Scale("nominal", ("no", "yes")), Scale("ordinal", ("-1", "0", "2.5", "10"))
NOMINAL, SETS, RATING = Scale("nominal", ("a", "b", "not c")), Scale("multilabel", ("a", "b")), Scale("interval")
COMPARED = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
    "!=": operator.ne,
}


def test_two_levels_need_no_event():
    event = Event.parse(None, BINARY)
    assert str(event) == "label=yes"
    assert event.levels.tolist() == [False, True]


def test_ordinal_comparisons_are_those_of_numbers():
    visited = 0
    for name, compare in COMPARED.items():
        for level in ORDINAL.levels:
            event = Event.parse(f" label {name} {level} ", ORDINAL)
            assert event.levels.tolist() == [compare(float(one), float(level)) for one in ORDINAL.levels]
            labels = pd.Series([-1, 0, 2.5, 10])
            assert event.holds(ORDINAL.encode(labels)).tolist() == compare(labels, float(level)).tolist()
            visited += 1
    assert visited == 24


def test_levels_without_numbers_are_compared_by_their_rank():
    scale = Scale("ordinal", ("mild", "bad", "awful"))
    assert Event.parse("label>=bad", scale).levels.tolist() == [False, True, True]
    assert Event.parse("label<bad", scale).holds_of(np.array([0, 0.5, 1, 1.5])).tolist() == [True, True, False, False]


def test_alternatives_and_their_opposite():
    assert Event.parse("label=a|not c", NOMINAL).levels.tolist() == [True, False, True]
    assert Event.parse("label!=a| b ", NOMINAL).levels.tolist() == [False, False, True]


def test_ratings_are_compared_with_a_number():
    event = Event.parse("label>=.7", RATING)
    stored = np.float32([[0.7], [0.69], [0.71]])  # .7 in float32 is less than .7
    assert event.votes(stored).tolist() == [1, 0, 1]
    assert event.votes(stored, hard=True).tolist() == [1, 0, 1]
    assert event.holds(np.array([0.7, -3])).tolist() == [True, False]


def test_sets_are_asked_for_one_member():
    event = Event.parse("label=b", SETS)
    assert event.holds(SETS.encode(pd.Series([("a",), ("a", "b"), ()]))).tolist() == [False, True, False]
    answers = np.array([[0.9, 0.5], [0.1, 0.51]])
    assert event.votes(answers).tolist() == [0.5, 0.51]
    assert event.votes(answers, hard=True).tolist() == [0, 1]


def test_votes_are_sums_of_probabilities_or_those_of_the_likeliest_level():
    event = Event.parse("label>=2.5", ORDINAL)
    answers = np.random.default_rng(0).dirichlet(np.ones(4), (5, 7))
    assert event.votes(answers) == pytest.approx(answers[..., 2] + answers[..., 3])
    np.testing.assert_array_equal(event.votes(answers, hard=True), answers.argmax(-1) >= 2)
    tied = np.array([0.1, 0.4, 0.4, 0.1])
    assert event.votes(tied, hard=True) == 0  # the lowest of equals
    assert event.votes(np.float32([0, 0, 0.6, 0.40000004])) == 1  # never above 1


def test_means_that_are_equal_up_to_rounding_are_equal():
    assert Event.parse("label>=0.3", RATING).holds_of(np.array([0.1 + 0.2, 0.9 / 3])).tolist() == [True, True]
    assert Event.parse("label>0.3", RATING).holds_of(np.array([0.1 + 0.2])).tolist() == [False]


@pytest.mark.parametrize(
    ("text", "scale", "said"),
    [
        (None, ORDINAL, "labels are one of -1, 0, 2.5, 10; say what the jury decides, such as event='label>=2.5'"),
        (None, NOMINAL, "event='label=b'"),
        (None, RATING, "event='label>=0.5'"),
        ("yes", BINARY, "event 'yes' is not understood; write it like label=yes"),
        (5, ORDINAL, "event 5 is not understood; write it like label>=2.5"),
        ("label=", BINARY, "event 'label=' is not understood"),
        ("labels=yes", BINARY, "is not understood"),
        ("label=maybe", BINARY, "event 'label=maybe': 'maybe' is not a level; labels are one of no, yes"),
        ("label>=3", ORDINAL, "'3' is not a level; labels are one of -1, 0, 2.5, 10"),
        ("label>=a", NOMINAL, "nominal levels have no order; use label=a or label=a|b"),
        ("label>=0|10", ORDINAL, "alternatives a|b need = or != and levels; use a single value"),
        ("label=0.1|0.2", RATING, "alternatives a|b need = or != and levels; use a single value"),
        ("label>=high", RATING, "labels are a number from -inf to inf; compare with one"),
        ("label>=nan", RATING, "compare with one"),
        ("label<inf", RATING, "compare with one"),
        ("label=a|b", SETS, "labels are sets of levels; ask for one, label=a"),
        ("label!=a", SETS, "labels are sets of levels; ask for one, label=a"),
    ],
)
def test_what_is_no_event_is_refused(text, scale, said):
    with pytest.raises(ConfigError) as refusal:
        Event.parse(text, scale)
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "scale", "remedy"),
    [
        ("label=yes", BINARY, "a rule that counts votes"),
        ("label=a", SETS, "a rule that counts votes"),
        ("label=0|10", ORDINAL, "event='label>=…'"),
    ],
)
def test_means_of_labels_without_numbers_are_refused(text, scale, remedy):
    with pytest.raises(ConfigError) as refusal:
        Event.parse(text, scale).holds_of(np.zeros(2))
    assert str(refusal.value) == f"event {text!r} is not defined for a mean or median of labels; use {remedy}"
