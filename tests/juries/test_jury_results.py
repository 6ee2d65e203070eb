"""What one composition is asked beside its verdicts: the null of its attributes, and exchanges of named jurors."""

import numpy as np
import pytest
from invented import everything, predictions

from perspectives.juries.counterfactual import fewest_swaps
from perspectives.juries.eligibility import ItemBlock
from perspectives.juries.events import Event
from perspectives.juries.results import Setting, ask_jury
from perspectives.juries.sweep import p_value, shuffled_attributes
from perspectives.juries.verdicts import Question


@pytest.fixture(scope="module")
def found():
    return predictions(items=60)


def asked(found, composition: str, size: int = 7, **options):
    setting = Setting(Question(Event.parse(None, found.scale)), size)
    return ask_jury(found, [found], setting, composition, everything(found), **options)


def test_a_group_that_judges_otherwise_flips_more_than_chance(found):
    one = asked(found, "7 gender=Man", shuffles=60)
    flips = float(one.rows[-1]["flips"])
    assert one.null.shape == (60,)
    assert flips > np.quantile(one.null, 0.95)
    assert p_value(flips, one.null) < 0.05
    assert (asked(found, "7 gender=Man", shuffles=60).null == one.null).all()


def test_without_attributes_there_is_no_null(found):
    assert len(asked(found, "7 population").null) == 0
    assert len(asked(found, "7 gender=Man", shuffles=0).null) == 0


def test_whole_records_are_dealt_out_among_those_who_judge_the_same(found):
    people = found.annotators
    halves = [
        ItemBlock("", np.arange(60), np.arange(len(people)) < 12),
        ItemBlock("", np.arange(60), np.arange(30) >= 12),
    ]
    dealt = shuffled_attributes(people, halves, np.random.default_rng(0))
    assert dealt["annotator_id"].tolist() == people["annotator_id"].tolist()
    assert not dealt["age"].equals(people["age"])
    for half in halves:
        before, after = (
            set(map(str, table[half.people][["gender", "age"]].values.tolist())) for table in (people, dealt)
        )
        assert before == after


def test_a_jury_of_named_people_is_told_whom_to_exchange(found):
    names = found.annotators["annotator_id"][:3]
    one = asked(found, ", ".join(f"1 annotator={name}" for name in names), size=3)
    votes = one.setting.question.event.votes(found.answers())
    assert one.items()["swaps"].to_numpy() == pytest.approx(
        fewest_swaps(votes, [0, 1, 2], one.setting.question)[0], nan_ok=True
    )
    assert np.isfinite(one.swaps).sum() > 5
    assert asked(found, "3 gender=Man", size=3, shuffles=0).swaps is None


def test_only_those_who_may_sit_are_exchanged(found):
    names = found.annotators["annotator_id"][:3]
    eligible = np.arange(30) < 5
    benches = [ItemBlock("", np.arange(40), eligible), ItemBlock("", np.arange(40, 60), ~eligible)]
    setting = Setting(Question(Event.parse(None, found.scale)), 3)
    swaps = ask_jury(found, [found], setting, ", ".join(f"1 annotator={name}" for name in names), benches).swaps
    votes = setting.question.event.votes(found.answers())
    few = fewest_swaps(votes[:40, :5], [0, 1, 2], setting.question)[0]  # as if the others were not there
    assert swaps[:40] == pytest.approx(few, nan_ok=True)
    assert np.isnan(swaps[40:]).all()
    assert (few > fewest_swaps(votes[:40], [0, 1, 2], setting.question)[0]).any()
