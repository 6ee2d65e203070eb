"""The whole audit: what it holds, refuses and keeps quiet about."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from audited import SCALES, annotations, predicted
from sklearn.metrics import cohen_kappa_score

from perspectives.data.annotations import AnnotationSet
from perspectives.errors import RunError
from perspectives.quality.agreement import agreement
from perspectives.quality.audit.audit import _warning, audit
from perspectives.quality.audit.items import to_ask

pytestmark = pytest.mark.filterwarnings("ignore:alpha is undefined")


def test_runs_of_other_annotations_are_refused():
    made = annotations()
    wrong = made.annotations.assign(label="perhaps")
    with pytest.raises(RunError, match=r"the run is not of these annotations: .* are not in invented; give the data"):
        audit(replace(made, annotations=wrong), predicted(made))


def test_small_corpora_say_nothing_of_groups():
    done = audit(annotations(count=20, team=12), permutations=10)
    assert not {"cohesion", "between", "coverage"} & set(done.tables())
    assert any(note.startswith("Fewer than 20 annotators") for note in done.notes)
    assert done.items["ask"].str.startswith("annotator").any()


@pytest.mark.parametrize("kind", SCALES)
def test_every_scale_is_audited(kind):
    done = audit(annotations(kind), permutations=10)
    written = {"people", "items", "agreement", "cohesion", "between", "coverage", "drift", "counts", "labels", "load"}
    assert written == set(done.tables())
    assert done.told is None


def test_agreement_is_that_of_the_parts():
    made = annotations("multilabel")
    table = audit(made, permutations=10).agreement
    whole = agreement(made)
    assert table.loc[0, ["group", "people", "annotations"]].tolist() == ["everyone", 30, len(made)]
    np.testing.assert_allclose(table.loc[0, ["pairwise", "alpha"]].astype(float), [whole.pairwise, whole.alpha])
    levels = table[table["level"] != ""]
    assert dict(zip(levels["level"], levels["alpha"], strict=True)) == pytest.approx(whole.alpha_per_level)
    men = agreement(made.select((made.annotators["gender"] == "Man").to_numpy()[made.annotator_index]))
    row = table.set_index("group").loc["Man"]
    np.testing.assert_allclose(row[["pairwise", "alpha"]].astype(float), [men.pairwise, men.alpha])
    assert "Rare" not in set(table["group"])


def test_in_small_corpora_every_two_people_are_compared_by_number():
    made = annotations(count=20, team=12)
    table = audit(made, permutations=10).tables()["pairs"]
    ids = made.annotators["annotator_id"].to_numpy()
    assert (ids[table["person"] - 1] == table["first"]).all()
    assert (ids[table["other"] - 1] == table["second"]).all()
    wide = made.annotations.pivot(index="item_id", columns="annotator_id", values="label")
    for row in table[table["units"] > 5].itertuples():
        both = wide[[row.first, row.second]].dropna()
        assert row.kappa == pytest.approx(cohen_kappa_score(both[row.first], both[row.second]))
    assert "pairs" not in audit(annotations(), permutations=10).tables()


def idle(made: AnnotationSet, count: int = 40) -> AnnotationSet:
    """With so many people more who labelled nothing, of groups of their own and of the others'."""
    more = pd.DataFrame({"annotator_id": [f"idle-{n}" for n in range(count)]})
    more = more.assign(gender=np.resize(["Man", "Rare", "Nobody"], count), age=np.arange(count) + 80.0)
    return replace(made, annotators=pd.concat([made.annotators, more], ignore_index=True))


@pytest.mark.parametrize("with_predictions", [False, True])
def test_people_without_annotations_change_nothing(with_predictions):
    made = annotations(count=60)
    ages = np.random.default_rng(0).integers(18, 80, 30).astype(float)
    made = replace(made, annotators=made.annotators.assign(age=ages))
    answers = predicted(made)
    more = np.concatenate([answers.everyone, answers.everyone.mean(1, keepdims=True).repeat(40, 1)], 1)
    idling = replace(answers, annotators=idle(made).annotators, everyone=more)
    both = [audit(made, answers if with_predictions else None, permutations=10)]
    both.append(audit(idle(made), idling if with_predictions else None, permutations=10))
    tables = [{name: table for name, table in one.tables().items() if name != "counts"} for one in both]
    assert tables[0].keys() == tables[1].keys()
    assert ("annotations" in tables[0]) == with_predictions
    for name, table in tables[0].items():
        pd.testing.assert_frame_equal(table, tables[1][name], obj=name, rtol=1e-4)


