"""Every metric that applies to a set of predictions, by name, with the units it was computed on.

Names are `family/metric`. The units of individual metrics and of the perspectivist ones of LeWiDi-2025 are pairs, those
of the others items. The human majority excludes tied items (there is no majority to predict); the predicted majority is
the majority of the labels predicted for the item's own raters, with ties decided by their mean probability.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from perspectives.metrics import disagreement, human_calibration, individual, lewidi2023, lewidi2025, majority, soft
from perspectives.metrics.arrays import NEAR_ZERO
from perspectives.metrics.estimate import Estimate, mean, undefined
from perspectives.metrics.intervals import Interval, by_item, two_way
from perspectives.predictions import Predictions
from perspectives.quality.aggregation.majority import majority_vote

METRICS_OF_PAIRS = ("individual/", "lewidi2025/error_rate", "lewidi2025/absolute_distance")
CEILINGS = {
    "soft/cross_entropy": "cross_entropy", "soft/jsd": "jsd", "soft/manhattan": "manhattan", "soft/brier": "brier",
    "soft/wasserstein": "wasserstein1",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The metrics of one set of predictions.

    estimates: `family/metric` → Estimate; on pairs for METRICS_OF_PAIRS, otherwise on items.
    """

    predictions: Predictions

    @cached_property
    def estimates(self) -> dict[str, Estimate]:
        return dict(_metrics(self.predictions))

    def among(self, name: str, rows: np.ndarray) -> Estimate:
        """A metric computed on the pairs at `rows` (bool [pair]) alone, as an estimate on all pairs, or on all items
        for metrics of items.

        Undefined where these pairs do not have the metric, such as a score of unseen people when all were seen.
        """
        if name.startswith(METRICS_OF_PAIRS):
            used, units = np.flatnonzero(rows), len(rows)
        else:
            used, units = np.unique(self.predictions.item_index[rows]), len(self.predictions.items)
        metrics = _metrics(self.predictions.select(rows))  # lazily, up to the requested one
        estimate = next((estimate for metric, estimate in metrics if metric == name), undefined(len(used)))
        return estimate.within(used, units)

    def interval(self, name: str, estimate: Estimate | None = None) -> Interval:
        """Interval of a metric, or of another estimate on the same units (a difference, a mean over seeds).

        Clusters are items, or what the split kept together (`group_by`), and for individual metrics also annotators. A
        metric of a subset of pairs (seen or unseen people) uses the clusters of that subset alone.
        """
        estimate = self.estimates[name] if estimate is None else estimate
        if not name.startswith(METRICS_OF_PAIRS):
            return by_item(estimate, self.item_clusters)
        rows = self.pairs_of(name)
        part = Estimate(estimate.value, estimate.influence[rows])
        items, people = self.item_clusters[self.predictions.item_index], self.predictions.annotator_index
        return two_way(part, items[rows], people[rows])

    @cached_property
    def item_clusters(self) -> np.ndarray:
        """The group that the split kept together, or each item on its own, int64 [item]."""
        items, column = self.predictions.items, self.predictions.about.get("group_by")
        if column in items:
            return items[column].astype("str").factorize()[0].astype(np.int64)
        return np.arange(len(items))

    def pairs_of(self, name: str) -> np.ndarray:
        """The pairs a metric is computed on, bool [pair]."""
        seen = self.predictions.seen
        return ~seen if name.endswith("_unseen") else seen if name.endswith("_seen") else np.ones(len(seen), bool)


