"""How a trained model names what it was trained on: the label scale and the annotators, saved with the run."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from perspectives.data.annotations import AnnotationSet
from perspectives.data.scale import Scale
from perspectives.errors import DataError, RunError
from perspectives.files import read_json, write_json

UNKNOWN_CODE = 0


@dataclass(frozen=True)
class Schema:
    """Vocabulary of a model.

    annotators: ids of the training annotators, sorted; an annotator's code is its position + 1, and code 0 stands for
        everyone never seen in training. training_labels: training annotations of each, int64 [annotator].
    """

    scale: Scale
    annotators: tuple[str, ...]
    training_labels: np.ndarray

    @classmethod
    def of(cls, train: AnnotationSet) -> "Schema":
        counts = train.annotations["annotator_id"].value_counts().sort_index()
        return cls(train.scale, tuple(counts.index), counts.to_numpy(np.int64))

    @property
    def counts(self) -> np.ndarray:
        """Training labels per code, int64 [annotator + 1], 0 for the unknown annotator."""
        return np.concatenate([[0], self.training_labels])

    def codes(self, annotator_ids: pd.Series) -> np.ndarray:
        """int64 [annotator]: the code of each id; 0 for an unknown one."""
        return (pd.Index(self.annotators).get_indexer(pd.Index(annotator_ids)) + 1).astype(np.int64)

    def save(self, path: str | Path) -> None:
        values = {
            "scale": self.scale.to_dict(),
            "annotators": list(self.annotators),
            "training_labels": self.training_labels.tolist(),
        }
        write_json(path, values)

    @classmethod
    def load(cls, path: str | Path) -> "Schema":
        """Raises RunError when the file is missing or damaged."""
        values = read_json(path)
        try:
            counts = np.array(values["training_labels"], np.int64)
            return cls(Scale.from_dict(values["scale"]), tuple(values["annotators"]), counts)
        except (LookupError, TypeError, ValueError, DataError) as error:
            raise RunError(f"{path} is damaged: {error!r}; delete the run folder and train again") from error
