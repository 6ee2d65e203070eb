"""Agreement of everybody, of each group and of each level, and of every two people."""

from typing import Any

import pandas as pd

from perspectives.data.annotations import AnnotationSet
from perspectives.errors import DataError
from perspectives.metrics.groups import SMALLEST_GROUP
from perspectives.quality.active_annotators import active
from perspectives.quality.agreement import Agreement
from perspectives.quality.annotator_agreement import pair_agreement
from perspectives.quality.group_agreement import within_groups

COLUMNS = ["attribute", "group", "level", "people", "annotations", "pairwise", "alpha"]


def agreements(annotations: AnnotationSet, overall: Agreement) -> pd.DataFrame:
    """Agreement among everybody (first), whether a set of levels holds each level, and within groups of 5 people or
    more. overall: `quality.agreement.agreement` of the annotations.

    Columns: attribute, group ('everyone' without an attribute), level ('' for labels as a whole), people,
    annotations, pairwise agreement (nan for ratings, of which hardly two are equal, and for single levels) and alpha,
    nan where undefined.
    """
    size = (int(active(annotations).sum()), len(annotations))
    rows: list[tuple[Any, ...]] = [("", "everyone", "", *size, overall.pairwise, overall.alpha)]
    rows += [("", "everyone", name, *size, float("nan"), alpha) for name, alpha in overall.alpha_per_level.items()]
    for attribute in annotations.attributes:
        found = within_groups(annotations, attribute)
        for one in found[found["people"] >= SMALLEST_GROUP].itertuples():
            rows.append((attribute, one.group, "", one.people, one.annotations, one.pairwise, one.alpha))
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.assign(pairwise=float("nan")) if annotations.scale.kind == "interval" else table


def pairs(annotations: AnnotationSet) -> pd.DataFrame:
    """`quality.annotator_agreement.pair_agreement`, beside the ids the numbers of both people, `person` and `other`
    (positions in the annotators table from 1). Empty where pairs are not defined: for ratings, sets of levels and
    people who labelled an item twice."""
    try:
        found = pair_agreement(annotations)
    except DataError:
        return pd.DataFrame()
    ids = pd.Index(annotations.annotators["annotator_id"])
    return found.assign(person=ids.get_indexer(found["first"]) + 1, other=ids.get_indexer(found["second"]) + 1)
