"""Does the spread of annotators' heads say where people disagree? (section 5 of Davani et al. 2022)

Pearson correlation over test items between the variance of people's labels and what a model says of its own
uncertainty: the variance of its heads' votes and of their probabilities, or, for a model of the majority, 1 - the
largest probability and the variance of the positive probability over passes with dropout on (MC dropout, Gal &
Ghahramani 2016).

    python experiments/davani/uncertainty.py RUN… > table.md        # finished runs of one corpus, binary labels
"""

import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from perspectives.data.batches import Batch
from perspectives.metrics.disagreement import pearson
from perspectives.metrics.estimate import combine
from perspectives.metrics.intervals import by_item
from perspectives.models.base import AnnotatorModel
from perspectives.predictions import Predictions
from perspectives.runs import Run, find_runs
from perspectives.training import load_model

PASSES, BATCH = 50, 256


def uncertainties(run: Run, test: Predictions) -> dict[str, np.ndarray]:
    """What the run's model says of its uncertainty about each test item, float64 [item] each."""
    model, tokens = load_model(run, test.items[[c for c in ("text", "text_pair") if c in test.items]])
    batches = list(_texts(len(test.items), tokens))
    if not model.blind:
        answers = _asked(model, batches, everyone=True)  # [item, annotator]
        return {"variance of heads' votes": (answers > 0.5).var(1), "variance of heads' probabilities": answers.var(1)}
    positive = _asked(model, batches)[:, 0]
    passes = _with_dropout(model, batches)
    return {"1 - largest probability": np.minimum(positive, 1 - positive), "MC dropout": passes.var(0)}


def _texts(items: int, tokens: Any) -> Iterator[Batch]:
    for start in range(0, items, BATCH):
        rows = np.arange(start, min(start + BATCH, items))
        yield Batch.of_texts(torch.from_numpy(rows), tokens and tokens.padded(rows))


@torch.inference_mode()
def _asked(model: AnnotatorModel, batches: list[Batch], everyone: bool = False) -> np.ndarray:
    """Probability of the positive level, [item, annotator]; annotator 1 for a blind model."""
    people = model.schema.training_annotators[: None if everyone else 1]
    answers = [model.everyone(model.encode(batch), people)[..., 1] for batch in batches]
    return torch.cat(answers).double().numpy()


def _with_dropout(model: AnnotatorModel, batches: list[Batch]) -> np.ndarray:
    """The same of repeated passes with dropout on, [pass, item]."""
    torch.manual_seed(0)
    model.train()
    if hasattr(model.encoder, "model"):
        model.encoder.model.train()  # of a frozen encoder too
    return np.stack([_asked(model, batches)[:, 0] for _ in range(PASSES)])


def main(paths: list[str]) -> None:
    found: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for run in find_runs(paths):
        name = run.config["model"]["name"]
        if name not in run.metrics["predictions"] or name in ("priors", "ensemble"):
            continue
        test = run.predictions("test")[name]
        soft = np.bincount(test.item_index, test.observed, len(test.items)) / np.bincount(test.item_index)
        for measure, uncertainty in uncertainties(run, test).items():
            found[name, measure].append(pearson(soft * (1 - soft), uncertainty))
    print("| model | uncertainty | correlation with disagreement |\n|---|---|---:|")
    for (name, measure), estimates in found.items():
        interval = by_item(combine(estimates), np.arange(len(estimates[0].influence)))
        half = (interval.high - interval.low) / 2
        print(f"| {name} | {measure} | {interval.value:.3f} ± {half:.3f} |")


if __name__ == "__main__":
    main(sys.argv[1:])
