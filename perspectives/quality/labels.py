"""Labels of an AnnotationSet as points and as codes."""

import numpy as np
import pandas as pd

from perspectives.data.annotations import AnnotationSet
from perspectives.metrics.cross_group import label_points


def points(annotations: AnnotationSet) -> np.ndarray:
    """Each label as a point whose squared distances are those of Krippendorff's alpha, float64 [annotation, axis]; sets
    of levels differ by the number of levels in only one of them."""
    kind, labels = annotations.scale.kind, annotations.labels
    return labels.astype(float) if kind == "multilabel" else label_points(labels, kind, annotations.scale.size)


def label_codes(annotations: AnnotationSet) -> np.ndarray:
    """Equal for equal labels (sets of levels: as a whole), int64 [annotation]."""
    return pd.factorize(annotations.annotations["label"])[0].astype(np.int64)
