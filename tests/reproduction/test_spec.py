import pytest
import yaml
from toys import SPEC, paper

from perspectives.citations.bibliography import entries
from perspectives.errors import ConfigError
from perspectives.reproduction.spec import paper_of, papers, read_paper


def test_a_plain_text_is_the_options_of_a_row_or_column():
    scores = paper().tables["scores"]
    assert scores.rows["heads"].options == "model=multitask seed=0,1"
    assert scores.columns["people"].options == "split=annotators"
    assert scores.rows["train mean"].prior == "train_mean"


def test_everything_wrong_is_said_at_once():
    content = yaml.safe_load(SPEC)
    scores = content["tables"]["scores"]
    scores["colour"] = "red"
    del scores["title"]
    scores["published"][0]["row"] = "tails"
    scores["left_out"][0]["column"] = "planets"
    scores["baseline"] = "nobody"
    scores["rows"]["heads"] = {"model": "multitask"}
    with pytest.raises(ConfigError) as caught:
        paper_of("toy", content, "toy.yaml")
    said = str(caught.value)
    assert "toy.yaml has 6 problem(s)" in said
    assert "tables.scores.colour is unknown; choose from title, columns" in said
    assert "tables.scores.title is missing" in said
    assert "row 'tails' is unknown; choose from train mean, majority, heads" in said
    assert "column 'planets' is unknown; choose from items, people" in said
    assert "baseline 'nobody' is not a row; choose from" in said
    assert "tables.scores.rows.heads.model is unknown; choose from options, prior, given" in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"options": ["data=armis"]}, "tables.scores.options is ['data=armis']; expected a text"),
        ({"tolerance": "wide"}, "tables.scores.tolerance is 'wide'; expected a number or null"),
        ({"tolerance": True}, "tables.scores.tolerance is True; expected a number or null"),
        ({"metrics": ["individual/mae"]}, "tables.scores.metrics is ['individual/mae']; expected NAME: value"),
        ({"metrics": {"MAE": 3}}, "tables.scores.metrics is {'MAE': 3}; expected NAME: value"),
        ({"differs": "much"}, "tables.scores.differs is 'much'; expected a list"),
        ({"baseline": ["heads"]}, "tables.scores.baseline is ['heads']; expected a text or null"),
        ({"published": {"row": "heads"}}, "tables.scores.published is {'row': 'heads'}; expected a list"),
        ({"rows": {"heads": None}}, "tables.scores.rows.heads is None; expected a mapping with options, prior, given"),
        ({"rows": {"heads": {"prior": "train_mean", "options": "seed=1"}}}, "heads has options and a prior, which tak"),
    ],
)
def test_values_of_another_kind_are_refused(change, said):
    content = yaml.safe_load(SPEC)
    content["tables"]["scores"] |= change
    with pytest.raises(ConfigError) as caught:
        paper_of("toy", content, "toy.yaml")
    assert said in str(caught.value)


def test_a_value_published_twice_is_refused():
    content = yaml.safe_load(SPEC)
    content["tables"]["scores"]["published"] *= 2
    with pytest.raises(ConfigError, match=r"tables\.scores\.published: heads, items, macro-F1 occurs twice"):
        paper_of("toy", content, "toy.yaml")
    content["tables"]["scores"]["published"] = [{"row": "heads", "column": "items", "metric": "macro-F1", "value": "?"}]
    with pytest.raises(ConfigError) as caught:
        paper_of("toy", content, "toy.yaml")
    assert "tables.scores.published[0].value is '?'; expected a number" in str(caught.value)
    assert "tables.scores.published[0].source is missing" in str(caught.value)


@pytest.mark.parametrize("content", [None, ["title"], "a text", {"title": "A toy", "paper": "", "tables": ["scores"]}])
def test_a_file_of_another_form_is_refused(content):
    with pytest.raises(ConfigError, match=r"^toy\.yaml has . problem\(s\)\n  - (the file is|tables is empty)"):
        paper_of("toy", content, "toy.yaml")


def test_a_row_named_twice_is_refused(tmp_path, monkeypatch):
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "table.yaml").write_text(SPEC.replace("      majority:", "      heads:"), encoding="utf-8")
    monkeypatch.setattr("perspectives.reproduction.spec.experiments_dir", lambda: tmp_path)
    with pytest.raises(ConfigError, match=r"(?s)table\.yaml is not readable YAML: 'heads' occurs twice.*line 12"):
        read_paper("toy")


@pytest.mark.parametrize("rows", [None, [], "model=jury"])
def test_rows_and_columns_must_be_there(rows):
    content = yaml.safe_load(SPEC)
    content["tables"]["scores"] |= {"rows": rows, "published": [], "left_out": [], "baseline": None}
    with pytest.raises(ConfigError, match=r"tables\.scores\.rows is empty; write one or more entries NAME: options"):
        paper_of("toy", content, "toy.yaml")


def test_an_unknown_paper_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"paper 'nobody1900' has no table specification; choose one of .*lewidi2023"):
        read_paper("nobody1900")


@pytest.mark.parametrize("name", papers())
def test_every_specification_can_be_read(name):
    assert read_paper(name).tables


@pytest.mark.parametrize("name", papers())
def test_every_paper_cites_entries_that_are_there(name):
    cited = read_paper(name).cite
    assert cited
    assert set(cited) <= set(entries())
