"""What to annotate next, and whom to ask.

How people would label an item is a distribution that its annotations estimate: a Dirichlet with the counted labels and
a prior worth `strength` annotations, at what everybody says of all items or, better, at what a model predicts for this
one. One more annotation is expected to lower the variance of that distribution by Σ p(1 − p) / (A + 1)², A being all
annotations with the prior's: much where few people were asked and where they disagree.
"""

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from perspectives.data.annotations import AnnotationSet
from perspectives.metrics.groups import SMALLEST_GROUP, membership
from perspectives.metrics.intervals import FEW_ANNOTATORS
from perspectives.quality.audit.units import label_codes

STRENGTHS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)


def items(
    annotations: AnnotationSet,
    posterior: np.ndarray | None = None,
    predicted: np.ndarray | None = None,
    suspect: np.ndarray | None = None,
) -> pd.DataFrame:
    """A row per item, the most informative to annotate first.

    posterior: of the true level, float [item, level], nan for items nobody labelled. predicted: how everybody would
    label each item by a model, float [item, level], nan where it was not asked. suspect: annotators not to be asked
    again, bool [annotator].

    Columns: item_id; raters; disagreement (share of pairs of its annotations that differ, nan below two);
    posterior_entropy (0: the truth is known, 1: all levels equally likely; nan without posterior); gain (see above; of
    ratings the expected fall of the variance of their mean); ask (whom: the group most missing among its raters, or in
    corpora of fewer than 20 people those who have not labelled it).
    """
    table = pd.DataFrame({"item_id": annotations.items["item_id"], "raters": _labelled(annotations).sum(1)})
    table["disagreement"] = _disagreement(annotations)
    table["posterior_entropy"] = np.nan if posterior is None else _entropy(posterior)
    table["gain"] = gains(annotations, predicted)
    table["ask"] = asked(annotations, np.zeros(len(annotations.annotators), bool) if suspect is None else suspect)
    return table.sort_values("gain", ascending=False, kind="stable", ignore_index=True)


def gains(annotations: AnnotationSet, predicted: np.ndarray | None = None) -> np.ndarray:
    """Expected fall of the variance by one more annotation of each item, float64 [item]."""
    if annotations.scale.kind == "interval":
        return _rating_gains(annotations)
    votes = np.zeros((len(annotations.items), annotations.scale.size))
    np.add.at(votes, annotations.item_index, annotations.indicator())
    count = np.bincount(annotations.item_index, minlength=len(votes)).astype(float)
    prior = np.broadcast_to(votes.sum(0) / max(count.sum(), 1), votes.shape)
    if predicted is not None:
        prior = np.where(np.isnan(predicted), prior, predicted)
    strength = likeliest_strength(votes, count, prior, annotations.scale.kind == "multilabel")
    total = (count + strength)[:, None]
    share = (votes + strength * prior) / total
    return (share * (1 - share) / (total + 1) ** 2).sum(1)


def likeliest_strength(votes: np.ndarray, count: np.ndarray, prior: np.ndarray, sets: bool = False) -> float:
    """The strength of the prior, in annotations, under which each annotation is likeliest given the item's others.

    votes, prior: [item, level]. count: annotations, [item]. sets: whether an annotation holds any number of levels.
    """

    def likelihood(strength: float) -> float:
        least = np.maximum(strength + count - 1, 1e-9)[:, None]
        held = votes * np.log(np.maximum((strength * prior + votes - 1) / least, 1e-9))
        if not sets:
            return float(held.sum())
        absent = count[:, None] - votes
        return float((held + absent * np.log(np.maximum((strength * (1 - prior) + absent - 1) / least, 1e-9))).sum())

    return max(STRENGTHS, key=likelihood)


def _rating_gains(annotations: AnnotationSet) -> np.ndarray:
    """One annotation's worth of everybody's spread within items stands for the unknown spread of few ratings."""
    who, size = annotations.item_index, len(annotations.items)
    count = np.bincount(who, minlength=size)
    mean = np.bincount(who, annotations.labels, minlength=size) / np.maximum(count, 1)
    squares = np.bincount(who, (annotations.labels - mean[who]) ** 2, minlength=size)
    variance = (squares + squares.sum() / max(count.sum(), 1)) / (count + 1)
    return variance / ((count + 1) * (count + 2))


def asked(annotations: AnnotationSet, suspect: np.ndarray) -> list[str]:
    """Whom to ask about each item, [item]; '' where nothing speaks for anybody. Groups of fewer than 5 people are never
    named; people are named by their number."""
    labelled = _labelled(annotations)
    raters = labelled.sum(1)
    active = labelled.sum(0) > 0
    if len(active) < FEW_ANNOTATORS:
        missing = [np.flatnonzero(active & ~suspect & (row == 0)) + 1 for row in labelled.toarray()]
        return [", ".join(f"annotator {number}" for number in numbers) for numbers in missing]
    names, members = groups(annotations, active)
    if not names:
        return [""] * len(raters)
    covered = labelled @ members.T
    lacking = members.sum(1) / active.sum() * (raters[:, None] + 1) - covered
    chosen = lacking.argmax(1)
    return [f"{names[one]} ({covered[row, one]} of {raters[row]} raters)" for row, one in enumerate(chosen)]


def groups(annotations: AnnotationSet, active: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Groups of 5 active people or more, `attribute=value`, and who is in them, int64 [group, annotator]."""
    names, members = [], []
    for attribute in annotations.attributes:
        found = membership(annotations.annotators[attribute].where(active))
        for code, name in enumerate(found.names):
            member = active & (found.code == code)
            if member.sum() >= SMALLEST_GROUP:
                names.append(f"{attribute}={name}")
                members.append(member.astype(np.int64))
    return names, np.array(members)


def _labelled(annotations: AnnotationSet) -> csr_array:
    """Whether a person labelled an item, 0 or 1, int64 [item, annotator]."""
    pairs = np.unique(np.column_stack([annotations.item_index, annotations.annotator_index]), axis=0)
    shape = (len(annotations.items), len(annotations.annotators))
    return csr_array((np.ones(len(pairs), np.int64), (pairs[:, 0], pairs[:, 1])), shape)


def _disagreement(annotations: AnnotationSet) -> np.ndarray:
    item, code, size = annotations.item_index, label_codes(annotations), len(annotations.items)
    cells, same = np.unique(np.column_stack([item, code]), axis=0, return_counts=True)
    agreeing = np.bincount(cells[:, 0], same * (same - 1), minlength=size)
    count = np.bincount(item, minlength=size)
    pairs = count * (count - 1)
    return 1 - np.divide(agreeing, pairs, out=np.full(size, np.nan), where=pairs > 0)


def _entropy(posterior: np.ndarray) -> np.ndarray:
    logs = np.log(np.maximum(posterior, 1e-300))
    return -(posterior * logs).sum(1) / np.log(posterior.shape[1])
