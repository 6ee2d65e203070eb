"""What every method of truth inference inherits: invariances, monotone objectives and awkward data."""

import numpy as np
import pytest
from crowds import Crowd, accuracy, crowd

from perspectives.quality.aggregation.incidence import Incidence
from perspectives.quality.aggregation.mace import mace
from perspectives.quality.aggregation.methods import METHODS
from perspectives.quality.aggregation.result import Aggregate

pytestmark = pytest.mark.filterwarnings("ignore:minimax entropy tells nothing")  # of some crowds, some too small
CASES = {name: method for name, method in METHODS.items() if name != "gold_weighted"}  # which needs experts
CASES |= {"mace_em": lambda incidence: mace(incidence, "em")}
CLIMBING = ["dawid_skene", "lfc", "zencrowd", "mace", "mace_em", "glad", "minimax", "bcc", "cbcc", "vi_mf", "multi"]
WITHOUT_MODEL = ["majority", "leave_one_out", "pm", "catd", "kos", "vi_bp"]
BINARY = ("kos", "vi_bp", "multi")


def levels_of(name: str) -> int:
    return 2 if name in BINARY else 3


def renamed(people: Crowd, seed: int) -> tuple[Crowd, list[np.ndarray]]:
    """The crowd with other codes and rows in another order; where each item, annotator and level went."""
    rng = np.random.default_rng(seed)
    moves = [rng.permutation(size) for size in people.shape]
    order = rng.permutation(len(people.item))
    codes = [move[code][order] for move, code in zip(moves, people[:3], strict=True)]
    return Crowd(*codes, people.shape, people.truth), moves


def of_levels(key: str, value: np.ndarray, levels: int, move: np.ndarray) -> np.ndarray:
    """Parameters of annotators, [annotator, level, …], with every axis of levels permuted."""
    if key == "vector":  # [annotator, dimension]
        return value
    if key == "threshold":  # of the higher of two levels
        return value if move[1] == 1 else -value
    for axis in range(1, value.ndim):
        assert value.shape[axis] == levels
        value = np.take(value, move, axis)
    return value


@pytest.mark.parametrize("name", CASES)
def test_the_order_of_rows_changes_nothing(name):
    people = crowd(1, levels=levels_of(name))
    order = np.random.default_rng(0).permutation(len(people.item))
    shuffled = Crowd(*(code[order] for code in people[:3]), people.shape, people.truth)
    first, second = (CASES[name](x.incidence()) for x in (people, shuffled))
    np.testing.assert_array_equal(first.posterior, second.posterior)
    for key, value in first.annotators.items():
        np.testing.assert_array_equal(value, second.annotators[key])


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("seed", range(3))
def test_renaming_items_annotators_and_levels_renames_the_answer(name, seed):
    people = crowd(seed, levels=levels_of(name))
    other, (item, annotator, level) = renamed(people, seed)
    first, second = CASES[name](people.incidence()), CASES[name](other.incidence())
    np.testing.assert_allclose(second.posterior[np.ix_(item, level)], first.posterior, atol=1e-5)
    flat = name == "multi"  # at the top, so that rounding decides where the ascent ends
    for key, value in first.annotators.items():
        moved = of_levels(key, second.annotators[key][annotator], people.shape[2], level)
        np.testing.assert_allclose(moved, value, rtol=1e-3, atol=1e-3 if flat else 1e-4)
    np.testing.assert_allclose(first.objective[-1:], second.objective[-1:])
    assert flat or len(first.objective) == len(second.objective)


@pytest.mark.parametrize("name", CLIMBING)
@pytest.mark.parametrize("seed", range(5))
def test_the_objective_never_falls(name, seed):
    found = CASES[name](crowd(seed, levels=2 if name in BINARY else 4, share=0.3).incidence())
    assert len(found.objective) == len(found.log_likelihood) > 2
    assert (np.diff(found.objective) >= -1e-7 * np.abs(found.objective[1:])).all()
    assert np.isfinite(found.objective[1:]).all()


@pytest.mark.parametrize("name", WITHOUT_MODEL)
def test_methods_that_climb_nothing_have_no_trace(name):
    found = CASES[name](crowd(levels=2).incidence())
    assert found.objective.shape == found.log_likelihood.shape == (0,)


