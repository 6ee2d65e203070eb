"""Published sets with gold labels, as they come: Zheng et al. 2017, Snow et al. 2008 (in MACE's form), and others."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from perspectives.data.annotations import AnnotationSet
from perspectives.data.readers import hatecheck
from perspectives.data.readers.common import MissingData
from perspectives.errors import ConfigError
from perspectives.quality.aggregation.incidence import Incidence

# Name → folder or file below the data folder, and where it is published.
TRUTH_INFERENCE = "https://zhydhkcws.github.io/crowd_truth_inference/"
MACE = "https://github.com/dirkhovy/MACE"
TOOLKIT = "https://github.com/orchidproject/active-crowd-toolkit"
SETS = {
    **{
        name: (f"truthinf_{name.lower()}", TRUTH_INFERENCE)
        for name in ("D_Duck", "S_Face", "S_Dog", "S_Rel", "S_Adult")
    },
    **{name: (f"mace/test/{name}.csv", MACE) for name in ("rte", "temporal", "wsd")},
    "example": ("mace/examples/example.csv", MACE),
    **{
        name: (f"active_crowd_toolkit/{name}.csv", TOOLKIT)
        for name in ("CF", "CF_amt", "MS", "SP", "SP_amt", "ZenCrowd_all")
    },
    "HateCheck": ("hatecheck", "https://github.com/paul-rottger/hatecheck-data"),
}


class Gold(NamedTuple):
    """Annotations and the gold level of each item, int64 [item]: -1 where there is none, `levels` where nobody gave
    it."""

    incidence: Incidence
    gold: np.ndarray


def read(data: Path, name: str, last: bool = False) -> Gold:
    """One of SETS. Repeated pairs of item and annotator count as often as they stand there; last: of sets of Zheng et
    al. the last of them counts once, as in those of their programs that keep a matrix.

    Raises ConfigError for an unknown name, MissingData naming what to put where.
    """
    if name not in SETS:
        raise ConfigError(f"there is no set {name!r}; choose one of {', '.join(SETS)}")
    place, source = SETS[name]
    path = data / place
    if not path.exists():
        raise MissingData(f"{path} is not there; put what {source} publishes there")
    if place.startswith("truthinf_"):
        return _truth_inference(path, last)
    if place.startswith("mace/"):
        return _snow(path)
    return of_hatecheck(path)[0] if name == "HateCheck" else _toolkit(path)


def ratings(folder: Path) -> tuple[pd.DataFrame, pd.Series]:
    """`answer.csv` (question, worker, answer) and the gold number of each question. Raises MissingData."""
    if not folder.exists():
        raise MissingData(f"{folder} is not there; put what {TRUTH_INFERENCE} publishes there")
    answers = pd.read_csv(folder / "answer.csv", dtype={"question": str, "worker": str})
    return answers, pd.read_csv(folder / "truth.csv", dtype={"question": str}).set_index("question")["truth"]


def of_hatecheck(folder: Path) -> tuple[Gold, list[str]]:
    """HateCheck and the columns its annotators stand in."""
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