def panel_ceilings(predictions: Predictions, metrics: Sequence[str]) -> dict[str, float]:
    """Expected score, by metric, of a perfect model of each item's rates: an estimate, not a bound.

    The rates are unknown; they are estimated by `human_calibration.rates_behind`, which treats the raters of an item as
    independent draws from one rate. A model that knows who the raters are may do better. Empty for predictions without
    a distribution over levels, for metrics without a ceiling, and where no item has two raters.
    """
    wanted = [name for name in metrics if name in CEILINGS]
    if predictions.kind != "categorical" or not wanted:
        return {}
    scale, items = predictions.scale, len(predictions.items)
    votes = np.bincount(predictions.item_index * scale.size + predictions.observed, minlength=items * scale.size)
    counts = votes.reshape(items, scale.size)
    if not (counts.sum(1) >= 2).any():
        return {}
    rates = human_calibration.rates_behind(counts)
    raters = np.tile(counts.sum(1), len(rates))
    rates = rates.reshape(-1, scale.size)
    return {name: float(soft.finite_panel_ceiling(rates, raters, CEILINGS[name], scale.values)) for name in wanted}


def summary(predictions: Predictions) -> dict[str, dict[str, Any]]:
    """Counts, and metric → value, interval and the numbers of clusters it rests on; for `metrics.json`."""
    evaluation = Evaluation(predictions)
    people = predictions.pairs["annotator_id"].nunique()
    counts = {"pairs": len(predictions), "items": len(predictions.items), "annotators": people}
    table = {}
    for name in evaluation.estimates:
        interval = evaluation.interval(name)
        table[name] = {key: getattr(interval, key) for key in ("value", "low", "high", "clusters", "annotators_fixed")}
    return {"counts": counts, "metrics": table}


def item_means(values: np.ndarray, item_index: np.ndarray, items: int) -> np.ndarray:
    """Mean over each item's pairs, float64 [item, …]; every item has a pair."""
    total = np.zeros((items, *values.shape[1:]))
    np.add.at(total, item_index, values)
    return total / np.bincount(item_index, minlength=items).reshape(-1, *[1] * (values.ndim - 1))


def _metrics(predictions: Predictions) -> Iterator[tuple[str, Estimate]]:
    """All metrics of the predictions' kind, those of pairs first."""
    return {"categorical": _categorical, "multiple": _multiple, "rating": _rating}[predictions.kind](predictions)


def _categorical(predictions: Predictions) -> Iterator[tuple[str, Estimate]]:
    scale, observed, predicted = predictions.scale, predictions.observed, predictions.labels()
    probability, size = predictions.probabilities(), predictions.scale.size
    yield "individual/macro_f1", individual.macro_f1(observed, predicted, size)
    yield "individual/accuracy", individual.accuracy(observed, predicted, size)
    if scale.binary:
        yield "individual/f1", individual.f1(observed, predicted, size)
    chosen = probability[np.arange(len(observed)), observed]
    yield "individual/cross_entropy", mean(-np.log(np.maximum(chosen, NEAR_ZERO)))
    if scale.kind == "ordinal":
        yield "individual/mae", individual.mae(scale.values[observed], scale.values[predicted])
        yield "individual/qwk", individual.qwk(observed, predicted, size)
    yield from _by_acquaintance(
        predictions, "macro_f1", lambda rows: individual.macro_f1(observed[rows], predicted[rows], size)
    )
    items, index = len(predictions.items), predictions.item_index
    target = item_means(np.eye(size)[observed], index, items)
    answer = item_means(probability, index, items)
    answer /= answer.sum(1, keepdims=True)
    voted = majority_vote(item_means(np.eye(size)[predicted], index, items) + 1e-6 * answer, tie="lowest")
    yield from _majority(majority_vote(target, tie="drop"), voted, size, scale.binary)
    if scale.binary:
        votes = item_means(np.eye(size)[predicted], index, items)
        yield "davani2022/majority_f1", _tie_positive_f1(target, votes)
    yield "soft/cross_entropy", soft.cross_entropy(target, answer)
    yield "soft/entropy_bound", soft.entropy_bound(target)
    yield "soft/jsd", soft.jsd(target, answer)
    yield "soft/manhattan", soft.manhattan(target, answer)
    yield "soft/brier", soft.brier(target, answer)
    yield "soft/f1", soft.soft_macro_f1(target, answer)
    if scale.kind == "ordinal":
        yield "soft/wasserstein", soft.wasserstein1(target, answer, scale.values)
    yield from _disagreement(target, answer, scale.values, voted)
    yield "calibration/dist_ce", human_calibration.distribution_error(target, answer)
    yield "calibration/entropy_ce", human_calibration.entropy_error(target, answer)
    yield "calibration/entropy_bias", human_calibration.entropy_bias(target, answer)
    yield "calibration/rank_cs", human_calibration.rank_score(target, answer)
    yield from _rate_biases(predictions, target, answer)
    if scale.binary and {"official_label", "official_soft_label"} <= set(predictions.items):
        yield from _lewidi2023(predictions, answer)
    if (published := _official_distributions(predictions)) is not None:
        yield from _lewidi2025(predictions, published, answer)


