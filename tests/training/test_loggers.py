"""Trackers: nothing but `history.csv` unless asked for, and W&B offline inside the run folder."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
from running import TINY, places, train

from perspectives.cli import main
from perspectives.config import compose
from perspectives.data.scale import Scale
from perspectives.errors import ConfigError
from perspectives.predictions import Predictions
from perspectives.runs.run import Run
from perspectives.training.loggers import by_annotator, tracking


def predictions(scale, values, labels, annotators):
    pairs = pd.DataFrame({"item_id": [f"i{n}" for n in range(len(labels))], "annotator_id": annotators})
    pairs["label"], pairs["training_labels"] = labels, 7
    items, people = pairs[["item_id"]], pd.DataFrame({"annotator_id": ["zoe", "ann", "bob"]})
    return Predictions(scale, pairs, np.asarray(values, np.float32), items, people)


def test_csv_has_no_logger_and_does_not_import_wandb(tmp_path):
    with tracking(compose("train", TINY), Run(tmp_path)) as logger:
        assert logger is None
    train(tmp_path, *TINY)
    assert not list(tmp_path.rglob("*wandb*"))


def test_an_unknown_tracker_is_refused(tmp_path):
    config = compose("train", TINY)
    config.logger.name = "paper"
    with (
        pytest.raises(ConfigError, match="logger='paper' is unknown; choose one of csv, wandb"),
        tracking(config, None),
    ):
        pass


def test_wandb_that_is_not_installed_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with (
        pytest.raises(ConfigError, match=r"needs wandb; pip install 'perspectives\[wandb\]', or use logger=csv"),
        tracking(compose("train", [*TINY, "logger=wandb"]), Run(tmp_path)),
    ):
        pass


def test_scores_by_annotator_hide_ids_and_small_support():
    people = ["zoe"] * 12 + ["ann"] * 9 + ["bob"] * 10
    labels = ["yes"] * 12 + ["no"] * 9 + ["no"] * 10
    values = [[0.1, 0.9]] * 9 + [[0.9, 0.1]] * 3 + [[0.5, 0.5]] * 9 + [[0.8, 0.2]] * 10
    table = by_annotator(predictions(Scale("nominal", ("no", "yes")), values, labels, people))
    assert table["annotator"].tolist() == [0, 2]  # rows of the annotators table; ann has 9 pairs
    assert table["pairs"].tolist() == [12, 10]
    assert table["training_labels"].tolist() == [7, 7]
    assert table["accuracy"].tolist() == pytest.approx([0.75, 1.0])
    ratings = by_annotator(predictions(Scale("interval", low=0, high=10), [[4.0]] * 10, [1.0] * 10, ["bob"] * 10))
    assert ratings["mae"].tolist() == [3.0]


def test_wandb_offline_keeps_everything_in_the_run(tmp_path, capfd, monkeypatch):
    wandb = pytest.importorskip("wandb")
    for name in ("WANDB_MODE", "WANDB_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "elsewhere"))
    logged, artifacts = [], []
    real_log, real_artifact = wandb.Run.log, wandb.Run.log_artifact
    monkeypatch.setattr(
        wandb.Run, "log", lambda run, data, *a, **k: (logged.append(data), real_log(run, data, *a, **k))
    )
    monkeypatch.setattr(
        wandb.Run, "log_artifact", lambda run, art, *a, **k: (artifacts.append(art), real_artifact(run, art, *a, **k))
    )
    # the second job of the sweep must not write into the first one's
    assert main(["train", "-m", *TINY, "data.reader.annotators=10", "logger=wandb", "seed=0,1", *places(tmp_path)]) == 0
    out, err = capfd.readouterr()
    assert "wandb:" not in out + err
    assert [line.split(":")[1].strip() for line in err.splitlines()] == ["job 0", "job 1"]
    artifacts = [artifact for artifact in artifacts if artifact.type == "predictions"]  # W&B wraps tables in some too
    runs = sorted((tmp_path / "runs" / "synthetic").iterdir())
    assert len(runs) == len(artifacts) == 2
    assert wandb.run is None
    for run, artifact in zip(runs, artifacts, strict=True):
        (offline,) = (run / "wandb").glob("offline-run-*")
        assert list(offline.glob("run-*.wandb"))
        (table,) = offline.rglob("*.table.json")
        content = json.loads(table.read_text())
        assert content["columns"][:3] == ["annotator", "pairs", "training_labels"]
        assert len(content["data"]) > 0
        stored = {entry.path for entry in artifact.manifest.entries.values()}
        assert {f"multitask/{part}/observed.parquet" for part in ("validation", "test")} <= stored
        staged = [path for path in (run / "wandb" / "artifacts").rglob("*") if path.is_file()]
        assert len(staged) >= len(stored)
    losses = [row["validation/loss"] for row in logged if "validation/loss" in row and "train/loss" in row]
    history = pd.concat([pd.read_csv(run / "history.csv") for run in runs])
    assert losses == pytest.approx(history["validation_loss"].tolist())
    assert sum("test/individual/macro_f1" in row for row in logged) == 2


def test_a_failed_run_closes_its_tracker(tmp_path, capfd):
    wandb = pytest.importorskip("wandb")
    assert main(["train", *TINY, "logger=wandb", "optim.lr=1e6", *places(tmp_path)]) != 0
    assert wandb.run is None
    assert capfd.readouterr().err.startswith("perspectives train: training diverged")
