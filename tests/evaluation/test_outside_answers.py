"""Answers of outside models: every form of the table, and every refusal."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from invented_predictions import ITEMS, SCALES, made

from perspectives.data.scale import Scale
from perspectives.errors import DataError
from perspectives.evaluation.outside_answers import imported
from perspectives.files import TABLE_SUFFIXES
from perspectives.predictions import answer_columns

FORMS = [ending[1:] for ending in TABLE_SUFFIXES]


def written(table: pd.DataFrame, folder, form: str = "csv"):
    path = folder / f"outside.{form}"
    if form == "parquet":
        table.to_parquet(path, index=False)
    elif form == "jsonl":
        table.to_json(path, orient="records", lines=True)
    else:
        table.to_csv(path, index=False, sep="\t" if form == "tsv" else ",")
    return path


def answers(reference) -> pd.DataFrame:
    table = reference.pairs[["item_id", "annotator_id"]].copy()
    table[answer_columns(reference.scale)] = reference.values
    return table


def test_labels_are_its_own_and_not_those_decided_for_the_reference(tmp_path):
    reference = made("nominal")
    decided = (reference.values.argmax(1) + 1) % reference.scale.size
    reference = replace(reference, pairs=reference.pairs.assign(decision=reference.scale.decode(decided)))
    np.testing.assert_array_equal(reference.labels(), decided)
    got = imported(written(answers(reference), tmp_path), reference)
    np.testing.assert_array_equal(got.labels(), reference.values.argmax(1))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", SCALES)
def test_a_column_per_level_or_a_rating(kind, form, tmp_path):
    reference = made(kind)
    more = answers(reference).assign(remark="x")
    more = pd.concat([more, more.iloc[:1].assign(item_id="of another split")]).sample(frac=1, random_state=0)
    got = imported(written(more, tmp_path, form), reference)
    np.testing.assert_allclose(got.values, reference.values, atol=1e-6)
    assert got.same_pairs(reference)
    assert got.about == {"method": "outside", "imported": str(tmp_path / f"outside.{form}")}
    np.testing.assert_array_equal(got.seen, reference.seen)
    assert 0 < got.seen.sum() < len(got)
    assert got.everyone is None


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("kind", "said", "expected"),
    [
        ("nominal", ["no", "yes"], [[1, 0], [0, 1]]),
        ("ordinal", [1, 4], [[1, 0, 0, 0, 0], [0, 0, 0, 1, 0]]),
        ("ordinal", [1.0, 4.0], [[1, 0, 0, 0, 0], [0, 0, 0, 1, 0]]),
        ("interval", [0.25, 1.0], [[0.25], [1.0]]),
        ("multilabel", ["a, c", ""], [[1, 0, 1], [0, 0, 0]]),
    ],
)
def test_predicted_labels(kind, said, expected, form, tmp_path):
    reference = made(kind)
    table = reference.pairs[["item_id", "annotator_id"]].assign(prediction=said * ITEMS)
    got = imported(written(table, tmp_path, form), reference)
    np.testing.assert_array_equal(got.values, np.array(expected * ITEMS, np.float32))


@pytest.mark.parametrize("form", FORMS)
def test_levels_and_people_may_be_called_na_or_null(form, tmp_path):
    names = ["NA", "null", "None", "nan"]
    nominal = made("nominal")
    people = nominal.annotators.assign(annotator_id=names)
    who = nominal.pairs["annotator_id"].str[1:].astype(int)
    pairs = nominal.pairs.assign(annotator_id=[names[n] for n in who], label="null")
    reference = replace(nominal, scale=Scale("nominal", ("NA", "null")), pairs=pairs, annotators=people)
    table = pairs[["item_id", "annotator_id"]].assign(prediction=["null", "NA"] * ITEMS)
    got = imported(written(table, tmp_path, form), reference)
    assert got.values.tolist() == [[0, 1], [1, 0]] * ITEMS


def test_what_is_true_of_the_pairs_is_kept_and_what_was_trained_is_not(tmp_path):
    reference = made("nominal", method="multitask", fold=2, group_by="group", temperature=1.5)
    path = written(answers(reference), tmp_path)
    about = {"method": "outside", "imported": str(path), "fold": 2, "group_by": "group"}
    assert imported(path, reference).about == about


def test_ids_with_leading_zeros_and_long_numbers_survive(tmp_path):
    reference = made("nominal")
    ids = ["007", "1234567890123456789", "1e5", "4", "5", "6"]
    rename = dict(zip(reference.items["item_id"], ids, strict=True))
    pairs = reference.pairs.assign(item_id=reference.pairs["item_id"].map(rename))
    reference = replace(reference, pairs=pairs, items=reference.items.assign(item_id=ids))
    for form in FORMS:
        got = imported(written(answers(reference), tmp_path, form), reference)
        np.testing.assert_allclose(got.values, reference.values, atol=1e-6)


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_sets_may_come_as_lists(form, tmp_path):
    reference = made("multilabel")
    table = reference.pairs[["item_id", "annotator_id"]].assign(prediction=[["a", "b"], []] * ITEMS)
    got = imported(written(table, tmp_path, form), reference)
    assert got.values.tolist() == [[1, 1, 0], [0, 0, 0]] * ITEMS


def test_without_annotators_everyone_gets_the_items_answer(tmp_path):
    reference = made("nominal")
    table = answers(reference).drop_duplicates("item_id").drop(columns="annotator_id")
    got = imported(written(table, tmp_path), reference)
    np.testing.assert_allclose(got.values, np.repeat(reference.values[::2], 2, axis=0), atol=1e-6)


def test_ids_and_rounds_that_are_numbers_find_their_pairs(tmp_path):
    reference = made("nominal")
    pairs = reference.pairs.assign(item_id=reference.pairs["item_id"].str[1:], round=1.0)
    items = reference.items.assign(item_id=reference.items["item_id"].str[1:])
    reference = replace(reference, pairs=pairs, items=items)
    table = answers(reference).assign(round=1, item_id=lambda t: t["item_id"].astype(float))
    for form in FORMS:
        numbers = form in ("parquet", "jsonl")  # elsewhere ids are read as they are written
        path = written(table if numbers else table.assign(item_id=pairs["item_id"]), tmp_path, form)
        np.testing.assert_allclose(imported(path, reference).values, reference.values, atol=1e-6)


REFUSALS = {
    "no answers": (
        "nominal",
        lambda t: t.drop(columns="p_yes"),
        r"has no column \['p_yes'\]; it needs item_id, annotator_id and \['p_no', 'p_yes'\] \(or prediction\)",
    ),
    "no items": ("nominal", lambda t: t.drop(columns="item_id"), r"has no column \['item_id'\]"),
    "twice": ("nominal", lambda t: pd.concat([t, t.iloc[:2]]), r"answers 2 pairs more than once; .* item_id and annot"),
    "without people": (
        "nominal",
        lambda t: t.drop(columns="annotator_id"),
        r"answers 6 pairs more than once; keep one row per item_id$",
    ),
    "missing": (
        "nominal",
        lambda t: t[t["item_id"] != "i3"],
        r"has no answer for 2 of 12 pairs, for example item 'i3'; all are needed",
    ),
    "blank": ("nominal", lambda t: t.assign(p_no=t["p_no"].mask(t.index == 4)), r"no answer for 1 of 12 .* item 'i2'"),
    "words": (
        "nominal",
        lambda t: t.assign(p_no=["much", *t["p_no"][1:]]),
        r"holds 'much' in column p_no, where a number was expected",
    ),
    "logits": (
        "nominal",
        lambda t: t.assign(p_no=-3.0),
        r"holds probabilities outside 0 to 1; give probabilities, not logits or percentages",
    ),
    "percentages": ("multilabel", lambda t: t.assign(p_b=70), r"holds probabilities outside 0 to 1"),
    "sum": (
        "nominal",
        lambda t: t.assign(p_no=0.5, p_yes=[0.5] * 11 + [0.4]),
        r"the probabilities of a pair must sum to 1; for item 'i5' they sum to 0\.900",
    ),
    "rating": (
        "interval",
        lambda t: t.assign(rating=[1.5, -1, *t["rating"][2:]]),
        r"holds the rating 1\.5 \(2 off the scale\); expected a number from 0 to 1",
    ),
    "infinite": ("interval", lambda t: t.assign(rating=np.inf), r"holds the rating inf \(12 off the scale\)"),
    "level": (
        "nominal",
        lambda t: t[["item_id", "annotator_id"]].assign(prediction=["maybe", *["no"] * 11]),
        r"predicts 'maybe' \(1 rows off the scale\); expected one of no, yes",
    ),
    "no level": (
        "ordinal",
        lambda t: t[["item_id", "annotator_id"]].assign(prediction=[np.nan, *[2] * 11]),
        r"predicts .*nan.* \(1 rows off the scale\); expected one of 1, 2, 3, 4, 5",
    ),
    "set": (
        "multilabel",
        lambda t: t[["item_id", "annotator_id"]].assign(prediction="a,z"),
        r"predicts 'a,z' \(12 rows off the scale\); expected a set of a, b, c",
    ),
    "number": (
        "interval",
        lambda t: t[["item_id", "annotator_id"]].assign(prediction="high"),
        r"predicts 'high' \(12 rows off the scale\); expected a number from 0 to 1",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_tables_that_cannot_be_used_are_refused_with_the_reason(case, tmp_path):
    kind, change, message = REFUSALS[case]
    reference = made(kind)
    path = written(change(answers(reference)), tmp_path)
    with pytest.raises(DataError, match=message):
        imported(path, reference)


def test_files_that_are_no_tables_are_named(tmp_path):
    reference = made("nominal")
    with pytest.raises(DataError, match=r"nothing\.csv could not be read as a table of predictions"):
        imported(tmp_path / "nothing.csv", reference)
    (tmp_path / "broken.parquet").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"broken\.parquet could not be read as a table of predictions"):
        imported(tmp_path / "broken.parquet", reference)
    (tmp_path / "empty.csv").touch()
    with pytest.raises(DataError, match=r"empty\.csv could not be read"):
        imported(tmp_path / "empty.csv", reference)
    (tmp_path / "broken.jsonl").write_text('{"item_id": ')
    with pytest.raises(DataError, match=r"broken\.jsonl could not be read as a table of predictions"):
        imported(tmp_path / "broken.jsonl", reference)
    with pytest.raises(
        DataError, match=r"a\.xlsx is not a table of predictions; expected \.csv, \.tsv, \.jsonl, \.parq"
    ):
        imported(tmp_path / "a.xlsx", reference)
