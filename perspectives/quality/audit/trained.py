"""What training adds to an audit: slips and perspectives among held-out annotations, and training dynamics."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from perspectives.data.annotations import annotation_columns
from perspectives.errors import RunError
from perspectives.metrics.estimate import Estimate, mean, undefined
from perspectives.metrics.groups import SMALLEST_GROUP, GroupScore, Membership, by_group, membership
from perspectives.metrics.intervals import two_way
from perspectives.predictions import Predictions
from perspectives.quality.dynamics import Dynamics
from perspectives.quality.slips import SOURCES, Slips, find_slips

PLANTED = 0.05  # share of annotations that are given another level, to see who finds them
MEASURES = ["confidence", "variability", "correctness", "threshold_closeness", "aum", "forgetting", "loss"]
RATES = [
    "attribute",
    "group",
    "people",
    "annotations",
    "slips",
    "low",
    "high",
    "perspectives",
    "unclear",
    "planted_found",
    "untouched_called",
    "planted_auroc",
    "auroc_low",
    "auroc_high",
]


@dataclass(frozen=True, eq=False)
class Told:
    """Slips and perspectives.

    annotations: a row per pair whose annotator the model had seen: item_id, annotator_id, round where there are rounds,
        label, kind (one of `slips.KINDS`), slip, consensus, person, group and meant (probabilities, see
        `quality.slips`), loss (−log person), likeliest and expected (the levels that anybody, by the consensus, and
        this person, by what they mean, was most likely to choose), expected_of (those of `slips.SOURCES` of whom the
        label is expected, as `person, meant`).
    groups: a row per group of annotators, everyone first; gaps: a row per attribute; see `rates`.
    found: the same for every pair, with the fitted rate. unseen: how many pairs are left out.
    """

    annotations: pd.DataFrame
    groups: pd.DataFrame
    gaps: pd.DataFrame
    found: Slips
    unseen: int


def told(predictions: Predictions, seed: int = 0) -> Told:
    """Sort the pairs of out-of-fold predictions into `slips.KINDS`.

    Pairs of people the model never saw are left out: what it says of them is nobody's in particular, so all they say
    might surprise it. seed: of the planted slips. Raises RunError where it cannot be told: ratings and sets of levels,
    predictions without everyone's answers, methods that give everybody the same answer, and people never seen.
    """
    _refuse(predictions)
    unseen = int((~predictions.seen).sum())
    predictions = predictions.select(predictions.seen) if unseen else predictions
    label, item = predictions.observed, predictions.item_index
    population = population_of(predictions)
    own, anybody = predictions.probabilities(), population[item]
    memberships = {name: membership(predictions.annotators[name]) for name in _attributes(predictions)}
    groups = group_predictions(predictions, memberships)
    found = find_slips(label, item, own, anybody, groups)
    changed, planted = _planted(label, predictions.scale.size, seed)
    again = find_slips(changed, item, own, anybody, groups, None, found.fit)
    levels = {"likeliest": found.likeliest, "expected": found.meaning}
    table = predictions.pairs[annotation_columns(predictions.pairs)].assign(
        kind=found.kind,
        slip=found.slip,
        consensus=found.consensus,
        person=found.person,
        group=found.group,
        meant=found.meant,
        loss=-np.log(found.person),
        **{name: predictions.scale.decode(level).to_numpy() for name, level in levels.items()},
        expected_of=[", ".join(np.array(SOURCES)[expected]) for expected in found.expected],
    )
    return Told(table, *rates(predictions, memberships, found.kind, planted, again), found, unseen)


def population_of(predictions: Predictions) -> np.ndarray:
    """What everybody is predicted to say, float64 [item, level]."""
    return np.asarray(predictions.answers().mean(1), np.float64)


def rates(
    predictions: Predictions, memberships: dict[str, Membership], kind: np.ndarray, planted: np.ndarray, again: Slips
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How often annotations are called slips, by group, and the gap of each attribute.

    kind: str [pair]. planted: which pairs got another label, bool [pair], and what was told of them `again`.

    Columns of the first: attribute, group, people, annotations; slips with low and high (95 %, over items and
    annotators): the share called slips, which bounds the rate of false ones from above, as some are real; perspectives;
    unclear; planted_found and untouched_called (shares of planted slips, and of the other annotations beside them,
    called slips); planted_auroc (chance that a planted slip has a higher probability of being one than another
    annotation) with auroc_low and auroc_high. Of the second: attribute, gap, low, high: largest minus smallest rate.
    Groups of fewer than 5 people are one row without numbers; where all of them together are fewer than 5 people, not
    even how many is told.
    """
    item, who = predictions.item_index, predictions.annotator_index
    slip = (kind == "slip").astype(float)
    rows, gaps = [], []
    everyone = Membership(["everyone"], np.zeros(len(predictions.annotators), np.int64))

    def called(part: np.ndarray) -> Estimate:
        return mean(slip[part]).within(part, len(slip))

    def row(score: GroupScore, part: np.ndarray) -> list[Any]:
        """From people on."""
        if score.interval is None:
            told = score.people >= SMALLEST_GROUP
            return [score.people if told else pd.NA, score.pairs if told else pd.NA, *[np.nan] * 10]
        # The probability of a slip falls as m rises, and at a rate of 0 it is 0 for all of them.
        ranked = two_way(_auroc(planted[part], -again.meant[part]), item[part], who[part])
        shares = [float((kind[part] == name).mean()) for name in ("perspective", "unclear")]
        shares += [_share(again.kind[part & chosen] == "slip") for chosen in (planted, ~planted)]
        limits = (score.interval.value, score.interval.low, score.interval.high)
        return [score.people, score.pairs, *limits, *shares, ranked.value, ranked.low, ranked.high]

    for attribute, one in {"": everyone, **memberships}.items():
        group = one.code[who]
        fewest = SMALLEST_GROUP if attribute else 1
        scores = by_group(called, group, one.names, item, who, lower_is_better=True, minimum=fewest)
        for score in scores.scores:
            part = group == one.names.index(score.name) if score.interval else np.zeros(len(group), bool)
            rows.append((attribute, score.name, *row(score, part)))
        if scores.gap is not None:
            gaps.append((attribute, scores.gap.value, scores.gap.low, scores.gap.high))
    table = pd.DataFrame(rows, columns=RATES).astype({"people": "Int64", "annotations": "Int64"})
    return table, pd.DataFrame(gaps, columns=["attribute", "gap", "low", "high"])


