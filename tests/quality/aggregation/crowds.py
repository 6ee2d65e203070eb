"""Simulated annotations with known truth, and the published sets as codes."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from perspectives.quality.aggregation.incidence import Incidence


class Crowd(NamedTuple):
    item: np.ndarray
    annotator: np.ndarray
    label: np.ndarray
    shape: tuple[int, int, int]
    truth: np.ndarray

    def incidence(self, duplicates: str = "error") -> Incidence:
        return Incidence.build(self.item, self.annotator, self.label, self.shape, duplicates)


def crowd(seed: int = 0, items: int = 40, people: int = 9, levels: int = 3, share: float = 0.6) -> Crowd:
    """Annotators of different accuracy, the last two of whom answer at random; some pairs are missing."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(levels, size=items)
    right = np.append(rng.uniform(0.5, 0.95, people - 2), [1 / levels] * 2)
    labels = np.where(rng.random((items, people)) < right, truth[:, None], rng.integers(levels, size=(items, people)))
    given = rng.random((items, people)) < share
    given[:, 0] = True
    item, annotator = np.nonzero(given)
    return Crowd(item, annotator, labels[item, annotator], (items, people, levels), truth)


def published(folder: Path) -> tuple[Incidence, np.ndarray]:
    """A set of Zheng et al. 2017 with its duplicates, and its gold levels, -1 where there is none."""
    answers = pd.read_csv(folder / "answer.csv", dtype=str)
    gold = pd.read_csv(folder / "truth.csv", dtype=str).set_index("question")["truth"]
    levels = pd.Index(sorted({*answers["answer"], *gold}))
    item, items = pd.factorize(answers["question"])
    annotator, annotators = pd.factorize(answers["worker"])
    codes = levels.get_indexer(pd.Index(answers["answer"]))
    shape = (len(items), len(annotators), len(levels))
    expert = levels.get_indexer(pd.Index(gold.reindex(items)))
    return Incidence.build(item, annotator, codes, shape, "keep"), expert


def snow(folder: Path, name: str) -> tuple[Incidence, np.ndarray]:
    """A set of Snow et al. 2008 in the form of the MACE repository (items × annotators), and its gold levels."""
    table = pd.read_csv(folder / f"{name}.csv", header=None).to_numpy(float)
    gold = pd.read_csv(folder / f"{name}.key", header=None)[0].to_numpy(float)
    item, annotator = np.nonzero(~np.isnan(table))
    levels = np.unique(table[item, annotator])
    expert = np.where(np.isin(gold, levels), np.searchsorted(levels, gold), levels.size)  # a level nobody gave
    label = np.searchsorted(levels, table[item, annotator])
    return Incidence.build(item, annotator, label, (*table.shape, len(levels))), expert


def accuracy(posterior: np.ndarray, gold: np.ndarray) -> float:
    """Share of gold items whose gold level has the highest posterior; a tie counts as the chance of guessing it."""
    known = gold >= 0
    posterior, gold = posterior[known], gold[known]
    best = posterior >= posterior.max(1, keepdims=True) * (1 - 1e-9)
    best = np.column_stack([best, np.zeros(len(best), bool)])  # for gold levels nobody gave
    return float((best[np.arange(len(gold)), gold] / best.sum(1)).mean())
