"""Which groups of annotators were asked how much, and whether suspicion falls on some more than on others."""

import numpy as np
import pandas as pd

from perspectives.data.annotations import AnnotationSet
from perspectives.metrics.groups import SMALLEST_GROUP, pooled_name
from perspectives.quality.active_annotators import active, active_membership

COLUMNS = [
    "attribute",
    "group",
    "people",
    "annotations",
    "share_of_people",
    "share_of_annotations",
    "items",
    "suspects",
]


def coverage(annotations: AnnotationSet, suspect: np.ndarray) -> pd.DataFrame:
    """A row per group of annotators; groups of fewer than 5 people are one row per attribute, unknown values the last.

    suspect: bool [annotator]. Columns: attribute, group, people (with annotations), annotations, share_of_people,
    share_of_annotations, items (share of all items that somebody of the group labelled) and suspects (share of its
    people who are suspected of spam), nan in the row of small groups.
    """
    everybody, rows = active(annotations).sum(), []
    for attribute in annotations.attributes:
        found = active_membership(annotations, attribute, unknown=True)
        code = found.code
        people = np.bincount(code[code >= 0], minlength=len(found.names))
        small = np.flatnonzero((people < SMALLEST_GROUP) & (people > 0))
        large = {found.names[one]: [one] for one in np.flatnonzero(people >= SMALLEST_GROUP)}
        for name, codes in {**large, **({pooled_name(len(small)): list(small)} if len(small) else {})}.items():
            member = np.isin(code, codes)
            given = member[annotations.annotator_index]
            shares = [member.sum() / everybody, given.mean(), float("nan"), float("nan")]
            if name in large:
                items = len(np.unique(annotations.item_index[given])) / len(annotations.items)
                shares[2:] = items, suspect[member].mean()
            rows.append((attribute, name, int(member.sum()), int(given.sum()), *shares))
    return pd.DataFrame(rows, columns=COLUMNS)
