"""Planted noise: flip a known share of labels, and learn from their training dynamics what wrong labels look like.

Paper: Swayamdipta et al. 2020, Dataset Cartography (EMNLP), section 5: a classifier of flipped labels on confidence.
"""

from dataclasses import replace

import numpy as np

from perspectives.data.annotations import AnnotationSet
from perspectives.errors import ConfigError, DataError


def flip_labels(
    annotations: AnnotationSet, rows: np.ndarray, share: float, seed: int
) -> tuple[AnnotationSet, np.ndarray]:
    """The corpus with a share of the labels at `rows` (int64 positions) replaced by another level, each equally likely.

    Also returns which of `rows` were flipped, bool [row]: exactly that share, rounded. Raises ConfigError for a share
    outside 0..1, DataError for ratings and sets of levels.
    """
    if not 0 <= share <= 1:
        raise ConfigError(f"the share of labels to flip must be a number from 0 to 1; got {share}")
    if annotations.scale.kind not in ("nominal", "ordinal"):
        raise DataError(f"{annotations.name} has {annotations.scale.kind} labels; only single levels can be flipped")
    random, levels = np.random.default_rng(seed), annotations.scale.size
    flipped = np.zeros(len(rows), bool)
    flipped[random.permutation(len(rows))[: round(share * len(rows))]] = True
    labels = annotations.labels.copy()
    labels[rows[flipped]] = (labels[rows[flipped]] + random.integers(1, levels, flipped.sum())) % levels
    table = annotations.annotations.assign(label=annotations.scale.decode(labels).to_numpy())
    return replace(annotations, annotations=table), flipped


def noise_probability(features: np.ndarray, flipped: np.ndarray, seed: int = 0, folds: int = 5) -> np.ndarray:
    """How much each annotation looks like one whose label was flipped, in 0..1, float64 [annotation], out of fold.

    The classifier is a logistic regression that weighs both classes equally, so 1/2 is equally typical of both.

    features: finite, float [annotation, feature]: confidence alone as in the paper, or also variability and AUM.
    flipped: the labels known to be wrong, bool [annotation]. seed: deals the folds.
    Raises DataError for features that are missing, or fewer than `folds` annotations of either kind.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    features = np.asarray(features, float)
    if features.ndim != 2 or not np.isfinite(features).all():
        raise DataError(
            "features must be finite, [annotation, feature]; leave out annotations that were never trained on"
        )
    if min(flipped.sum(), (~flipped).sum()) < folds:
        raise DataError(
            f"{flipped.sum()} of {len(flipped)} labels are flipped; {folds} folds need at least {folds} flipped and "
            f"{folds} others"
        )
    classifier = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced"))
    dealt = StratifiedKFold(folds, shuffle=True, random_state=seed)
    return cross_val_predict(classifier, features, flipped, cv=dealt, method="predict_proba")[:, 1]
