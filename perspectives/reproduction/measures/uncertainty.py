"""Whether a model's uncertainty predicts where people disagree (Davani et al. 2022, section 5).

Pearson correlation over test items between the variance of people's labels and a model's uncertainty. A row's `given`
names the uncertainty:

    heads_votes           variance of the most likely labels of all annotators' heads
    heads_probabilities   variance of their probabilities
    confidence            1 - the largest probability of an annotator-blind model
    mc_dropout            variance of its probability over 50 passes with dropout on (Gal & Ghahramani 2016)
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

from perspectives.data.batches import Batch
from perspectives.evaluation.comparison import best_of
from perspectives.metrics.disagreement import pearson
from perspectives.metrics.estimate import Estimate, combine
from perspectives.metrics.intervals import by_item
from perspectives.models.base import AnnotatorModel
from perspectives.reproduction.measured import Context, Measure, Measurement, Metrics
from perspectives.runs.groups import folds_by_seed, options_of
from perspectives.runs.run import Run
from perspectives.training.rebuilding import load_model

VERSION = 1  # raise it whenever the same runs would give other numbers
PASSES, BATCH = 50, 256


def disagreement(context: Context) -> Measure:
    """The `correlation` of each row, on binary labels. Folds are joined and seeds averaged; of other swept options,
    those that are best on validation are used."""

    def row(which: str, runs: Sequence[Run]) -> Metrics:
        return {"correlation": _correlation(runs, MEASURES[which])}

    return Measure(row, VERSION)


def _correlation(runs: Sequence[Run], measure: Callable[..., np.ndarray]) -> Measurement:
    best, settings = best_of(runs, runs[0].config["model"]["name"])
    by_seed = folds_by_seed([run for run in runs if str(options_of(run)) == str(best.options)])
    estimates = [_of_seed(folds, measure) for folds in by_seed.values()]
    items = len(estimates[0].influence)
    interval = by_item(combine(estimates), np.arange(items))
    spread = float(np.std([float(one) for one in estimates], ddof=1)) if len(estimates) > 1 else float("nan")
    return Measurement(
        interval.value, interval.low, interval.high, spread, len(estimates), best.folds, {"items": items}, settings
    )


def _of_seed(folds: Sequence[Run], measure: Callable[..., np.ndarray]) -> Estimate:
    found: dict[str, tuple[float, float]] = {}
    for run in folds:
        test = run.predictions("test")[run.config["model"]["name"]]
        share = np.bincount(test.item_index, test.observed, len(test.items)) / np.bincount(test.item_index)
        model, tokens = load_model(run, test.items[[name for name in ("text", "text_pair") if name in test.items]])
        uncertainty = measure(model, list(_texts(len(test.items), tokens)))
        found |= dict(zip(test.items["item_id"], zip(share * (1 - share), uncertainty, strict=True), strict=True))
    human, uncertain = np.array([found[item] for item in sorted(found)]).T
    return pearson(human, uncertain)


# Uncertainties of each test item, float64 [item]. ------------------------------------------------------------------


def heads_votes(model: AnnotatorModel, batches: Sequence[Batch]) -> np.ndarray:
    return (_positive(model, batches, everyone=True) > 0.5).var(1)


def heads_probabilities(model: AnnotatorModel, batches: Sequence[Batch]) -> np.ndarray:
    return _positive(model, batches, everyone=True).var(1)


def confidence(model: AnnotatorModel, batches: Sequence[Batch]) -> np.ndarray:
    positive = _positive(model, batches)[:, 0]
    return np.minimum(positive, 1 - positive)


def mc_dropout(model: AnnotatorModel, batches: Sequence[Batch]) -> np.ndarray:
    torch.manual_seed(0)
    model.train()
    encoder = getattr(model.encoder, "model", None)
    if encoder is not None:
        encoder.train()  # even a frozen encoder
    return np.stack([_positive(model, batches)[:, 0] for _ in range(PASSES)]).var(0)


MEASURES: dict[str, Callable[..., np.ndarray]] = {
    measure.__name__: measure for measure in (heads_votes, heads_probabilities, confidence, mc_dropout)
}


@torch.inference_mode()
def _positive(model: AnnotatorModel, batches: Sequence[Batch], everyone: bool = False) -> np.ndarray:
    """Probability of the positive level, [item, annotator]; annotator 1 for an annotator-blind model."""
    people = model.schema.training_annotators[: None if everyone else 1]
    answers = [model.everyone(model.encode(batch), people)[..., 1] for batch in batches]
    return torch.cat(answers).double().numpy()


def _texts(items: int, tokens: Any) -> Iterator[Batch]:
    for start in range(0, items, BATCH):
        rows = np.arange(start, min(start + BATCH, items))
        yield Batch.of_texts(torch.from_numpy(rows), tokens and tokens.padded(rows))
