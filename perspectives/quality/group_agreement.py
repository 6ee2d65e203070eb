"""Agreement within and between groups of annotators who share a demographic value."""

import warnings
from itertools import combinations

import numpy as np
import pandas as pd

from perspectives.data.annotations import AnnotationSet
from perspectives.errors import ConfigError, DataWarning
from perspectives.metrics.cross_group import cross_replication
from perspectives.metrics.groups import SMALLEST_GROUP, Membership
from perspectives.quality.active_annotators import active_membership
from perspectives.quality.agreement import agreement, units_of
from perspectives.quality.labels import label_codes, points


def within_groups(annotations: AnnotationSet, attribute: str, minimum: int = SMALLEST_GROUP) -> pd.DataFrame:
    """A row per value of the attribute, the most frequent first.

    Columns: `group`, `people`, `annotations`, and the `pairwise` agreement and `alpha` of the group's annotations alone
    (see `agreement.agreement`), nan where undefined. For ordered levels, distances depend on the group's own
    frequencies; `irr` of `cohesion` measures all groups alike.

    Groups of fewer than `minimum` people have nan. Raises ConfigError for an attribute that does not exist.
    """
    groups = _groups(annotations, attribute)
    rows = []
    for code, name in enumerate(groups.names):
        own = groups.code[annotations.annotator_index] == code
        people = len(np.unique(annotations.annotator_index[own]))
        pairwise = alpha = float("nan")
        if people >= minimum:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DataWarning)  # undefined is nan in the table
                found = agreement(annotations.select(own))
            pairwise, alpha = found.pairwise, found.alpha
        rows.append((name, people, int(own.sum()), pairwise, alpha))
    return pd.DataFrame(rows, columns=["group", "people", "annotations", "pairwise", "alpha"])


def between_groups(annotations: AnnotationSet, attribute: str, minimum: int = SMALLEST_GROUP) -> pd.DataFrame:
    """A row per pair of groups of at least `minimum` people each.

    Columns: `group`, `other`, `pairs` (of annotations of one unit, one from each group), `pairwise` (share of them that
    are equal) and `xrr`, their agreement corrected for chance (cross-replication reliability; for ordered scales and
    ratings by distance, as alpha), nan where undefined.

    Raises ConfigError for an attribute that does not exist.
    """
    groups, who = _groups(annotations, attribute), annotations.annotator_index
    unit, value, point = units_of(annotations), label_codes(annotations), points(annotations)
    group = groups.code[who]
    people = [len(np.unique(who[group == code])) for code in range(len(groups.names))]
    rows = []
    for code, other in combinations([code for code, size in enumerate(people) if size >= minimum], 2):
        pairs, pairwise = _across(unit, value, group == code, group == other)
        both = (group == code) | (group == other)
        xrr = cross_replication(point[both], unit[both], who[both], groups.code == code)
        rows.append((groups.names[code], groups.names[other], pairs, pairwise, xrr))
    return pd.DataFrame(rows, columns=["group", "other", "pairs", "pairwise", "xrr"])


def _groups(annotations: AnnotationSet, attribute: str) -> Membership:
    if attribute not in annotations.attributes:
        known = ", ".join(annotations.attributes) or "none"
        raise ConfigError(f"there is no attribute {attribute!r}; attributes of {annotations.name}: {known}")
    return active_membership(annotations, attribute)


def _across(unit: np.ndarray, value: np.ndarray, one: np.ndarray, other: np.ndarray) -> tuple[int, float]:
    """Number of pairs of annotations of a unit across two groups, and the share of them that are equal."""
    units = int(unit.max(initial=-1)) + 1
    cell = np.unique(unit * (value.max(initial=0) + 1) + value, return_inverse=True)[1].reshape(-1)
    pairs = np.bincount(unit[one], minlength=units) @ np.bincount(unit[other], minlength=units)
    cells = int(cell.max(initial=-1)) + 1
    equal = np.bincount(cell[one], minlength=cells) @ np.bincount(cell[other], minlength=cells)
    return int(pairs), float(equal / pairs) if pairs else float("nan")
