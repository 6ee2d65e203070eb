"""The published sets with gold labels, as they come: Zheng et al. 2017, Snow et al. 2008 (MACE's form), and others."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from perspectives.data.annotations import AnnotationSet
from perspectives.data.readers import hatecheck
from perspectives.quality.aggregation.incidence import Incidence


class Gold(NamedTuple):
    """Annotations and the gold level of each item, int64 [item]: -1 where there is none, `levels` where nobody gave
    it."""

    incidence: Incidence
    gold: np.ndarray


def zheng(folder: Path, last: bool = False) -> Gold:
    """`answer.csv` and `truth.csv`; repeated pairs count as often as they stand there, as in the paper, or the last of
    them once, as in those of its programs that keep a matrix."""
    answers = pd.read_csv(folder / "answer.csv", dtype=str)
    answers = answers.drop_duplicates(["question", "worker"], keep="last") if last else answers
    truth = pd.read_csv(folder / "truth.csv", dtype=str).set_index("question")["truth"]
    return _coded(answers["question"], answers["worker"], answers["answer"], truth)


def snow(folder: Path, name: str) -> Gold:
    """A table items × annotators without header, and a file with the gold label of each item."""
    table = pd.read_csv(folder / f"{name}.csv", header=None, dtype=str).rename_axis("item").reset_index()
    long = table.melt("item", var_name="annotator", value_name="label").dropna()
    gold = pd.read_csv(folder / f"{name}.key", header=None, dtype=str)[0]
    return _coded(long["item"], long["annotator"], long["label"], gold)


def toolkit(file: Path) -> Gold:
    """Rows of worker, item, label, gold; repeated pairs count as often as they stand there."""
    table = pd.read_csv(file, header=None, dtype=str)
    gold = table.dropna(subset=[3]).drop_duplicates(1).set_index(1)[3]
    return _coded(table[1], table[0], table[2], gold)


def of_hatecheck(folder: Path) -> tuple[Gold, list[str]]:
    """HateCheck and the columns its annotators stand in."""
    annotations = AnnotationSet.from_tables(hatecheck.read(folder), "HateCheck")
    gold = annotations.scale.encode(annotations.items["gold"])
    return Gold(Incidence.of(annotations), gold), list(annotations.annotators["annotator_id"])


def _coded(item: pd.Series, annotator: pd.Series, label: pd.Series, gold: pd.Series) -> Gold:
    items, annotators = pd.factorize(item), pd.factorize(annotator)
    levels = pd.Index(sorted(set(label)))
    shape = (len(items[1]), len(annotators[1]), len(levels))
    codes = levels.get_indexer(pd.Index(label))
    expert = gold.reindex(items[1])
    known = levels.get_indexer(pd.Index(expert.fillna("")))
    known = np.where(expert.isna(), -1, np.where(known < 0, len(levels), known))
    return Gold(Incidence.build(items[0], annotators[0], codes, shape, "keep"), known)


def accuracy(posterior: np.ndarray, gold: np.ndarray) -> float:
    """Share of gold items whose gold level is the most probable; a tie counts as the chance of guessing it."""
    scored = (gold >= 0) & ~np.isnan(posterior[:, 0])
    posterior, gold = posterior[scored], gold[scored]
    best = posterior >= posterior.max(1, keepdims=True) * (1 - 1e-9)
    chance = np.column_stack([best / best.sum(1, keepdims=True), np.zeros(len(best))])
    return float(chance[np.arange(len(gold)), gold].mean())
