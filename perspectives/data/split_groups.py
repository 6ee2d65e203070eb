"""Groups that a split keeps together: items linked by a text or a shared value, annotators by an attribute."""

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from perspectives.data.annotations import AnnotationSet
from perspectives.data.validation import UNKNOWN
from perspectives.errors import DataError


def normalised_texts(annotations: AnnotationSet) -> pd.Series:
    """Return each item's text and its pair, casefolded with whitespace collapsed; item ids where there are no texts."""
    if "text" not in annotations.items:
        return annotations.items["item_id"]
    rows = annotations.texts.fillna("").astype("str").itertuples(index=False)
    return pd.Series(["\0".join(" ".join(text.casefold().split()) for text in row) for row in rows], dtype="str")


def item_groups(annotations: AnnotationSet, group_by: str | None) -> tuple[np.ndarray, list[str]]:
    """Return the group of each item, int64 [item], and notes.

    Items of a group are linked by a text or a value of `group_by`, directly or through others. Raises DataError for an
    unknown column.
    """
    texts = normalised_texts(annotations)
    keys = [texts.to_numpy(object)]
    notes = []
    if group_by is not None:
        if group_by not in annotations.items or group_by == "item_id":
            available = ", ".join(map(str, annotations.items))
            raise DataError(f"items of {annotations.name} have no column {group_by!r}; they have {available}")
        keys.append(annotations.items[group_by].astype("str").mask(annotations.items[group_by].isna()).to_numpy(object))
    if texts.duplicated().any():
        repeated = texts.duplicated(keep=False)
        notes.append(
            f"{repeated.sum()} items share {texts[repeated].nunique()} texts; items with one text stay together"
        )
    return _connected(keys, annotations.items["item_id"]), notes


def annotator_groups(annotations: AnnotationSet, group_by: str | None) -> np.ndarray:
    """Return the group of each annotator, int64 [annotator]. Raises DataError for an unknown attribute."""
    ids = annotations.annotators["annotator_id"]
    if group_by is None:
        return _connected([], ids)
    if group_by not in annotations.attributes:
        available = ", ".join(annotations.attributes) or "none"
        raise DataError(f"annotators of {annotations.name} have no attribute {group_by!r}; they have {available}")
    values = annotations.annotators[group_by]
    missing = values.isna() | (values.astype("str") == UNKNOWN)
    return _connected([values.astype("str").mask(missing).to_numpy(object)], ids)


def _connected(keys: list[np.ndarray], ids: pd.Series) -> np.ndarray:
    """Connected components of rows that share a value of any key (missing values link nothing), int64 [row].

    Components are numbered by their smallest id, so that the number does not depend on the order of rows.
    """
    size = len(ids)
    edges: list[np.ndarray] = []
    for key in keys:
        codes = pd.factorize(key)[0]
        rows = np.flatnonzero(codes >= 0)
        first = np.full(codes.max(initial=-1) + 1, size)
        np.minimum.at(first, codes[rows], rows)
        edges.append(np.column_stack([rows, first[codes[rows]]]))
    pairs = np.concatenate([np.zeros((0, 2), np.int64), *edges])
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(size, size))
    component = connected_components(graph, directed=False)[1] if size else np.zeros(0, np.int64)
    rank = np.empty(size, np.int64)
    rank[np.argsort(ids.to_numpy(object))] = np.arange(size)
    smallest = pd.Series(rank).groupby(component).transform("min").to_numpy()
    return np.unique(smallest, return_inverse=True)[1].reshape(-1)
