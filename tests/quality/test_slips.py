"""Planted slips and planted perspectives, where the truth is known."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from sklearn.metrics import roc_auc_score

from perspectives.data.synthetic import generate
from perspectives.errors import ConfigError, DataError
from perspectives.quality.slips import KINDS, SOURCES, Fit, find_slips

SHARE = 0.06


@pytest.fixture(scope="module")
def planted():
    """Labels drawn from the truth, 6 % of them replaced by the other level."""
    truth = generate(items=400, annotators=40, annotations_per_item=10, careless=0.0, hidden=0.0).truth
    chance = truth.everyone()  # [item, annotator, level]
    random = np.random.default_rng(0)
    item = np.repeat(np.arange(400), 10)
    annotator = np.concatenate([random.permutation(40)[:10] for _ in range(400)])
    own = chance[item, annotator]
    label = (random.random((len(item), 1)) > own.cumsum(1)).sum(1)
    slip = random.random(len(item)) < SHARE
    return np.where(slip, 1 - label, label), item, own, chance.mean(1)[item], slip


def test_slips_are_found_and_perspectives_kept(planted):
    label, item, own, population, slip = planted
    found = find_slips(label, item, own, population)
    blind = find_slips(label, item, population, population)
    assert roc_auc_score(slip, found.slip) > roc_auc_score(slip, blind.slip) + 0.03
    surprising = 2 * found.consensus < 1 - found.consensus
    meant = surprising & ~slip & (own[np.arange(len(label)), label] > 0.8)
    assert meant.sum() > 100
    assert (found.kind[meant] == "perspective").mean() > 0.95


def test_probabilities_of_slips_mean_what_they_say(planted):
    label, item, own, population, slip = planted
    found = find_slips(label, item, own, population)
    assert found.rate == pytest.approx(SHARE, abs=0.015)
    assert found.slip.mean() == pytest.approx(found.rate, abs=1e-6)  # at its maximum, a fixed point of EM
    for low, high in ((0, 0.05), (0.05, 0.2), (0.2, 0.8), (0.8, 1)):
        rows = (found.slip >= low) & (found.slip < high)
        assert rows.sum() > 30
        assert slip[rows].mean() == pytest.approx(found.slip[rows].mean(), abs=0.02 + 2 / np.sqrt(rows.sum()))


def test_a_model_trained_on_the_slips_does_not_hide_them(planted):
    """Calibrated predictions of the labels with slips, from a model that softens everything alike."""
    label, item, own, population, slip = planted
    clean = find_slips(label, item, own, population)

    def softened(values, power):
        powers = values**power
        return powers / powers.sum(1, keepdims=True)

    def loss(power):
        return -np.log(softened(own, power)[np.arange(len(label)), label]).mean()

    power = minimize_scalar(loss, bounds=(0.2, 1.5), method="bounded").x
    assert power < 0.9
    found = find_slips(label, item, softened(own, power), softened(population, power))
    assert found.fit.sharpness > clean.fit.sharpness + 0.1
    assert found.rate == pytest.approx(SHARE, abs=0.015)
    assert (found.kind[slip] == "slip").mean() == pytest.approx((clean.kind[slip] == "slip").mean(), abs=0.05)


def test_without_slips_the_rate_is_about_nothing(planted):
    label, item, own, population, slip = planted
    original = np.where(slip, 1 - label, label)
    found = find_slips(original, item, own, population)
    assert found.rate < 0.01
    assert (found.kind == "slip").mean() < 0.002


@pytest.mark.parametrize(("items", "raters"), [(13, 3), (60, 8), (300, 8)])
def test_coin_flips_that_nobody_can_predict_are_no_slips(items, raters):
    """Where m and slips explain the labels equally well, slips are not needed."""
    item = np.repeat(np.arange(items), raters)
    for seed in range(8):
        random = np.random.default_rng(seed)
        label = random.integers(0, 2, len(item))
        first = 0.5 + 0.02 * random.normal(size=len(item))
        found = find_slips(label, item, np.column_stack([first, 1 - first]), np.full((len(item), 2), 0.5))
        assert found.rate == 0
        assert not (found.kind == "slip").any()


def test_a_rate_counts_only_where_labels_become_much_likelier(planted):
    """The Bayesian information criterion, against rates on a grid, in few labels and in many."""
    label, item, own, population, _ = planted
    estimated = []
    for size in (60, len(label)):
        rows = np.arange(size)
        data = label[rows], item[rows], own[rows], population[rows]
        likeliest = max(find_slips(*data, rate=rate).likelihood for rate in (0.03, 0.06, 0.12))
        gain = size * (likeliest - find_slips(*data, rate=0.0).likelihood)
        estimated.append(find_slips(*data).rate)
        assert (estimated[-1] > 0) == (gain > 0.5 * np.log(size))
    assert estimated[0] == 0 < estimated[1]


def test_the_rate_is_the_likeliest_one(planted):
    label, item, own, population, _ = planted
    found = find_slips(label, item, own, population)
    assert found.rate > 0
    for rate in (0.9 * found.rate, 1.1 * found.rate):
        other = find_slips(label, item, own, population, rate=rate, fit=found.fit)
        assert other.rate == rate
        assert other.likelihood < found.likelihood


def test_with_a_known_rate_bayes_rule_in_closed_form():
    """Three levels, one rater per item, so that nobody else moves anything: s, κ and γ as given."""
    own = np.array([[0.7, 0.2, 0.1], [0.98, 0.01, 0.01]])
    label, item = np.array([1, 2]), np.array([0, 1])
    clean = find_slips(label, item, own, own, rate=0.1)
    found = find_slips(label, item, own, own, rate=0.1, fit=clean.fit._replace(power=0.0, sharpness=1.0))
    expected = [0.1 * 0.8 / 2 / (0.9 * 0.2 + 0.1 * 0.8 / 2), 0.1 * 0.99 / 2 / (0.9 * 0.01 + 0.1 * 0.99 / 2)]
    assert found.slip == pytest.approx(expected)
    assert list(found.kind) == ["unclear", "slip"]
    assert found.person == pytest.approx([0.2, 0.01])
    assert np.isnan(found.group).all()


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
    alone = find_slips(label, item, own, population, rate=0.05)
    together = find_slips(label, item, own, population, group[None], rate=0.05)
    assert together.slip[0] < alone.slip[0]
    assert together.group[0] == pytest.approx(0.95)
    assert together.person[0] == pytest.approx(0.1)


def test_what_is_no_distribution_or_no_share_is_refused():
    fine = np.full((2, 2), 0.5)
    with pytest.raises(ConfigError, match=r"rate=0\.7; the share of slips among 2 levels is a number from 0 to 0\.5"):
        find_slips(np.array([0, 1]), np.array([0, 0]), fine, fine, rate=0.7)
    for label, predicted in (([], np.empty((0, 2))), ([0, 0], np.ones((2, 1))), ([0, 0], np.ones(2))):
        with pytest.raises(DataError, match=r"give at least one label, .* predictions of at least two levels"):
            find_slips(np.array(label, int), np.array(label, int), predicted, predicted)
    with pytest.raises(DataError) as caught:
        find_slips(
            np.array([-1, 2]), np.array([0, -1]), fine * 2, np.array([[1.5, -0.5]] * 2), np.full((1, 2, 3), 1 / 3)
        )
    assert str(caught.value).splitlines()[1:] == [
        "  - label runs from -1 to 2; accepted is 0 to 1: leave other annotations out",
        "  - item runs from -1 to 0; accepted is 0 and above: leave other annotations out",
        "  - predicted has rows that are no distributions: give probabilities that sum to 1",
        "  - population has rows that are no distributions: give probabilities that sum to 1",
        "  - group 0 is (2, 3); needed is (2, 2), [annotation, level]",
    ]
    with pytest.raises(DataError, match=r"label is float64 \(2,\); needed is an integer for each of 2 annotations"):
        find_slips(np.array([0.0, 1.0]), np.array([0, 0]), fine, fine)


def test_what_nobody_expects_is_no_perspective():
    """Everybody, the person included, says the first level nine times in ten."""
    random = np.random.default_rng(0)
    label = (random.random(200) < 0.1).astype(int)
    alike = np.tile([0.9, 0.1], (200, 1))
    found = find_slips(label, np.arange(200), alike, alike)
    assert set(found.kind[label == 0]) == {"agreed"}
    assert set(found.kind[label == 1]) == {"unclear"}
    own = alike.copy()
    own[label == 1] = [0.2, 0.8]  # now these are what the person is expected to say
    told = find_slips(label, np.arange(200), own, alike)
    assert set(told.kind[label == 1]) == {"perspective"}


@pytest.mark.parametrize("who", ["person", "one of two groups", "meant", "nobody"])
def test_what_anyone_close_expects_is_a_perspective(who):
    """The second level surprises of anybody; own predictions, a group's, or the other raters of the item expect it."""
    sure, torn, other = [0.9, 0.1], [0.6, 0.4], [0.1, 0.9]
    own = np.array([torn if who == "person" else sure])
    groups = np.array([[sure], [torn if who == "one of two groups" else [np.nan, np.nan]]])
    label, item, population = np.array([1]), np.array([0]), np.array([sure])
    fit = Fit(100.0, 0.0, 0.5 if who == "meant" else 2.0, 0.0)  # γ below 1 makes the person less sure
    if who == "meant":
        own = np.array([[0.75, 0.25]])
    found = find_slips(label, item, own, population, groups, rate=0.0, fit=fit)
    assert found.kind.tolist() == ["unclear" if who == "nobody" else "perspective"]
    named = dict(zip(SOURCES, found.expected[0], strict=True))
    close = {"person": {"person"}, "one of two groups": {"group"}, "meant": {"meant"}, "nobody": set()}[who]
    assert {name for name, is_expected in named.items() if is_expected} == close
    assert (found.likeliest, found.meaning) == (0, 0)
    told = find_slips(label, item, np.array([other]), population, groups, rate=0.0, fit=fit)
    assert (told.likeliest, told.meaning) == (0, 1)


