"""Agreement of single annotators with the others, and of every pair of annotators, by sparse products over items.

A unit is an item, within one round where there are several, so nobody is compared with themselves.
Papers: Tratz and Hovy 2010, A Taxonomy, Dataset, and Classifier for Automatic Noun Compound Interpretation (raw
agreement per annotation); Cohen 1960, A Coefficient of Agreement for Nominal Scales.
"""

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from perspectives.data.annotations import AnnotationSet
from perspectives.errors import DataError
from perspectives.quality.agreement import units_of
from perspectives.quality.labels import label_codes


def raw_agreement(annotations: AnnotationSet) -> np.ndarray:
    """Share of the unit's other annotations with the same label, float64 [annotation], in [0, 1]; nan without others.

    The same label is the same set of levels on multilabel scales, the same number for ratings.
    """
    unit, value = units_of(annotations), label_codes(annotations)
    who = annotations.annotator_index
    cell = _numbered(unit, value)
    same = np.bincount(cell)[cell] - _counts(cell, who)
    others = np.bincount(unit)[unit] - _counts(unit, who)
    return np.divide(same, others, out=np.full(len(unit), np.nan), where=others > 0)


def _numbered(*keys: np.ndarray) -> np.ndarray:
    """A number per distinct combination of keys, int64 [annotation]."""
    return np.unique(np.column_stack(keys), axis=0, return_inverse=True)[1].reshape(-1)


def _counts(place: np.ndarray, who: np.ndarray) -> np.ndarray:
    """How many annotations at the same place are the same person's, int64 [annotation]: 1 unless they are repeated."""
    own = _numbered(place, who)
    return np.bincount(own)[own]


def annotator_agreement(annotations: AnnotationSet) -> pd.DataFrame:
    """A row per annotator: `annotator_id`, `annotations` (on units that others annotated too) and `agreement`, the mean
    of their `raw_agreement`; nan where there are none."""
    raw, who = raw_agreement(annotations), annotations.annotator_index
    met = ~np.isnan(raw)
    size = len(annotations.annotators)
    count, total = np.bincount(who[met], minlength=size), np.bincount(who[met], raw[met], size)
    mean = np.divide(total, count, out=np.full(size, np.nan), where=count > 0)
    return pd.DataFrame(
        {"annotator_id": annotations.annotators["annotator_id"], "annotations": count, "agreement": mean}
    )


def pair_agreement(annotations: AnnotationSet, shared: int = 1) -> pd.DataFrame:
    """A row per pair of annotators with at least `shared` units in common.

    Columns: `first`, `second` (annotator ids, in the order of the annotators' table), `units` (how many both
    annotated), `agreement` (share of them with equal labels, in [0, 1]) and `kappa` (Cohen's, from both people's
    distributions over the shared units; nan where both gave the same level to all of them).

    Raises DataError for interval and multilabel scales, and where somebody annotated a unit twice.
    """
    if annotations.scale.kind not in ("nominal", "ordinal"):
        raise DataError(
            f"{annotations.name} has {annotations.scale.kind} labels; agreement of pairs needs one level per "
            "annotation; use raw_agreement"
        )
    unit, who = units_of(annotations), annotations.annotator_index
    shape = (len(annotations.annotators), int(unit.max(initial=-1)) + 1)
    everyone = _matrix(who, unit, shape)
    if (everyone.data > 1).any():
        raise DataError(f"{annotations.name} keeps duplicates, so pairs are not defined; read it with duplicates=first")
    levels = range(annotations.scale.size)
    given = [_matrix(who[annotations.labels == x], unit[annotations.labels == x], shape) for x in levels]
    both = (everyone @ everyone.T).tocoo()
    above = np.flatnonzero((both.row < both.col) & (both.data >= shared))
    above = above[np.lexsort([both.col[above], both.row[above]])]
    first, second, units = both.row[above], both.col[above], both.data[above]
    equal, chance = np.zeros(len(units)), np.zeros(len(units))
    for level in given:
        equal += _at(level @ level.T, first, second)
        of_first = level @ everyone.T  # how often the first gave this level to units of the second
        chance += _at(of_first, first, second) * _at(of_first, second, first)
    agreement, chance = equal / units, chance / units**2
    kappa = np.divide(agreement - chance, 1 - chance, out=np.full(len(units), np.nan), where=chance < 1)
    ids = annotations.annotators["annotator_id"].to_numpy()
    table = {"first": ids[first], "second": ids[second], "units": units.astype(int), "agreement": agreement}
    return pd.DataFrame(table | {"kappa": kappa})


def _matrix(who: np.ndarray, unit: np.ndarray, shape: tuple[int, int]) -> csr_array:
    return csr_array((np.ones(len(who)), (who, unit)), shape)


def _at(matrix: csr_array, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    return matrix[row, column] if len(row) else np.empty(0)  # scipy would answer with a sparse array