def _by_acquaintance(
    predictions: Predictions, name: str, metric: Callable[[np.ndarray], Estimate]
) -> Iterator[tuple[str, Estimate]]:
    """The metric on pairs of annotators seen in training, and on those of unseen ones, where there are both."""
    seen = predictions.seen
    if seen.any() and not seen.all():
        for group, rows in (("seen", np.flatnonzero(seen)), ("unseen", np.flatnonzero(~seen))):
            yield f"individual/{name}_{group}", metric(rows).within(rows, len(seen))


def _majority(labels: np.ndarray, predicted: np.ndarray, size: int, binary: bool) -> Iterator[tuple[str, Estimate]]:
    yield "majority/macro_f1", majority.macro_f1(labels, predicted, size)
    yield "majority/accuracy", majority.accuracy(labels, predicted, size)
    if binary:
        yield "majority/precision", majority.precision(labels, predicted, size)
        yield "majority/recall", majority.recall(labels, predicted, size)
        yield "majority/f1", majority.f1(labels, predicted, size)


def _tie_positive_f1(target: np.ndarray, votes: np.ndarray) -> Estimate:
    """F1 of the majority vote as Davani et al. 2022 count it: a tie of raters, or of predicted votes, is positive.

    target, votes: shares of the two levels, [item, level]. Where many items have an even number of raters, this
    task differs from `majority/f1`, which leaves ties out.
    """
    return majority.f1(majority_vote(target, tie="positive"), majority_vote(votes, tie="positive"), 2)


def _disagreement(
    target: np.ndarray, answer: np.ndarray, values: np.ndarray, voted: np.ndarray
) -> Iterator[tuple[str, Estimate]]:
    human, predicted = disagreement.entropy(target), disagreement.entropy(answer)
    yield "disagreement/entropy_pearson", disagreement.pearson(human, predicted)
    yield "disagreement/entropy_spearman", disagreement.spearman(human, predicted)
    human, predicted = disagreement.variance(target, values), disagreement.variance(answer, values)
    yield "disagreement/variance_pearson", disagreement.pearson(human, predicted)
    dissent = 1 - target[np.arange(len(voted)), voted]
    yield "disagreement/aurc", disagreement.aurc(answer.max(1), dissent)


def _rate_biases(predictions: Predictions, target: np.ndarray, answer: np.ndarray) -> Iterator[tuple[str, Estimate]]:
    """Predicted minus observed rate of each level; of two levels, only the last."""
    raters = np.bincount(predictions.item_index, minlength=len(predictions.items))
    levels = list(enumerate(predictions.scale.levels))
    for column, level in levels[-1:] if predictions.scale.binary else levels:
        yield f"calibration/bias_{level}", human_calibration.rate_bias(target[:, column], answer[:, column], raters)


