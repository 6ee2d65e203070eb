"""Predictions: what each annotator would say about each item, and the form in which all models store their answers.

Trained methods, priors, ensembles and outside models produce Predictions; metrics, juries and tables read them and
never load a model. On disk they are a folder with `observed.parquet` (the pairs that people labelled), `items.parquet`,
`annotators.parquet`, `predictions.json` and, on request, `everyone.npy`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from perspectives.data.scale import Scale
from perspectives.errors import DataError, RunError
from perspectives.files import new_folder, read_json, write_json
from perspectives.metrics.arrays import NEAR_ZERO
from perspectives.metrics.calibration import with_temperature
from perspectives.metrics.decision import decide

FORMAT = 1
SMALLEST = NEAR_ZERO  # for quality.noisy_cross_validation
KIND_OF_SCALE = {"nominal": "categorical", "ordinal": "categorical", "multilabel": "multiple", "interval": "rating"}
PAIR_KEY = ["item_id", "annotator_id", "round"]
TABLES = ("observed", "items", "annotators")


@dataclass(frozen=True)
class Predictions:
    """Predicted answers of one method on one part of a split.

    scale: the label scale. kind: `categorical` (a distribution over levels), `multiple` (a probability per level,
        rows need not sum to 1) or `rating` (one number).
    pairs: one row per observed pair: `item_id`, `annotator_id`, `round` where the corpus has rounds, `label` (what the
        annotator answered, as in AnnotationSet), `training_labels` (how many training annotations the model saw of this
        annotator; 0: never seen) and `decision` (a level) where a rule other than the most likely level decided.
    values: float32 [pair, level]; [pair, 1] for ratings.
    items, annotators: tables of the judged items and of all annotators that the model can answer for.
    everyone: float32 [item, annotator, level] in the order of the two tables, memory-mapped when loaded, with axes of
        length 1 where the answer does not depend on them; None unless the run was told to keep it.
    about: where the predictions come from (method, split, fold, seed, temperature, …).
    """

    scale: Scale
    pairs: pd.DataFrame
    values: np.ndarray
    items: pd.DataFrame
    annotators: pd.DataFrame
    everyone: np.ndarray | None = None
    about: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shape = (len(self.pairs), self.scale.size)
        if self.values.shape != shape:
            raise RunError(f"predictions have shape {self.values.shape}; expected {shape}, (pairs, levels)")
        if not np.isfinite(self.values).all():
            raise RunError("predictions contain nan or infinite values; training diverged, try a smaller learning rate")

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def kind(self) -> str:
        return KIND_OF_SCALE[self.scale.kind]

    # Readings that hide the kind. ----------------------------------------------------------------------------------

    def probabilities(self) -> np.ndarray:
        """float64 [pair, level]. Raises RunError for ratings, which are numbers and not distributions."""
        if self.kind == "rating":
            raise RunError("these predictions are ratings without probabilities; use ratings(), or train with levels")
        return self.values.astype(np.float64)

    def answers(self) -> np.ndarray:
        """Return what everyone would say about every item, float32 [item, annotator, level].

        The annotator axis has length 1 where the model gives everybody the same answer. Raises RunError when the run
        did not keep these answers.
        """
        if self.everyone is None:
            raise RunError(
                "these predictions hold only the pairs people labelled, and juries need everyone's answers; train "
                "again with predictions.everyone=true. Folds of split=items can be joined if all have it; those of "
                "split=annotators and split=both judge the same texts, so name the runs of one fold"
            )
        return self.everyone

    def labels(self) -> np.ndarray:
        """Return the predicted labels in the form of `Scale.encode`.

        `categorical`: level positions int64 [pair], as `decided`, otherwise the most likely level, the lowest of
        equals. `multiple`: an indicator float32 [pair, level], 1 where the probability is above one half. `rating`: the
        ratings float64 [pair].
        """
        if "decision" in self.pairs:
            return self.scale.encode(self.pairs["decision"])
        if self.kind == "rating":
            return self.ratings()
        return (self.values > 0.5).astype(np.float32) if self.kind == "multiple" else self.values.argmax(1)

    def ratings(self) -> np.ndarray:
        """Return expected numeric answers, float64 [pair]. Raises RunError for sets of levels, which have no mean."""
        if self.kind == "multiple":
            raise RunError("sets of levels have no numeric mean; use probabilities()")
        if self.kind == "rating":
            return self.values[:, 0].astype(np.float64)
        return self.probabilities() @ self.scale.values

    @cached_property
    def observed(self) -> np.ndarray:
        """The labels of the annotators in the form of `Scale.encode`. Raises RunError when the pairs have none."""
        if "label" not in self.pairs:
            raise RunError("these predictions have no observed labels, so they cannot be scored")
        return self.scale.encode(self.pairs["label"])

    @cached_property
    def item_index(self) -> np.ndarray:
        """Row in `items` of each pair, int64 [pair]."""
        return pd.Index(self.items["item_id"]).get_indexer(self.pairs["item_id"]).astype(np.int64)

    @cached_property
    def annotator_index(self) -> np.ndarray:
        """Row in `annotators` of each pair, int64 [pair]."""
        return pd.Index(self.annotators["annotator_id"]).get_indexer(self.pairs["annotator_id"]).astype(np.int64)

    @property
    def seen(self) -> np.ndarray:
        """Whether the model was trained on annotations of the pair's annotator, bool [pair]."""
        return self.pairs["training_labels"].to_numpy() > 0

    def select(self, rows: np.ndarray) -> "Predictions":
        """Return the pairs at `rows` (boolean mask [pair]) with their items; `everyone` keeps the same items."""
        kept = self.items["item_id"].isin(self.pairs["item_id"][rows]).to_numpy()
        everyone = self.everyone
        if everyone is not None and everyone.shape[0] > 1:
            everyone = everyone[kept]
        pairs, items = self.pairs[rows].reset_index(drop=True), self.items[kept].reset_index(drop=True)
        return replace(self, pairs=pairs, values=self.values[rows], items=items, everyone=everyone)

    # Combining. ----------------------------------------------------------------------------------------------------

    def calibrated(self, temperature: float) -> "Predictions":
        """Sharpen (below 1) or soften (above 1) the probabilities by a temperature; ratings do not change."""
        if self.kind == "rating" or temperature == 1:
            return self
        everyone = None if self.everyone is None else with_temperature(self.everyone, temperature, self.kind)
        about = self.about | {"temperature": temperature * self.about.get("temperature", 1.0)}
        return replace(
            self, values=with_temperature(self.values, temperature, self.kind), everyone=everyone, about=about
        )

    def decided(self, offsets: np.ndarray) -> "Predictions":
        """Decide the labels with these offsets per level (see `metrics.decision`), float [level].

        The probabilities do not change.
        """
        decision = self.scale.decode(decide(self.probabilities(), offsets)).to_numpy()
        return replace(self, pairs=self.pairs.assign(decision=decision))

    def same_pairs(self, other: "Predictions") -> bool:
        """Whether both answer the same pairs in the same order, on the same scale, with the same observed labels."""
        columns, others = ([c for c in (*PAIR_KEY, "label") if c in p.pairs] for p in (self, other))
        return self.scale == other.scale and columns == others and self.pairs[columns].equals(other.pairs[columns])

    # On disk. ------------------------------------------------------------------------------------------------------

    def save(self, folder: str | Path) -> None:
        """Write the predictions into a new folder, completely or not at all."""
        with new_folder(folder) as partial:
            answers = pd.DataFrame(self.values.astype(np.float32), columns=answer_columns(self.scale))
            pairs = self.pairs.reset_index(drop=True)
            pd.concat([pairs, answers], axis=1).to_parquet(partial / "observed.parquet", index=False)
            self.items.to_parquet(partial / "items.parquet", index=False)
            self.annotators.to_parquet(partial / "annotators.parquet", index=False)
            if self.everyone is not None:
                np.save(partial / "everyone.npy", np.ascontiguousarray(self.everyone, np.float32))
            header = {"format": FORMAT, "kind": self.kind, "scale": self.scale.to_dict(), "about": self.about}
            write_json(partial / "predictions.json", header)

    @classmethod
    def load(cls, folder: str | Path) -> "Predictions":
        """Read a folder that `save` wrote. Raises RunError when the folder is missing, damaged or of another format."""
        folder = Path(folder)
        if not (folder / "predictions.json").exists():
            raise RunError(
                f"{folder} holds no predictions (no predictions.json); give a folder that a finished run wrote"
            )
        header = read_json(folder / "predictions.json")
        try:
            if header["format"] != FORMAT:
                raise RunError(f"{folder} has format {header['format']}, this version reads {FORMAT}; run again")
            scale, about = Scale.from_dict(header["scale"]), header["about"]
            table, items, annotators = (pd.read_parquet(folder / f"{name}.parquet") for name in TABLES)
            everyone = folder / "everyone.npy"
            answers = np.load(everyone, mmap_mode="r") if everyone.exists() else None
            values = table[answer_columns(scale)].to_numpy(np.float32)
        except (OSError, ValueError, LookupError, TypeError, DataError) as error:
            raise RunError(f"{folder} is damaged: {error}; delete the run folder and run again") from error
        pairs = table.drop(columns=answer_columns(scale))
        if scale.kind == "multilabel" and "label" in pairs:
            pairs["label"] = pairs["label"].map(tuple)  # parquet returns arrays
        return cls(scale, pairs, values, items, annotators, answers, about)


