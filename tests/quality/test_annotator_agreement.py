"""Agreement of people against scikit-learn and counting pairs one by one."""

import itertools

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score

from perspectives.data.annotations import AnnotationSet, Tables
from perspectives.data.readers import lewidi2023
from perspectives.data.scale import Scale
from perspectives.errors import DataError
from perspectives.quality.annotator_agreement import annotator_agreement, pair_agreement, raw_agreement

LEVELS = Scale("nominal", ("x", "y", "z"))


def sparse(seed: int = 0, scale: Scale = LEVELS) -> AnnotationSet:
    """Eight people with overlapping halves of 40 items, one of whom never meets anybody."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(3, size=41)
    rows = []
    for item, who in itertools.product(range(40), range(8)):
        if rng.random() < 0.5:
            label = truth[item] if rng.random() < 0.6 else rng.integers(3)
            rows.append((f"i{item}", f"p{who}", LEVELS.levels[label] if scale is LEVELS else float(label)))
    table = pd.DataFrame([*rows, ("i40", "alone", rows[0][2])], columns=["item_id", "annotator_id", "label"])
    items = pd.DataFrame({"item_id": [f"i{n}" for n in range(41)]})
    return AnnotationSet.from_tables(Tables(table, items, None, scale), "remarks")


@pytest.mark.parametrize("scale", [LEVELS, Scale("interval")])
def test_raw_agreement_is_the_share_of_the_others_who_said_the_same(scale):
    annotations = sparse(scale=scale)
    table = annotations.annotations
    expected = []
    for row in table.itertuples():
        others = table[(table["item_id"] == row.item_id) & (table["annotator_id"] != row.annotator_id)]
        expected.append((others["label"] == row.label).mean() if len(others) else np.nan)
    np.testing.assert_allclose(raw_agreement(annotations), expected)
    assert np.isnan(expected[-1])
    people = annotator_agreement(annotations).set_index("annotator_id")
    for who, rows in table.assign(raw=expected).dropna().groupby("annotator_id"):
        assert people.loc[who, "agreement"] == pytest.approx(rows["raw"].mean())
        assert people.loc[who, "annotations"] == len(rows)
    assert people.loc["alone", "annotations"] == 0
    assert np.isnan(people.loc["alone", "agreement"])


@pytest.mark.filterwarnings("ignore:.*:sklearn.exceptions.UndefinedMetricWarning")
def test_every_pair_has_cohens_kappa_of_scikit_learn():
    annotations = sparse(1)
    wide = annotations.annotations.pivot(index="item_id", columns="annotator_id", values="label")
    found = pair_agreement(annotations)
    assert len(found) == 8 * 7 / 2
    for row in found.itertuples():
        both = wide[[row.first, row.second]].dropna()
        assert row.units == len(both)
        assert row.agreement == pytest.approx((both[row.first] == both[row.second]).mean())
        assert row.kappa == pytest.approx(cohen_kappa_score(both[row.first], both[row.second]))
    assert len(pair_agreement(annotations, shared=12)) == (found["units"] >= 12).sum() < len(found)


def labelled(rows: list, **columns) -> AnnotationSet:
    table = pd.DataFrame(rows, columns=["item_id", "annotator_id", "label", *columns])
    items = pd.DataFrame({"item_id": sorted(set(table["item_id"]))})
    return AnnotationSet.from_tables(Tables(table, items, None, LEVELS), "few", duplicates="keep")


def test_kappa_is_undefined_where_nothing_varies():
    found = pair_agreement(labelled([("i", "a", "x"), ("i", "b", "x"), ("j", "a", "x"), ("j", "b", "x")]))
    assert found["agreement"].tolist() == [1]
    assert np.isnan(found["kappa"]).all()
    assert len(pair_agreement(labelled([("i", "a", "x")]))) == 0


def test_rounds_are_units_of_their_own():
    rows = [("i", "a", "x", 1), ("i", "b", "x", 1), ("i", "a", "y", 2), ("i", "b", "z", 2)]
    annotations = labelled(rows, round=0)
    assert raw_agreement(annotations).tolist() == [1, 1, 0, 0]
    assert pair_agreement(annotations)[["units", "agreement"]].to_numpy().tolist() == [[2, 0.5]]


def test_nobody_is_compared_with_their_own_repeated_annotations():
    rows = [("i0", "p", "x"), ("i0", "p", "y"), ("i1", "p", "x"), ("i1", "p", "x"), ("i1", "q", "x"), ("i1", "r", "y")]
    table = pd.DataFrame(rows, columns=["item_id", "annotator_id", "label"])
    tables = Tables(table, pd.DataFrame({"item_id": ["i0", "i1"]}), None, LEVELS)
    annotations = AnnotationSet.from_tables(tables, "remarks", duplicates="keep")
    assert raw_agreement(annotations) == pytest.approx([np.nan, np.nan, 1 / 2, 1 / 2, 2 / 3, 0], nan_ok=True)


def test_refusals():
    with pytest.raises(
        DataError, match="remarks has interval labels; agreement of pairs needs one level per annotation"
    ):
        pair_agreement(sparse(scale=Scale("interval")))
    with pytest.raises(
        DataError, match="few keeps duplicates, so pairs are not defined; read it with duplicates=first"
    ):
        pair_agreement(labelled([("i", "a", "x"), ("i", "a", "y"), ("i", "b", "y")]))


def test_hs_brexit(real_data):
    tables = lewidi2023.read(real_data / "lewidi2023_hs_brexit", "HS-Brexit")
    annotations = AnnotationSet.from_tables(tables, "HS-Brexit")
    wide = annotations.annotations.pivot(index="item_id", columns="annotator_id", values="label")
    found = pair_agreement(annotations)
    assert len(found) == 15
    expected = [cohen_kappa_score(wide[row.first], wide[row.second]) for row in found.itertuples()]
    np.testing.assert_allclose(found["kappa"], expected)