def _lewidi2023(predictions: Predictions, answer: np.ndarray) -> Iterator[tuple[str, Estimate]]:
    """The shared task's scores on the published hard and (rounded) soft labels."""
    official = predictions.scale.encode(predictions.items["official_label"])
    share = predictions.items["official_soft_label"].to_numpy(float)
    if (official >= 0).all() and np.isfinite(share).all():
        published = np.stack([1 - share, share], axis=1)
        yield "lewidi2023/cross_entropy", lewidi2023.cross_entropy(published, answer)
        yield "lewidi2023/entropy_bound", soft.entropy_bound(published)
        yield "lewidi2023/manhattan", soft.manhattan(published, answer)
        yield "lewidi2023/micro_f1", lewidi2023.micro_f1(official, answer)


def _official_distributions(predictions: Predictions) -> np.ndarray | None:
    """Soft labels as LeWiDi-2025 published them, float64 [item, level]; None where any is missing."""
    items = predictions.items
    if "official_distribution" not in items or not len(items) or items["official_distribution"].isna().any():
        return None
    return np.array([list(row) for row in items["official_distribution"]], float)


def _lewidi2025(predictions: Predictions, published: np.ndarray, answer: np.ndarray) -> Iterator[tuple[str, Estimate]]:
    """The shared task's scores of distributions, against the published soft labels, and of individual annotators."""
    scale, observed, index = predictions.scale, predictions.observed, predictions.item_index
    labels = lewidi2025.LABELS_OF_SCALE[scale.kind](predictions.probabilities())
    if scale.kind == "ordinal":
        values = scale.values[observed], scale.values[labels]
        yield "lewidi2025/absolute_distance", lewidi2025.absolute_distance(*values, index, scale.size)
        yield "lewidi2025/wasserstein", lewidi2025.wasserstein(published, answer)
    elif scale.kind == "multilabel":
        yield "lewidi2025/error_rate", lewidi2025.multilabel_error_rate(observed, labels, index)
        yield "lewidi2025/manhattan", lewidi2025.multilabel_manhattan(published, answer)
    else:
        yield "lewidi2025/error_rate", lewidi2025.error_rate(observed, labels, index)
        yield "lewidi2025/manhattan", lewidi2025.manhattan(published, answer)


def _multiple(predictions: Predictions) -> Iterator[tuple[str, Estimate]]:
    observed, probability = predictions.observed, predictions.probabilities()
    yield "individual/macro_f1", individual.multilabel_macro_f1(observed, predictions.labels())
    yield "individual/exact_match_error", individual.exact_match_error(observed, predictions.labels())
    yield from _by_acquaintance(
        predictions,
        "macro_f1",
        lambda rows: individual.multilabel_macro_f1(observed[rows], predictions.labels()[rows]),
    )
    clipped = np.clip(probability, NEAR_ZERO, 1 - NEAR_ZERO)
    loss = -(observed * np.log(clipped) + (1 - observed) * np.log1p(-clipped))
    yield "individual/cross_entropy", mean(loss.sum(1))
    items, index = len(predictions.items), predictions.item_index
    target, answer = item_means(observed.astype(float), index, items), item_means(probability, index, items)
    yield "soft/manhattan", mean(2 * np.abs(target - answer).mean(1))
    yield from _rate_biases(predictions, target, answer)
    if (published := _official_distributions(predictions)) is not None:
        yield from _lewidi2025(predictions, published, np.clip(answer, 0, 1))


def _rating(predictions: Predictions) -> Iterator[tuple[str, Estimate]]:
    observed, rating = predictions.observed, predictions.ratings()
    yield "individual/mae", individual.mae(observed, rating)
    yield "individual/rmse", individual.rmse(observed, rating)
    yield from _by_acquaintance(predictions, "mae", lambda rows: individual.mae(observed[rows], rating[rows]))
    items, index = len(predictions.items), predictions.item_index
    target, answer = item_means(observed, index, items), item_means(rating, index, items)
    yield "soft/mae", individual.mae(target, answer)
    yield "soft/pearson", disagreement.pearson(target, answer)
    yield "calibration/bias", human_calibration.rate_bias(target, answer, np.bincount(index, minlength=items))
