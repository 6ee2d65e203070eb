"""Noisy cross-validation: annotations are selected, or removed, by models that never saw their texts.

`ncv` trains on each half of the items and selects the labels that the other half's model predicts. `incv` repeats this
with what was selected, without what surprised most. For labels of items instead of people, give
`models.majority.majority_labels(annotations, …)` and a model that learns from what it is given, such as softlabel.

A label that a model does not predict need not be wrong: an annotator-blind model takes every minority's view for noise.

Paper: Chen et al. 2019, Understanding and Utilizing Deep Neural Networks Trained with Noisy Labels (ICML), algorithms 1
and 2.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from omegaconf import DictConfig

from perspectives.data.annotations import AnnotationSet
from perspectives.errors import ConfigError
from perspectives.predictions import SMALLEST, Predictions
from perspectives.quality.labels import refuse_other_scales
from perspectives.quality.retraining import fit_on

PART = "noise_part"  # item column that says who is held out
CANDIDATE, SELECTED, REMOVED = "candidate", "selected", "removed"
MOST_REMOVED = 2.0  # for each one selected


@dataclass(frozen=True, eq=False)
class Selection:
    """What noisy cross-validation decided about every annotation.

    status: `selected` (a model that had not seen the text predicted this label), `removed` (among the most surprising
        ones) or `candidate` (neither), str [annotation]. iteration: in which it was selected or removed, int64
        [annotation], 0 for candidates.
    surprise: −log of the held-out probability of the label, the last time it was held out, float64 [annotation].
    noise_rate: the share of labels replaced at random that would explain the first iteration's accuracy, in 0..1; what
        people honestly disagree about, and what the model cannot do, count too. nan where nothing could be held out.
    """

    status: np.ndarray
    iteration: np.ndarray
    surprise: np.ndarray
    noise_rate: float

    def suspicion(self) -> np.ndarray:
        """A rank in 0..1, float64 [annotation]: the selected first, the removed last, among equals by surprise."""
        order = np.select([self.status == SELECTED, self.status == REMOVED], [0, 2], 1)
        rank = np.empty(len(order))
        rank[np.lexsort((self.surprise, order))] = np.arange(len(order))
        return rank / max(len(order) - 1, 1)


def ncv(config: DictConfig, annotations: AnnotationSet, folder: str | Path, seed: int = 0) -> Selection:
    """Noisy cross-validation: two halves of the items, each judged by a model trained on the other (algorithm 1)."""
    return incv(config, annotations, folder, iterations=1, removed=0.0, seed=seed)


def incv(
    config: DictConfig,
    annotations: AnnotationSet,
    folder: str | Path,
    iterations: int = 4,
    removed: float | None = None,
    seed: int = 0,
) -> Selection:
    """Iterative noisy cross-validation (algorithm 2): again with what was selected, without what surprised most.

    config: how to train, as for `perspectives train`; its `data` and `split` play no part. annotations: all that is to
    be judged, usually a training part. folder: for the runs and their data. iterations: of two trainings each.
    removed: how many annotations to remove for each one selected; None for ε / (1 − ε), at most 2, with ε the noise
    rate of the first iteration. seed: halves the items anew in every iteration.

    Texts are never on both sides: the labels of a text that has candidates in the judged half are all left out of
    training, even those selected before. Stops early when fewer than two items have candidates.
    Raises ConfigError for numbers that make no sense, DataError for ratings and sets of levels.
    """
    if iterations < 1 or (removed is not None and removed < 0):
        raise ConfigError(f"iterations is at least 1 and removed at least 0; got {iterations} and {removed}")
    refuse_other_scales(annotations)
    random = np.random.default_rng(seed)
    status = np.full(len(annotations), CANDIDATE, "<U9")
    iteration, surprise = np.zeros(len(annotations), np.int64), np.full(len(annotations), np.nan)
    rate, share = np.nan, 0.0
    for number in range(1, iterations + 1):
        candidate = status == CANDIDATE
        half = _halves(annotations.item_index, candidate, random)
        if half.max() < 1:
            break
        judged, agrees = _judged(config, annotations, status, half, Path(folder), seed)
        surprise[candidate] = judged[candidate]
        if number == 1:
            rate = noise_rate(float(agrees[candidate].mean()), annotations.scale.size)
            share = min(MOST_REMOVED, rate / (1 - rate)) if removed is None else removed
        worst = _most_surprising(surprise, candidate, agrees, half, share)
        status[agrees], status[worst] = SELECTED, REMOVED
        iteration[agrees | worst] = number
    return Selection(status, iteration, surprise, rate)


def _judged(
    config: DictConfig, annotations: AnnotationSet, status: np.ndarray, half: np.ndarray, folder: Path, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The surprise of the candidates of each half to a model trained without it, float64 [annotation], nan for others,
    and whether that model predicts their label, bool [annotation]."""
    surprise, agrees = np.full(len(annotations), np.nan), np.zeros(len(annotations), bool)
    for held_out in (0, 1):
        train, test = (status != REMOVED) & (half != held_out), (status == CANDIDATE) & (half == held_out)
        predictions = _held_out(config, annotations, train, test, folder, seed)
        chance = predictions.probabilities()[np.arange(len(predictions)), predictions.observed]
        surprise[test] = -np.log(np.clip(chance, SMALLEST, 1))
        agrees[test] = predictions.labels() == predictions.observed
    return surprise, agrees


