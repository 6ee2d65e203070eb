"""Label errors by confident learning and CROWDLAB, as implemented in cleanlab (`pip install 'perspectives[cleanlab]'`).

Papers: Northcutt et al. 2021, Confident Learning (JAIR 70); Goh et al. 2022, CROWDLAB (NeurIPS workshop).
"""

import numpy as np
import pandas as pd

from perspectives.data.annotations import AnnotationSet
from perspectives.errors import ConfigError, DataError

LARGEST_TABLE = 10**8  # cells of CROWDLAB's item × annotator table


def confident_learning(label: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which labels are likely errors, bool [annotation], and the quality of each, in 0..1, float64 [annotation].

    label: level positions, int64 [annotation]. probabilities: held out, float [annotation, level]; rows sum to 1. The
    quality is the normalised margin of probabilities adjusted to each level's usual confidence. Raises ConfigError
    without cleanlab.
    """
    _require()
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    probabilities = _normalised(probabilities)
    suspect = find_label_issues(label, probabilities, n_jobs=1)
    options = {"method": "normalized_margin", "adjust_pred_probs": True}
    return np.asarray(suspect, bool), np.asarray(get_label_quality_scores(label, probabilities, **options))


def crowdlab(annotations: AnnotationSet, probabilities: np.ndarray) -> np.ndarray:
    """The quality of each label given the model and all who labelled the item, in 0..1, float64 [annotation].

    probabilities: of each item, held out, float [item, level]; rows sum to 1. Raises ConfigError without cleanlab,
    DataError for labels that are not single levels, repeated pairs, and corpora too large for such a table.
    """
    _require()
    from cleanlab.multiannotator import get_label_quality_multiannotator

    if annotations.scale.kind not in ("nominal", "ordinal"):
        raise DataError(f"{annotations.name} has {annotations.scale.kind} labels; CROWDLAB needs one level each")
    items, people = len(annotations.items), len(annotations.annotators)
    if items * people > LARGEST_TABLE:
        raise DataError(f"CROWDLAB needs a table of {items:,} × {people:,} cells; select fewer items or annotators")
    if annotations.annotations.duplicated(["item_id", "annotator_id"]).any():
        raise DataError(
            f"{annotations.name} has people who labelled an item twice; CROWDLAB needs one label per person and item"
        )
    table = np.full((items, people), np.nan)
    table[annotations.item_index, annotations.annotator_index] = annotations.labels
    found = get_label_quality_multiannotator(
        pd.DataFrame(table), _normalised(probabilities), return_annotator_stats=False, verbose=False
    )
    quality = found["detailed_label_quality"].to_numpy(float)
    return quality[annotations.item_index, annotations.annotator_index]


def _normalised(probabilities: np.ndarray) -> np.ndarray:
    """Rows that sum to 1 in float64: those of float32 miss it by more than cleanlab allows."""
    probabilities = np.asarray(probabilities, float)
    return probabilities / probabilities.sum(1, keepdims=True)


def _require() -> None:
    try:
        import cleanlab  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "confident learning and CROWDLAB need cleanlab; pip install 'perspectives[cleanlab]'"
        ) from error
