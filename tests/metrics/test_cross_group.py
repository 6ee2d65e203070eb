"""Cohesion within and across groups, against the krippendorff package, scikit-learn and pairs counted one by one."""

from itertools import combinations

import krippendorff
import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from perspectives.errors import ConfigError, DataError
from perspectives.metrics.cross_group import DISTANCES, association, cross_replication, label_points

PEOPLE, UNITS, LEVELS = 14, 30, 4
MEMBER = np.arange(PEOPLE) < 6


def ratings(share: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Level, unit and annotator of each annotation; people see a random `share` of the units and lean on a truth."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, LEVELS, UNITS)
    level = np.where(rng.random((PEOPLE, UNITS)) < 0.5, truth, rng.integers(0, LEVELS, (PEOPLE, UNITS)))
    annotator, unit = np.nonzero(rng.random((PEOPLE, UNITS)) < share)
    return level[annotator, unit], unit, annotator


def distance(kind: str, labels: np.ndarray):
    if kind == "nominal":
        return lambda a, b: float(a != b)
    if kind == "interval":
        return lambda a, b: float((a - b) ** 2)
    n = np.bincount(labels, minlength=LEVELS)
    return lambda a, b: float((n[min(a, b) : max(a, b) + 1].sum() - (n[a] + n[b]) / 2) ** 2)


def brute_force(kind: str, labels: np.ndarray, unit: np.ndarray, annotator: np.ndarray) -> tuple[float, float]:
    """IRR and xRR with every pair of annotations visited."""
    delta, mine = distance(kind, labels), MEMBER[annotator]
    inside = [labels[(unit == u) & mine] for u in range(UNITS)]
    outside = [labels[(unit == u) & ~mine] for u in range(UNITS)]
    paired = [x for x in inside if len(x) > 1]
    pool = np.concatenate(paired)
    observed = sum(2 * sum(delta(a, b) for a, b in combinations(x, 2)) / (len(x) - 1) for x in paired) / len(pool)
    expected = 2 * sum(delta(a, b) for a, b in combinations(pool, 2)) / (len(pool) * (len(pool) - 1))
    shared = [(x, y) for x, y in zip(inside, outside, strict=True) if len(x) and len(y)]
    weight = np.array([len(x) + len(y) for x, y in shared])
    across = np.array([np.mean([delta(a, b) for a in x for b in y]) for x, y in shared])
    ours, theirs = (np.concatenate([pair[side] for pair in shared]) for side in (0, 1))
    chance = np.mean([delta(a, b) for a in ours for b in theirs])
    return 1 - observed / expected, 1 - (weight @ across / weight.sum()) / chance


@pytest.mark.parametrize("kind", ["nominal", "ordinal", "interval"])
@pytest.mark.parametrize("share", [1.0, 0.3, 0.12])
def test_cohesion_is_that_of_all_pairs(kind, share):
    labels, unit, annotator = ratings(share)
    found = association(label_points(labels, kind, LEVELS), unit, annotator, MEMBER, permutations=3)
    assert (found.in_group, found.cross_group) == pytest.approx(brute_force(kind, labels, unit, annotator), abs=1e-10)
    assert found.gai == pytest.approx(found.in_group / found.cross_group)
    assert found.people == len(np.unique(annotator[MEMBER[annotator]]))


@pytest.mark.parametrize("kind", ["nominal", "interval"])
@pytest.mark.parametrize("share", [1.0, 0.3])
def test_in_group_cohesion_is_krippendorffs_alpha(kind, share):
    labels, unit, annotator = ratings(share, seed=1)
    table = np.full((PEOPLE, UNITS), np.nan)
    table[annotator, unit] = labels
    expected = krippendorff.alpha(table[MEMBER], value_domain=list(range(LEVELS)), level_of_measurement=kind)
    found = association(label_points(labels, kind, LEVELS), unit, annotator, MEMBER, permutations=1)
    assert found.in_group == pytest.approx(expected)


def test_with_one_ruler_for_all_the_ordinal_alpha_of_everybody_is_krippendorffs():
    labels, unit, annotator = ratings(1.0, seed=2)
    table = np.empty((PEOPLE, UNITS))
    table[annotator, unit] = labels
    everybody = np.ones(PEOPLE, bool)
    found = association(label_points(labels, "ordinal", LEVELS), unit, annotator, everybody, permutations=1)
    assert found.in_group == pytest.approx(krippendorff.alpha(table, level_of_measurement="ordinal"))
    assert np.isnan([found.cross_group, found.gai, found.p]).all()  # there are no others


@pytest.mark.parametrize(("kind", "weights"), [("nominal", None), ("interval", "quadratic")])
def test_between_two_people_it_is_cohens_kappa(kind, weights):
    a, b = np.random.default_rng(3).integers(0, LEVELS, (2, 40))
    b = np.where(np.arange(40) % 2, a, b)
    points = label_points(np.concatenate([a, b]), kind, LEVELS)
    unit, annotator = np.tile(np.arange(40), 2), np.repeat([0, 1], 40)
    found = association(points, unit, annotator, np.array([True, False]), permutations=1)
    assert found.cross_group == pytest.approx(cohen_kappa_score(a, b, weights=weights))
    assert np.isnan(found.in_group)  # one person alone


def test_sets_of_levels_differ_by_the_levels_in_one_of_them():
    rng = np.random.default_rng(4)
    sets, unit, annotator = rng.integers(0, 2, (80, 3)), np.repeat(np.arange(20), 4), np.tile(np.arange(4), 20)
    ours = sets.reshape(20, 4, 3)[:, :2].reshape(-1, 3)
    paired = np.abs(ours.reshape(20, 2, 3)[:, 0] - ours.reshape(20, 2, 3)[:, 1]).sum(1).mean()
    chance = np.mean([np.abs(a - b).sum() for a, b in combinations(ours, 2)])
    found = association(sets, unit, annotator, np.arange(4) < 2, permutations=1)
    assert found.in_group == pytest.approx(1 - paired / chance)


def test_names_order_and_unused_codes_change_nothing():
    labels, unit, annotator = ratings(0.4, seed=5)
    points = label_points(labels, "nominal", LEVELS)
    found = association(points, unit, annotator, MEMBER, permutations=50)
    order = np.random.default_rng(6).permutation(len(labels))
    again = association(points[order], 3 * unit[order] + 1, annotator[order], MEMBER, permutations=50)
    gapped = association(points, unit, 2 * annotator, np.repeat(MEMBER, 2), permutations=50)
    for other in (again, gapped):
        assert (other.in_group, other.cross_group) == pytest.approx((found.in_group, found.cross_group))
        assert (other.p, other.people) == (found.p, found.people)
    shifted = association(points + 1e6, unit, annotator, MEMBER, permutations=50)
    assert shifted.gai == pytest.approx(found.gai, rel=1e-6)


def planted(members: int, people: int, seed: int, apart: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Members agree on a truth of their own for a share `apart` of the units, everybody else on the common one."""
    rng = np.random.default_rng(seed)
    common = rng.integers(0, 2, 60)
    own = np.where(rng.random(60) < apart, 1 - common, common)
    truth = np.where(np.arange(people)[:, None] < members, own, common)
    noisy = np.where(rng.random(truth.shape) < 0.15, 1 - truth, truth)
    annotator, unit = np.indices(truth.shape).reshape(2, -1)
    return label_points(noisy.ravel(), "nominal", 2), unit, annotator


def test_a_perspective_of_its_own_is_found_and_a_common_one_is_not():
    found = association(*planted(8, 24, 0, apart=0.25), np.arange(24) < 8, permutations=300)
    assert found.gai > 1.3
    assert found.p == pytest.approx(2 / 301)  # more extreme than every permutation
    p_values = [association(*planted(8, 24, seed, 0.0), np.arange(24) < 8, 99, seed).p for seed in range(40)]
    assert len(set(p_values)) > 20
    assert np.mean(np.array(p_values) <= 0.1) <= 0.25
    assert 0.35 < np.mean(p_values) < 0.65


def test_p_counts_the_permutations_at_least_as_extreme():
    """With two members among five there are ten ways to deal, all of which can be visited."""
    rng = np.random.default_rng(7)
    truth = rng.integers(0, 3, 50)
    levels = np.where(rng.random((5, 50)) < 0.5, truth, rng.integers(0, 3, (5, 50)))
    annotator, unit = np.indices(levels.shape).reshape(2, -1)
    points = label_points(levels.ravel(), "nominal", 3)
    every = []
    for chosen in combinations(range(5), 2):
        every.append(association(points, unit, annotator, np.isin(np.arange(5), chosen), permutations=1).gai)
    assert np.isfinite(every).all()
    observed = association(points, unit, annotator, np.arange(5) < 2, permutations=4000)
    exact = 2 * min(np.mean(np.array(every) >= observed.gai - 1e-9), np.mean(np.array(every) <= observed.gai + 1e-9))
    assert observed.p == pytest.approx(min(exact, 1), abs=0.05)


def test_without_agreement_across_there_is_no_index():
    a = np.array([0, 1] * 10)
    points = label_points(np.concatenate([a, a, 1 - a]), "nominal", 2)
    found = association(points, np.tile(np.arange(20), 3), np.repeat([0, 1, 2], 20), np.arange(3) < 2, permutations=9)
    assert found.in_group == pytest.approx(1)
    assert found.cross_group == pytest.approx(-1)
    assert np.isnan([found.gai, found.p]).all()
    constant = association(np.ones((6, 1)), np.array([0, 0, 0, 1, 1, 1]), np.tile(np.arange(3), 2), np.arange(3) < 2)
    assert np.isnan([constant.in_group, constant.cross_group, constant.gai, constant.p]).all()


def test_wrong_arguments_are_named():
    with pytest.raises(ConfigError, match="distance='cosine' is unknown; choose one of nominal, ordinal, interval"):
        label_points(np.zeros(3, int), "cosine", 2)
    with pytest.raises(ConfigError, match="distance=ordinal needs the number of levels; pass size="):
        label_points(np.zeros(3, int), "ordinal")
    points, unit, annotator = planted(2, 4, 0, 0.0)
    with pytest.raises(ConfigError, match=r"permutations=0 must be at least 1; 1000 resolve p to \.001"):
        association(points, unit, annotator, np.ones(4, bool), permutations=0)
    with pytest.raises(DataError, match=r"points \(240, 2\), unit \(239,\) and annotator \(240,\) must match"):
        association(points, unit[1:], annotator, np.ones(4, bool))


@pytest.mark.parametrize("kind", DISTANCES)
def test_replication_alone_is_that_of_the_association(kind):
    rng = np.random.default_rng(5)
    labels, unit, annotator = rng.integers(LEVELS, size=90), rng.integers(12, size=90), rng.integers(9, size=90)
    points, member = label_points(labels, kind, LEVELS), np.arange(12) < 4  # the last three have no annotations
    found = association(points, unit, annotator, member, permutations=1).cross_group
    assert cross_replication(points, unit, annotator, member) == pytest.approx(found, abs=1e-12)


def test_no_agreement_up_to_rounding_is_none():
    points = np.array([[0.0], [0], [1], [1], [0], [1]])
    found = association(points, np.repeat([0, 1], 3), np.tile([0, 1, 2], 2), np.array([True, True, False]), 9)
    assert found.cross_group == pytest.approx(0, abs=1e-12)
    assert np.isnan(found.gai)