def test_groups_nobody_knows_are_the_population(planted):
    label, item, own, population, _ = planted
    unknown = np.full((2, *own.shape), np.nan)
    told = find_slips(label, item, own, population, unknown, rate=0.05, fit=Fit(4.0, 0.5, 1.0, 1.0))
    expected = find_slips(label, item, population, population, rate=0.05, fit=Fit(4.0, 0.5, 1.0))
    np.testing.assert_allclose(told.slip, expected.slip)
    assert not told.expected[:, SOURCES.index("group")].any()


def test_kinds_follow_from_who_would_say_it():
    """Levels equally surprising for others, of which the person would say one."""
    own = np.array([[0.1, 0.8, 0.1], [0.1, 0.8, 0.1], [0.4, 0.3, 0.3]])
    population = np.tile([0.8, 0.1, 0.1], (3, 1))
    as_given = Fit(4.0, 0.0, 1.0)
    found = find_slips(np.array([1, 2, 2]), np.arange(3), own, population, rate=0.05, fit=as_given)
    assert list(found.kind) == ["perspective", "unclear", "perspective"]
    assert set(found.kind) < set(KINDS)
    slips = find_slips(np.array([1, 2, 2]), np.arange(3), own, population, rate=0.5, fit=as_given)
    assert list(slips.kind) == ["perspective", "slip", "slip"]
    for one in (found, slips):
        assert ((one.slip > 0.5) == (one.kind == "slip")).all()


def test_a_group_counts_as_much_as_it_tells(planted):
    label, item, own, population, _ = planted
    alone = find_slips(label, item, own, population)
    others = find_slips(label, item, own, population, np.random.default_rng(0).permutation(own)[None])
    assert alone.fit.group == 0
    assert others.fit.group < 0.1
    assert np.abs(others.slip - alone.slip).mean() < 0.01
    told = find_slips(
        label, item, population, population, own[None]
    )  # the group knows what the person's prediction lacks
    assert told.fit.group > 0.9
    assert np.abs(told.slip - alone.slip).mean() < 0.01
