"""Labels of an AnnotationSet as points and as codes, for measures of agreement and detectors of noise."""

import numpy as np
import pandas as pd

from perspectives.data.annotations import AnnotationSet
from perspectives.errors import DataError
from perspectives.metrics.cross_group import label_points


def points(annotations: AnnotationSet) -> np.ndarray:
    """Each label as a point whose squared distances are those of Krippendorff's alpha, float64 [annotation, axis].

    The distance of two sets of levels is the number of levels in only one of them."""
    kind, labels = annotations.scale.kind, annotations.labels
    return labels.astype(float) if kind == "multilabel" else label_points(labels, kind, annotations.scale.size)


def label_codes(annotations: AnnotationSet) -> np.ndarray:
    """A code per label, int64 [annotation]; two sets of levels have the same code when they are equal."""
    return pd.factorize(annotations.annotations["label"])[0].astype(np.int64)


def refuse_other_scales(annotations: AnnotationSet) -> None:
    """Raises DataError for ratings and sets of levels, in which no noise is looked for."""
    if annotations.scale.kind not in ("nominal", "ordinal"):
        kind = annotations.scale.kind
        raise DataError(f"{annotations.name} has {kind} labels; noise is looked for in labels of one level each")
