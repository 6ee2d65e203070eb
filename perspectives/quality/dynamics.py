"""Training dynamics: what a training made of every annotation, epoch by epoch.

Functions of arrays [epoch, annotation] with nan where an annotation was not visited in an epoch (`raters_per_item`).
Annotations that were never visited get nan. `Dynamics` is what `dynamics=true` leaves in a run folder; each row is a
unit of that training: an annotation, or an item's one label where the model learns from item labels.

Papers: Swayamdipta et al. 2020, Dataset Cartography (EMNLP); Toneva et al. 2019, An Empirical Study of Example
Forgetting (ICLR); Pleiss et al. 2020, Identifying Mislabeled Data using the Area Under the Margin Ranking (NeurIPS).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from perspectives.errors import DataError, RunError
from perspectives.files import new_folder

FOLDER = "dynamics"  # in a run folder
TENSORS = ("log_probability", "margin")


@dataclass(frozen=True, eq=False)
class Dynamics:
    """What one training recorded.

    units: a row per unit: `item_id`, `annotator_id`, `round` where the corpus has rounds, and the `label` trained on.
    log_probability: of that label, while the unit was trained on in this epoch, at most 0, float32 [epoch, annotation].
    margin: log-probability of the label minus that of the best other one, float32 [epoch, annotation]. Of a softmax it
    is the difference of logits, so that it never saturates.
    """

    units: pd.DataFrame
    log_probability: np.ndarray
    margin: np.ndarray

    def __post_init__(self) -> None:
        for name in TENSORS:
            if getattr(self, name).shape[1:] != (len(self.units),):
                raise DataError(f"{name} is {getattr(self, name).shape}; [epoch, {len(self.units)}] was expected")

    def measures(self) -> pd.DataFrame:
        """The units beside all measures, one column each; `loss` is that of the last visit."""
        return self.units.assign(
            confidence=confidence(self.log_probability),
            variability=variability(self.log_probability),
            correctness=correctness(self.margin),
            threshold_closeness=threshold_closeness(self.log_probability),
            forgetting=forgetting_events(self.margin),
            aum=area_under_margin(self.margin),
            loss=-last(self.log_probability),
        )

    def save(self, folder: str | Path) -> None:
        """Write `units.parquet` and `recorded.safetensors` into a folder of their own, all or nothing."""
        with new_folder(folder) as partial:
            self.units.to_parquet(partial / "units.parquet", index=False)
            tensors = {name: np.ascontiguousarray(getattr(self, name), np.float32) for name in TENSORS}
            save_file(tensors, partial / "recorded.safetensors")

    @classmethod
    def load(cls, folder: str | Path) -> "Dynamics":
        """Read what a run with `dynamics=true` wrote, `<run>/dynamics`. Raises RunError when missing or damaged."""
        folder = Path(folder)
        if not (folder / "recorded.safetensors").exists():
            raise RunError(f"{folder} holds no training dynamics; train with dynamics=true and give <run>/{FOLDER}")
        try:
            units, tensors = pd.read_parquet(folder / "units.parquet"), load_file(folder / "recorded.safetensors")
            return cls(units, *(tensors[name] for name in TENSORS))
        except (OSError, ValueError, LookupError, SafetensorError, DataError) as error:
            raise RunError(f"{folder} is damaged: {error}; delete the run folder and train again") from error


# Data Maps. --------------------------------------------------------------------------------------------------------


def confidence(log_probability: np.ndarray) -> np.ndarray:
    """Mean probability of the label over epochs, in [0, 1], float64 [annotation] (Swayamdipta et al. 2020, eq. 1)."""
    return _mean(np.exp(_checked(log_probability)))


def variability(log_probability: np.ndarray) -> np.ndarray:
    """Population standard deviation of the label's probability, in [0, 0.5], float64 [annotation] (eq. 2)."""
    probability = np.exp(_checked(log_probability))
    return np.sqrt(_mean((probability - _mean(probability)) ** 2))


def correctness(margin: np.ndarray) -> np.ndarray:
    """Share of visits at which the label was the likeliest, in [0, 1], float64 [annotation]; a tie is not correct."""
    margin = _checked(margin)
    return _mean(np.where(np.isnan(margin), np.nan, margin > 0))


def threshold_closeness(log_probability: np.ndarray) -> np.ndarray:
    """confidence · (1 - confidence), in [0, 0.25], float64 [annotation]: high where nothing was ever certain."""
    mean = confidence(log_probability)
    return mean * (1 - mean)


# Forgetting and margins. -------------------------------------------------------------------------------------------


def forgetting_events(margin: np.ndarray) -> np.ndarray:
    """How often the label was the likeliest at one visit and not at the next, float64 [annotation].

    Infinite where it never was: such annotations were not learned, and rank above all that were (Toneva et al. 2019).
    """
    margin = _checked(margin)
    events, learned, before = (np.zeros(margin.shape[1], kind) for kind in (float, bool, bool))
    for now in margin:
        correct, visited = now > 0, ~np.isnan(now)
        events += before & visited & ~correct
        learned |= correct
        before = np.where(visited, correct, before)
    events[~learned] = np.inf
    return np.where(np.isnan(margin).all(0), np.nan, events)


def area_under_margin(margin: np.ndarray) -> np.ndarray:
    """AUM: the mean margin over epochs, float64 [annotation]; low where others' labels argue against this one
    (Pleiss et al. 2020, eq. 2)."""
    return _mean(_checked(margin))


def margin_threshold(aum: np.ndarray, threshold_sample: np.ndarray, percentile: float = 99.0) -> float:
    """The AUM at or below which a label is taken for wrong: a percentile of the threshold samples', whose label, an
    extra class, is known to be wrong (Pleiss et al. 2020, section 3.2).

    aum: float [annotation]. threshold_sample: bool [annotation]. Raises DataError when there is no threshold sample.
    """
    known_wrong = np.asarray(aum, float)[threshold_sample]
    if not np.isfinite(known_wrong).any():
        raise DataError("no threshold sample was visited in training, so there is no threshold; record more epochs")
    return float(np.nanpercentile(known_wrong, percentile))


def last(values: np.ndarray) -> np.ndarray:
    """The value of the last visit, float64 [annotation]."""
    values = _checked(values)
    found = np.full(values.shape[1], np.nan)
    for now in values:
        found = np.where(np.isnan(now), found, now)
    return found


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over visits, without numpy's warning where there was none."""
    visited = ~np.isnan(values)
    count, total = visited.sum(0), np.where(visited, values, 0.0).sum(0)
    return np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)


def _checked(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, float)
    if values.ndim != 2:
        raise DataError(f"training dynamics are [epoch, annotation]; got an array of shape {values.shape}")
    return values