def data_map(recorded: Sequence[Dynamics]) -> pd.DataFrame:
    """The measures of training units, averaged over the runs that trained on them: the columns of `Dynamics.units`, and
    confidence, variability, correctness, threshold_closeness, aum, forgetting (infinite where one of the runs never
    learned the unit), loss; `runs`, how many. Units never visited are left out."""
    found = pd.concat([one.measures() for one in recorded], ignore_index=True)
    found["label"] = found["label"].map(lambda label: tuple(label) if isinstance(label, np.ndarray) else label)
    found = found[found["confidence"].notna()]
    key = annotation_columns(found)
    grouped = found.groupby(key, dropna=False, sort=False)
    return grouped[MEASURES].mean().assign(runs=grouped.size()).reset_index()


def mean_influence(scored: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Scores of training annotations (`influence.table.influence_of_run`), averaged over the runs that trained on them,
    the highest self-influence first: the columns of an annotation, loss, self_influence, influence and `runs`."""
    found = pd.concat(scored, ignore_index=True)
    grouped = found.groupby(annotation_columns(found), dropna=False, sort=False)
    mean = grouped[["loss", "self_influence", "influence"]].mean().assign(runs=grouped.size()).reset_index()
    return mean.sort_values("self_influence", ascending=False, kind="stable", ignore_index=True)


def _refuse(predictions: Predictions) -> None:
    if predictions.kind != "categorical":
        raise RunError(f"slips are told among single levels, and these labels are on a {predictions.scale.kind} scale")
    if predictions.everyone is None:
        raise RunError(
            "what is expected of anybody follows from what everyone would say, and these runs hold only the pairs that "
            "people labelled; train again with predictions.everyone=true, every fold of split=items"
        )
    if predictions.everyone.shape[1] == 1 < len(predictions.annotators):
        raise RunError(
            f"method {predictions.about.get('method')} gives everybody the same answer, so no label can be a "
            "perspective; give runs of one that tells people apart, such as model=jury"
        )
    if not predictions.seen.any():
        raise RunError(
            "the model never saw any of these people, so what is expected of them is unknown; give runs of split=items"
        )


def _attributes(predictions: Predictions) -> list[str]:
    return [str(name) for name in predictions.annotators.columns if name != "annotator_id"]


def group_predictions(predictions: Predictions, memberships: dict[str, Membership]) -> np.ndarray | None:
    """What people of the same value as the pair's annotator would say, by attribute, float64 [attribute, pair, level].

    nan where the value is unknown. None without attributes.
    """
    if not memberships:
        return None
    item, who, everyone = predictions.item_index, predictions.annotator_index, predictions.answers()
    found = np.full((len(memberships), len(item), predictions.scale.size), np.nan)
    for said, one in zip(found, memberships.values(), strict=True):
        for code in range(len(one.names)):
            rows = np.flatnonzero(one.code[who] == code)
            said[rows] = np.asarray(everyone[:, one.code == code].mean(1), np.float64)[item[rows]]
    return found


def _planted(label: np.ndarray, levels: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels of which a share got another level at random, and which, bool [pair]."""
    random = np.random.default_rng(seed)
    planted = random.random(len(label)) < PLANTED
    return np.where(planted, (label + random.integers(1, levels, len(label))) % levels, label), planted


def _share(which: np.ndarray) -> float:
    return float(which.mean()) if len(which) else float("nan")


def _auroc(positive: np.ndarray, score: np.ndarray) -> Estimate:
    """Chance that a positive has the higher score, ties counting half; undefined without positives or without others.

    Paper: DeLong, DeLong, Clarke-Pearson 1988, Comparing the Areas under Two or More Correlated ROC Curves.
    """
    if positive.all() or not positive.any():
        return undefined(len(score))
    below = rankdata(score)  # less the rank among its own: how many of the others are below
    for own in (positive, ~positive):
        below[own] -= rankdata(score[own])
    beaten = np.where(positive, below / (~positive).sum(), 1 - below / positive.sum())
    value = float(beaten[positive].mean())
    return Estimate(value, (beaten - value) / np.where(positive, positive.sum(), (~positive).sum()))