def _most_surprising(
    surprise: np.ndarray, candidate: np.ndarray, agrees: np.ndarray, half: np.ndarray, share: float
) -> np.ndarray:
    """The candidates to remove, bool [annotation]: in each half `share` times as many as the model agrees with."""
    worst = np.zeros(len(surprise), bool)
    for judged in (0, 1):
        others = np.flatnonzero(candidate & (half == judged) & ~agrees)
        count = int(share * (agrees & (half == judged)).sum())
        worst[others[np.argsort(-surprise[others], kind="stable")[:count]]] = True
    return worst


def noise_rate(accuracy: float, levels: int) -> float:
    """The share ε of labels replaced by another level at random under which a model trained on such labels reaches this
    accuracy on such labels, in 0..1: accuracy = (1 − ε)² + ε² / (levels − 1) (Chen et al. 2019, eq. 4).

    It assumes a model that memorises the noise and so repeats it elsewhere. One that does not has accuracy 1 − ε, and
    the result is too low: .08 for a share of .15. An accuracy below chance counts as chance.
    """
    uninformative = (levels - 1) / levels  # the share at which labels carry no information: accuracy is 1 / levels
    return uninformative * (1 - np.sqrt(max(0.0, 1 - (1 - accuracy) / uninformative)))


def _halves(item: np.ndarray, candidate: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Half of each annotation, int64 [annotation]: 0 or 1, at random by item; -1 where the item has no candidates."""
    dealt = np.full(item.max(initial=0) + 1, -1)
    items = random.permutation(np.unique(item[candidate]))
    dealt[items] = np.arange(len(items)) % 2
    return dealt[item]


def _held_out(
    config: DictConfig, annotations: AnnotationSet, train: np.ndarray, test: np.ndarray, folder: Path, seed: int
) -> Predictions:
    """Predictions for the annotations `test`, in their order, by a model trained on `train`, both bool [annotation]."""
    table = annotations.annotations
    judged = annotations.items["item_id"].isin(table["item_id"][test])
    # All items stay, even those without annotations here: the same texts in all trainings are encoded only once.
    items = annotations.items.assign(**{PART: np.where(judged, "test", "train")})
    corpus = replace(annotations, annotations=table[train | test].reset_index(drop=True), items=items)
    split = {"_target_": "perspectives.data.splits.column", "column": PART, "test": "test", "train": "train",
             "validation": 0.1, "seed": seed}  # fmt: skip
    run = fit_on(config, corpus, folder, split=split)
    return run.predictions("test")[config.model.name]
