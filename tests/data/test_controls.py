"""Controls keep every size and break the one link they are for."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from perspectives.data.annotations import AnnotationSet, Tables
from perspectives.data.controls import shuffled_demographics, shuffled_ids
from perspectives.data.scale import Scale


@pytest.fixture
def annotations() -> AnnotationSet:
    """People who always say the same: their ids say everything; attributes are told apart by their numbers."""
    rng = np.random.default_rng(0)
    item, who = np.nonzero(rng.random((200, 10)) < 0.5)
    order = rng.permutation(len(item))
    rows = pd.DataFrame({"item_id": item, "annotator_id": who, "label": np.where(who % 2, "yes", "no")}).iloc[order]
    people = pd.DataFrame({"annotator_id": range(10), "city": [f"c{n % 3}" for n in range(10)], "age": np.arange(10.0)})
    items = pd.DataFrame({"item_id": range(200)})
    return AnnotationSet.from_tables(Tables(rows, items, people, Scale("nominal", ("no", "yes"))), "certain")


def test_shuffled_ids_keep_every_item_and_every_persons_work_but_not_who_said_what(annotations):
    shuffled = shuffled_ids(annotations, seed=1)
    keys = ["item_id", "annotator_id"]
    assert shuffled.annotations[keys].equals(annotations.annotations[keys])
    np.testing.assert_array_equal(shuffled.soft_labels(), annotations.soft_labels())
    rate = shuffled.annotations.groupby("annotator_id")["label"].agg(lambda labels: (labels == "yes").mean())
    assert rate.between(0.3, 0.7).all()  # all were 0 or 1
    assert shuffled_ids(annotations, seed=1).annotations.equals(shuffled.annotations)
    assert not shuffled_ids(annotations, seed=2).annotations.equals(shuffled.annotations)


def test_an_item_with_one_rater_keeps_its_label(annotations):
    alone = replace(annotations, annotations=annotations.annotations.drop_duplicates("item_id").reset_index(drop=True))
    assert shuffled_ids(alone, seed=1).annotations.equals(alone.annotations)


def test_shuffled_demographics_keep_whole_records_and_their_number(annotations):
    shuffled = shuffled_demographics(annotations, seed=1)
    assert shuffled.annotations is annotations.annotations
    assert shuffled.annotators["annotator_id"].equals(annotations.annotators["annotator_id"])
    records = [
        sorted(table[["city", "age"]].itertuples(index=False))
        for table in (shuffled.annotators, annotations.annotators)
    ]
    assert records[0] == records[1]
    assert not shuffled.annotators["age"].equals(annotations.annotators["age"])
