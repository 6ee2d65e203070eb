"""Files for Codabench: their form, and that the task's scores come out of them again."""

import ast
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from invented_predictions import ITEMS, made
from scipy.stats import wasserstein_distance

from perspectives.data.scale import Scale
from perspectives.errors import RunError
from perspectives.evaluation.scores import Evaluation
from perspectives.predictions import Predictions
from perspectives.reports.submission import main, write_submission
from perspectives.runs.run import Run

READER = "perspectives.data.readers.lewidi2025.read"
KINDS = {"MP": "nominal", "CSC": "ordinal", "VariErrNLI": "multilabel"}
SCALES = {"MP": Scale("nominal", ("0", "1"))}


def answers(corpus: str, seed: int = 0) -> Predictions:
    """Predictions of six items and two of four people each, as a run on this corpus would hold them."""
    predictions = made(KINDS[corpus], seed, everyone=False)
    scale = SCALES.get(corpus, predictions.scale)
    renamed = dict(zip(predictions.scale.levels, scale.levels, strict=True))
    pairs = predictions.pairs.assign(item_id="test-" + predictions.pairs["item_id"])
    if scale.kind != "multilabel":
        pairs["label"] = pairs["label"].map(renamed)
    shares = np.random.default_rng(1).dirichlet(np.ones(scale.size), ITEMS)
    items = predictions.items.assign(
        item_id="test-" + predictions.items["item_id"], official_distribution=[tuple(row) for row in shares]
    )
    return replace(predictions, scale=scale, pairs=pairs, items=items)


def finished(folder: Path, corpus: str, seed: int = 0, reader: str = READER, **changed) -> Run:
    run = Run(folder / f"{corpus}-s{seed}")
    (changed.pop("predictions", None) or answers(corpus, seed)).save(run.folder / "predictions" / "embedding" / "test")
    config = {
        "model": {"name": "embedding"}, "seed": seed, "split": {"_target_": "perspectives.data.splits.official"},
        "data": {"name": corpus.lower(), "reader": {"_target_": reader, "corpus": corpus}},
    }  # fmt: skip
    (run.folder / "config.yaml").write_text(yaml.safe_dump(config | changed))
    (run.folder / "metrics.json").write_text("{}")
    return run


def lines(path: Path) -> dict[str, list]:
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    return {item: ast.literal_eval(row) for item, row in rows}


def test_the_scores_of_the_task_come_out_of_the_files_again(tmp_path):
    """Scored here with loops over the files alone, the way the organisers' notebook goes through its lists."""
    runs = [finished(tmp_path, corpus) for corpus in KINDS]
    write_submission(runs, tmp_path / "out")
    for corpus in KINDS:
        predictions = answers(corpus)
        soft, people = (lines(tmp_path / "out" / f"{corpus}_test_{name}.tsv") for name in ("soft", "pe"))
        assert list(soft) == list(people) == [f"i{n}" for n in range(ITEMS)]
        distances, errors = [], []
        for n, item in enumerate(soft):
            target = predictions.items["official_distribution"][n]
            said = predictions.observed[predictions.item_index == n]
            if corpus == "VariErrNLI":
                both = zip(soft[item], target, strict=True)
                distances.append(np.mean([abs(p[0] - (1 - t)) + abs(p[1] - t) for p, t in both]))
                errors.append(
                    np.mean([np.abs(np.array(row) - said[:, k]).mean() for k, row in enumerate(people[item])])
                )
            elif corpus == "CSC":
                levels = np.arange(len(soft[item]))
                distances.append(wasserstein_distance(levels, levels, soft[item], [0, *target]))
                errors.append(np.mean(np.abs(np.array(people[item]) - (said + 1))) / 5)
            else:
                distances.append(sum(abs(p - t) for p, t in zip(soft[item], target, strict=True)))
                errors.append(np.mean(np.array(people[item]) != said))
        scores = {name: float(e) for name, e in Evaluation(predictions).estimates.items() if "lewidi2025" in name}
        assert list(scores.values()) == [pytest.approx(np.mean(errors)), pytest.approx(np.mean(distances))]


