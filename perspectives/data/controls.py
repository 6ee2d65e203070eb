"""Controls: data in which the link between people and their labels, or their demographics, is broken at random.

A model trained on it must lose what it gained from knowing who is asked. Both controls keep all counts: who labelled
which items, and how many people have each combination of attribute values.
"""

from dataclasses import replace

import numpy as np

from perspectives.data.annotations import AnnotationSet


def shuffled_ids(annotations: AnnotationSet, seed: int) -> AnnotationSet:
    """Shuffle the labels of each item among the people who labelled it: ids no longer tell who answered."""
    chance = np.random.default_rng(seed).random(len(annotations))
    published = np.argsort(annotations.item_index, kind="stable")
    dealt = np.lexsort((chance, annotations.item_index))
    source = np.empty_like(published)
    source[published] = dealt
    table = annotations.annotations
    return replace(annotations, annotations=table.assign(label=table["label"].iloc[source].to_numpy()))


def shuffled_demographics(annotations: AnnotationSet, seed: int) -> AnnotationSet:
    """Shuffle demographic records among annotators: each gets the whole record of a random one."""
    order = np.random.default_rng(seed).permutation(len(annotations.annotators))
    dealt = annotations.annotators.iloc[order].reset_index(drop=True)
    return replace(annotations, annotators=dealt.assign(annotator_id=annotations.annotators["annotator_id"]))
