"""Who may judge which items."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from invented import predictions

from perspectives.errors import ConfigError
from perspectives.juries.eligibility import item_blocks


def test_everyone_judges_everything_unless_told():
    found = predictions()
    (block,) = item_blocks(found)
    assert block.name == ""
    assert block.items.tolist() == list(range(20))
    assert block.people.all()
    assert block.answers(found) is found.everyone


def test_people_judge_items_like_those_they_labelled():
    found = predictions(items=6, people=40, raters=3)
    blocks = {block.name: block for block in item_blocks(found, "language")}
    assert list(blocks) == ["language=it", "language=fr"]
    languages = dict(zip(found.items["item_id"], found.items["language"], strict=True))
    for name, block in blocks.items():
        wanted = {
            who for item, who in found.pairs[["item_id", "annotator_id"]].to_numpy() if name.endswith(languages[item])
        }
        assert set(found.annotators["annotator_id"][block.people]) == wanted
        assert block.answers(found).shape == (3, 40, 2)
    assert sorted(np.concatenate([block.items for block in blocks.values()])) == list(range(6))


@pytest.mark.parametrize("dtype", ["object", "category"])
def test_an_attribute_of_their_own_comes_first_and_the_unknown_share_nothing(dtype):
    found = predictions(items=4, people=6)
    items = found.items.assign(region=pd.Series(["n", "s", None, "n"], dtype=dtype))
    people = found.annotators.assign(region=pd.Series(["n", "s", "s", None, "unknown", "w"], dtype=dtype))
    blocks = item_blocks(replace(found, items=items, annotators=people), "region")
    assert [(d.name, d.items.tolist(), np.flatnonzero(d.people).tolist()) for d in blocks] == [
        ("region=n", [0, 3], [0]), ("region=s", [1], [1, 2]), ("region=unknown", [2], []),
    ]  # fmt: skip


def test_numbers_are_attributes_too():
    found = predictions(items=4, people=6)
    items, people = found.items.assign(level=[1, 2, 1, 2]), found.annotators.assign(level=[1.0, 2, 2, np.nan, 3, 1])
    blocks = item_blocks(replace(found, items=items, annotators=people), "level")
    assert [np.flatnonzero(block.people).tolist() for block in blocks] == [[0, 5], [1, 2]]


def test_people_whom_the_model_has_seen_enough_of():
    found = predictions(people=8)
    pairs = found.pairs.assign(training_labels=5)
    pairs.loc[pairs["annotator_id"] == "worker-003", "training_labels"] = [2, *[9] * 99][
        : (pairs["annotator_id"] == "worker-003").sum()
    ]
    pairs = pairs[pairs["annotator_id"] != "worker-004"].reset_index(drop=True)
    known = replace(found, pairs=pairs, values=np.zeros((len(pairs), 2), np.float32))
    (block,) = item_blocks(known, min_training_labels=3)
    assert np.flatnonzero(~block.people).tolist() == [3, 4]  # too few in one fold; not there at all
    assert item_blocks(known)[0].people.all()
    with pytest.raises(ConfigError, match="min_training_labels=10: nobody has so many training labels; give 5 or less"):
        item_blocks(known, min_training_labels=10)


def test_what_items_do_not_have_is_refused():
    found = predictions()
    with pytest.raises(ConfigError, match=r"items have no attribute 'topic'; choose from language$"):
        item_blocks(found, "topic")
    with pytest.raises(ConfigError, match="items have no attribute 'text'"):
        item_blocks(found, "text")
    people = found.annotators.assign(language="de")
    with pytest.raises(ConfigError, match="eligible=language: no annotator shares the language of any item"):
        item_blocks(replace(found, annotators=people), "language")
