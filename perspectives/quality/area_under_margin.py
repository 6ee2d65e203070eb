"""Area under the margin (AUM): mislabelled annotations are those that the labels of similar texts argue against.

`area_under_margin` is computed from what a run with `dynamics=true` recorded. `margins` also trains, twice, with some
annotations moved to an extra level. These threshold samples are known to be wrong, so their AUM says how low is
suspicious.

Paper: Pleiss et al. 2020, Identifying Mislabeled Data using the Area Under the Margin Ranking (NeurIPS).
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from omegaconf import DictConfig

from perspectives.config import instantiate
from perspectives.data.annotations import AnnotationSet
from perspectives.data.scale import Scale
from perspectives.errors import ConfigError, DataError
from perspectives.quality.labels import refuse_other_scales
from perspectives.quality.visits import mean_over_visits

THRESHOLD = "threshold sample"


@dataclass(frozen=True, eq=False)
class Margins:
    """The AUM of every training annotation, in the order of `split.rows("train")`.

    aum: mean over the runs in which the annotation kept its label, float64 [annotation]. excess: AUM minus the
    threshold of the run, averaged in the same way. Both are nan where training never visited the annotation in one of
    these runs (`raters_per_item`). suspect: excess is 0 or less, bool [annotation]; False where it is nan. threshold:
    of each of the two runs.
    """

    aum: np.ndarray
    excess: np.ndarray
    suspect: np.ndarray
    threshold: tuple[float, float]


def area_under_margin(margin: np.ndarray) -> np.ndarray:
    """AUM: the mean margin over epochs, float64 [annotation]; low where others' labels argue against this one (eq. 2).

    margin: [epoch, annotation], nan in epochs in which the annotation was not visited.
    """
    return mean_over_visits(margin)


def margin_threshold(aum: np.ndarray, threshold_sample: np.ndarray, percentile: float = 99.0) -> float:
    """The AUM at or below which a label is taken to be wrong: a percentile of the threshold samples' (section 3.2).

    aum: float [annotation]. threshold_sample: bool [annotation]. Raises DataError when there is no threshold sample.
    """
    known_wrong = np.asarray(aum, float)[threshold_sample]
    if not np.isfinite(known_wrong).any():
        raise DataError("no threshold sample was visited in training, so there is no threshold; record more epochs")
    return float(np.nanpercentile(known_wrong, percentile))


def margins(
    config: DictConfig, annotations: AnnotationSet, folder: str | Path, percentile: float = 99.0, seed: int = 0
) -> Margins:
    """Train twice, each time with different threshold samples, and compare every annotation's AUM with theirs.

    config: how to train, as for `perspectives train`, with the split whose training part is judged; its `data` plays no
    part. annotations: the whole corpus. folder: for both runs and their data. Raises ConfigError for models that learn
    from labels of items, DataError for ratings and sets of levels.
    """
    # `dynamics` builds on this file, and training on `dynamics`.
    from perspectives.quality.dynamics import FOLDER, Dynamics
    from perspectives.quality.retraining import fit_on

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
    """The corpus twice, each time with 1 in levels + 1 of the annotations at `rows` moved to an extra level.

    The two samples are disjoint; each corpus comes with which of `rows` were moved, bool [row]. Labels become nominal:
    the extra level has no place in an order. Raises DataError for ratings and sets of levels.
    """
    refuse_other_scales(annotations)
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