def test_few_people_among_many_idle_ones_are_a_small_corpus():
    made = idle(annotations(count=20, team=6, raters=4), 30)
    done = audit(made, permutations=10)
    assert any(note.startswith("Fewer than 20 annotators") for note in done.notes)
    assert done.cohesion.empty
    assert done.coverage.empty
    assert done.items["ask"].str.startswith("annotator").all()
    assert not done.items["ask"].str.contains("annotator 7").any()


def test_what_mace_infers_is_left_out_where_it_took_a_camp_for_the_truth(monkeypatch):
    made = annotations()
    assert audit(made, permutations=10).items["inferred"].notna().all()
    monkeypatch.setitem(audit.__globals__, "contradicted", lambda table: True)
    done = audit(made, permutations=10)
    assert done.items[["inferred", "probability", "posterior_entropy"]].isna().all(axis=None)
    assert "what it infers of items is left out" in " ".join(done.notes)


@pytest.mark.parametrize(
    ("found", "called", "auroc", "said"),
    [
        (0.5, 0.01, (0.9, 0.8), None),
        (0.02, 0.01, (0.9, 0.8), "only 2.0% are called slips: .* still ranks them .AUROC 0.900."),
        (0.5, 0.6, (0.9, 0.8), "50.0% are called slips, of the others 60.0%: what is called a slip need not be one"),
        (0.0, 0.0, (0.9, 0.8), "0.0% are called slips, of the others 0.0%"),
        (0.5, 0.01, (0.55, 0.49), "do not look more like slips than others do .AUROC 0.550, 0.490 to 0.610"),
        (np.nan, np.nan, (np.nan, np.nan), "the probability of a slip tells nothing here"),
    ],
)
def test_what_planted_slips_say_against_the_detector_is_noted(found, called, auroc, said):
    value, low = auroc
    row = {"planted_found": found, "untouched_called": called, "planted_auroc": value, "auroc_low": low}
    note = _warning(pd.Series(row | {"auroc_high": 2 * value - low}))
    assert note is None if said is None else re.search(said, note)


def test_what_is_left_out_of_slips_is_noted():
    made = annotations(count=60)
    answers = predicted(made)
    new = made.annotator_index < 4
    pairs = answers.pairs.assign(training_labels=np.where(new, 0, 5))
    notes = " ".join(audit(made, replace(answers, pairs=pairs), permutations=10).notes)
    assert f"{new.sum()} of {len(made)} held-out annotations are of people the model never saw" in notes


def test_self_influence_is_averaged_over_runs_and_stands_beside_the_loss():
    made = annotations(count=60)
    key = made.annotations[["item_id", "annotator_id", "label"]]
    one, two = (key.assign(loss=loss, self_influence=loss / 8, influence=0.0) for loss in (1.0, 3.0))
    done = audit(made, predicted(made), permutations=10, scored=[one, two[:100]])
    found = done.influence.merge(key.reset_index(), on=list(key)).set_index("index").sort_index()
    assert found["runs"].tolist() == [2] * 100 + [1] * 260
    assert found["self_influence"].tolist() == [0.25] * 100 + [0.125] * 260
    assert done.influence["self_influence"].is_monotonic_decreasing
    beside = done.told.annotations.merge(found, on=list(key), suffixes=("", " mean"))
    assert (beside["self_influence"] == beside["self_influence mean"]).all()
    assert len(beside) == len(made)
    assert "influence" in done.tables()


def test_methods_that_tell_nobody_apart_still_predict_disagreement():
    made = annotations(count=60)
    answers = predicted(made)
    blind = replace(answers, everyone=answers.everyone.mean(1, keepdims=True))
    done = audit(made, blind, permutations=10)
    assert done.told is None
    shares = answers.everyone.mean(1, dtype=float)
    np.testing.assert_allclose(done.items.sort_values("item")["predicted"], 1 - (shares**2).sum(1), rtol=1e-5)


def test_where_everybody_labelled_everything_nothing_is_suggested():
    done = audit(annotations(count=20, team=6, raters=6), permutations=10)
    assert to_ask(done.items).empty
    assert any(note.startswith("Nobody is left to ask") for note in done.notes)
    some = audit(annotations(count=20, team=6, raters=5), permutations=10)
    assert len(to_ask(some.items)) == 20
    assert not any(note.startswith("Nobody is left to ask") for note in some.notes)


def test_times_that_cannot_be_read_are_noted():
    made = annotations()
    done = audit(replace(made, annotations=made.annotations.assign(time="some day")), permutations=10)
    assert any("times are no dates" in note for note in done.notes)
