"""What training adds to an audit: slips and perspectives among held-out annotations, and training dynamics."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from perspectives.data.annotations import annotation_columns
from perspectives.errors import RunError
from perspectives.metrics.estimate import Estimate, mean
from perspectives.metrics.groups import SMALLEST_GROUP, Membership, by_group, membership
from perspectives.predictions import Predictions
from perspectives.quality.dynamics import Dynamics
from perspectives.quality.slips import Slips, find_slips

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
    "planted_auroc",
]


@dataclass(frozen=True, eq=False)
class Told:
    """Slips and perspectives.

    annotations: a row per pair of the predictions: item_id, annotator_id, round where there are rounds, label, kind
        (one of `slips.KINDS`), slip, consensus, person, group and meant (probabilities, see `quality.slips`),
        loss (−log person), expected (the level this person was most likely to choose).
    groups: a row per group of annotators, everyone first; gaps: a row per attribute; see `rates`.
    population: what everybody is predicted to say, float64 [item, level], in the order of the predictions' items.
    found: the same for every pair, with the fitted rate.
    """

    annotations: pd.DataFrame
    groups: pd.DataFrame
    gaps: pd.DataFrame
    population: np.ndarray
    found: Slips


def told(predictions: Predictions, seed: int = 0) -> Told:
    """Sort the pairs of out-of-fold predictions into `slips.KINDS`.

    A person's group is the mean over their attributes of what people of the same value would say. seed: of the planted
    slips. Raises RunError where it cannot be told: ratings and sets of levels, predictions without everyone's answers,
    and methods that give everybody the same answer.
    """
    _refuse(predictions)
    everyone = predictions.answers()
    label, item = predictions.observed, predictions.item_index
    population = np.asarray(everyone.mean(1), np.float64)
    own, anybody = predictions.probabilities(), population[item]
    memberships = {name: membership(predictions.annotators[name]) for name in _attributes(predictions)}
    group = group_predictions(predictions, memberships, population)
    found = find_slips(label, item, own, anybody, group)
    changed, planted = _planted(label, predictions.scale.size, seed)
    again = find_slips(changed, item, own, anybody, group, None, found.fit)
    key = annotation_columns(predictions.pairs)
    table = predictions.pairs[key].assign(
        kind=found.kind,
        slip=found.slip,
        consensus=found.consensus,
        person=found.person,
        group=found.group,
        meant=found.meant,
        loss=-np.log(found.person),
        expected=predictions.scale.decode(own.argmax(1)).to_numpy(),
    )
    return Told(table, *rates(predictions, memberships, found.kind, planted, again), population, found)


def rates(
    predictions: Predictions, memberships: dict[str, Membership], kind: np.ndarray, planted: np.ndarray, again: Slips
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How often annotations are called slips, by group, and the gap of each attribute.

    kind: str [pair]. planted: which pairs got another label, bool [pair], and what was told of them `again`.

    Columns of the first: attribute, group, people, annotations; slips with low and high (95 %, over items and
    annotators): the share called slips, which bounds the rate of false ones from above, as some are real; perspectives;
    unclear; planted_found (share of planted slips called slips); planted_auroc (chance that a planted slip has a higher
    probability of being one than another annotation). Of the second: attribute, gap, low, high: largest minus smallest
    rate. Groups of fewer than 5 people are one row without numbers.
    """
    item, who = predictions.item_index, predictions.annotator_index
    slip = (kind == "slip").astype(float)
    rows, gaps = [], []
    everyone = Membership(["everyone"], np.zeros(len(predictions.annotators), np.int64))

    def called(part: np.ndarray) -> Estimate:
        return mean(slip[part]).within(part, len(slip))

    for attribute, one in {"": everyone, **memberships}.items():
        group = one.code[who]
        fewest = SMALLEST_GROUP if attribute else 1
        scores = by_group(called, group, one.names, item, who, lower_is_better=True, minimum=fewest)
        for score in scores.scores:
            part = group == one.names.index(score.name) if score.interval else np.zeros(len(group), bool)
            limits = (score.interval.value, score.interval.low, score.interval.high) if score.interval else [np.nan] * 3
            shares = [np.nan] * 4
            if part.any():
                recovered = again.kind[part & planted] == "slip"
                found = float(recovered.mean()) if len(recovered) else np.nan
                others = [float((kind[part] == name).mean()) for name in ("perspective", "unclear")]
                shares = [*others, found, _auroc(planted[part], again.slip[part])]
            rows.append((attribute, score.name, score.people, score.pairs, *limits, *shares))
        if scores.gap is not None:
            gaps.append((attribute, scores.gap.value, scores.gap.low, scores.gap.high))
    return pd.DataFrame(rows, columns=RATES), pd.DataFrame(gaps, columns=["attribute", "gap", "low", "high"])


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


def _refuse(predictions: Predictions) -> None:
    if predictions.kind != "categorical":
        raise RunError(f"slips are told among single levels, and these labels are on a {predictions.scale.kind} scale")
    if predictions.answers().shape[1] == 1 < len(predictions.annotators):
        raise RunError(
            f"method {predictions.about.get('method')} gives everybody the same answer, so no label can be a "
            "perspective; give runs of one that tells people apart, such as model=jury"
        )


def _attributes(predictions: Predictions) -> list[str]:
    return [str(name) for name in predictions.annotators.columns if name != "annotator_id"]


def group_predictions(
    predictions: Predictions, memberships: dict[str, Membership], population: np.ndarray
) -> np.ndarray | None:
    """What people like the pair's annotator would say, the mean over attributes, float64 [pair, level].

    population: float64 [item, level], taken where nothing is known of a person. None without attributes.
    """
    item, who, everyone = predictions.item_index, predictions.annotator_index, predictions.answers()
    total, known = np.zeros((len(item), predictions.scale.size)), np.zeros(len(item))
    for one in memberships.values():
        for code in range(len(one.names)):
            rows = np.flatnonzero(one.code[who] == code)
            total[rows] += np.asarray(everyone[:, one.code == code].mean(1), np.float64)[item[rows]]
            known[rows] += 1
    if not known.any():
        return None
    return np.where(known[:, None] > 0, total / np.maximum(known, 1)[:, None], population[item])


def _planted(label: np.ndarray, levels: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels of which a share got another level at random, and which, bool [pair]."""
    random = np.random.default_rng(seed)
    planted = random.random(len(label)) < PLANTED
    return np.where(planted, (label + random.integers(1, levels, len(label))) % levels, label), planted


def _auroc(positive: np.ndarray, score: np.ndarray) -> float:
    """Chance that a positive has the higher score, ties counting half; nan without positives or without others."""
    if positive.all() or not positive.any():
        return float("nan")
    least = positive.sum() * (positive.sum() + 1) / 2
    return float((rankdata(score)[positive].sum() - least) / (positive.sum() * (~positive).sum()))
