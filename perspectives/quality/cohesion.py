"""Do groups of annotators agree among themselves more than with all others?"""

from typing import Any

import numpy as np
import pandas as pd

from perspectives.data.annotations import AnnotationSet
from perspectives.metrics.cross_group import association
from perspectives.metrics.groups import SMALLEST_GROUP, pooled_name
from perspectives.metrics.intervals import holm
from perspectives.quality.active_annotators import active_membership
from perspectives.quality.agreement import units_of
from perspectives.quality.labels import points

PERMUTATIONS = 1000


def cohesion(annotations: AnnotationSet, attributes: list[str], permutations: int = PERMUTATIONS) -> pd.DataFrame:
    """A row per group of annotators: do its members agree among themselves more than with all others?

    Columns: attribute, group, people, annotations, irr, xrr, gai, p (see `metrics.cross_group.Association`), p_holm
    (corrected over all rows). Others are all people of another known value; the same person in another round is another
    judgement of another unit. Groups below 5 people are one row per attribute, without numbers, as `metrics.groups`
    does it; people and annotations are missing there, too, where even together they are fewer than 5 people.
    """
    rows = [row for attribute in attributes for row in _rows(annotations, attribute, permutations)]
    table = pd.DataFrame(rows, columns=["attribute", "group", "people", "annotations", "irr", "xrr", "gai", "p"])
    table = table.astype({"people": "Int64", "annotations": "Int64"})
    return table.assign(p_holm=holm(table["p"].to_numpy(float)))


def _rows(annotations: AnnotationSet, attribute: str, permutations: int) -> list[tuple[Any, ...]]:
    found = active_membership(annotations, attribute)
    group = found.code[annotations.annotator_index]
    people = np.bincount(found.code[found.code >= 0], minlength=len(found.names))
    count = np.bincount(group[group >= 0], minlength=len(found.names))
    known = np.flatnonzero(group >= 0)
    judged = points(annotations)[known], units_of(annotations)[known], annotations.annotator_index[known]
    rows: list[tuple[Any, ...]] = []
    for code in np.flatnonzero(people >= SMALLEST_GROUP):
        one = association(*judged, found.code == code, permutations)
        about = (attribute, found.names[code], one.people, int(count[code]))
        rows.append((*about, one.in_group, one.cross_group, one.gai, one.p))
    small = people < SMALLEST_GROUP
    if small.any():
        sizes = [int(people[small].sum()), int(count[small].sum())]
        shown = sizes if sizes[0] >= SMALLEST_GROUP else [pd.NA, pd.NA]
        rows.append((attribute, pooled_name(int(small.sum())), *shown, *[float("nan")] * 4))
    return rows
