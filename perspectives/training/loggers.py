"""Experiment trackers. The default, `history.csv` in the run folder, uses no network; W&B is offline by default."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd
from omegaconf import DictConfig, OmegaConf

from perspectives.errors import ConfigError
from perspectives.evaluation.scores import Evaluation
from perspectives.metrics.individual import accuracy, macro_f1, mae
from perspectives.predictions import Predictions
from perspectives.runs.run import Run

TRACKERS = ("csv", "wandb")
SUPPORT = 10  # observed pairs below which an annotator's own score is not shown


@contextmanager
def tracking(config: DictConfig, run: Run) -> Iterator[Any]:
    """A Lightning logger, or None for `csv`, whose file every run writes. It is closed at the end of the block, even
    after an error, so that the next run of a sweep does not write to it.

    Raises ConfigError for an unknown tracker and when wandb is not installed.
    """
    if config.logger.name not in TRACKERS:
        raise ConfigError(f"logger={config.logger.name!r} is unknown; choose one of {', '.join(TRACKERS)}")
    if config.logger.name == "csv":
        yield None
        return
    # wandb reads these from the environment only; artifacts are staged in the data folder.
    os.environ |= {"WANDB_SILENT": "true", "WANDB_DATA_DIR": str(run.folder / "wandb")}
    try:
        import wandb
    except ImportError as error:
        raise ConfigError("logger=wandb needs wandb; pip install 'perspectives[wandb]', or use logger=csv") from error
    from lightning.pytorch.loggers import WandbLogger

    options = config.logger
    experiment = wandb.init(
        project=options.project,
        entity=options.entity,
        name=run.folder.name,
        dir=run.folder,
        mode=options.mode,
        tags=list(options.tags),
        config=dict(OmegaConf.to_container(config, resolve=True)),  # type: ignore[arg-type]
        settings={"console": "off"},
    )
    experiment.define_metric("*", step_metric="trainer/global_step")
    exit_code = 1
    try:
        yield WandbLogger(experiment=experiment)
        exit_code = 0
    finally:
        experiment.finish(exit_code=exit_code)


def report(logger: Any, run: Run, test: Predictions) -> None:
    """Send the results of a run to W&B: test metrics, a table by annotator, and the predictions as an artifact.

    The artifact contains the corpus's texts and annotator ids: with `logger.mode=online` they leave the machine.
    """
    if logger is None:
        return
    import wandb

    estimates = Evaluation(test).estimates
    logger.log_metrics({f"test/{name}": float(estimate) for name, estimate in estimates.items()})
    logger.experiment.log({"test/annotators": wandb.Table(dataframe=by_annotator(test))})
    artifact = wandb.Artifact(f"predictions-{run.folder.name}", type="predictions")
    artifact.add_dir(str(run.folder / "predictions"))
    logger.experiment.log_artifact(artifact)


def by_annotator(predictions: Predictions) -> pd.DataFrame:
    """One row per annotator with at least 10 pairs: number (instead of the id), pairs, training labels, scores."""
    rows = []
    observed = predictions.observed
    predicted = predictions.ratings() if predictions.kind == "rating" else predictions.labels()
    for number, pairs in predictions.pairs.groupby(predictions.annotator_index):
        if len(pairs) < SUPPORT:
            continue
        chosen = pairs.index.to_numpy()
        row = {"annotator": number, "pairs": len(pairs), "training_labels": int(pairs["training_labels"].iloc[0])}
        rows.append(row | _scores(observed[chosen], predicted[chosen], predictions))
    return pd.DataFrame(rows)


def _scores(observed: Any, predicted: Any, predictions: Predictions) -> dict[str, float]:
    if predictions.kind == "rating":
        return {"mae": float(mae(observed, predicted))}
    if predictions.kind == "multiple":
        return {"exact_match": float((observed == predicted).all(1).mean())}
    size = predictions.scale.size
    return {
        "accuracy": float(accuracy(observed, predicted, size)),
        "macro_f1": float(macro_f1(observed, predicted, size)),
    }
