"""Truth inference on published sets with gold labels: labels inferred from people, compared with those of experts.

A row's `given` is a method of `quality.aggregation` with its options, `{method: mace, inference: em}`; options of all
are the keyword arguments of its function. Accuracy is over items with gold and at least one annotation; a tie of the
most probable levels counts as the chance of guessing right, so that no number depends on a seed.
"""

from collections.abc import Sequence
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd

from perspectives.quality.aggregation import numeric
from perspectives.quality.aggregation.methods import METHODS
from perspectives.reproduction.measured import Context, Measure, Measurement, Metrics
from perspectives.reproduction.measures import gold_sets
from perspectives.runs.run import Run

VERSION = 1  # raise it whenever the same files would give other numbers
BINARY = ("kos", "vi_bp", "multi")
NORMAL = 1.959963984540054  # 97.5 % quantile
FEW = 40  # items of a smoke test


def accuracy(context: Context, corpus: str) -> Measure:
    """`accuracy`, `f1` (with two levels: of the last one) and `log_likelihood` of each method that fits the set.

    corpus: one of `gold_files.SETS`. Methods on two levels do not apply to other sets.
    """
    depends = [gold_sets.checksum(context.data, corpus), VERSION]
    read = cache(partial(gold_sets.read, context.data, corpus))

    def row(given: dict[str, Any], runs: Sequence[Run]) -> Metrics:
        options = dict(given)
        method, found = options.pop("method"), read(options.pop("repeated", "all") == "last")
        if method in BINARY and found.incidence.levels != 2:
            return {}
        incidence, gold = found.first(FEW) if context.smoke else found
        result = METHODS[method](incidence, **options)
        scores = _scores(result.posterior, gold)
        if len(result.log_likelihood):
            likelihood = float(result.log_likelihood[-1])
            scores["log_likelihood"] = Measurement(likelihood, counts={"items": incidence.items})
        return scores

    return Measure(row, depends)


def error(context: Context, corpus: str) -> Measure:
    """`mae` and `rmse` of each method on numbers: mean, median, lfc_n. corpus: one of `gold_files.SETS`."""
    folder = gold_sets.files_of(context.data, corpus)[0].parent

    def row(method: str, runs: Sequence[Run]) -> Metrics:
        answers, gold = gold_sets.ratings(folder)
        if context.smoke:
            answers = answers[answers["question"].isin(answers["question"].unique()[:FEW])]
        item, items = pd.factorize(answers["question"])
        annotator, people = pd.factorize(answers["worker"])
        rating, by_person = answers["answer"].to_numpy(float), method == "lfc_n"
        arguments = (item, annotator, rating, (len(items), len(people))) if by_person else (item, rating, len(items))
        off = getattr(numeric, method)(*arguments).ratings - gold[items].to_numpy()
        absolute, squared = _mean(np.abs(off)), float(np.sqrt((off**2).mean()))
        return {"mae": absolute, "rmse": Measurement(squared, counts=absolute.counts)}

    return Measure(row, [gold_sets.checksum(context.data, corpus), VERSION])


def _scores(posterior: np.ndarray, gold: np.ndarray) -> dict[str, Measurement]:
    scored = (gold >= 0) & ~np.isnan(posterior[:, 0])
    posterior, gold = posterior[scored], gold[scored]
    best = posterior >= posterior.max(1, keepdims=True) * (1 - 1e-9)
    chance = np.column_stack(
        [best / best.sum(1, keepdims=True), np.zeros(len(best))]
    )  # a gold label that no annotator gave
    scores = {"accuracy": _mean(chance[np.arange(len(gold)), gold])}
    if posterior.shape[1] == 2:
        positive, is_positive = chance[:, 1], gold == 1
        f1 = float(2 * positive[is_positive].sum() / (positive.sum() + is_positive.sum()))
        scores["f1"] = Measurement(f1, counts=scores["accuracy"].counts)
    return scores


def _mean(values: np.ndarray) -> Measurement:
    """The mean with its normal interval over items."""
    half = NORMAL * values.std(ddof=1) / np.sqrt(len(values))
    mean = float(values.mean())
    return Measurement(mean, mean - float(half), mean + float(half), counts={"items": len(values)})
