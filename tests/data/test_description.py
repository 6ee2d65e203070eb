"""Descriptions: numbers against pandas and by hand, small groups hidden, nothing personal shown, no heavy imports."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from perspectives.data.annotations import AnnotationSet, Tables
from perspectives.data.description import describe, render
from perspectives.data.scale import Scale
from perspectives.errors import DataWarning


def corpus(scale: Scale | None = None, labels: list | None = None) -> AnnotationSet:
    """12 annotators × items 1 to 5 (annotator 11 only the first); item 6 and annotator 12 have no annotation."""
    pairs = [(f"item{i}", f"secret-{a}") for a in range(12) for i in range(1, 6) if a < 11 or i == 1]
    annotations = pd.DataFrame(pairs, columns=["item_id", "annotator_id"])
    annotations["label"] = labels or np.resize(["no", "yes", "no"], len(pairs))
    annotations["condition"] = np.where(np.arange(len(pairs)) < 20, "first", "second")
    annotations["round"] = 1.0
    items = pd.DataFrame({"item_id": [f"item{i}" for i in range(1, 7)], "text": "never shown"})
    items["split"] = ["train", "train", "validation", "test", None, None]
    annotators = pd.DataFrame({"annotator_id": [f"secret-{a}" for a in range(13)]})
    annotators["gender"] = ["Woman"] * 5 + ["Man"] * 4 + ["Non-binary"] + ["prefer not to say"] * 2 + [None]
    annotators["age"] = [20.0, 30, 40, 50, 60, *[np.nan] * 8]
    annotators["income"] = ["1", "2", "3", "4", *["DATA_EXPIRED"] * 9]
    scale = scale or Scale("nominal", ("no", "yes"))
    return AnnotationSet.from_tables(Tables(annotations, items, annotators, scale), "corpus")


def test_counts_and_loads():
    description = describe(corpus())
    assert description.counts.set_index("quantity")["count"].to_dict() == {
        "items": 6,
        "annotators": 13,
        "annotations": 56,
        "items without annotations": 1,
        "annotators without annotations": 1,
    }
    per_item, per_annotator = description.load.to_dict("records")
    assert per_item == {"annotations": "per item", "min": 11, "median": 11, "mean": 56 / 5, "max": 12}
    assert per_annotator == {"annotations": "per annotator", "min": 1, "median": 5, "mean": 56 / 12, "max": 5}


def test_label_distribution_is_that_of_pandas():
    annotations = corpus()
    labels = describe(annotations).labels.set_index("label")
    expected = annotations.annotations["label"].value_counts()
    assert labels["annotations"].to_dict() == expected.to_dict()
    assert labels["share"].to_dict() == pytest.approx((expected / 56).to_dict())


def test_levels_nobody_chose_are_listed():
    labels = describe(corpus(Scale("nominal", ("no", "maybe", "yes")))).labels
    assert labels["label"].tolist() == ["no", "maybe", "yes"]
    assert labels["annotations"][1] == 0


def test_few_ratings_are_listed_and_many_are_binned():
    few = describe(corpus(Scale("interval"), [1.5, 2.0] * 28)).labels
    assert few.to_dict("list") == {"label": ["1.5", "2"], "annotations": [28, 28], "share": [0.5, 0.5]}
    ratings = np.random.default_rng(0).random(56).round(6)
    many = describe(corpus(Scale("interval"), list(ratings))).labels
    assert many["annotations"].tolist() == np.histogram(ratings, 10)[0].tolist()


def test_multilabel_levels_and_the_empty_set():
    labels = describe(corpus(Scale("multilabel", ("x", "y")), [("x",), ("x", "y"), ()] * 18 + [("y",)] * 2)).labels
    assert labels.set_index("label")["annotations"].to_dict() == {"x": 36, "y": 20, "(empty set)": 18}


def test_small_groups_are_pooled_and_missing_values_counted():
    table = describe(corpus()).attributes
    gender = table[table["attribute"] == "gender"]
    assert list(zip(gender["value"], gender["annotators"], strict=True)) == [
        ("Woman", 5),
        ("fewer than 5 (2 values)", 5),
        ("unknown", 3),
    ]
    assert gender["share"].sum() == pytest.approx(1)


def test_numeric_attributes_need_five_people():
    table = describe(corpus()).numeric.set_index("attribute")
    assert list(table.columns) == ["known", "unknown", "5 %", "q1", "median", "q3", "95 %"]
    age, income = table.loc["age"].to_dict(), table.loc["income"]
    quantiles = {"5 %": 22, "q1": 30, "median": 40, "q3": 50, "95 %": 58}  # a fifth of the way to the next person
    assert age == pytest.approx({"known": 5, "unknown": 8} | quantiles)
    assert income[["known", "unknown"]].tolist() == [4, 9]
    assert income.drop(["known", "unknown"]).isna().all()


def test_the_youngest_and_the_oldest_are_not_shown():
    annotations = corpus()
    annotations.annotators["age"] = [18.0, *np.linspace(30, 50, 11), 97.0]
    text = render(describe(annotations)) + json.dumps(describe(annotations).to_dict())
    assert "95 %" in text
    assert "97" not in text
    assert "18.0" not in text


def test_splits_conditions_and_rounds():
    description = describe(corpus())
    assert description.splits.to_numpy().tolist() == [
        ["train", 2, 12, 23],
        ["validation", 1, 11, 11],
        ["test", 1, 11, 11],
        ["(none)", 2, 11, 11],
    ]
    assert description.conditions.to_numpy().tolist() == [
        ["condition", "first", 5, 4, 20],
        ["condition", "second", 5, 8, 36],
        ["round", "1", 5, 12, 56],
    ]


def test_the_text_shows_numbers_but_neither_texts_nor_people():
    annotations = corpus()
    text = render(describe(annotations))
    for shown in ("corpus (nominal: one of no, yes)", "Published split", "fewer than 5 (2 values)", "alpha -0.0"):
        assert shown in text
    for hidden in ("secret", "never shown", "item1", "Non-binary", "Man"):
        assert hidden not in text
        assert hidden not in json.dumps(describe(annotations).to_dict())
    assert all(len(line) <= 60 for line in render(describe(annotations), width=60).splitlines())


def test_names_with_brackets_are_printed_as_they_are():
    annotations = corpus()
    annotations.annotators["gender"] = "[bold]x[/bold]"
    assert "[bold]x[/bold]" in render(describe(annotations))


def test_empty_tables_are_left_out():
    rows = pd.DataFrame({"item_id": ["1", "1"], "annotator_id": ["a", "b"], "label": ["no", "yes"]})
    tables = Tables(rows, pd.DataFrame({"item_id": ["1"]}), None, Scale("nominal", ("no", "yes")))
    text = render(describe(AnnotationSet.from_tables(tables, "bare")))
    assert "Labels" in text
    for title in ("Attributes", "Numeric", "split", "Conditions"):
        assert title not in text


def test_the_dictionary_is_strict_json_and_holds_every_table():
    description = describe(corpus())
    values = json.loads(json.dumps(description.to_dict(), allow_nan=False))
    assert values["counts"][2] == {"quantity": "annotations", "count": 56}
    assert values["numeric"][1]["median"] is None
    assert values["agreement"]["alpha"] == pytest.approx(description.agreement.alpha)
    assert set(values) == {*vars(description)}


def test_undefined_agreement_is_announced_and_shown():
    rows = pd.DataFrame({"item_id": ["1"], "annotator_id": ["a"], "label": ["no"]})
    tables = Tables(rows, pd.DataFrame({"item_id": ["1"]}), None, Scale("nominal", ("no", "yes")))
    with pytest.warns(DataWarning, match="alpha is undefined"):
        description = describe(AnnotationSet.from_tables(tables, "one"))
    assert "alpha nan" in render(description)
    assert description.to_dict()["agreement"]["alpha"] is None


def test_nothing_heavy_is_imported():
    watched = {"torch", "datasets", "lightning", "transformers", "rich", "pandas"}
    code = f"import sys, perspectives.data.description, perspectives.data.splits; print({watched} & {{*sys.modules}})"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "{'pandas'}"
