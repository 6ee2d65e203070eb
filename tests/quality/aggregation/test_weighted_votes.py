"""Votes, truth discovery and message passing against plain loops."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from crowds import crowd
from scipy.stats import chi2

from perspectives.data.annotations import AnnotationSet, Tables
from perspectives.data.scale import Scale
from perspectives.errors import DataError
from perspectives.quality.aggregation.catd import catd
from perspectives.quality.aggregation.incidence import Incidence
from perspectives.quality.aggregation.kos import kos
from perspectives.quality.aggregation.methods import METHODS
from perspectives.quality.aggregation.pm import pm
from perspectives.quality.aggregation.weighted import gold_weighted, leave_one_out, majority


def voted(people, weights) -> np.ndarray:
    votes = np.zeros((people.shape[0], people.shape[2]))
    for i, a, label in zip(*people[:3], strict=True):
        votes[i, label] += weights[a]
    return votes / votes.sum(1, keepdims=True)


def test_majority_is_the_share_of_votes():
    people = crowd(0)
    np.testing.assert_allclose(majority(people.incidence()).posterior, voted(people, np.ones(9)))


def test_leave_one_out_agreement():
    people = crowd(0)
    rows = list(zip(*people[:3], strict=True))
    agreement = np.zeros(9)
    for who in range(9):
        shares = []
        for i, a, label in rows:
            others = [other for j, b, other in rows if j == i and b != a]
            if a == who and others:
                shares.append(np.mean([other == label for other in others]))
        agreement[who] = np.mean(shares)
    found = leave_one_out(people.incidence())
    np.testing.assert_allclose(found.annotators["agreement"], agreement)
    np.testing.assert_allclose(found.posterior, voted(people, agreement))


def test_somebody_who_never_met_anybody_weighs_the_mean():
    #                             a and b agree once in two      c is alone
    incidence = Incidence.build([0, 0, 1, 1, 2], [0, 1, 0, 1, 2], [0, 0, 0, 1, 1], (3, 3, 2))
    found = leave_one_out(incidence)
    np.testing.assert_array_equal(found.annotators["agreement"], [0.5, 0.5, np.nan])
    assert found.posterior.tolist() == [[1, 0], [0.5, 0.5], [0, 1]]


def test_nobody_agrees_with_anybody_so_votes_count_the_same():
    incidence = Incidence.build([0, 0, 0], [0, 1, 2], [0, 1, 2], (1, 3, 3))
    np.testing.assert_allclose(leave_one_out(incidence).posterior, [[1 / 3] * 3])


def test_weights_from_experts():
    people = crowd(0)
    gold = np.where(np.arange(40) < 15, people.truth, -1)
    early = people.item < 15
    right = people.label == people.truth[people.item]
    accuracy = np.array([right[early & (people.annotator == a)].mean() for a in range(9)])
    found = gold_weighted(replace(people.incidence(), gold=gold))
    np.testing.assert_allclose(found.annotators["accuracy"], accuracy)
    np.testing.assert_allclose(found.posterior, voted(people, accuracy))


def test_gold_that_cannot_be_used():
    incidence = crowd(0).incidence()
    with pytest.raises(
        DataError, match="gold needs one level from 0 to 2, or -1, for each of 40 items; got 3 from 0 to 1"
    ):
        gold_weighted(replace(incidence, gold=np.array([0, 1, 1])))
    with pytest.raises(DataError, match="got 40 from 0 to 7"):
        gold_weighted(replace(incidence, gold=np.full(40, 7)))
    for without in (incidence, replace(incidence, gold=np.full(40, -1))):
        with pytest.raises(
            DataError, match="no annotation is of a gold item, so nobody can be weighted; use leave_one_out"
        ):
            gold_weighted(without)


def test_experts_of_a_corpus_weigh_its_annotators():
    rows = [
        ("a", "x", "no"),
        ("a", "y", "yes"),
        ("b", "x", "no"),
        ("b", "y", "yes"),
        ("c", "x", "no"),
        ("c", "y", "yes"),
    ]
    table = pd.DataFrame(rows, columns=["item_id", "annotator_id", "label"])
    items = pd.DataFrame({"item_id": list("abc"), "text": ["one", "two", "three"], "gold": ["yes", "yes", None]})
    people, scale = pd.DataFrame({"annotator_id": ["x", "y"]}), Scale("nominal", ("no", "yes"))
    incidence = Incidence.of(AnnotationSet.from_tables(Tables(table, items, people, scale), "judged"))
    assert incidence.gold.tolist() == [1, 1, -1]
    found = METHODS["gold_weighted"](incidence)
    assert found.annotators["accuracy"].tolist() == [0, 1]
    assert found.posterior.tolist() == [[0, 1]] * 3


def discovered(people, weigh, rounds=50):
    """Truth discovery in plain loops; tied levels share an item."""
    annotators = people.shape[1]
    votes = voted(people, np.ones(annotators))
    for _ in range(rounds):
        best = votes >= votes.max(1, keepdims=True) - 1e-9
        truth = best / best.sum(1, keepdims=True)
        errors, counts = np.zeros(annotators), np.zeros(annotators)
        for i, a, label in zip(*people[:3], strict=True):
            errors[a] += 1 - truth[i, label]
            counts[a] += 1
        weights = weigh(errors, counts)
        votes = voted(people, weights)
    return votes, weights


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("method", "weigh"),
    [
        (pm, lambda errors, counts: 1e-7 - np.log(np.maximum(errors / errors.max(), 1e-7))),
        (catd, lambda errors, counts: chi2.ppf(0.025, counts) / np.maximum(errors, 1e-8)),
    ],
)
def test_truth_discovery_equals_plain_loops(method, weigh, seed):
    people = crowd(seed)
    votes, weights = discovered(people, weigh)
    found = method(people.incidence())
    assert found.converged
    np.testing.assert_allclose(found.posterior, votes, atol=1e-10)
    np.testing.assert_allclose(found.annotators["weight"], weights)


def test_truth_discovery_that_was_cut_short_says_so():
    people = crowd(6, items=200, people=12)
    assert not pm(people.incidence(), 1).converged
    assert pm(people.incidence()).converged


def test_the_worst_annotator_decides_where_nobody_else_does():
    incidence = Incidence.build([0, 0, 0, 1, 1, 1, 2], [0, 1, 2, 0, 1, 2, 2], [0, 0, 1, 1, 1, 0, 1], (3, 3, 2))
    assert pm(incidence).labels("drop").tolist() == [0, 1, 1]


def messages(people, rounds: int) -> np.ndarray:
    """KOS with a message per pair in dictionaries, from starts of 1."""
    pairs = {(i, a): 2 * label - 1 for i, a, label in zip(*people[:3], strict=True)}
    y = dict.fromkeys(pairs, 1.0)
    for _ in range(rounds):
        x = {(i, a): sum(pairs[i, b] * y[i, b] for j, b in pairs if j == i and b != a) for i, a in pairs}
        y = {(i, a): sum(pairs[j, a] * x[j, a] for j, b in pairs if b == a and j != i) for i, a in pairs}
    return np.array([sum(pairs[j, b] * y[j, b] for j, b in pairs if j == i) for i in range(people.shape[0])])


def test_messages_equal_plain_loops(monkeypatch):
    monkeypatch.setattr(
        "perspectives.quality.aggregation.kos.pair_draws", lambda incidence, seed: np.full(len(incidence.item), 0.5)
    )
    people = crowd(1, items=15, people=6, levels=2)
    total = messages(people, 4)
    assert (total != 0).all()
    assert kos(people.incidence(), 4).labels("drop").tolist() == (total > 0).astype(int).tolist()


def test_spammers_get_reliabilities_around_zero_and_adversaries_negative_ones():
    rng = np.random.default_rng(0)
    truth = rng.integers(2, size=400)
    item, annotator = np.divmod(np.arange(4000), 10)
    chance = np.repeat([0.9, 0.5, 0.1], [5, 3, 2])[annotator]
    label = np.where(rng.random(4000) < chance, truth[item], 1 - truth[item])
    found = kos(Incidence.build(item, annotator, label, (400, 10, 2)))
    reliability = found.annotators["reliability"] / found.annotators["reliability"].max()
    assert (reliability[:5] > 0.8).all()
    assert (np.abs(reliability[5:8]) < 0.2).all()
    assert (reliability[8:] < -0.6).all()
    assert (found.posterior.argmax(1) == truth).mean() > 0.97


@pytest.mark.filterwarnings("ignore")
def test_crowd_kit_finds_the_same_signs():
    from crowdkit import aggregation

    people = crowd(3, items=300, levels=2)
    table = pd.DataFrame({"task": people.item, "worker": people.annotator, "label": people.label})
    theirs = aggregation.KOS(n_iter=20, random_state=1).fit_predict(table).sort_index().to_numpy()
    assert (kos(people.incidence(), 20).labels("lowest") == theirs).mean() > 0.99


def test_more_levels_are_refused():
    with pytest.raises(DataError, match="kos needs labels on two levels; got 3; use dawid_skene or zencrowd"):
        kos(crowd().incidence())
