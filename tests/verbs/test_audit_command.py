"""`perspectives audit`: what it prints and writes, and that wrong words are refused before anything is written."""

import re

import numpy as np
import pandas as pd
import pytest
from trained import corpus, trained

from perspectives import cli
from perspectives.quality.influence.table import influence_of_run
from perspectives.quality.slips import KINDS

pytestmark = pytest.mark.filterwarnings("ignore:encoder 'tiny' needs")
PEOPLE = "data.reader.annotators=40"


def audit(*words: str) -> int:
    return cli.main(["audit", *words])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audited")
    return trained(folder, "model=multitask_shared", PEOPLE, "predictions.everyone=true", "dynamics=true")


def test_any_corpus_is_audited_below_the_runs_folder(tmp_path, capsys):
    assert audit("data=synthetic", "data.reader.items=90", f"paths.runs={tmp_path}") == 0
    said = capsys.readouterr().out
    folder = tmp_path / "synthetic" / "audit"
    assert said.rstrip().endswith(f"{folder}: audit.html and tables")
    assert re.search(r"^ +90  items$", said, re.MULTILINE)
    assert "Suspected of spam: 20 labels or more" in " ".join(said.split())
    names = {path.name for path in folder.iterdir()}
    tables = ["people", "items", "agreement", "cohesion", "between", "coverage", "drift", "counts", "labels", "load"]
    assert names == {"audit.html", *(f"{name}.parquet" for name in tables)}
    people = pd.read_parquet(folder / "people.parquet")
    assert not [name for name in people["annotator_id"] if re.search(rf"\b{re.escape(name)}\b", said)]
    page = (folder / "audit.html").read_text(encoding="utf-8")
    assert not [name for name in people["annotator_id"] if f'"{name}"' in page]


def test_texts_stay_out_of_the_summary(tmp_path, capsys):
    words = corpus(tmp_path, "nominal")[1:]
    data = [word for word in words if word.startswith("data")]
    assert audit(*data, f"output={tmp_path / 'found'}") == 0
    said = capsys.readouterr().out
    assert not any(text in said for text in ("tea", "soup", "person 1", "i12"))
    assert "Fewer than 20 annotators: reported one by one" in said


def test_a_run_adds_slips_and_dynamics(run, capsys):
    assert audit(f"run={run.folder}", "data.reader.items=30", PEOPLE) == 1
    assert "was trained on other data than synthetic" in capsys.readouterr().err
    assert audit(f"run={run.folder}") == 0  # its own data: another number of items and people than data=synthetic has
    said = capsys.readouterr().out
    folder = run.folder.parent / "audit"
    judged = pd.read_parquet(folder / "annotations.parquet")
    assert len(judged) == len(run.predictions()["multitask_shared"])
    assert set(judged["kind"]) <= set(KINDS)
    assert judged["slip"].between(0, 1).all()
    assert f"called perspective, of {len(judged):,}" in said
    items = pd.read_parquet(folder / "items.parquet")
    assert re.search(rf"^ *{items['item'].iloc[0]} +{items['raters'].iloc[0]} ", said, re.MULTILINE)
    assert "What to annotate next, and whom to ask" in said
    assert "Agreement of everybody, by level, and within groups." in said
    dynamics = pd.read_parquet(folder / "dynamics.parquet")
    assert dynamics["confidence"].between(0, 1).all()
    assert len(dynamics) > len(judged)
    before = (folder / "people.parquet").read_bytes()
    assert audit(f"run={run.folder}") == 0  # again, over the old one
    assert (folder / "people.parquet").read_bytes() == before


def test_influence_is_told_beside_the_loss(run, tmp_path, capsys):
    folder = tmp_path / "found"
    assert audit(f"run={run.folder}", "influence=true", f"output={folder}") == 0
    said = capsys.readouterr().out
    scored = pd.read_parquet(folder / "influence.parquet")
    expected = influence_of_run(run).sort_values("self_influence", ascending=False, kind="stable")
    np.testing.assert_allclose(scored["self_influence"], expected["self_influence"])
    np.testing.assert_allclose(scored["loss"], expected["loss"])
    assert scored["item_id"].iloc[0] == expected["item_id"].iloc[0]
    items, people = (pd.read_parquet(folder / f"{name}.parquet") for name in ("items", "people"))
    item = items.set_index("item_id").loc[scored["item_id"].iloc[0], "item"]
    person = people.set_index("annotator_id").loc[scored["annotator_id"].iloc[0], "person"]
    assert re.search(rf"^ *{item} +{person} .* {scored['self_influence'].iloc[0]:.2g}$", said, re.MULTILINE)
    assert "The training labels of highest self-influence." in said
    judged = pd.read_parquet(folder / "annotations.parquet")
    assert judged["self_influence"].isna().all()  # of one fold: what is judged was not trained on


def test_methods_that_tell_nobody_apart_are_audited_without_slips(tmp_path, capsys):
    run = trained(tmp_path, "model=softlabel", "predictions.everyone=true")
    assert audit(f"run={run.folder}") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Slips cannot be told from perspectives: method softlabel gives everybody the same answer" in said
    items = pd.read_parquet(run.folder.parent / "audit" / "items.parquet")
    assert items["predicted"].between(0, 1).any()  # which needs no annotators
    assert not (run.folder.parent / "audit" / "annotations.parquet").exists()


def test_people_never_seen_in_training_are_called_nothing(tmp_path, capsys):
    run = trained(tmp_path, "model=multitask_shared", "split=annotators", "predictions.everyone=true")
    assert audit(f"run={run.folder}") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Slips cannot be told from perspectives: the model never saw any of these people" in said
    assert "called slip" not in said
    assert not (run.folder.parent / "audit" / "annotations.parquet").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "nothing to audit; give data=…, run=… or both"),
        (["hatecheck"], "'hatecheck' is not an option; write option=value"),
        (["run="], "run has no value; write run=…"),
        (
            ["data=synthetic", "influence=true"],
            "influence=true asks what a run learned from each label; give run=…, too",
        ),
        (["run=x", "influence=maybe"], "influence=maybe is not accepted; give true or false"),
        (["data=synthetic", "output=a", "output=b"], "output is given twice; give it once"),
        (["data=nothing"], "nothing"),
    ],
)
def test_wrong_words_are_refused(words, said, capsys):
    assert audit(*words) == 2
    assert said in capsys.readouterr().err


def test_a_folder_without_runs_is_refused(capsys):
    assert audit("run=nothing-here") == 1
    assert "nothing-here" in capsys.readouterr().err


def test_folders_of_something_else_are_left_alone(tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("years of work")
    assert audit("data=synthetic", "data.reader.items=60", f"output={tmp_path}") == 2
    assert "holds something else than an audit; choose another folder" in capsys.readouterr().err
    assert (tmp_path / "thesis.txt").exists()
