"""Dawid-Skene, LFC, BCC and VI-MF against plain loops, exact enumeration of the truth, and crowd-kit."""

from itertools import product
from math import lgamma

import numpy as np
import pandas as pd
import pytest
from crowds import accuracy, crowd

from perspectives.errors import ConfigError
from perspectives.quality.aggregation.bayesian import bcc, vi_mf
from perspectives.quality.aggregation.dawid_skene import dawid_skene, lfc
from perspectives.quality.aggregation.zencrowd import zencrowd


def by_hand(people, posterior, rounds, pseudo=0.0):
    """EM in plain loops: posterior, confusions and log-likelihood after `rounds` E-steps."""
    items, annotators, levels = people.shape
    for _ in range(rounds):
        confusion = np.full((annotators, levels, levels), pseudo)
        for i, a, label in zip(*people[:3], strict=True):
            confusion[a, :, label] += posterior[i]
        confusion /= confusion.sum(2, keepdims=True)
        prior = posterior.mean(0)
        joint = np.tile(prior, (items, 1))
        for i, a, label in zip(*people[:3], strict=True):
            joint[i] *= confusion[a, :, label]
        posterior, likelihood = joint / joint.sum(1, keepdims=True), np.log(joint.sum(1)).sum()
    return posterior, likelihood


@pytest.mark.parametrize("rounds", [1, 2, 7])
def test_em_equals_plain_loops(rounds):
    people = crowd(0)
    incidence = people.incidence()
    posterior, likelihood = by_hand(people, incidence.shares, rounds)
    found = dawid_skene(incidence, rounds, 0)
    np.testing.assert_allclose(found.posterior, posterior, atol=1e-10)
    assert found.log_likelihood[-1] == pytest.approx(likelihood)
    assert len(found.log_likelihood) == rounds
    posterior, likelihood = by_hand(people, incidence.shares, rounds, pseudo=1.0)
    found = lfc(incidence, rounds, 0)
    np.testing.assert_allclose(found.posterior, posterior, atol=1e-10)
    assert found.log_likelihood[-1] == pytest.approx(likelihood)


def test_no_pseudo_counts_are_dawid_and_skene():
    incidence = crowd(1).incidence()
    np.testing.assert_array_equal(lfc(incidence, right=0, wrong=0).posterior, dawid_skene(incidence).posterior)


def test_confusions_are_recovered_from_many_annotations():
    rng = np.random.default_rng(0)
    truth = rng.integers(3, size=4000)
    confusion = rng.dirichlet([1, 1, 1], (6, 3)) * 0.4 + 0.6 * np.eye(3)
    item, annotator = np.divmod(np.arange(4000 * 6), 6)
    chances = confusion[annotator, truth[item]]
    label = (rng.random((len(item), 1)) > chances.cumsum(1)).sum(1)
    people = crowd()._replace(item=item, annotator=annotator, label=label, shape=(4000, 6, 3))
    for fit in (dawid_skene, lfc, bcc, vi_mf):
        found = fit(people.incidence())
        assert np.abs(found.annotators["confusion"] - confusion).max() < 0.05
        assert accuracy(found.posterior, truth) > 0.9
        assert found.converged


def evidence(people, prior: np.ndarray, learn_levels: bool) -> float:
    """Exact log marginal likelihood under Dirichlet priors, by enumerating every truth."""
    items, annotators, levels = people.shape
    total = -np.inf
    for truth in product(range(levels), repeat=items):
        value = -items * np.log(levels)
        if learn_levels:
            value = log_multinomial(np.ones(levels), np.bincount(truth, minlength=levels))
        counts = np.zeros((annotators, levels, levels))
        for i, a, label in zip(*people[:3], strict=True):
            counts[a, truth[i], label] += 1
        value += sum(log_multinomial(prior[t], counts[a, t]) for a in range(annotators) for t in range(levels))
        total = np.logaddexp(total, value)
    return total


def log_multinomial(prior: np.ndarray, counts: np.ndarray) -> float:
    """Log-probability of a sequence with these counts when its distribution is Dirichlet."""
    both = sum(lgamma(x + n) - lgamma(x) for x, n in zip(prior, counts, strict=True))
    return both + lgamma(prior.sum()) - lgamma(prior.sum() + counts.sum())


@pytest.mark.parametrize(("fit", "learn_levels", "diagonal"), [(bcc, True, 7 / 3), (vi_mf, False, 2.0)])
@pytest.mark.parametrize("seed", range(4))
def test_the_bound_lies_just_below_the_exact_evidence(fit, learn_levels, diagonal, seed):
    people = crowd(seed, items=8, people=5, levels=2)
    exact = evidence(people, np.where(np.eye(2, dtype=bool), diagonal, 1.0), learn_levels)
    bound = fit(people.incidence(), 500, 0).objective[-1]
    assert exact - 4 < bound < exact


def test_zencrowd_equals_plain_loops():
    people = crowd(2, levels=4)
    items, annotators, levels = people.shape
    right, posterior = np.full(annotators, 0.7), None
    for _ in range(6):
        joint = np.full((items, levels), 1 / levels)
        for i, a, label in zip(*people[:3], strict=True):
            joint[i] *= np.where(np.arange(levels) == label, right[a], (1 - right[a]) / (levels - 1))
        posterior = joint / joint.sum(1, keepdims=True)
        hits = [posterior[people.item[people.annotator == a], people.label[people.annotator == a]] for a in range(9)]
        right = np.array([np.mean(hit) for hit in hits])
    found = zencrowd(people.incidence(), 6, 0)
    np.testing.assert_allclose(found.posterior, posterior, atol=1e-10)
    np.testing.assert_allclose(found.annotators["right"], right)
    assert found.log_likelihood[-1] == pytest.approx(np.log(joint.sum(1)).sum())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(3))
def test_crowd_kit_finds_the_same(seed):
    from crowdkit import aggregation

    people = crowd(seed, items=500)
    table = pd.DataFrame({"task": people.item, "worker": people.annotator, "label": people.label})
    # Few iterations: it floors confusions at 1e-10 and stops when that lowers its likelihood.
    theirs = aggregation.DawidSkene(n_iter=5, tol=0).fit(table).probas_.sort_index()[range(3)].to_numpy()
    np.testing.assert_allclose(dawid_skene(people.incidence(), 5, 0).posterior, theirs, atol=1e-4)


def test_refusals():
    incidence = crowd().incidence()
    with pytest.raises(
        ConfigError, match=r"diagonal=1\.0 is the chance of a right answer; give a number between 0 and 1"
    ):
        dawid_skene(incidence, diagonal=1.0)
    with pytest.raises(ConfigError, match=r"right=-1 and wrong=1\.0 are counts; give numbers of at least 0"):
        lfc(incidence, right=-1)
    with pytest.raises(ConfigError, match="right=0 is the chance of a right answer"):
        bcc(incidence, right=0)
    with pytest.raises(ConfigError, match="start=1 is the chance of a right answer"):
        zencrowd(incidence, start=1)
