"""Annotators who have annotations, and their groups; measures leave out the others in the annotators' table."""

import numpy as np

from perspectives.data.annotations import AnnotationSet
from perspectives.metrics.groups import Membership, membership


def active(annotations: AnnotationSet) -> np.ndarray:
    """Which annotators have annotations, bool [annotator]."""
    return np.bincount(annotations.annotator_index, minlength=len(annotations.annotators)) > 0


def active_membership(annotations: AnnotationSet, attribute: str, unknown: bool = False) -> Membership:
    """`metrics.groups.membership` of those with annotations; the others are in no group and do not affect quartiles."""
    annotated = active(annotations)
    groups = membership(annotations.annotators[attribute].where(annotated), unknown)
    return Membership(groups.names, np.where(annotated, groups.code, -1), groups.edges)
