"""Each annotator: how many labels, how much like the others', how trustworthy, how monotonous.

Agreement beyond chance asks whether somebody's labels have to do with the items at all. Were the person's labels dealt
out anew over the items they labelled, they would agree with the other annotators by chance only; the exact mean and
variance over all ways of dealing are known, which gives a z score without drawing any.
Papers: Hoeffding 1951, A Combinatorial Central Limit Theorem; Hovy et al. 2013, Learning Whom to Trust with MACE;
Šidák 1967, Rectangular Confidence Regions for the Means of Multivariate Normal Distributions (several groups).
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import beta, norm

from perspectives.data.annotations import AnnotationSet
from perspectives.quality.active_annotators import active_membership
from perspectives.quality.aggregation.incidence import Incidence
from perspectives.quality.aggregation.mace import mace
from perspectives.quality.agreement import units_of
from perspectives.quality.annotator_agreement import annotator_agreement
from perspectives.quality.audit.others import Others, others
from perspectives.quality.labels import label_codes, points

LEVEL = 0.95  # of intervals and of evidence
FEWEST = 20  # labels beside other people's, below which nobody is suspected
CHANCE = float(norm.ppf(LEVEL))  # |z| up to here is what unrelated labels would show
FAR = 3.0  # standard deviations below the z of a typical annotator with as many labels
RULE = (
    f"Suspected of spam: {FEWEST} labels or more on items that others labelled too; agreement with them neither above "
    f"nor below chance (each one-sided p > .05), nor above chance with any group of their own (corrected for their "
    f"number); and {FAR:g} standard deviations below that of a typical annotator with as many labels."
)


class BeyondChance(NamedTuple):
    """kappa: 1 − observed / chance disagreement: at most 1, 0 at chance. z: of the observed agreement among all ways of
    dealing the labels out. Both nan where there is no variation or nobody else."""

    kappa: float
    z: float


def people(annotations: AnnotationSet) -> tuple[pd.DataFrame, np.ndarray | None]:
    """A row per annotator with annotations, the least like the others first, and MACE's posterior of the true level,
    float64 [item, level] (nan for items nobody labelled; None for scales without one level per annotation).

    Columns: annotator_id; person (number, position in the annotators table from 1); labels; shared (annotations of what
    others labelled too); agreement (mean share of the others with the same label, in [0, 1]); distance (of ratings:
    mean distance from the mean of the others'); kappa and z (see BeyondChance); group_z (the highest z among people who
    share an attribute value with them) and groups (among how many such groups); competence with low and high (MACE by
    variational Bayes: the 95 % interval of its posterior, given its posterior of the truth, and so rather narrow;
    nan of people who share no item with others);
    most_used and most_used_share; entropy of the labels (0: always the same, 1: all levels equally often);
    self_agreement (share of pairs of own annotations of one item that agree); gold (share of own annotations of gold
    items that are right); suspect (bool, see RULE). nan where undefined, and of ratings wherever equal labels would be
    counted, as hardly two are equal.
    """
    who, size = annotations.annotator_index, len(annotations.annotators)
    unit, point, ratings = units_of(annotations), points(annotations), annotations.scale.kind == "interval"
    said = others(unit, who, point)
    met = said.count > 0
    table = pd.DataFrame({
        "annotator_id": annotations.annotators["annotator_id"],
        "person": np.arange(1, size + 1),
        "labels": np.bincount(who, minlength=size),
        "shared": np.bincount(who[met], minlength=size),
        "agreement": np.nan if ratings else annotator_agreement(annotations)["agreement"],
        "distance": _mean(np.abs(point - said.mean)[:, 0], who, met, size) if ratings else np.nan,
    })  # fmt: skip
    table[["kappa", "z"]] = _beyond_chance(said, point, who, met, size)
    table["group_z"], table["groups"] = _group_z(annotations, unit, point)
    posterior, competence = _competence(annotations)
    competence[(table["shared"] == 0).to_numpy()] = np.nan  # of people who met nobody it is MACE's prior at work
    table = table.join(competence).join(_monotony(annotations))
    table["self_agreement"] = np.nan if ratings else _self_agreement(annotations)
    table["gold"] = _gold(annotations)
    table["suspect"] = suspects(table)
    used = table[table["labels"] > 0]
    return used.sort_values(["kappa", "person"], na_position="last", ignore_index=True), posterior


def beyond_chance(own: np.ndarray, mean: np.ndarray, square: np.ndarray) -> BeyondChance:
    """own: the person's labels as points, float [annotation, axis]. mean, square: of the others' points beside them,
    and of their squared norms, [annotation, axis] and [annotation]."""
    count = len(own)
    if count < 2:
        return BeyondChance(float("nan"), float("nan"))
    mine, theirs = own - own.mean(0), mean - mean.mean(0)
    together = float((mine * theirs).sum())
    chance = float((own**2).sum(1).mean() + square.mean() - 2 * own.mean(0) @ mean.mean(0))
    variance = float(np.sum((mine.T @ mine) * (theirs.T @ theirs))) / (count - 1)
    kappa = 2 * together / count / chance if chance > 1e-12 else float("nan")
    return BeyondChance(kappa, together / np.sqrt(variance) if variance > 1e-12 else float("nan"))


def suspects(table: pd.DataFrame) -> pd.Series:
    """RULE for each row of `people`, bool. People without variation in their labels have no z: theirs counts as 0.

    Labels below chance are related to the items as well: somebody who sees them the other way round, or mistook the
    scale, is no spammer. MACE's competence plays no part: it takes camps for carelessness, and found no more.
    """
    z = table["z"].fillna(0)
    of_several = norm.ppf(
        LEVEL ** (1 / table["groups"].clip(lower=1))
    )  # the highest of so many z is above it by chance
    related = (z.abs() > CHANCE) | (table["group_z"] > of_several)
    length = np.sqrt(table["shared"])
    typical = (table["z"] / length).median() * length
    return (table["shared"] >= FEWEST) & ~related & (z < typical - FAR)


def contradicted(table: pd.DataFrame) -> bool:
    """Whether competence falls where agreement with the others rises (Spearman below 0): MACE then took a minority for
    the truth, which can happen where opinions differ for good reasons."""
    compared = table[["competence", "agreement"]].dropna()
    if compared.nunique().min() < 2:
        return False
    return bool(compared["competence"].corr(compared["agreement"], method="spearman") < 0)


def _beyond_chance(said: Others, point: np.ndarray, who: np.ndarray, met: np.ndarray, size: int) -> list[BeyondChance]:
    """[annotator], from the annotations at `met`."""
    by_person = np.split(np.argsort(who, kind="stable"), np.cumsum(np.bincount(who, minlength=size))[:-1])
    compared = (rows[met[rows]] for rows in by_person)
    return [beyond_chance(point[rows], said.mean[rows], said.square[rows]) for rows in compared]


def _group_z(annotations: AnnotationSet, unit: np.ndarray, point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The highest z, float64 [annotator], nan where nothing is known of them or nobody of a group of theirs labelled
    the same, and of how many groups it is the highest, int64 [annotator]."""
    who, size = annotations.annotator_index, len(annotations.annotators)
    highest, groups = np.full(size, np.nan), np.zeros(size, np.int64)
    for attribute in annotations.attributes:
        group = active_membership(annotations, attribute).code[who]
        inside = np.unique(np.column_stack([unit, group]), axis=0, return_inverse=True)[1].reshape(-1)
        said = others(inside, who, point)
        found = np.array([one.z for one in _beyond_chance(said, point, who, (said.count > 0) & (group >= 0), size)])
        highest, groups = np.fmax(highest, found), groups + ~np.isnan(found)
    return highest, groups


