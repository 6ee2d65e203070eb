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
    people who are suspected of spam). In the row of small groups the last two are missing, and all numbers where even
    together they are fewer than 5 people.
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
            sizes = [int(member.sum()), int(given.sum()), member.sum() / everybody, given.mean()]
            if member.sum() < SMALLEST_GROUP:
                sizes = [pd.NA, pd.NA, float("nan"), float("nan")]
            shares = [float("nan"), float("nan")]
            if name in large:
                items = len(np.unique(annotations.item_index[given])) / len(annotations.items)
                shares = [items, suspect[member].mean()]
            rows.append((attribute, name, *sizes, *shares))
    return pd.DataFrame(rows, columns=COLUMNS).astype({"people": "Int64", "annotations": "Int64"})
