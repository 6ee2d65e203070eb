import pytest
import yaml
from toys import SPEC, paper

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
    assert "tables.scores.colour is unknown; there are title, columns" in said
    assert "tables.scores.title is missing" in said
    assert "row 'tails' is none of train mean, majority, heads" in said
    assert "column 'planets' is none of items, people" in said
    assert "baseline 'nobody' is none of the rows" in said
    assert "tables.scores.rows.heads.model is unknown; there are options, prior, given" in said


@pytest.mark.parametrize("rows", [None, [], "model=jury"])
def test_rows_and_columns_must_be_there(rows):
    content = yaml.safe_load(SPEC)
    content["tables"]["scores"] |= {"rows": rows, "published": [], "left_out": [], "baseline": None}
    with pytest.raises(ConfigError, match=r"tables\.scores\.rows names none; write NAME: options"):
        paper_of("toy", content, "toy.yaml")


def test_an_unknown_paper_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"no table specification of 'nobody1900'; choose one of .*lewidi2023"):
        read_paper("nobody1900")


@pytest.mark.parametrize("name", papers())
def test_every_specification_can_be_read(name):
    assert read_paper(name).tables
