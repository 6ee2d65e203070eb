"""`perspectives jury` through the command line: what it prints, writes and refuses."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from invented import everything, predictions, written

from perspectives.cli import main
from perspectives.juries.composition_verdicts import composition_verdicts
from perspectives.juries.compositions import Composition
from perspectives.juries.events import Event
from perspectives.juries.real_juries import competence
from perspectives.juries.rules import Rule
from perspectives.juries.verdicts import Question


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """Two labels, 20 items, 30 people."""
    return written(tmp_path_factory.mktemp("runs"), predictions(raters=9))


@pytest.fixture
def jury(run, tmp_path, capsys):
    """Asks, and gives what was printed and the tables that were written."""

    def ask(*options: str, of: Path = run, output: str = "out") -> tuple[str, dict[str, pd.DataFrame]]:
        folder = tmp_path / output
        assert main(["jury", f"run={of}", f"output={folder}", "shuffles=5", *options]) == 0, capsys.readouterr().err
        printed = capsys.readouterr().out
        assert printed.endswith(f"\n\n{folder}\n")
        return printed, {path.stem: pd.read_parquet(path) for path in folder.glob("*.parquet")}

    return ask


def exact(composition: str, found=None, rule: str = "majority", **options) -> np.ndarray:
    found = predictions(raters=9) if found is None else found
    question = Question(Event.parse(None, found.scale), Rule.parse(rule), **options)
    return composition_verdicts(found, Composition.parse(composition), question, everything(found)).positive[:, 0]


def test_the_population_is_asked_unless_told(jury):
    printed, tables = jury()
    assert printed.startswith(
        "jury, 1 fold, 1 seed: 20 items, 30 of 30 people eligible; sampled votes, jurors drawn witho"
    )
    assert set(tables) == {"verdicts", "juries"}
    items = tables["verdicts"]
    assert items["item_id"].tolist() == [f"i{n}" for n in range(20)]
    assert items["positive"].to_numpy() == pytest.approx(exact("12 population"))
    assert items[["positive", "negative", "hung"]].sum(axis=1).to_numpy() == pytest.approx(np.ones(20))
    likeliest = np.select([items["positive"] > 0.5, items["negative"] > 0.5], ["positive", "negative"], "hung")
    assert items["verdict"].tolist() == items["population"].tolist() == likeliest.tolist()
    row = tables["juries"].iloc[0]
    assert (row["composition"], row["size"], row["flips"], row["items"]) == ("12 population", 12, 0, 20)
    assert row["positive"] == (items["verdict"] == "positive").mean()
    decided = items[items["humans"] != "hung"]
    assert row["flips_humans"] == pytest.approx((decided["verdict"] != decided["humans"]).mean())


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["composition=balanced", "attribute=gender", "size=8"], "8 balanced gender"),
        (["composition=proportional", "attribute=gender", "size=[8]"], "8 proportional gender"),
        (
            ["composition=3 gender=Woman & age<40, 2 gender=Man|unknown"],
            "3 gender=Woman & age<40, 2 gender=Man|unknown",
        ),
        (["composition=2 annotator=worker-003|worker-007, 1 population"], None),
        (["composition=3 gender=\"Man\"|'unknown', 1 population"], None),
    ],
)
def test_presets_and_seats_that_are_spelt_out(jury, options, text):
    text = text or options[0].removeprefix("composition=")
    _, tables = jury(*options)
    assert tables["verdicts"]["positive"].to_numpy() == pytest.approx(exact(text))
    assert set(tables["verdicts"]["composition"]) == {text}


def test_seats_that_are_spelt_out_stand_beside_a_population_of_their_own_size(jury):
    printed, tables = jury("composition=3 gender=Woman, 2 gender=Man", "size=[12,6]")
    rows = tables["juries"]
    assert rows["composition"].tolist() == ["5 population", "3 gender=Woman, 2 gender=Man"]
    assert rows["size"].tolist() == [5, 5]
    items = tables["verdicts"]
    population, mine = exact("5 population"), exact("3 gender=Woman, 2 gender=Man")
    assert rows["flips"][1] == pytest.approx(np.mean((population > 0.5) != (mine > 0.5)))
    assert (items["population"] == "positive").tolist() == (population > 0.5).tolist()
    assert "5 population" in printed


def test_every_combination_of_events_rules_and_sizes_is_asked(jury, tmp_path):
    of = written(tmp_path, predictions("ordinal"))
    rules = "rule=[majority,supermajority 2/3,median]"
    _, tables = jury("event=[label>=3,label=1|2]", rules.replace(",median", ""), "size=[3,4]", of=of)
    rows = tables["juries"]
    assert len(rows.drop_duplicates(["event", "rule", "size"])) == len(rows) == 8
    assert len(tables["verdicts"]) == 8 * 20
    found = rows.set_index(["event", "rule", "size"])["p_positive"]
    for size in (3, 4):  # label>=3 and label=1|2 are each other's opposite
        both = found["label>=3", "majority", size] + found["label=1|2", "majority", size]
        assert both == pytest.approx(1) if size == 3 else both < 1
    _, tables = jury("event=label>=3", rules, output="second", of=of)
    assert tables["juries"]["rule"].tolist() == ["majority", "supermajority 2/3", "median"]


def test_hung_juries_count_as_told_and_votes_may_be_hard(jury):
    found = predictions(raters=9)
    for tie in ("hung", "positive", "negative", "half"):
        _, tables = jury(f"tie={tie}", "votes=hard", "size=4", output=tie)
        wanted = exact("4 population", found, tie=tie, hard=True)
        assert tables["verdicts"]["positive"].to_numpy() == pytest.approx(wanted)


# Sweeps. -----------------------------------------------------------------------------------------------------------


def test_a_sweep_writes_its_items_compositions_summary_and_figure(jury, tmp_path):
    printed, tables = jury("sweep=gender", "size=4", "shuffles=19")
    assert set(tables) == {"verdicts", "juries", "sweep", "sweep_items", "sweep_summary"}
    compositions, items, (summary,) = tables["sweep"], tables["sweep_items"], tables["sweep_summary"].to_dict("records")
    assert compositions["composition"].tolist() == [
        "4 gender=Woman", "3 gender=Woman, 1 gender=Man", "2 gender=Woman, 2 gender=Man",
        "1 gender=Woman, 3 gender=Man", "4 gender=Man",
    ]  # fmt: skip
    assert (compositions["gender=Woman"] + compositions["gender=Man"]).tolist() == [4] * 5
    positive = np.stack([exact(text) for text in compositions["composition"]], 1)
    assert compositions["p_positive"].to_numpy() == pytest.approx(positive.mean(0))
    assert items["lowest"].to_numpy() == pytest.approx(positive.min(1))
    assert items["highest"].to_numpy() == pytest.approx(positive.max(1))
    assert summary["dependent"] == pytest.approx(items["depends"].mean())
    assert (summary["compositions"], summary["shuffles"], summary["items"]) == (5, 19, 20)
    assert 0 < summary["p"] <= 1
    assert summary["p"] * 20 == pytest.approx(round(summary["p"] * 20))
    moved = items[np.isfinite(items["moves"])]
    assert set(moved["flipped_by"]) <= set(compositions["composition"])
    assert (items.loc[~np.isfinite(items["moves"]), "flipped_by"] == "").all()
    assert set(items["pivotal"]) <= {"gender=Woman", "gender=Man", ""}
    assert (tmp_path / "out" / "sweep.svg").read_text().startswith("<?xml")
    assert "label=rude, majority of 4: juries from gender=Woman, gender=Man" in printed
    assert "3 Woman, 1 Man" in printed


def test_several_sweeps_have_a_figure_each_and_the_same_draws(jury, tmp_path):
    _, tables = jury("sweep=age<30, age>=30", "size=[3,4]")
    assert sorted(path.name for path in (tmp_path / "out").glob("*.svg")) == ["sweep-1.svg", "sweep-2.svg"]
    assert tables["sweep_summary"]["size"].tolist() == [3, 4]
    _, again = jury("sweep=age<30, age>=30", "size=[3,4]")
    for name, table in tables.items():
        pd.testing.assert_frame_equal(table, again[name])
    _, other = jury("sweep=age<30, age>=30", "size=[3,4]", "seed=1", output="other")
    assert other["sweep_summary"]["dependent"].tolist() == tables["sweep_summary"]["dependent"].tolist()
    assert other["sweep_summary"]["null"].tolist() != tables["sweep_summary"]["null"].tolist()


def test_few_people_are_swept_by_number_instead_of_name(jury, tmp_path):
    of = written(tmp_path, predictions(people=6))
    printed, tables = jury("sweep=annotator", "size=3", of=of)
    assert len(tables["sweep"]) == 20
    assert "p" not in tables["sweep_summary"]
    assert "Named people have no shuffled null" in printed
    assert "annotator 6" in printed


def test_without_draws_the_report_says_that_chance_is_unknown(jury):
    printed, _ = jury("sweep=gender", "size=3", "shuffles=0")
    assert "Without a shuffled null (shuffles=0) it is unknown how much of this is chance." in printed


def test_no_worker_id_leaves(jury, run, tmp_path):
    printed, tables = jury("sweep=gender", "size=3", "people=true", "eligible=language")
    files = [path for path in (tmp_path / "out").iterdir() if path.suffix != ".parquet"]
    assert {path.name for path in files} == {"jury.json", "sweep.svg"}
    assert "worker-" not in printed + "".join(path.read_text() for path in files)
    assert len(tables) == 6
    for table in tables.values():
        assert "worker-" not in table.to_csv()
        assert "tea" not in table.to_csv()  # nor a text


def test_the_question_is_written_beside_the_answer_without_places(jury, run, tmp_path):
    jury("sweep=gender", "size=3")
    written_down = json.loads((tmp_path / "out" / "jury.json").read_text())
    assert written_down["runs"] == [run.name]
    assert written_down["asked"]["composition"] == "{size} population"
    assert str(tmp_path) not in json.dumps(written_down)


# Other runs, other scales. -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["mean", "median_of_means"])
def test_juries_of_ratings_are_drawn(jury, tmp_path, rule):
    of = written(tmp_path, predictions("interval", items=5))
    printed, tables = jury("event=label>=0.5", f"rule={rule}", "trials=30", of=of)
    assert "Drawn at random: standard error of a probability at most" in printed
    assert tables["juries"]["standard_error"][0] <= 0.5 / np.sqrt(30)
    _, again = jury("event=label>=0.5", f"rule={rule}", "trials=30", of=of)
    pd.testing.assert_frame_equal(again["verdicts"], tables["verdicts"])


def test_sets_of_levels_are_asked_for_one_member(jury, tmp_path):
    found = predictions("multilabel")
    of = written(tmp_path, found)
    printed, tables = jury("event=label=b", "size=1", "sweep=gender", of=of)
    assert tables["verdicts"]["positive"].to_numpy() == pytest.approx(found.everyone[..., 1].mean(1), abs=1e-6)
    assert "label=b, majority of 1" in printed


def test_a_model_that_ignores_who_is_asked_never_flips(jury, tmp_path):
    of = written(tmp_path, predictions(blind=True))
    _, tables = jury("sweep=gender", "size=4", of=of)
    assert tables["sweep_summary"]["dependent"][0] == 0
    assert tables["sweep_summary"]["p"][0] == 1
    assert set(tables["sweep_items"]["pivotal"]) == {""}


def test_one_item_is_enough_for_an_answer(jury, tmp_path):
    of = written(tmp_path, predictions(items=1, raters=9))
    printed, tables = jury("sweep=gender", "size=3", "people=true", of=of)
    assert len(tables["verdicts"]) == 1
    assert "nan" not in printed


def test_seeds_are_averaged_and_their_spread_is_shown(jury, tmp_path):
    found = predictions()
    for seed, sharper in ((0, 1.5), (1, 0.6)):
        written(tmp_path / "seeds", found.calibrated(sharper), seed=seed)
    printed, tables = jury("composition=2 gender=Woman, 1 gender=Man", "sweep=gender", "size=3", of=tmp_path / "seeds")
    assert "2 gender=Woman, 1 gender=Man: flips against the population jury by seed" in printed
    assert "Standard deviation over 2 seeds" in printed
    assert tables["sweep_summary"]["seeds"][0] == 2
    mean = (found.calibrated(1.5).everyone + found.calibrated(0.6).everyone) / 2
    wanted = exact("2 gender=Woman, 1 gender=Man", replace(found, everyone=mean))
    assert tables["verdicts"]["positive"].to_numpy() == pytest.approx(wanted, abs=1e-6)


def test_people_judge_items_of_their_own_language(jury, run):
    printed, tables = jury("eligible=language", "size=3")
    assert "each for items of their own language (2 values)" in printed
    found = predictions(raters=9)
    labelled = found.pairs.merge(found.items, on="item_id").groupby("language")["annotator_id"].unique()
    for language, people in labelled.items():
        here, rows = found.annotators["annotator_id"].isin(people), found.items["language"] == language
        alone = replace(found, annotators=found.annotators[here], everyone=found.everyone[:, here])
        assert tables["verdicts"]["positive"][rows].to_numpy() == pytest.approx(exact("3 population", alone)[rows])


def test_item_ids_may_be_numbers(jury, tmp_path):
    found = predictions(items=4)
    names = {f"i{n}": 10 + n for n in range(4)}
    items = found.items.assign(item_id=found.items["item_id"].map(names))
    of = written(
        tmp_path, replace(found, items=items, pairs=found.pairs.assign(item_id=found.pairs["item_id"].map(names)))
    )
    _, tables = jury("size=3", "sweep=gender", "people=true", of=of)
    assert tables["verdicts"]["item_id"].tolist() == tables["sweep_items"]["item_id"].tolist() == [10, 11, 12, 13]


# People. -----------------------------------------------------------------------------------------------------------


def test_juries_of_real_raters_and_the_majority_model(jury, tmp_path):
    found = predictions(raters=9)
    always = written(tmp_path, replace(found, values=np.tile(np.float32([0, 1]), (len(found), 1))), name="majority")
    printed, tables = jury("size=[3,5]", f"majority={always}")
    rows = tables["people"]
    assert rows["size"].tolist() == [3, 5]
    assert rows["supported"].tolist() == [1, 1]
    votes = found.observed.reshape(20, 9).sum(1)
    assert rows["agreement_majority"][0] == pytest.approx((votes > 4.5).mean())  # it always says rude
    gain = rows["agreement"] - rows["agreement_majority"]
    assert rows["gain"].to_numpy() == pytest.approx(gain.to_numpy())
    assert "majority model" in printed


def test_competent_people_weigh_more_and_stand_beside_the_population(jury):
    found = predictions(raters=9)
    printed, tables = jury("competence=agreement", "replacement=true", "size=3")
    rows = tables["juries"]
    assert rows["composition"].tolist() == ["3 population", "3 population, weighted by competence"]
    weights = competence(found, Event.parse(None, found.scale))
    chance = np.average(found.everyone[..., 1], axis=1, weights=weights)
    wanted = chance**3 + 3 * chance**2 * (1 - chance)
    assert tables["verdicts"]["positive"].to_numpy() == pytest.approx(wanted, abs=1e-6)
    assert "3 population, weighted by competence" in printed