def _competence(annotations: AnnotationSet) -> tuple[np.ndarray | None, pd.DataFrame]:
    """MACE's posterior, as `people` returns it, and the competence of each annotator.

    None and nan for other scales: LFC_N, made for ratings, may believe somebody entirely (8 of the 262 of POPQUORN read
    as ratings), which says nothing of their care.
    """
    size = len(annotations.annotators)
    if annotations.scale.kind not in ("nominal", "ordinal"):
        return None, pd.DataFrame(np.nan, index=range(size), columns=["competence", "low", "high"])
    incidence = Incidence.of(annotations, duplicates="keep")
    fitted = mace(incidence)
    mean, count = fitted.annotators["competence"], incidence.given.sum(1)
    ends = [beta.ppf(end, mean * (count + 1), (1 - mean) * (count + 1)) for end in ((1 - LEVEL) / 2, (1 + LEVEL) / 2)]
    return fitted.posterior, pd.DataFrame({"competence": mean, "low": ends[0], "high": ends[1]})


def _monotony(annotations: AnnotationSet) -> pd.DataFrame:
    """Indexed by position in the annotators table; people without annotations, and all who rate, are missing."""
    if annotations.scale.kind == "interval":
        return pd.DataFrame(np.nan, index=[], columns=["most_used", "most_used_share", "entropy"])
    given = pd.DataFrame({
        "who": annotations.annotator_index, "most_used": annotations.annotations["label"].map(_name).to_numpy()
    }).groupby(["who", "most_used"]).size()  # fmt: skip
    share = (given / given.groupby("who").transform("sum")).rename("most_used_share")
    entropy = (-share * np.log(share)).groupby("who").sum()
    levels = annotations.scale.size if annotations.scale.kind in ("nominal", "ordinal") else 0
    first = share.sort_values(ascending=False, kind="stable").reset_index().drop_duplicates("who").set_index("who")
    return first.assign(entropy=entropy / np.log(levels) if levels else np.nan)


def _name(label: object) -> str:
    return ", ".join(label) or "(empty set)" if isinstance(label, tuple) else str(label)


def _self_agreement(annotations: AnnotationSet) -> np.ndarray:
    """[annotator]; nan for people who labelled no item twice."""
    size = len(annotations.annotators)
    pair = annotations.item_index * size + annotations.annotator_index
    keys, group, total = np.unique(pair, return_inverse=True, return_counts=True)
    same = np.unique(np.column_stack([group, label_codes(annotations)]), axis=0, return_counts=True)
    agreeing = np.bincount(same[0][:, 0], same[1] * (same[1] - 1), minlength=len(keys))
    who = keys % size
    pairs = np.bincount(who, total * (total - 1), minlength=size)
    return np.divide(np.bincount(who, agreeing, minlength=size), pairs, out=np.full(size, np.nan), where=pairs > 0)


def _gold(annotations: AnnotationSet) -> np.ndarray:
    size = len(annotations.annotators)
    if "gold" not in annotations.items or annotations.scale.kind not in ("nominal", "ordinal"):
        return np.full(size, np.nan)
    gold = annotations.scale.encode(annotations.items["gold"])[annotations.item_index]
    return _mean((gold == annotations.labels).astype(float), annotations.annotator_index, gold >= 0, size)


def _mean(values: np.ndarray, who: np.ndarray, kept: np.ndarray, size: int) -> np.ndarray:
    """Mean of values at `kept` by person, nan without any; [annotator]."""
    count = np.bincount(who[kept], minlength=size)
    total = np.bincount(who[kept], values[kept], minlength=size)
    return np.divide(total, count, out=np.full(size, np.nan), where=count > 0)
