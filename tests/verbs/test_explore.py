"""`perspectives explore`: what it writes, and that wrong words and runs are refused before anything is written."""

import json
import re
import shutil
from dataclasses import fields

import pytest
import yaml
from trained import trained

from perspectives import cli
from perspectives.verbs.explore import Options

pytestmark = pytest.mark.filterwarnings("ignore:encoder 'tiny' needs")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    options = ["model=multitask_shared", "data.reader.annotators=40", "predictions.everyone=true"]
    return trained(tmp_path_factory.mktemp("explored"), *options)


def explore(*options: str) -> int:
    return cli.main(["explore", *options])


def header(path) -> dict:
    found = re.search(r'id="content">(.*?)</script>', path.read_text(encoding="utf-8"))
    return json.loads(found[1])


def test_a_page_is_written_beside_the_runs(run, capsys):
    assert explore(f"run={run.folder}") == 0
    path = run.folder.parent / "explorer.html"
    said = capsys.readouterr().out
    assert said.startswith(f"{path}\n  ")
    assert "× 40 people × 2 levels" in said
    page = header(path)
    assert page["about"] | {"encoder": ""} == {
        "data": "synthetic", "method": "multitask_shared", "split": page["about"]["split"], "seeds": 1, "folds": 1,
        "encoder": "",
    }  # fmt: skip
    assert len(page["items"]) == len(run.predictions()["multitask_shared"].items)
    assert page["arrays"]["near"]["shape"][0] == len(page["items"])
    annotators = run.predictions()["multitask_shared"].annotators["annotator_id"]
    text = path.read_text(encoding="utf-8")
    assert not [name for name in annotators if f'"{name}"' in text]


def test_options_choose_items_people_and_whether_a_model_is_loaded(run, tmp_path, monkeypatch):
    monkeypatch.setattr("perspectives.training.rebuilding.load_model", None)  # calling it would fail
    output = tmp_path / "page.html"
    assert explore(f"run={run.folder}", f"output={output}", "items=3", "nearby=false", "pool=gender=Woman") == 0
    page = header(output)
    assert len(page["items"]) == 3
    assert "near" not in page["arrays"]
    assert page["arrays"]["answers"]["shape"][1] < 40
    assert page["eligible"] == "gender=Woman"


def test_without_its_encoder_the_page_goes_without_nearby_texts(run, tmp_path, capsys):
    moved = tmp_path / "moved" / run.folder.name
    moved.parent.mkdir()
    shutil.copytree(run.folder, moved)
    config = yaml.safe_load((moved / "config.yaml").read_text())
    config["encoder"]["name"] = str(tmp_path / "gone")
    (moved / "config.yaml").write_text(yaml.safe_dump(config))
    with pytest.warns(UserWarning, match=r"^the page has no nearby texts: "):
        assert explore(f"run={moved}") == 0
    assert "near" not in header(moved.parent / "explorer.html")["arrays"]


def test_predictions_of_pairs_alone_are_refused(tmp_path, capsys):
    run = trained(tmp_path, "model=multitask_shared")
    assert explore(f"run={run.folder}") == 1
    assert "train again with predictions.everyone=true" in capsys.readouterr().err
    assert not (run.folder.parent / "explorer.html").exists()


def test_methods_that_tell_nobody_apart_are_refused(tmp_path, capsys):
    run = trained(tmp_path, "model=softlabel", "predictions.everyone=true")
    assert explore(f"run={run.folder}") == 1
    assert "method softlabel gives everyone the same answer, so juries cannot differ" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "run is missing; give run=…"),
        (["run=x", "item=3"], "'item' is not an option; did you mean items=?"),
        (["run=x", "items=many"], "items=many is not accepted; give a whole number from 1"),
        (["run=x", "port=70000"], "port=70000 is not accepted; give a whole number from 1 to 65535"),
        (["run=x", "serve=yes"], "serve=yes is not accepted; give true or false"),
        (["run=x", "output=page.pdf"], "output=page.pdf is not an .html file; name one, or leave output out"),
        (["run=nothing-here"], "nothing-here"),
    ],
)
def test_wrong_words_are_refused(words, said, capsys):
    assert explore(*words) == (1 if words == ["run=nothing-here"] else 2)
    assert said in capsys.readouterr().err


def test_help_describes_every_option(capsys):
    with pytest.raises(SystemExit, match=r"^0$"):
        explore("--help")
    said = capsys.readouterr().out
    assert [field.name for field in fields(Options) if f"\n  {field.name}=" not in said] == []
