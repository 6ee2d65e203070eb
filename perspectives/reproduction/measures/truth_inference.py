"""Truth inference on the published sets with gold labels: what each method infers from people, against experts.

A row's `given` is a method of `quality.aggregation` with its options, `{method: mace, inference: em}`; options of all
are the keyword arguments of its function. Accuracy is over items with gold and at least one annotation; a tie of the
most probable levels counts as the chance of guessing right, so that no number depends on a seed.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from perspectives.config import compose
from perspectives.quality.aggregation import numeric
from perspectives.quality.aggregation.methods import METHODS
from perspectives.reproduction.measured import Found, Measurement
from perspectives.reproduction.measures import gold_sets

BINARY = ("kos", "vi_bp", "multi")
NORMAL = 1.959963984540054  # 97.5 % quantile


def accuracy(
    rows: Mapping[str, Mapping[str, Any]], runs: Mapping[str, Any], folder: Path, smoke: bool, corpus: str
) -> Found:
    """`accuracy`, `f1` (two levels: of the last one) and `log_likelihood` of each method that suits the set.

    corpus: one of `gold_sets.SETS`. Methods on two levels are left out of other sets.
    """
    data = Path(compose().paths.data).expanduser()
    every, last = (gold_sets.read(data, corpus, last) for last in (False, True))
    found = {}
    for row, given in rows.items():
        options = dict(given)
        method, incidence_of = options.pop("method"), last if options.pop("repeated", "all") == "last" else every
        if method in BINARY and incidence_of.incidence.levels != 2:
            continue
        result = METHODS[method](incidence_of.incidence, **options)
        found[row] = _scores(result.posterior, incidence_of.gold)
        if len(result.log_likelihood):
            found[row]["log_likelihood"] = Measurement(float(result.log_likelihood[-1]))
    return found


def error(rows: Mapping[str, str], runs: Mapping[str, Any], folder: Path, smoke: bool, corpus: str) -> Found:
    """`mae` and `rmse` of each method on numbers: mean, median, lfc_n. corpus: the set's folder."""
    data = Path(compose().paths.data).expanduser()
    answers, gold = gold_sets.ratings(data / corpus)
    item, items = pd.factorize(answers["question"])
    annotator, people = pd.factorize(answers["worker"])
    rating = answers["answer"].to_numpy(float)
    found = {}
    for row, method in rows.items():
        by_person = method == "lfc_n"
        arguments = (item, annotator, rating, (len(items), len(people))) if by_person else (item, rating, len(items))
        off = getattr(numeric, method)(*arguments).ratings - gold[items].to_numpy()
        absolute, squared = _mean(np.abs(off)), float(np.sqrt((off**2).mean()))
        found[row] = {"mae": absolute, "rmse": Measurement(squared, counts=absolute.counts)}
    return found


def _scores(posterior: np.ndarray, gold: np.ndarray) -> dict[str, Measurement]:
    scored = (gold >= 0) & ~np.isnan(posterior[:, 0])
    posterior, gold = posterior[scored], gold[scored]
    best = posterior >= posterior.max(1, keepdims=True) * (1 - 1e-9)
    chance = np.column_stack([best / best.sum(1, keepdims=True), np.zeros(len(best))])  # gold that nobody gave
    found = {"accuracy": _mean(chance[np.arange(len(gold)), gold])}
    if posterior.shape[1] == 2:
        said, is_positive = chance[:, 1], gold == 1
        found["f1"] = Measurement(
            float(2 * said[is_positive].sum() / (said.sum() + is_positive.sum())), counts=found["accuracy"].counts
        )
    return found


def _mean(values: np.ndarray) -> Measurement:
    """With the normal interval over items."""
    half = NORMAL * values.std(ddof=1) / np.sqrt(len(values))
    mean = float(values.mean())
    return Measurement(mean, mean - float(half), mean + float(half), counts={"items": len(values)})
