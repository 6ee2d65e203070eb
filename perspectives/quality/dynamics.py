"""Training dynamics: how well a model fitted every annotation, epoch by epoch, which tells easy from suspect ones.

`Dynamics` is what `dynamics=true` leaves in a run folder; each row is a unit of that training: an annotation, or an
item's one label where the model learns from item labels. The measures are functions of arrays [epoch, annotation] with
nan where an annotation was not visited in an epoch (`raters_per_item`); annotations that were never visited get nan.

Papers: Swayamdipta et al. 2020, Dataset Cartography (EMNLP); Toneva et al. 2019, An Empirical Study of Example
Forgetting (ICLR). AUM is in `area_under_margin`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from perspectives.errors import DataError, RunError
from perspectives.files import new_folder
from perspectives.quality.area_under_margin import area_under_margin
from perspectives.quality.visits import checked, last_visit, mean_over_visits

FOLDER = "dynamics"  # in a run folder
TENSORS = ("log_probability", "margin")


@dataclass(frozen=True, eq=False)
class Dynamics:
    """What one training recorded.

    units: a row per unit: `item_id`, `annotator_id`, `round` where the corpus has rounds, and the `label` trained on.
    log_probability: of that label, while the unit was trained on in this epoch, at most 0, float32 [epoch, annotation].
    margin: log-probability of the label minus that of the best other one, float32 [epoch, annotation]. For a softmax
    it is the difference of logits, so it never saturates.
    """

    units: pd.DataFrame
    log_probability: np.ndarray
    margin: np.ndarray

    def __post_init__(self) -> None:
        for name in TENSORS:
            if getattr(self, name).shape[1:] != (len(self.units),):
                raise DataError(f"{name} has shape {getattr(self, name).shape}; expected [epoch, {len(self.units)}]")

    def measures(self) -> pd.DataFrame:
        """Returns the units with a column for each measure; `loss` is that of the last visit."""
        return self.units.assign(
            confidence=confidence(self.log_probability),
            variability=variability(self.log_probability),
            correctness=correctness(self.margin),
            threshold_closeness=threshold_closeness(self.log_probability),
            forgetting=forgetting_events(self.margin),
            aum=area_under_margin(self.margin),
            loss=-last_visit(self.log_probability),
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
    return mean_over_visits(np.exp(checked(log_probability)))


def variability(log_probability: np.ndarray) -> np.ndarray:
    """Population standard deviation of the label's probability, in [0, 0.5], float64 [annotation] (eq. 2)."""
    probability = np.exp(checked(log_probability))
    return np.sqrt(mean_over_visits((probability - mean_over_visits(probability)) ** 2))


def correctness(margin: np.ndarray) -> np.ndarray:
    """Share of visits at which the label was the likeliest, in [0, 1], float64 [annotation]; a tie is not correct."""
    margin = checked(margin)
    return mean_over_visits(np.where(np.isnan(margin), np.nan, margin > 0))


def threshold_closeness(log_probability: np.ndarray) -> np.ndarray:
    """confidence · (1 - confidence), in [0, 0.25], float64 [annotation]: high where the model was never certain."""
    mean = confidence(log_probability)
    return mean * (1 - mean)


# Forgetting. -------------------------------------------------------------------------------------------------------


def forgetting_events(margin: np.ndarray) -> np.ndarray:
    """How often the label was the likeliest at one visit and not at the next, float64 [annotation].

    Infinite where it never was the likeliest: such annotations were not learned, and rank above all that were (Toneva
    et al. 2019).
    """
    margin = checked(margin)
    events, learned, before = (np.zeros(margin.shape[1], kind) for kind in (float, bool, bool))
    for epoch in margin:
        correct, visited = epoch > 0, ~np.isnan(epoch)
        events += before & visited & ~correct
        learned |= correct
        before = np.where(visited, correct, before)
    events[~learned] = np.inf
    return np.where(np.isnan(margin).all(0), np.nan, events)
