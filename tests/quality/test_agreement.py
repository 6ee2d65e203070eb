"""Agreement against the krippendorff package, Krippendorff's own example, pairs counted one by one, real corpora."""

import itertools

import krippendorff
import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.inter_rater import fleiss_kappa as fleiss_of_statsmodels

from perspectives.data.annotations import AnnotationSet, Tables
from perspectives.data.readers import lewidi2023
from perspectives.data.scale import Scale
from perspectives.errors import ConfigError, DataError, DataWarning
from perspectives.quality.agreement import (
    agreement,
    fleiss_kappa,
    krippendorff_alpha,
    pairwise_agreement,
    value_counts,
)

_ = np.nan
EXAMPLE = np.array(  # annotator × item, from Krippendorff 2011
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
        [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
    ]
)


def counts_of(table: np.ndarray, values: np.ndarray) -> np.ndarray:
    return (table.T[:, :, None] == values).sum(1)


def set_of(table: np.ndarray, scale: Scale) -> AnnotationSet:
    annotator, item = np.nonzero(~np.isnan(table))
    frame = {"item_id": [f"i{x}" for x in item], "annotator_id": [f"a{x}" for x in annotator]}
    annotations = pd.DataFrame(frame | {"label": table[annotator, item]})
    items = pd.DataFrame({"item_id": [f"i{x}" for x in range(table.shape[1])]})
    return AnnotationSet.from_tables(Tables(annotations, items, None, scale), "example")


@pytest.mark.parametrize(
    ("metric", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)]
)
def test_the_published_example(metric, published):
    values = np.arange(1.0, 6.0)
    assert krippendorff_alpha(counts_of(EXAMPLE, values), metric, values) == pytest.approx(published, abs=5e-4)


@pytest.mark.parametrize("metric", ["nominal", "ordinal", "interval", "ratio"])
@pytest.mark.parametrize("missing", [0.0, 0.6])
def test_alpha_equals_the_krippendorff_package(metric, missing):
    rng = np.random.default_rng(3)
    compared = 0
    for size in (2, 3, 7):
        values = np.sort(rng.choice(20, size, replace=False)).astype(float)
        truth = rng.integers(size, size=30)
        table = values[np.clip(truth + rng.integers(-1, 2, (6, 30)), 0, size - 1)]
        table[rng.random(table.shape) < missing] = np.nan
        expected = krippendorff.alpha(reliability_data=table, level_of_measurement=metric)
        assert krippendorff_alpha(counts_of(table, values), metric, values) == pytest.approx(expected, abs=1e-12)
        compared += 1
    assert compared == 3


def test_values_nobody_used_and_the_order_of_items_change_nothing():
    values = np.arange(1.0, 6.0)
    counts = counts_of(EXAMPLE, values)
    wide = np.insert(counts, 2, 0, axis=1)
    for metric in ("nominal", "ordinal", "interval"):
        alpha = krippendorff_alpha(counts, metric, values)
        assert krippendorff_alpha(wide[::-1], metric, np.insert(values, 2, 2.5)) == pytest.approx(alpha, abs=1e-12)


@pytest.mark.parametrize("raters", [2, 5])
def test_fleiss_equals_statsmodels(raters):
    rng = np.random.default_rng(raters)
    counts = np.stack([rng.multinomial(raters, rng.dirichlet([0.5] * 4)) for _ in range(30)])
    assert fleiss_kappa(counts) == pytest.approx(fleiss_of_statsmodels(counts))
    assert fleiss_kappa(np.vstack([counts, np.zeros(4)])) == pytest.approx(fleiss_kappa(counts))


def test_fleiss_is_for_equally_many_annotations():
    with pytest.raises(DataError, match="the same number of annotations of every unit, at least 2; got 2 to 4; use"):
        fleiss_kappa(counts_of(EXAMPLE, np.arange(1.0, 6.0))[:11])
    with pytest.raises(DataError, match="at least 2; got 1; use krippendorff_alpha"):
        fleiss_kappa(np.eye(3))
    for counts in (np.zeros((0, 3)), np.array([[3, 0], [3, 0]])):
        with pytest.warns(DataWarning, match="Fleiss' kappa is undefined"):
            assert np.isnan(fleiss_kappa(counts))


def test_pairwise_agreement_counts_every_pair():
    pairs = [
        first == second for item in EXAMPLE.T for first, second in itertools.combinations(item[~np.isnan(item)], 2)
    ]
    assert len(pairs) == 3 + 8 * 6 + 3 + 1
    assert 0 < sum(pairs) < len(pairs)
    assert pairwise_agreement(counts_of(EXAMPLE, np.arange(1, 6))) == pytest.approx(np.mean(pairs))


def test_pairwise_agreement_without_pairs_is_nan():
    assert np.isnan(pairwise_agreement(np.eye(3)))
    assert np.isnan(pairwise_agreement(np.zeros((0, 2))))


@pytest.mark.parametrize("counts", [np.eye(3), np.array([[3, 0], [2, 0]]), np.zeros((0, 2)), np.zeros((4, 3))])
def test_alpha_is_nan_with_a_warning_where_it_is_undefined(counts):
    with pytest.warns(DataWarning, match="alpha is undefined: no item has two annotations, or all"):
        assert np.isnan(krippendorff_alpha(counts))


def test_options_that_do_not_fit_are_refused():
    counts = np.ones((2, 3))
    with pytest.raises(
        ConfigError, match="metric='cosine' is unknown; choose one of nominal, ordinal, interval, ratio"
    ):
        krippendorff_alpha(counts, "cosine")
    with pytest.raises(ConfigError, match="metric=interval needs the number of each of 3 columns; got none"):
        krippendorff_alpha(counts, "interval")
    with pytest.raises(ConfigError, match=r"got shape \(2,\)"):
        krippendorff_alpha(counts, "ratio", np.arange(2))
    with pytest.raises(DataError, match="needs values of at least 0"):
        krippendorff_alpha(counts, "ratio", np.array([-1, 0, 1]))
    with pytest.raises(DataError, match="values must be a finite number for each column"):
        krippendorff_alpha(counts, "interval", np.array([0, 1, np.nan]))