def test_every_method_is_in_one_of_the_two_lists():
    assert sorted(CLIMBING + WITHOUT_MODEL) == sorted(CASES)


def good(found: Aggregate, incidence: Incidence) -> None:
    """The posterior is a distribution for items with annotations and nan for others; parameters are numbers."""
    assert found.posterior.shape == (incidence.items, incidence.levels)
    assert np.isnan(found.posterior[~incidence.labelled]).all()
    np.testing.assert_allclose(found.posterior[incidence.labelled].sum(1), 1)
    assert (found.posterior[incidence.labelled] >= 0).all()
    active = incidence.given.sum(1) > 0
    for value in found.annotators.values():
        assert len(value) == incidence.annotators
        assert not np.isinf(value).any()
    assert (found.labels("lowest")[~incidence.labelled] == -1).all()
    assert active.any()


@pytest.mark.parametrize("name", CASES)
class TestAwkwardData:
    def test_an_item_with_1000_labels(self, name):
        levels = levels_of(name)
        rng = np.random.default_rng(0)
        item = np.append(np.zeros(1000, int), rng.integers(1, 20, 1000))
        label = np.append(np.where(rng.random(1000) < 0.6, 1, 0), rng.integers(levels, size=1000))
        annotator = np.tile(np.arange(1000), 2)
        incidence = Incidence.build(item, annotator, label, (20, 1000, levels))
        found = CASES[name](incidence)
        good(found, incidence)
        assert found.labels("lowest")[0] == 1

    def test_one_annotator(self, name):
        levels = levels_of(name)
        label = np.arange(6) % levels
        incidence = Incidence.build(np.arange(6), np.zeros(6, int), label, (6, 1, levels))
        found = CASES[name](incidence)
        good(found, incidence)
        if name not in ("kos", "mace", "mace_em", "minimax"):  # nobody else to tell them from a spammer
            assert found.labels("lowest").tolist() == label.tolist()

    def test_one_label(self, name):
        incidence = Incidence.build([0], [0], [1], (1, 1, levels_of(name)))
        found = CASES[name](incidence)
        good(found, incidence)

    def test_everybody_says_the_same(self, name):
        item, annotator = np.divmod(np.arange(20), 4)
        incidence = Incidence.build(item, annotator, np.ones(20, int), (5, 4, levels_of(name)))
        found = CASES[name](incidence)
        good(found, incidence)
        assert found.labels("lowest").tolist() == [1] * 5

    def test_a_level_nobody_uses_items_without_labels_and_idle_annotators(self, name):
        people = crowd(2, levels=2)
        items, annotators, _ = people.shape
        levels = levels_of(name)
        incidence = Incidence.build(
            people.item + 1, people.annotator + 1, people.label, (items + 2, annotators + 2, levels)
        )
        found = CASES[name](incidence)
        good(found, incidence)
        assert accuracy(found.posterior[1:-1], people.truth) > 0.7

    def test_duplicates_that_are_kept_count_twice(self, name):
        people = crowd(3, levels=levels_of(name))
        codes = [np.tile(code, 2) for code in people[:3]]
        twice = Incidence.build(*codes, people.shape, duplicates="keep")
        found = CASES[name](twice)
        good(found, twice)
        assert twice.votes.sum() == 2 * len(people.item)

    def test_somebody_who_contradicts_themselves(self, name):
        people = crowd(3, levels=levels_of(name))
        label = np.append(people.label, (people.label[:5] + 1) % levels_of(name))
        item, annotator = (np.append(code, code[:5]) for code in people[:2])
        incidence = Incidence.build(item, annotator, label, people.shape, duplicates="keep")
        good(CASES[name](incidence), incidence)


# Multi needs more annotations per item than these: see its own tests.
@pytest.mark.parametrize("name", [*(x for x in CLIMBING if x != "multi"), "leave_one_out"])
def test_knowing_who_is_good_beats_the_majority(name):
    gains = []
    for seed in range(12):
        people = crowd(seed, items=150, people=12, levels=levels_of(name), share=0.5)
        incidence = people.incidence()
        gains.append(
            accuracy(CASES[name](incidence).posterior, people.truth) - accuracy(incidence.shares, people.truth)
        )
    assert np.mean(gains) > 0.005
