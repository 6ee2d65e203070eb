"""What to annotate next, and whom to ask.

How people would label an item is a distribution that its annotations estimate: a Dirichlet with the counted labels and
a prior worth `strength` annotations, at what everybody says of all items or, better, at what a model predicts for this
one. One more annotation is expected to lower the variance of that distribution by Σ p(1 − p) / (A + 1)², A being all
annotations with the prior's: much where few people were asked and where they disagree.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from perspectives.data.annotations import AnnotationSet
from perspectives.metrics.groups import SMALLEST_GROUP
from perspectives.metrics.intervals import FEW_ANNOTATORS
from perspectives.quality.active_annotators import active, active_membership
from perspectives.quality.labels import label_codes

ANYBODY = "anybody else"
STRENGTHS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)


def to_ask(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of `items` about which somebody is left to ask."""
    return table[table["ask"] != ""]


def items(
    annotations: AnnotationSet,
    posterior: np.ndarray | None = None,
    predicted: np.ndarray | None = None,
    suspect: np.ndarray | None = None,
) -> pd.DataFrame:
    """A row per item, the most informative to annotate first.

    posterior: of the true level, float [item, level], nan for items nobody labelled. predicted: how everybody would
    label each item by a model, float [item, level], nan where it was not asked. suspect: annotators not to be asked
    again, bool [annotator], whose labels count for nothing here.

    Columns: item_id; item (number, position in the items table from 1); raters; disagreement (share of pairs of its
    annotations that differ, of ratings their standard deviation; nan below two); predicted (the share of pairs of all
    people that would differ by the model); inferred (the likeliest level) with its probability and posterior_entropy
    (0: the truth is known, 1: all levels equally likely), missing without posterior; gain (see above; of ratings the
    expected fall of the variance of their mean); lacking (see `lacking`; nan where no group may be named); ask (whom,
    see `asked`). The order is that of gain · (1 + lacking), with the items about which nobody is left to ask behind.
    """
    suspect = np.zeros(len(annotations.annotators), bool) if suspect is None else suspect
    kept = annotations.annotations[~suspect[annotations.annotator_index]].reset_index(drop=True)
    trusted = replace(annotations, annotations=kept)
    table = pd.DataFrame({"item_id": annotations.items["item_id"], "item": np.arange(1, len(annotations.items) + 1)})
    table["raters"] = _labelled(trusted).sum(1)
    table["disagreement"] = _disagreement(trusted)
    table["predicted"] = np.nan if predicted is None else 1 - (predicted**2).sum(1)
    table[["inferred", "probability", "posterior_entropy"]] = _inferred(annotations, posterior)
    table["gain"] = gains(trusted, predicted)
    table["lacking"] = lacking(annotations, suspect)
    table["ask"] = asked(annotations, suspect)
    worth = table["gain"] * (1 + table["lacking"].fillna(0))
    order = np.lexsort((-worth, table["ask"] == ""))
    return table.iloc[order].reset_index(drop=True)


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
    """Whom to ask about each item, [item]; '' where nobody is left.

    In corpora of fewer than 20 people those who have not labelled it, by their number. In others the group that has
    least of the raters that its size would give it, and less than that; of several without a single one, the largest;
    otherwise anybody else. Groups of fewer than 5 people are never named, and suspects count nowhere: neither as raters
    nor in groups.
    """
    trusted = active(annotations) & ~suspect
    labelled = _labelled(annotations)
    if active(annotations).sum() < FEW_ANNOTATORS:
        missing = [np.flatnonzero(trusted & (row == 0)) + 1 for row in labelled.toarray()]
        return [", ".join(f"annotator {number}" for number in numbers) for numbers in missing]
    names, members = groups(annotations, trusted)
    raters = labelled @ trusted.astype(np.int64)
    anybody = np.where(raters < trusted.sum(), ANYBODY, "").tolist()
    if not names:
        return anybody
    size, covered = members.sum(1), labelled @ members.T
    due = size / trusted.sum() * (raters[:, None] + 1)
    share = np.where(covered > 0, covered / due, -due)  # the largest of the groups without a rater comes first
    missed = np.where((covered < due) & (covered < size), share, np.inf)
    chosen = missed.argmin(1)
    said = [f"{names[one]} ({covered[row, one]} of {raters[row]} raters)" for row, one in enumerate(chosen)]
    return [words if np.isfinite(missed[row].min()) else anybody[row] for row, words in enumerate(said)]


def lacking(annotations: AnnotationSet, suspect: np.ndarray) -> np.ndarray:
    """By how much a group's share of an item's raters, one more included, falls behind its share of all people: the
    largest such gap, 0..1, float64 [item]. Groups and suspects as in `asked`; nan without groups."""
    trusted = active(annotations) & ~suspect
    names, members = groups(annotations, trusted)
    if not names or active(annotations).sum() < FEW_ANNOTATORS:
        return np.full(len(annotations.items), np.nan)
    labelled = _labelled(annotations)
    share = (labelled @ members.T) / (labelled @ trusted.astype(np.int64) + 1)[:, None]
    return np.maximum(members.sum(1) / trusted.sum() - share, 0).max(1)


def groups(annotations: AnnotationSet, chosen: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Groups of 5 or more of the chosen people, `attribute=value`, and who is in them, int64 [group, annotator]."""
    names, members = [], []
    for attribute in annotations.attributes:
        found = active_membership(annotations, attribute)
        for code, name in enumerate(found.names):
            member = chosen & (found.code == code)
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
    item, size = annotations.item_index, len(annotations.items)
    count = np.bincount(item, minlength=size)
    pairs = count * (count - 1)
    if annotations.scale.kind == "interval":
        mean = np.bincount(item, annotations.labels, minlength=size) / np.maximum(count, 1)
        squares = np.bincount(item, (annotations.labels - mean[item]) ** 2, minlength=size)
        return np.sqrt(np.divide(squares * count, pairs, out=np.full(size, np.nan), where=pairs > 0))
    cells, same = np.unique(np.column_stack([item, label_codes(annotations)]), axis=0, return_counts=True)
    agreeing = np.bincount(cells[:, 0], same * (same - 1), minlength=size)
    return 1 - np.divide(agreeing, pairs, out=np.full(size, np.nan), where=pairs > 0)


def _inferred(annotations: AnnotationSet, posterior: np.ndarray | None) -> pd.DataFrame:
    """Columns inferred, probability and entropy."""
    if posterior is None:
        return pd.DataFrame(np.nan, index=range(len(annotations.items)), columns=["inferred", "probability", "entropy"])
    known = ~np.isnan(posterior[:, 0])
    likeliest = annotations.scale.decode(np.where(known, posterior.argmax(1), 0)).where(known)
    entropy = -(posterior * np.log(np.maximum(posterior, 1e-300))).sum(1) / np.log(posterior.shape[1])
    return pd.DataFrame({"inferred": likeliest, "probability": posterior.max(1), "entropy": entropy})