@pytest.mark.parametrize("measure", [pairwise_agreement, fleiss_kappa, krippendorff_alpha])
def test_what_is_no_table_of_counts_is_refused(measure):
    for wrong, came in (
        ([[-1, 2]], r"\(1, 2\) from -1 to 2"),
        ([1, 2], r"\(2,\) from 1 to 2"),
        ([[1, np.nan]], r"\(1, 2\) from nan to nan"),
    ):
        with pytest.raises(
            DataError, match=rf"counts must be \[unit, value\], finite and not negative; got shape {came}"
        ):
            measure(np.array(wrong))


@pytest.mark.parametrize(("metric", "value"), [("interval", 3), ("ratio", 3), ("ratio", 0)])
def test_columns_of_the_same_number_leave_alpha_undefined(metric, value):
    with pytest.warns(DataWarning, match="alpha is undefined"):
        assert np.isnan(krippendorff_alpha(np.ones((2, 2)), metric, np.full(2, value)))


@pytest.mark.parametrize(
    ("scale", "metric"), [(Scale.integers(1, 5, "nominal"), "nominal"), (Scale.integers(1, 5), "ordinal"),
                          (Scale("interval", low=0, high=10), "interval")]
)  # fmt: skip
def test_alpha_suits_the_scale_of_the_annotations(scale, metric):
    result = agreement(set_of(EXAMPLE, scale))
    expected = krippendorff.alpha(reliability_data=EXAMPLE, level_of_measurement=metric)
    assert (result.metric, result.alpha) == (metric, pytest.approx(expected))
    assert result.pairwise == pytest.approx(pairwise_agreement(counts_of(EXAMPLE, np.arange(1, 6))))
    assert result.alpha_per_level == {}


@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_alpha_of_fine_sliders(shift):
    table = np.random.default_rng(1).normal(size=(4, 50)) + np.linspace(-2, 2, 50)
    expected = krippendorff.alpha(reliability_data=table, level_of_measurement="interval")
    assert agreement(set_of(table + shift, Scale("interval"))).alpha == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("rating", [0.1, 0.0, 1e6 / 3])
def test_equal_ratings_leave_alpha_undefined(rating):
    with pytest.warns(DataWarning, match="alpha is undefined"):
        assert np.isnan(agreement(set_of(np.full((3, 7), rating), Scale("interval"))).alpha)


def test_multilabel_alpha_is_that_of_each_level_present_or_not():
    rng = np.random.default_rng(0)
    present = (rng.random((3, 20, 2)) < 0.3) | (rng.random((20, 2)) < 0.4)  # annotator, item, level
    rows = [
        (f"i{item}", f"a{who}", tuple(np.array(["x", "y"])[present[who, item]].tolist()))
        for who, item in itertools.product(range(3), range(20))
    ]
    annotations = pd.DataFrame(rows, columns=["item_id", "annotator_id", "label"])
    items = pd.DataFrame({"item_id": [f"i{item}" for item in range(20)]})
    scale = Scale("multilabel", ("x", "y", "never"))
    annotation_set = AnnotationSet.from_tables(Tables(annotations, items, None, scale), "sets")
    result = agreement(annotation_set)
    for level, name in enumerate(("x", "y")):
        expected = krippendorff.alpha(
            reliability_data=present[:, :, level].astype(float), level_of_measurement="nominal"
        )
        assert result.alpha_per_level[name] == pytest.approx(expected)
    assert np.isnan(result.alpha_per_level["never"])
    assert result.alpha == pytest.approx((result.alpha_per_level["x"] + result.alpha_per_level["y"]) / 2)
    equal = [(present[a, item] == present[b, item]).all() for item in range(20) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert result.pairwise == pytest.approx(np.mean(equal))
    with pytest.raises(DataError, match="sets has a multilabel scale: labels are not single levels; use `agreement`"):
        value_counts(annotation_set)


def test_nobody_is_paired_with_themselves_in_another_round():
    rows = [("i", "a", "0", 1), ("i", "a", "1", 2), ("i", "b", "0", 1), ("i", "b", "1", 2)]
    annotations = pd.DataFrame(rows, columns=["item_id", "annotator_id", "label", "round"])
    items = pd.DataFrame({"item_id": ["i"]})
    rounds = AnnotationSet.from_tables(Tables(annotations, items, None, Scale("nominal", ("0", "1"))), "rounds")
    assert value_counts(rounds).tolist() == [[2, 0], [0, 2]]
    assert agreement(rounds).pairwise == agreement(rounds).alpha == 1


@pytest.mark.filterwarnings("ignore:MD-Agreement. 1 repeated annotation:perspectives.errors.DataWarning")
@pytest.mark.parametrize(("corpus", "alpha"), [("HS-Brexit", 0.348), ("ArMIS", 0.524), ("MD-Agreement", 0.359)])
def test_published_corpora(real_data, corpus, alpha):
    folder = real_data / f"lewidi2023_{corpus.lower().replace('-', '_')}"
    annotations = AnnotationSet.from_tables(lewidi2023.read(folder, corpus), corpus)
    result = agreement(annotations)
    assert result.alpha == pytest.approx(alpha, abs=1e-3)
    counts = value_counts(annotations)
    expected = krippendorff.alpha(value_counts=counts, level_of_measurement="nominal")
    assert result.alpha == pytest.approx(expected, abs=1e-12)
