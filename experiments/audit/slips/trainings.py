"""The trainings behind every method: a known share of flipped labels, an annotator model and an annotator-blind one.

Five folds by item each. They give held-out predictions of all annotations, and for each annotation the training
dynamics of the three folds that trained on it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from perspectives.config import compose
from perspectives.data.annotations import AnnotationSet
from perspectives.data.load import load
from perspectives.predictions import Predictions, join
from perspectives.quality.audit.trained import data_map
from perspectives.quality.dynamics import FOLDER, Dynamics
from perspectives.quality.flips import flip_labels
from perspectives.quality.retraining import fit_on

SHARE, FOLDS = 0.05, 5
PEOPLE, BLIND = "annotator model", "annotator-blind model"
MODELS = {
    PEOPLE: ["model=jury", "model.groups=per_attribute", "predictions.everyone=true"],
    BLIND: ["model=softlabel"],
}
# What suits ordered ratings of many people (experiments/LOG.md).
OPTIONS = {("popquorn_offensiveness", PEOPLE): ["model.objective=ordinal", "model.structure=parallel", "model.rank=32"]}


@dataclass(frozen=True, eq=False)
class Trained:
    """A corpus with flipped labels, and what was learned from it. [annotation] is the order of `people.pairs`.

    annotations: with the flipped labels. rows: of the pairs in `annotations`, int64 [annotation]. label, before: what
    was trained on, and what people had said, int64 [annotation]. flipped: bool [annotation].
    people: held-out predictions of the annotator model. blind: of the annotator-blind one, float64 [annotation, level].
    maps: Data Maps of both models, by name, a row per annotation.
    """

    annotations: AnnotationSet
    rows: np.ndarray
    label: np.ndarray
    before: np.ndarray
    flipped: np.ndarray
    people: Predictions
    blind: np.ndarray
    maps: dict[str, pd.DataFrame]


def trained(corpus: str, seed: int, folder: Path, share: float = SHARE) -> Trained:
    """Trainings that `folder` holds are not repeated. seed: of the flips and of training."""
    original = load(compose(overrides=[f"data={corpus}"]).data)
    noisy, flipped = flip_labels(original, np.arange(len(original)), share, seed)
    held_out, maps = {}, {}
    for model in MODELS:
        held_out[model], maps[model] = _folds(corpus, model, seed, noisy, folder)
    people = held_out[PEOPLE]
    rows = _places(people.pairs, noisy.annotations)
    blind = held_out[BLIND].probabilities()[_places(people.pairs, held_out[BLIND].pairs)]
    maps = {model: table.iloc[_places(people.pairs, table)] for model, table in maps.items()}
    return Trained(noisy, rows, people.observed, original.labels[rows], flipped[rows], people, blind, maps)


def _folds(
    corpus: str, model: str, seed: int, annotations: AnnotationSet, folder: Path
) -> tuple[Predictions, pd.DataFrame]:
    """Held-out predictions of all annotations, and the Data Map of the same runs."""
    overrides = [f"data={corpus}", "split=items", f"split.folds={FOLDS}", f"seed={seed}", "trainer.progress=false"]
    overrides += [*MODELS[model], *OPTIONS.get((corpus, model), [])]
    configs = [compose(overrides=[*overrides, f"split.fold={fold}"]) for fold in range(FOLDS)]
    runs = [fit_on(config, annotations, folder / corpus, dynamics=True) for config in configs]
    predictions = [run.predictions("test")[configs[0].model.name] for run in runs]
    return join(predictions), data_map([Dynamics.load(run.folder / FOLDER) for run in runs])


def _places(pairs: pd.DataFrame, table: pd.DataFrame) -> np.ndarray:
    """Row in `table` of every pair, int64 [annotation]."""
    wanted, found = (pd.MultiIndex.from_frame(one[["item_id", "annotator_id"]]) for one in (pairs, table))
    return found.get_indexer(wanted)