def answer_columns(scale: Scale) -> list[str]:
    """Return the names of the columns that hold the answers, in `observed.parquet` and in imported tables."""
    return ["rating"] if scale.kind == "interval" else [f"p_{level}" for level in scale.levels]


def join(folds: Sequence[Predictions]) -> Predictions:
    """Return out-of-fold predictions: the pairs of all folds together.

    `everyone` is kept when all folds have it, for the same people and different items. Raises RunError when a pair
    occurs in two folds, or when folds are on different scales.
    """
    first = folds[0]
    if any(fold.scale != first.scale for fold in folds):
        raise RunError("folds on different label scales cannot be joined; join runs of one corpus and target")
    pairs = pd.concat([fold.pairs for fold in folds], ignore_index=True)
    key = [column for column in PAIR_KEY if column in pairs]
    distinct = pd.concat([fold.pairs[key].drop_duplicates() for fold in folds])  # a corpus may contain duplicates
    if twice := int(distinct.duplicated().sum()):
        raise RunError(f"{twice} pairs occur in more than one fold; join runs of different folds of one split")
    items = pd.concat([fold.items for fold in folds], ignore_index=True).drop_duplicates("item_id", ignore_index=True)
    annotators = pd.concat([fold.annotators for fold in folds], ignore_index=True)
    annotators = annotators.drop_duplicates("annotator_id", ignore_index=True)
    return Predictions(
        first.scale, pairs, np.concatenate([fold.values for fold in folds]), items, annotators,
        _joined_everyone(folds, items, annotators), _common(folds),
    )  # fmt: skip


