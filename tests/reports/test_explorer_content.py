"""What an explorer's page holds: bytes, the items chosen, what people said, and what is refused."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from exploring import SCALES, asked_of_python, predictions, question

from perspectives.data.scale import Scale
from perspectives.errors import ConfigError, RunError
from perspectives.reports.explorer.build import html
from perspectives.reports.explorer.content import (
    bounded,
    content,
    dequantised,
    most_disputed,
    quantised,
    rounding_error,
)


def embedded(page) -> dict:
    """The data as a browser finds it."""
    return json.loads(re.search(r'<script type="application/json" id="content">(.*?)</script>', html(page))[1])


@pytest.mark.parametrize("kind", list(SCALES))
def test_bytes_stand_for_nearly_the_same_answers(kind):
    answers = predictions(kind).everyone
    back = dequantised(quantised(answers, SCALES[kind]), SCALES[kind])
    assert back.dtype == np.float64
    if kind in ("nominal", "ordinal"):
        np.testing.assert_allclose(back.sum(-1), 1, atol=1e-12)
    assert 0 < np.abs(back - answers).max() < (SCALES[kind].size + 1) / 510
    bytes_ = np.arange(256, dtype=np.uint8)[:, None]
    if kind == "interval":
        assert quantised(dequantised(bytes_, SCALES[kind]), SCALES[kind]).tolist() == bytes_.tolist()


def test_ratings_without_bounds_take_those_of_the_answers():
    free = replace(SCALES["interval"], low=None, high=None)
    answers = np.array([[[-3.0], [7.0]], [[2.0], [2.0]]])
    scale = bounded(free, answers)
    assert (scale.low, scale.high) == (-3, 7)
    np.testing.assert_allclose(dequantised(quantised(answers, scale), scale), answers, atol=10 / 510)
    assert bounded(free, np.zeros((1, 2, 1))).high == 1


def test_the_stated_rounding_is_that_of_verdicts():
    made = predictions()
    page = content(made, event="label>=3")
    asked = question(page, "label>=3")
    exact = replace(page, answers=made.everyone[[int(item["id"][1:]) for item in page.header["items"]]])
    changes = []
    for item in range(16):
        rounded, _, _ = asked_of_python(page, item, "12 population", asked)
        answers = exact.answers[item].astype(float) * 255  # what dequantised divides by again
        whole, _, _ = asked_of_python(replace(page, answers=answers[None]), 0, "12 population", asked)
        changes.append(abs(rounded - whole))
    assert page.header["rounding"] == pytest.approx(max(changes), rel=1e-3)
    assert 0 < max(changes) < 0.01
    same = np.zeros((3, 20, 5), np.float32)
    same[..., 2] = 1
    assert rounding_error(same, quantised(same, page.scale), page.scale, asked.event) == 0


def test_the_items_people_disagree_on_most_are_chosen():
    everyone = predictions().everyone
    asked = np.array([0, 3, 7, 20, 41])
    spread = [
        sum(np.sum((everyone[item, a].astype(float) - everyone[item, b]) ** 2) for a in asked for b in asked)
        for item in range(16)
    ]
    assert most_disputed(everyone, asked, 5).tolist() == np.argsort(-np.array(spread))[:5].tolist()
    page = content(predictions(), items=5, event="label>=3")
    everybody = most_disputed(everyone, np.arange(62), 5)
    assert [item["id"] for item in page.header["items"]] == [f"i{item}" for item in everybody]
    assert page.header["notes"][0].startswith("This page has 5 of 16 items, those on which")


@pytest.mark.parametrize("kind", list(SCALES))
def test_what_people_said_is_on_the_page(kind):
    made = predictions(kind)
    event = {"interval": "label>=0.5", "multilabel": "label=a", "ordinal": "label>=3", "nominal": None}[kind]
    page = content(made, items=7, event=event, pool="gender=Woman")
    rows = {(item["id"]) for item in page.header["items"]}
    kept = made.pairs[made.pairs["item_id"].isin(rows)].reset_index(drop=True)
    ids = [item["id"] for item in page.header["items"]]
    assert [ids[item] for item in page.arrays["said_item"]] == kept["item_id"].tolist()
    names = page.annotators["annotator_id"].tolist()
    said_by = [None if by == 65535 else names[by] for by in page.arrays["said_by"]]
    assert said_by == [name if name in names else None for name in kept["annotator_id"]]
    assert None in said_by
    assert set(said_by) & set(names)
    expected = made.scale.encode(kept["label"])
    np.testing.assert_allclose(page.arrays["said"], expected)
    assert set(page.annotators["gender"]) == {"Woman"}
    assert json.loads(json.dumps(embedded(page)))["items"] == page.header["items"]


def test_events_are_offered_and_the_one_asked_for_comes_first():
    assert [one["text"] for one in content(predictions(), event="label>=3").header["events"]] == [
        "label>=2", "label>=3", "label>=4", "label>=5",
    ]  # fmt: skip
    assert content(predictions(), event="label>=3").header["event"] == 1
    own = content(predictions(), event="label=2|4").header
    assert own["events"][own["event"]] == {"text": "label=2|4", "levels": [False, True, False, True, False]}
    assert len(own["events"]) == 5
    rated = content(predictions("interval"), event="label<0.3").header
    assert [one["threshold"] for one in rated["events"]] == pytest.approx(np.arange(1, 10) / 10)
    assert {one["comparison"] for one in rated["events"]} == {"<"}


def test_few_people_come_without_attributes():
    page = content(predictions("nominal", people=19))
    assert page.header["named"]
    assert page.header["attributes"] == []
    assert not content(predictions("nominal", people=20)).header["named"]


def test_unknown_values_are_pools_when_asked_for():
    pages = [content(predictions("nominal"), unknown=unknown) for unknown in (False, True)]
    assert [page.header["attributes"][0]["values"] for page in pages] == [("Woman", "Man"), ("Woman", "Man", "unknown")]


def test_people_the_model_never_saw_are_pointed_out():
    made = predictions("nominal")
    pairs = made.pairs.assign(training_labels=0)
    note = content(replace(made, pairs=pairs)).header["notes"][-1]
    assert note.startswith(f"{made.pairs['annotator_id'].nunique()} people were not seen in training")


def test_what_cannot_be_explored_is_refused():
    made = predictions("nominal")
    with pytest.raises(RunError, match=r"no everyone\.npy .* train again with predictions\.everyone=true"):
        content(replace(made, everyone=None))
    with pytest.raises(RunError, match="method jury gives everyone the same answer, so juries cannot differ"):
        content(replace(made, everyone=made.everyone[:, :1]))
    with pytest.raises(ConfigError, match="items=0 is not accepted; give a number from 1 to 5,000"):
        content(made, items=0)
    with pytest.raises(ConfigError, match="pool 'gender=Rare & age>=200' is empty"):
        content(made, pool="gender=Rare & age>=200")
    with pytest.raises(ConfigError, match="pool=gender=Rare has fewer than 5 people; name a wider pool"):
        content(made, pool="gender=Rare")
    with pytest.raises(ConfigError, match="labels are one of 1, 2, 3, 4, 5; say what the jury decides"):
        content(predictions())


def test_too_many_people_are_refused_with_what_to_do():
    many = 1001
    made = predictions("nominal", items=2)
    annotators = pd.concat([made.annotators] * 17, ignore_index=True)[:many]
    annotators["annotator_id"] = [f"worker-{n:03d}" for n in range(many)]
    wide = replace(made, annotators=annotators, everyone=np.tile(made.everyone, (1, 17, 1))[:, :many])
    with pytest.raises(ConfigError, match=r"a page holds at most 1,000 people, and these are 1,001; .* pool=POOL"):
        content(wide)
    assert content(wide, pool="gender=Woman").answers.shape[1] < many


def test_the_same_predictions_give_the_same_page():
    assert html(content(predictions(), event="label>=3")) == html(content(predictions(), event="label>=3"))


def test_an_event_that_is_offered_is_not_listed_twice():
    found = predictions()
    levels = ("very bad", "bad", "fair", "good", "very good")
    found = replace(
        found,
        scale=Scale("ordinal", levels),
        pairs=found.pairs.assign(label=[levels[int(n) - 1] for n in found.pairs["label"]]),
    )
    header = content(found, event="label >= very good").header
    assert len(header["events"]) == 4
    assert header["events"][header["event"]]["levels"] == [False, False, False, False, True]
