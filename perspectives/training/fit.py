"""`fit(config) → Run`: the single entry point of training."""

import time
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from perspectives.config import check_config, instantiate, run_identity
from perspectives.data.annotations import AnnotationSet
from perspectives.data.load import load
from perspectives.data.splits import Split
from perspectives.evaluation.scores import summary
from perspectives.metrics.calibration import temperature
from perspectives.metrics.decision import macro_f1_offsets
from perspectives.models.ensemble import ENSEMBLE, Ensemble
from perspectives.models.knowledge import BLIND
from perspectives.models.pretrained import folder_digest
from perspectives.predictions import Predictions
from perspectives.runs.run import Run, log_trial, run_at
from perspectives.training.loggers import report, tracking

if TYPE_CHECKING:  # imports torch, which priors do not need
    from perspectives.training.training import Training

MODEL_FREE = "priors"
UNUSED_BY_PRIORS = (
    *("encoder", "optim", "trainer", "calibrate", "decision", "control", "adapt", "dynamics", "predictions", "seed"),
)

# Options of these nodes that `fit` adds or removes before it builds them.
BUILT_WITH = {
    "split": ("annotations",),
    "model": ("encoder", "schema", "optimization", "seed", "max_members"),
}

Answers = dict[str, dict[str, Predictions]]  # name → part → predictions


def fit(config: DictConfig) -> Run:
    """Train, predict and score as configured. A finished run is returned unchanged, an interrupted one is resumed.

    Raises DataError, ConfigError or RunError with a message for the user, KeyboardInterrupt when interrupted.
    """
    config = normalised(config)
    annotations = load(config.data)
    run = planned_run(config, annotations.checksum)
    if run.finished:
        return run
    check_config(config, BUILT_WITH)  # only now: it imports all targets, which a finished run does not need
    split: Split = instantiate(config.split, annotations=annotations)
    return _completed(run, config, annotations, split)


def normalised(config: DictConfig) -> DictConfig:
    """The configuration without options its method does not use, so that they do not distinguish runs."""
    if config.model.name == MODEL_FREE:
        return OmegaConf.masked_copy(config, [str(key) for key in config if key not in UNUSED_BY_PRIORS])
    if config.model.name in BLIND:
        config = config.copy()
        config.adapt = 0
        if config.model.get("target", "majority") == "majority":  # other targets are inferred with annotator ids
            config.control = "none"
    return config


def planned_run(config: DictConfig, checksum: str) -> Run:
    """The run in which `fit` stores the results of a normalised configuration on data with this checksum."""
    return run_at(config.paths.runs, identity(config), checksum)


def _completed(run: Run, config: DictConfig, annotations: AnnotationSet, split: Split) -> Run:
    with run.locked():
        if not run.finished:  # another process may have finished it in the meantime
            _fit(config, annotations, split, run)
    return run


def _fit(config: DictConfig, annotations: AnnotationSet, split: Split, run: Run) -> None:
    """Fill the run folder.

    `config.yaml` is written after all checks, so a rejected configuration leaves no run.
    """
    record = OmegaConf.to_container(config, resolve=True), annotations.checksum, (*annotations.notes, *split.notes)
    about = {"data": config.data.name, "split": split.name}
    about |= {"fold": config.split.get("fold"), "group_by": config.split.get("group_by")}
    begun = time.perf_counter()

    def duration() -> dict[str, Any]:
        return {"seconds": time.perf_counter() - begun, "items": len(annotations.items)}

    if config.model.name == MODEL_FREE:
        answers = _priors(annotations, split)
        run.begin(*record)
        run.finish({"predictions": _scored(answers, about, run), "throughput": duration()})
        return

    training = _training(config, annotations, split, run)
    with tracking(config, run) as logger:
        run.begin(*record)
        training.fit(logger)
        validation = training.predict("validation")
        heat = _fitted_temperature(config, validation)
        test = training.predict("test", everyone=config.predictions.everyone)
        parts = {"validation": validation.calibrated(heat), "test": test.calibrated(heat)}
        parts = _decided(parts, config.decision)
        metrics = _scored({config.model.name: parts}, about, run)
        report(logger, run, parts["test"])
        throughput = duration() | training.throughput()
        run.finish({"predictions": metrics, "temperature": heat, "throughput": throughput})


def identity(config: DictConfig) -> dict[str, Any]:
    """What the result depends on besides the data: the configuration, and an encoder's weights in a local folder."""
    values = run_identity(config)
    digest = folder_digest(values["encoder"]["name"]) if "name" in values.get("encoder", {}) else None
    return values | ({"encoder_weights": digest} if digest else {})


def _training(config: DictConfig, annotations: AnnotationSet, split: Split, run: Run) -> "Training | Ensemble":
    """A `Training`, or an `Ensemble`, whose members are trained one after the other."""
    if config.model.name == ENSEMBLE:

        def train(member: DictConfig) -> Run:
            return _completed(planned_run(member, annotations.checksum), member, annotations, split)

        return Ensemble(config, annotations, split, run, train)
    from perspectives.training.training import Training

    return Training(config, annotations, split, run)


def _fitted_temperature(config: DictConfig, validation: Predictions) -> float:
    """The temperature fitted on validation if `calibrate` is set and there are probabilities; otherwise 1."""
    if not config.calibrate or validation.kind == "rating":
        return 1.0
    return temperature(validation.probabilities(), validation.observed)


def _decided(parts: dict[str, Predictions], rule: str) -> dict[str, Predictions]:
    """The predictions with labels decided by `rule`, `argmax` or `macro_f1`, which is fitted on validation only."""
    validation = parts["validation"]
    if rule == "argmax" or validation.kind != "categorical":
        return parts
    offsets = macro_f1_offsets(validation.probabilities(), validation.observed)
    return {part: predictions.decided(offsets) for part, predictions in parts.items()}


def _priors(annotations: AnnotationSet, split: Split) -> Answers:
    from perspectives.models.priors import priors

    parts = {part: priors(annotations, split, part) for part in ("validation", "test")}
    return {name: {part: answers[name] for part, answers in parts.items()} for name in parts["test"]}


def _scored(answers: Answers, about: dict[str, Any], run: Run) -> dict[str, Any]:
    """Write all predictions into the run, and log the trial. Returns the metrics by name and part."""
    for name, parts in answers.items():
        for part, predictions in parts.items():
            predictions.about.update(about | {"part": part})
            predictions.save(run.folder / "predictions" / name / part)
    metrics = {
        name: {part: summary(predictions) for part, predictions in parts.items()} for name, parts in answers.items()
    }
    log_trial(run, metrics)
    return metrics
