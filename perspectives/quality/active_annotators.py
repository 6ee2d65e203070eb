"""Who annotated anything, and their groups: of others in the annotators' table nothing is said."""

import numpy as np

from perspectives.data.annotations import AnnotationSet
from perspectives.metrics.groups import Membership, membership


def active(annotations: AnnotationSet) -> np.ndarray:
    """Whether somebody has annotations, bool [annotator]."""
    return np.bincount(annotations.annotator_index, minlength=len(annotations.annotators)) > 0


def active_membership(annotations: AnnotationSet, attribute: str, unknown: bool = False) -> Membership:
    """`metrics.groups.membership` of those with annotations; the others are in no group and move no quartile."""
    there = active(annotations)
    found = membership(annotations.annotators[attribute].where(there), unknown)
    return Membership(found.names, np.where(there, found.code, -1), found.edges)
