import pytest
from toys import paper

from perspectives.config import compose
from perspectives.errors import ConfigError
from perspectives.reproduction.spec import Column, Row
from perspectives.reproduction.trainings import _corpus, cells, overrides_of
from perspectives.training.fit import normalised, planned_run


@pytest.fixture
def places(tmp_path):
    return [f"paths.runs={tmp_path}", f"paths.cache={tmp_path / 'cache'}"]


def cell(found, row, column):
    return next(one for one in found if (one.row, one.column) == (row, column))


def test_a_cell_is_every_combination_of_what_is_swept(places):
    found = cells(paper().tables["scores"], places)
    assert len(found) == 6
    assert len(cell(found, "majority", "items").trainings) == 2
    assert len(cell(found, "heads", "items").trainings) == 2
    assert len(cell(found, "train mean", "items").trainings) == 1  # a prior has no seed
    assert cell(found, "heads", "people").empty == "heads know nobody new"


def test_a_run_is_the_one_that_train_makes_of_the_same_options(places):
    for one in cells(paper().tables["scores"], places):
        for training in one.trainings:
            config = normalised(compose(overrides=training.overrides))
            checksum, _ = _corpus_of(config)
            assert planned_run(config, checksum).folder == training.run.folder


def _corpus_of(config):
    import json

    from omegaconf import OmegaConf

    return _corpus(json.dumps(OmegaConf.to_container(config.data, resolve=True), sort_keys=True))


def test_later_options_win():
    table = paper().tables["scores"]
    found = overrides_of(table, Column("seed=5 split=items"), Row("seed=6 model=jury"), ["split=both"], smoke=False)
    assert found == ["debug=tiny", "data=synthetic", "seed=6", "split=both", "model=jury"]


def test_a_prior_keeps_corpus_and_split_only():
    table = paper(scores__options="data=hs_brexit encoder=ngrams optim.lr=1 seed=0,1 control=none").tables["scores"]
    found = overrides_of(table, Column("split=official"), Row(prior="train_mean"), [], smoke=False)
    assert found == ["data=hs_brexit", "split=official", "model=priors"]


def test_an_unknown_prior_is_refused():
    with pytest.raises(ConfigError, match=r"prior 'train_meen' is unknown; choose one of most_frequent, .*train_mean"):
        overrides_of(paper().tables["scores"], Column(), Row(prior="train_meen"), [], smoke=False)


def test_smoke_takes_the_first_of_everything_swept_and_little_of_it():
    table = paper(scores__options="encoder=bert_base encoder.tune=full seed=3,4").tables["scores"]
    found = overrides_of(table, Column("split.fold=2,3"), Row("model=jury"), [], smoke=True)
    assert {"encoder=tiny", "encoder.tune=full", "seed=3", "split.fold=2", "+data.limit=40"} <= set(found)
    named = overrides_of(table, Column("encoder.name=some/llm trainer.precision=bf16-mixed"), Row(), [], smoke=True)
    assert {"encoder=tiny", "encoder.tune=full", "trainer.precision=32-true"} <= set(named)
    assert "encoder.name=some/llm" not in named  # it would win over the tiny encoder
    kept = overrides_of(table, Column(), Row("encoder=ngrams"), [], smoke=True)
    assert "encoder=ngrams" in kept
    assert "encoder=tiny" not in kept


def test_an_option_that_is_not_there_is_named_with_its_cell(places):
    table = paper(scores__options="debug=tiny nonsense=1").tables["scores"]
    with pytest.raises(ConfigError, match=r"scores, .*, items: .*nonsense"):
        cells(table, places)
    with pytest.raises(ConfigError, match=r"the option '=\(' cannot be read"):
        cells(paper(scores__options="=(").tables["scores"], places)


def test_absent_data_empties_cells_and_says_what_to_do(places, tmp_path):
    table = paper(scores__options="data=hs_brexit").tables["scores"]
    found = cells(table, [*places, f"paths.data={tmp_path / 'nothing'}"])
    assert "put these files from" in cell(found, "majority", "items").empty
    (tmp_path / "own.csv").write_text("text,label\nTea,1\n")
    table = paper(scores__options=f"data=table data.reader.path={tmp_path / 'own.csv'}").tables["scores"]
    assert "own.csv" in cell(cells(table, places), "majority", "items").empty
