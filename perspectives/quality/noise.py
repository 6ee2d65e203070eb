"""Noise found by training several times: noisy cross-validation, and margins against samples known to be wrong.

Every training is a `fit` in a folder of its own; finished ones are skipped, so that a killed search goes on where it
stopped. An annotation is judged by models that never saw its text. For labels of items instead of people, give
`models.majority.majority_labels(annotations, …)` and a model that learns from what it is given, such as softlabel.

What disagrees with a model need not be wrong: an annotator-blind model takes every minority's view for noise.

Papers: Chen et al. 2019, Understanding and Utilizing Deep Neural Networks Trained with Noisy Labels (ICML), algorithms
1 and 2; Pleiss et al. 2020, Identifying Mislabeled Data using the Area Under the Margin Ranking (NeurIPS).
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig, OmegaConf

from perspectives.config import instantiate
from perspectives.data.annotations import AnnotationSet
from perspectives.data.scale import Scale
from perspectives.errors import ConfigError, DataError
from perspectives.predictions import SMALLEST, Predictions
from perspectives.quality.dynamics import FOLDER, Dynamics, area_under_margin, margin_threshold
from perspectives.runs.run import Run
from perspectives.training.fit import fit

PART = "noise_part"  # item column that says who is held out
THRESHOLD = "threshold sample"
CANDIDATE, SELECTED, REMOVED = "candidate", "selected", "removed"
MOST_REMOVED = 2.0  # for each one selected


@dataclass(frozen=True, eq=False)
class Selection:
    """What noisy cross-validation makes of every annotation.

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
    training, also those selected before. Stops early when fewer than two items have candidates.
    Raises ConfigError for numbers that make no sense, DataError for ratings and sets of levels.
    """
    if iterations < 1 or (removed is not None and removed < 0):
        raise ConfigError(f"iterations is at least 1 and removed at least 0; got {iterations} and {removed}")
    _refuse_other_scales(annotations)
    random = np.random.default_rng(seed)
    status = np.full(len(annotations), CANDIDATE, "<U9")
    iteration, surprise, rate = np.zeros(len(annotations), np.int64), np.full(len(annotations), np.nan), np.nan
    for number in range(1, iterations + 1):
        candidate = status == CANDIDATE
        half = _halves(annotations.item_index, candidate, random)
        if half.max() < 1:
            break
        agrees = np.zeros(len(annotations), bool)
        for judged in (0, 1):
            train, test = (status != REMOVED) & (half != judged), candidate & (half == judged)
            predictions = _held_out(config, annotations, train, test, Path(folder), seed)
            chance = predictions.probabilities()[np.arange(len(predictions)), predictions.observed]
            surprise[test] = -np.log(np.clip(chance, SMALLEST, 1))
            agrees[test] = predictions.labels() == predictions.observed
        if number == 1:
            rate = noise_rate(float(agrees[candidate].mean()), annotations.scale.size)
            removed = min(MOST_REMOVED, rate / (1 - rate)) if removed is None else removed
        worst = np.zeros(len(annotations), bool)
        for judged in (0, 1):
            others = np.flatnonzero(candidate & (half == judged) & ~agrees)
            count = int(removed * (agrees & (half == judged)).sum())
            worst[others[np.argsort(-surprise[others], kind="stable")[:count]]] = True
        status[agrees], status[worst] = SELECTED, REMOVED
        iteration[agrees | worst] = number
    return Selection(status, iteration, surprise, rate)


def noise_rate(accuracy: float, levels: int) -> float:
    """The share ε of labels replaced by another level at random under which a model trained on such labels reaches this
    accuracy on such labels, in 0..1: accuracy = (1 − ε)² + ε² / (levels − 1) (Chen et al. 2019, eq. 4).

    It supposes a model that memorises the noise and so repeats it elsewhere. One that does not has accuracy 1 − ε, and
    this is too low: .08 for a share of .15. What is below chance is taken for chance.
    """
    all_of_it = (levels - 1) / levels  # at which labels say nothing any more, and accuracy is 1 / levels
    return all_of_it * (1 - np.sqrt(max(0.0, 1 - (1 - accuracy) / all_of_it)))


def _halves(item: np.ndarray, candidate: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """0 or 1 for the annotations of items that have candidates, dealt at random; -1 for the others, int64."""
    dealt = np.full(item.max(initial=0) + 1, -1)
    items = random.permutation(np.unique(item[candidate]))
    dealt[items] = np.arange(len(items)) % 2
    return dealt[item]


def _held_out(
    config: DictConfig, annotations: AnnotationSet, train: np.ndarray, test: np.ndarray, folder: Path, seed: int
) -> Predictions:
    """Predictions of the annotations `test` by a model trained on `train`, both bool [annotation], in their order."""
    table = annotations.annotations
    judged = annotations.items["item_id"].isin(table["item_id"][test])
    # All items stay, also those nobody is asked about: the same texts in all trainings are encoded once.
    items = annotations.items.assign(**{PART: np.where(judged, "test", "train")})
    corpus = replace(annotations, annotations=table[train | test].reset_index(drop=True), items=items)
    split = {"_target_": "perspectives.data.splits.column", "column": PART, "test": "test", "train": "train",
             "validation": 0.1, "seed": seed}  # fmt: skip
    run = fit_on(config, corpus, folder, split=split)
    return run.predictions("test")[config.model.name]


def fit_on(config: DictConfig, annotations: AnnotationSet, folder: Path, **changes: Any) -> Run:
    """The run of this configuration on these annotations, which are saved in `folder`, as is the run.

    changes: of the configuration, by its top-level names.
    """
    data = folder / "data" / annotations.checksum[:12]
    if not data.exists():
        annotations.save(data)
    reader = {"_target_": "perspectives.data.readers.saved.read", "path": str(data)}
    changed = config.copy()
    OmegaConf.set_struct(changed, False)
    changed.data = {"name": annotations.name, "card": None, "duplicates": "keep", "reader": reader}
    changed.paths.runs = str(folder / "runs")
    for name, value in changes.items():
        changed[name] = value
    return fit(changed)


# Margins against threshold samples. --------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Margins:
    """The AUM of every training annotation, in the order of `split.rows("train")`.

    aum: mean over the runs in which the annotation kept its label, float64 [annotation]. excess: the same above the
    run's threshold. Both are nan where training never visited the annotation in one of these runs (`raters_per_item`).
    suspect: excess is 0 or less, bool [annotation]; never where it is nan. threshold: of both runs.
    """

    aum: np.ndarray
    excess: np.ndarray
    suspect: np.ndarray
    threshold: tuple[float, float]


def margins(
    config: DictConfig, annotations: AnnotationSet, folder: str | Path, percentile: float = 99.0, seed: int = 0
) -> Margins:
    """Train twice, each time with other threshold samples, and compare everyone's margin with theirs.

    config: how to train, as for `perspectives train`, with the split whose training part is judged; its `data` plays no
    part. annotations: the whole corpus. folder: for both runs and their data. Raises ConfigError for models that learn
    from labels of items, DataError for ratings and sets of levels.
    """
    if "target" in config.model:
        raise ConfigError(
            f"model={config.model.name} learns from item labels; give majority_labels(annotations, …) "
            "and model=softlabel"
        )
    rows = instantiate(config.split, annotations=annotations).rows("train")
    total, excess, times = np.zeros(len(rows)), np.zeros(len(rows)), np.zeros(len(rows))
    thresholds = []
    for corpus, moved in threshold_samples(annotations, rows, seed):
        run = fit_on(config, corpus, Path(folder), dynamics=True)
        aum = area_under_margin(Dynamics.load(run.folder / FOLDER).margin)
        thresholds.append(margin_threshold(aum, moved, percentile))
        total[~moved] += aum[~moved]
        excess[~moved] += aum[~moved] - thresholds[-1]
        times[~moved] += 1
    return Margins(total / times, excess / times, excess <= 0, (thresholds[0], thresholds[1]))


def threshold_samples(
    annotations: AnnotationSet, rows: np.ndarray, seed: int
) -> tuple[tuple[AnnotationSet, np.ndarray], tuple[AnnotationSet, np.ndarray]]:
    """The corpus twice, with 1 in levels + 1 of the annotations at `rows` moved to an extra level, others each time.

    Each with which of `rows` were moved, bool [row]. Labels become nominal: the extra level has no place in an order.
    Raises DataError for ratings and sets of levels.
    """
    _refuse_other_scales(annotations)
    scale = Scale("nominal", (*annotations.scale.levels, THRESHOLD))
    count = len(rows) // scale.size
    order = np.random.default_rng(seed).permutation(len(rows))
    made = []
    for chosen in (order[:count], order[count : 2 * count]):
        moved = np.zeros(len(rows), bool)
        moved[chosen] = True
        labels = annotations.annotations["label"].to_numpy(copy=True)
        labels[rows[moved]] = THRESHOLD
        table = annotations.annotations.assign(label=labels)
        made.append((replace(annotations, annotations=table, scale=scale), moved))
    return made[0], made[1]


def _refuse_other_scales(annotations: AnnotationSet) -> None:
    if annotations.scale.kind not in ("nominal", "ordinal"):
        kind = annotations.scale.kind
        raise DataError(f"{annotations.name} has {kind} labels; noise is looked for in labels of one level each")
