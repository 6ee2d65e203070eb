"""`perspectives jury` through the command line: where it writes, what it refuses, and that it loads no model."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from invented import predictions, written

from perspectives.cli import main


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """Two labels, 20 items, 30 people."""
    return written(tmp_path_factory.mktemp("runs"), predictions(raters=9))


def refused(capsys, *options: str, code: int = 2) -> str:
    assert main(["jury", *options]) == code
    return capsys.readouterr().err


# Where it is written. ----------------------------------------------------------------------------------------------


def test_several_runs_of_the_command_are_named_by_what_was_asked(run, capsys):
    command = ["jury", "-m", f"run={run}", "composition=population,balanced", "attribute=gender", "votes=sampled,hard"]
    assert main([*command, "size=4"]) == 0
    folders = {line for line in capsys.readouterr().out.splitlines() if line.startswith(str(run.parent))}
    assert len(folders) == 4
    assert {Path(folder).parent for folder in folders} == {run.parent / "juries"}
    asked = [json.loads((Path(folder) / "jury.json").read_text())["asked"] for folder in folders]
    assert {(one["composition"], one["votes"]) for one in asked} == {
        (seats, votes)
        for seats in ("{size} population", "{size} balanced {attribute}")
        for votes in ("sampled", "hard")
    }
    some = ["jury", "-m", f"run={run}", "size=4", "event=label=rude,label=calm", "rule=majority,supermajority 2/3"]
    assert main(some) == 0
    assert len(list((run.parent / "juries").iterdir())) == 4 + 4
    assert main(some) == 0
    assert len(list((run.parent / "juries").iterdir())) == 4 + 4


def test_folders_that_hold_something_else_are_not_replaced(run, tmp_path, capsys):
    kept = tmp_path / "kept"
    kept.mkdir()
    assert main(["jury", f"run={run}", f"output={kept}"]) == 0  # it was empty
    assert main(["jury", f"run={run}", f"output={kept}"]) == 0  # the same question
    assert "holds the answer to another question; choose a new folder" in refused(
        capsys, f"run={run}", f"output={kept}", "size=3"
    )
    other = tmp_path / "notes"
    other.mkdir()
    (other / "notes.txt").write_text("mine")
    for place in (other, other / "notes.txt"):
        assert "exists and holds something else; choose a new folder" in refused(
            capsys, f"run={run}", f"output={place}"
        )
    assert (other / "notes.txt").read_text() == "mine"


def test_one_output_for_several_runs_is_refused_after_the_first(run, tmp_path, capsys):
    command = ["jury", "-m", f"run={run}", f"output={tmp_path / 'out'}", "size=3,5"]
    assert main(command) == 2
    assert "holds the answer to another question" in capsys.readouterr().err
    assert set(pd.read_parquet(tmp_path / "out" / "juries.parquet")["size"]) == {3}


def test_without_matplotlib_the_tables_are_written_all_the_same(run, tmp_path, monkeypatch, capsys):
    for module in ("perspectives.verbs.jury", "perspectives.reports.juries"):
        monkeypatch.setattr(f"{module}.find_spec", lambda name: None)
    assert main(["jury", f"run={run}", f"output={tmp_path / 'out'}", "sweep=gender", "size=3", "shuffles=2"]) == 0
    assert "No figure: matplotlib is not installed; pip install 'perspectives[figures]'" in capsys.readouterr().out
    assert (tmp_path / "out" / "sweep.parquet").exists()
    assert not list((tmp_path / "out").glob("*.svg"))


# What is refused. --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("event=label>=3", "'3' is not a level; labels are one of calm, rude"),
        ("event=rude", "event 'rude' is not understood; write it like label=rude"),
        ("rule=most", "rule 'most' is unknown; choose majority"),
        ("rule=at_least 13", "rule at_least 13: the jury has only 12 jurors"),
        ("tie=coin", "tie=coin is unknown; choose one of hung, positive, negative, half"),
        ("votes=loud", "votes=loud is unknown; choose one of sampled, hard"),
        ("size=0", "size=0 is not a size; give a whole number from 1, or a list of them"),
        ("size=[3,2.5]", "size=2.5 is not a size"),
        ("size=true", "size=True is not a size"),
        ("size=[]", "size=[] is not a size"),
        ("trials=0", "trials=0 is not accepted; give a whole number from 1"),
        ("shuffles=-1", "shuffles=-1 is not accepted; give a whole number from 0"),
        ("seed=x", "seed=x is not accepted; give a whole number from 0"),
        ("min_training_labels=99", "min_training_labels=99: nobody has so many training labels; give 3 or less"),
        ("composition=balanced", "composition=balanced needs an attribute; add attribute=…"),
        ("composition=balance", "seats 'balance' are not understood; write a number and a pool, like 6 gender=Woman"),
        ("composition=[2 gender=Man,2 gender=Woman]", "composition is a list of 2; give one at a time"),
        ("composition=40 population", "pool population has 30 people but 40 seats"),
        ("composition=1 gender=Other", "pool gender=Other has 3 people, too few to stand for a group"),
        ("sweep=[gender,age]", "sweep is a list of 2; give one at a time"),
        ("sweep=age", "age is a number (19 to 71); give ranges, such as age<30, age>=30"),
        ("sweep=town", "pool 'town' is not understood"),
        ("eligible=town", "items have no attribute 'town'; choose from language"),
        ("competence=charm", "competence=charm is unknown; choose agreement or mace, or null"),
        ("competence=agreement", "weights people where they may sit several times; add replacement=true"),
        ("people=true", "no item has enough raters for 12 population: at most 9 raters"),
        ("shuffle=3", "there is no option shuffle; did you mean shuffles?"),
    ],
)
def test_what_cannot_be_asked_is_refused(run, tmp_path, option, said, capsys):
    assert said in refused(capsys, f"run={run}", f"output={tmp_path / 'out'}", option)
    assert not (tmp_path / "out").exists()


def test_runs_that_cannot_be_asked_are_refused(run, tmp_path, capsys):
    assert "run is missing; give run=…, a folder of a trained run" in refused(capsys)
    assert "nowhere holds no run" in refused(capsys, f"run={tmp_path / 'nowhere'}", code=1)
    pairs = written(tmp_path, replace(predictions(), everyone=None))
    assert "train again with predictions.everyone=true" in refused(capsys, f"run={pairs}", code=1)
    written(tmp_path, predictions(), name="multitask")
    assert "one trained method is read at a time, and these are 2" in refused(capsys, f"run={tmp_path}", code=1)
    other = written(tmp_path, predictions(items=7), name="majority")
    assert "majority=… judges other items or labels; give a run of the same corpus" in refused(
        capsys, f"run={run}", f"majority={other}", "size=3", f"output={tmp_path / 'out'}"
    )


def test_help_shows_every_option(capsys):
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["jury", "--help"])
    printed = capsys.readouterr().out
    assert [
        name for name in ("sweep", "eligible", "trials", "people", "majority") if f"\n{name}: " not in printed
    ] == []


# Without a model. --------------------------------------------------------------------------------------------------

HEAVY = ("torch", "lightning", "transformers")


def loaded_after(code: str) -> set[str]:
    """Which heavy packages a fresh interpreter has loaded after running `code`."""
    report = f"{code}\nimport sys; print(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_no_model_is_loaded(run, tmp_path):
    words = ["jury", f"run={run}", f"output={tmp_path / 'out'}", "sweep=gender", "size=3", "shuffles=2", "people=true"]
    assert loaded_after(f"from perspectives.cli import main; assert main({words}) == 0") == set()
    assert (tmp_path / "out" / "people.parquet").exists()


def test_the_test_above_can_fail():
    assert loaded_after("import torch") == {"torch"}
