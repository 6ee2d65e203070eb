"""Who may judge which items."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from invented import predictions

from perspectives.errors import ConfigError
from perspectives.juries.eligibility import dockets


def test_everyone_judges_everything_unless_told():
    found = predictions()
    (docket,) = dockets(found)
    assert docket.name == ""
    assert docket.items.tolist() == list(range(20))
    assert docket.people.all()
    assert docket.answers(found) is found.everyone


def test_people_judge_items_like_those_they_labelled():
    found = predictions(items=6, people=40, raters=3)
    bench = {docket.name: docket for docket in dockets(found, "language")}
    assert list(bench) == ["language=it", "language=fr"]
    languages = dict(zip(found.items["item_id"], found.items["language"], strict=True))
    for name, docket in bench.items():
        wanted = {
            who for item, who in found.pairs[["item_id", "annotator_id"]].to_numpy() if name.endswith(languages[item])
        }
        assert set(found.annotators["annotator_id"][docket.people]) == wanted
        assert docket.answers(found).shape == (3, 40, 2)
    assert sorted(np.concatenate([docket.items for docket in bench.values()])) == list(range(6))


@pytest.mark.parametrize("dtype", ["object", "category"])
def test_an_attribute_of_their_own_comes_first_and_the_unknown_share_nothing(dtype):
    found = predictions(items=4, people=6)
    items = found.items.assign(region=pd.Series(["n", "s", None, "n"], dtype=dtype))
    people = found.annotators.assign(region=pd.Series(["n", "s", "s", None, "unknown", "w"], dtype=dtype))
    bench = dockets(replace(found, items=items, annotators=people), "region")
    assert [(d.name, d.items.tolist(), np.flatnonzero(d.people).tolist()) for d in bench] == [
        ("region=n", [0, 3], [0]), ("region=s", [1], [1, 2]), ("region=unknown", [2], []),
    ]  # fmt: skip


def test_numbers_are_attributes_too():
    found = predictions(items=4, people=6)
    items, people = found.items.assign(level=[1, 2, 1, 2]), found.annotators.assign(level=[1.0, 2, 2, np.nan, 3, 1])
    bench = dockets(replace(found, items=items, annotators=people), "level")
    assert [np.flatnonzero(docket.people).tolist() for docket in bench] == [[0, 5], [1, 2]]


def test_people_whom_the_model_has_seen_enough_of():
    found = predictions(people=8)
    pairs = found.pairs.assign(training_labels=5)
    pairs.loc[pairs["annotator_id"] == "worker-003", "training_labels"] = [2, *[9] * 99][
        : (pairs["annotator_id"] == "worker-003").sum()
    ]
    pairs = pairs[pairs["annotator_id"] != "worker-004"].reset_index(drop=True)
    known = replace(found, pairs=pairs, values=np.zeros((len(pairs), 2), np.float32))
    (docket,) = dockets(known, min_training_labels=3)
    assert np.flatnonzero(~docket.people).tolist() == [3, 4]  # too few in one fold; not there at all
    assert dockets(known)[0].people.all()
    with pytest.raises(ConfigError, match="nobody has 10 training labels; the most of one person are 5"):
        dockets(known, min_training_labels=10)


def test_what_items_do_not_have_is_refused():
    found = predictions()
    with pytest.raises(ConfigError, match=r"items have no attribute 'topic'; choose from language$"):
        dockets(found, "topic")
    with pytest.raises(ConfigError, match="items have no attribute 'text'"):
        dockets(found, "text")
    people = found.annotators.assign(language="de")
    with pytest.raises(ConfigError, match="eligible=language: no annotator shares the language of any item"):
        dockets(replace(found, annotators=people), "language")
