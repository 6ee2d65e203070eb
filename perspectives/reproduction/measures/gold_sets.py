"""Readers of published sets with gold labels: Zheng et al. 2017, Snow et al. 2008 (in MACE's format), and others."""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from perspectives.data.annotations import AnnotationSet
from perspectives.data.readers import hatecheck
from perspectives.quality.aggregation.incidence import Incidence
from perspectives.reproduction.measures.gold_files import SETS, files_of


class Gold(NamedTuple):
    """Annotations and the gold level of each item, int64 [item]: -1 where there is none, the number of levels where no
    annotator gave that label."""

    incidence: Incidence
    gold: np.ndarray

    def first(self, items: int) -> "Gold":
        """The set with only so many items, those with gold first."""
        kept = np.sort(np.argsort(self.gold < 0, kind="stable")[:items])
        whole = self.incidence
        chosen = np.isin(whole.item, kept)
        count = whole.count[chosen].astype(int)
        annotators, annotator = np.unique(whole.annotator[chosen], return_inverse=True)
        codes = (np.searchsorted(kept, whole.item[chosen]), annotator, whole.label[chosen])
        item, annotator, label = (np.repeat(code, count) for code in codes)
        shape = (len(kept), len(annotators), whole.levels)
        return Gold(Incidence.build(item, annotator, label, shape, "keep"), self.gold[kept])


def read(data: Path, name: str, last: bool = False) -> Gold:
    """One of `gold_files.SETS` that have levels. Repeated pairs of item and annotator count as often as they occur.

    last: in sets of Zheng et al., only the last of repeated pairs counts, as in those of their programs that keep a
    matrix. Raises as `files_of`.
    """
    file = files_of(data, name)[0]
    if name == "HateCheck":
        return of_hatecheck(file.parent)[0]
    if SETS[name].folder.startswith("truthinf_"):
        return _truth_inference(file.parent, last)
    return _snow(file) if file.with_suffix(".key").exists() else _toolkit(file)


def checksum(data: Path, name: str) -> str:
    """SHA-256 of the files of one of `gold_files.SETS`. Raises as `files_of`."""
    found = hashlib.sha256()
    for file in files_of(data, name):
        found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()


def ratings(folder: Path) -> tuple[pd.DataFrame, pd.Series]:
    """`answer.csv` (question, worker, answer) and the gold number of each question."""
    answers = pd.read_csv(folder / "answer.csv", dtype={"question": str, "worker": str})
    return answers, pd.read_csv(folder / "truth.csv", dtype={"question": str}).set_index("question")["truth"]


def of_hatecheck(folder: Path) -> tuple[Gold, list[str]]:
    """HateCheck, and the names of its annotators' columns."""
    annotations = AnnotationSet.from_tables(hatecheck.read(folder), "HateCheck")
    gold = annotations.scale.encode(annotations.items["gold"])
    return Gold(Incidence.of(annotations), gold), list(annotations.annotators["annotator_id"])


def _truth_inference(folder: Path, last: bool) -> Gold:
    answers = pd.read_csv(folder / "answer.csv", dtype=str)
    answers = answers.drop_duplicates(["question", "worker"], keep="last") if last else answers
    truth = pd.read_csv(folder / "truth.csv", dtype=str).set_index("question")["truth"]
    return _coded(answers["question"], answers["worker"], answers["answer"], truth)


def _snow(file: Path) -> Gold:
    """A table items × annotators without header, and beside it a file with the gold label of each item."""
    table = pd.read_csv(file, header=None, dtype=str).rename_axis("item").reset_index()
    long = table.melt("item", var_name="annotator", value_name="label").dropna()
    gold = pd.read_csv(file.with_suffix(".key"), header=None, dtype=str)[0]
    return _coded(long["item"], long["annotator"], long["label"], gold)


def _toolkit(file: Path) -> Gold:
    """Rows of worker, item, label, gold."""
    table = pd.read_csv(file, header=None, dtype=str)
    gold = table.dropna(subset=[3]).drop_duplicates(1).set_index(1)[3]
    return _coded(table[1], table[0], table[2], gold)


def _coded(item: pd.Series, annotator: pd.Series, label: pd.Series, gold: pd.Series) -> Gold:
    items, annotators = pd.factorize(item), pd.factorize(annotator)
    levels = pd.Index(sorted(set(label)))
    shape = (len(items[1]), len(annotators[1]), len(levels))
    codes = levels.get_indexer(pd.Index(label))
    expert = gold.reindex(items[1])
    known = levels.get_indexer(pd.Index(expert.fillna("")))
    known = np.where(expert.isna(), -1, np.where(known < 0, len(levels), known))
    return Gold(Incidence.build(items[0], annotators[0], codes, shape, "keep"), known)
