"""Planted slips and planted perspectives, where the truth is known."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from perspectives.data.synthetic import generate
from perspectives.errors import DataError
from perspectives.quality.slips import find_slips


@pytest.fixture(scope="module")
def planted():
    """Labels drawn from the truth, 6 % of them replaced by any level."""
    truth = generate(items=400, annotators=40, annotations_per_item=10, careless=0.0, hidden=0.0).truth
    chance = truth.everyone()  # [item, annotator, level]
    random = np.random.default_rng(0)
    item = np.repeat(np.arange(400), 10)
    annotator = np.concatenate([random.permutation(40)[:10] for _ in range(400)])
    own = chance[item, annotator]
    label = (random.random((len(item), 1)) > own.cumsum(1)).sum(1)
    slip = random.random(len(item)) < 0.06
    label = np.where(slip, random.integers(0, own.shape[1], len(item)), label)
    return label, item, own, chance.mean(1)[item], slip


def test_slips_are_found_and_perspectives_kept(planted):
    label, item, own, population, slip = planted
    changed = slip & (label != own.argmax(1))
    found = find_slips(label, item, own, population)
    blind = find_slips(label, item, population, population)
    assert roc_auc_score(changed, found.slip) > roc_auc_score(changed, blind.slip) + 0.03
    surprising = 2 * found.consensus < 1 - found.consensus
    meant = surprising & ~slip & (own[np.arange(len(label)), label] > 0.8)
    assert meant.sum() > 100
    assert (found.kind[meant] == "perspective").mean() > 0.95


def test_probabilities_of_slips_mean_what_they_say(planted):
    label, item, own, population, slip = planted
    found = find_slips(label, item, own, population)
    assert found.rate == pytest.approx(0.06, abs=0.02)
    for low, high in ((0, 0.05), (0.05, 0.2), (0.2, 0.8)):
        rows = (found.slip >= low) & (found.slip < high)
        assert slip[rows].mean() == pytest.approx(found.slip[rows].mean(), abs=0.02 + 2 / np.sqrt(rows.sum()))


def test_the_order_of_rows_and_names_changes_nothing(planted):
    label, item, own, population, _ = planted
    order = np.random.default_rng(1).permutation(len(label))
    names = np.random.default_rng(2).permutation(400)
    found = find_slips(label, item, own, population)
    moved = find_slips(label[order], names[item][order], own[order], population[order])
    assert moved.slip == pytest.approx(found.slip[order])
    assert moved.rate == pytest.approx(found.rate)


def test_a_group_turns_a_surprise_into_a_perspective():
    """Nobody predicted the label of this person, but of people like them it is expected."""
    random = np.random.default_rng(0)
    item = np.repeat(np.arange(100), 6)
    label = random.integers(0, 2, 600)
    population = np.full((600, 2), 0.5)
    own = np.where(label[:, None] == [0, 1], 0.9, 0.1)
    own[0] = own[0, ::-1]
    group = np.where(label[:, None] == [0, 1], 0.95, 0.05)
    alone = find_slips(label, item, own, population)
    together = find_slips(label, item, own, population, group)
    assert together.slip[0] < alone.slip[0]


def test_what_is_no_distribution_is_refused():
    with pytest.raises(DataError, match="must be distributions"):
        find_slips(np.array([0, 1]), np.array([0, 0]), np.ones((2, 2)), np.full((2, 2), 0.5))
