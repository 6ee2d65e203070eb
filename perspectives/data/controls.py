"""Controls: the same training with the link between people and their labels, or people and their demographics, broken.

What a model gains from knowing who is asked must vanish when that knowledge is false. Both keep every size: who
labelled what and how much, and how many people have each combination of attribute values.
"""

from dataclasses import replace

import numpy as np

from perspectives.data.annotations import AnnotationSet


def shuffled_ids(annotations: AnnotationSet, seed: int) -> AnnotationSet:
    """The labels of each item dealt out anew among the people who labelled it: an id no longer says who answered."""
    chance = np.random.default_rng(seed).random(len(annotations))
    published = np.argsort(annotations.item_index, kind="stable")
    dealt = np.lexsort((chance, annotations.item_index))
    source = np.empty_like(published)
    source[published] = dealt
    table = annotations.annotations
    return replace(annotations, annotations=table.assign(label=table["label"].iloc[source].to_numpy()))


def shuffled_demographics(annotations: AnnotationSet, seed: int) -> AnnotationSet:
    """Every annotator given the whole demographic record of another one, at random."""
    order = np.random.default_rng(seed).permutation(len(annotations.annotators))
    dealt = annotations.annotators.iloc[order].reset_index(drop=True)
    return replace(annotations, annotators=dealt.assign(annotator_id=annotations.annotators["annotator_id"]))