def _joined_everyone(folds: Sequence[Predictions], items: pd.DataFrame, annotators: pd.DataFrame) -> np.ndarray | None:
    same_people = all(list(f.annotators["annotator_id"]) == list(annotators["annotator_id"]) for f in folds)
    if (
        any(fold.everyone is None for fold in folds)
        or not same_people
        or sum(len(f.items) for f in folds) != len(items)
    ):
        return None
    width = max(f.everyone.shape[1] for f in folds)  # type: ignore[union-attr]
    shape = [(len(f.items), width, f.scale.size) for f in folds]
    return np.concatenate([np.broadcast_to(f.everyone, s) for f, s in zip(folds, shape, strict=True)])  # type: ignore[arg-type]


def average(seeds: Sequence[Predictions]) -> Predictions:
    """Return the mean answer of several runs on the same pairs; its labels are the most likely levels.

    Raises RunError when their pairs differ.
    """
    first = seeds[0]
    if not all(first.same_pairs(other) for other in seeds[1:]):
        raise RunError(
            "predictions on different pairs cannot be averaged; give runs of one split that differ in seed only"
        )
    everyone = [seed.everyone for seed in seeds if seed.everyone is not None]
    mean = _mean(everyone) if len(everyone) == len(seeds) else None
    pairs = first.pairs.drop(columns="decision", errors="ignore")
    values = _mean([seed.values for seed in seeds])
    return replace(first, pairs=pairs, values=values, everyone=mean, about=_common(seeds))


def _mean(answers: Sequence[np.ndarray]) -> np.ndarray:
    """Return the mean, float32; axes of length 1 are broadcast, and the arrays are never held stacked."""
    return np.asarray(sum(answer / np.float32(len(answers)) for answer in answers), np.float32)


def _common(parts: Sequence[Predictions]) -> dict[str, Any]:
    """Return what `about` says of all parts alike."""
    return {key: value for key, value in parts[0].about.items() if all(p.about.get(key) == value for p in parts)}