def test_the_lists_have_the_form_of_the_competition(tmp_path):
    written = write_submission([finished(tmp_path, corpus) for corpus in KINDS], tmp_path / "out")
    assert [path.name for path in written[-3:]] == ["VariErrNLI_test_soft.tsv", "VariErrNLI_test_pe.tsv", "res.zip"]
    shapes = {"MP": ((2,), (2,)), "CSC": ((1 + 5,), (2,)), "VariErrNLI": ((3, 2), (3, 2))}
    for corpus, (of_soft, of_people) in shapes.items():
        soft, people = (lines(tmp_path / "out" / f"{corpus}_test_{name}.tsv") for name in ("soft", "pe"))
        for row in soft.values():
            assert np.shape(row) == of_soft
            assert np.allclose(np.sum(row, -1), 1, atol=1e-6)
            assert corpus != "CSC" or row[0] == 0
        for row in people.values():
            assert np.shape(row) == of_people
            assert np.array(row).dtype == np.int64
    with zipfile.ZipFile(tmp_path / "out" / "res.zip") as archive:
        assert archive.namelist() == [path.name for path in written[:-1]]
        assert archive.read("MP_test_pe.tsv") == (tmp_path / "out" / "MP_test_pe.tsv").read_bytes()


def test_seeds_are_averaged(tmp_path, capsys):
    for seed in (0, 1):
        finished(tmp_path / "runs", "MP", seed)
    assert main([str(tmp_path / "out"), str(tmp_path / "runs")]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(tmp_path / "out" / "res.zip")
    mean = (answers("MP", 0).probabilities() + answers("MP", 1).probabilities()) / 2
    soft = list(lines(tmp_path / "out" / "MP_test_soft.tsv").values())
    np.testing.assert_allclose(soft, mean.reshape(ITEMS, 2, 2).mean(1), atol=1e-6)


def test_runs_that_make_no_submission_are_refused_by_name(tmp_path, capsys):
    def refused(match, *runs):
        with pytest.raises(RunError, match=match):
            write_submission(runs, tmp_path / "out")
        assert not (tmp_path / "out").exists()

    other = finished(tmp_path / "a", "MP", reader="perspectives.data.readers.lewidi2023.read")
    refused(
        "a is a run on mp; a submission takes data=csc, multipico, paraphrase or varierrnli".replace(
            "a is", "MP-s0 is"
        ),
        other,
    )
    again = finished(tmp_path / "b", "MP", seed=1, optim={"lr": 0.1})
    refused("one model per corpus, and those of MP differ in more than the seed: MP-s0, MP-s1",
            finished(tmp_path / "c", "MP"), again)  # fmt: skip
    predictions = answers("MP")
    moved = replace(
        predictions,
        pairs=predictions.pairs.assign(item_id=predictions.pairs["item_id"].str.replace("test", "dev")),
        items=predictions.items.assign(item_id=predictions.items["item_id"].str.replace("test", "dev")),
    )
    elsewhere = finished(tmp_path / "d", "MP", predictions=moved)
    refused("tested on 6 items outside the published test part, such as dev-i0; train with split=official", elsewhere)
    two = finished(tmp_path / "e", "MP")
    predictions.save(two.folder / "predictions" / "second" / "test")
    refused("holds 2 sets of predictions; a submission takes runs of trained models", two)
    ratings = made("interval", everyone=False)
    numbers = finished(tmp_path / "f", "CSC", predictions=ratings)
    refused("predicts ratings, but soft labels are needed; train with data.ratings=false", numbers)
    assert main([str(tmp_path / "out"), str(two.folder)]) == 1
    assert "a submission takes runs of trained models" in capsys.readouterr().err
    assert json.loads((two.folder / "metrics.json").read_text()) == {}
