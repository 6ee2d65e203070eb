"""Juries of predicted people compared with juries of the real raters of held-out items, both exact."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perspectives.data.scale import Scale
from perspectives.errors import ConfigError
from perspectives.juries.compositions import seats
from perspectives.juries.counts import chunks
from perspectives.juries.eligibility import ItemBlock, by_block
from perspectives.juries.events import Event
from perspectives.juries.seating import Seating, seated
from perspectives.juries.verdicts import Question, Verdicts, verdicts
from perspectives.metrics.estimate import Estimate, mean
from perspectives.predictions import Predictions
from perspectives.quality.aggregation.incidence import Incidence
from perspectives.quality.aggregation.mace import mace

COMPETENCES = ("agreement", "mace")
YES_NO = Scale("nominal", ("no", "yes"))


@dataclass(frozen=True, eq=False)
class RealJuries:
    """Verdicts of one composition, by real and by predicted answers.

    real: of juries drawn from those of the item's raters who belong to the pools, by their labels; nan where a pool has
    fewer raters of the item than seats. predicted: of juries drawn from the whole pools, by their predicted answers.
    raters: how many of the item's raters are in the pools, int64 [item].
    """

    real: Verdicts
    predicted: Verdicts
    raters: np.ndarray

    @property
    def supported(self) -> np.ndarray:
        """Items with enough raters, bool [item]."""
        return ~np.isnan(self.real.positive[:, 0] + self.predicted.positive[:, 0])

    def agreement(self) -> Estimate:
        """Share of supported items on which both juries have the same verdict."""
        return agreement(self.predicted.outcome[:, 0], self.real.outcome[:, 0], self.supported)

    def distance(self) -> Estimate:
        """Mean absolute difference of P(positive) over supported items."""
        return mean(np.abs(self.predicted.positive - self.real.positive)[self.supported, 0])


def agreement(verdict: np.ndarray, real: np.ndarray, rows: np.ndarray) -> Estimate:
    """Share of the items at `rows` with equal verdicts, 1, -1 or 0, int [item]."""
    return mean((verdict == real)[rows])


def ratings(predictions: Predictions, event: Event) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The raters' votes for the event, a row per person and item.

    Returns item and annotator, int64 [rating], and the vote, float64 [rating]: 0 or 1, or the mean of repeated
    annotations.
    """
    people = len(predictions.annotators)
    place, which = np.unique(predictions.item_index * people + predictions.annotator_index, return_inverse=True)
    vote = np.bincount(which, event.holds(predictions.observed)) / np.maximum(np.bincount(which), 1)
    return place // people, place % people, vote


def human_majority(predictions: Predictions, event: Event) -> np.ndarray:
    """The verdict of all raters of each item, int8 [item]: 1 where the event holds for more than half of its
    annotations, -1 where it does for fewer than half, 0 in a tie or without annotations."""
    votes = np.where(event.holds(predictions.observed), 1, -1)
    return np.sign(np.bincount(predictions.item_index, votes, len(predictions.items))).astype(np.int8)


def against_people(
    predictions: Predictions, text: str, question: Question, blocks: Sequence[ItemBlock], predicted: Verdicts
) -> RealJuries:
    """Predicted juries of a composition compared with juries of the real raters, drawn in the same way.

    text: its seats, the same for all items. predicted: verdicts of the predicted juries, [item, 1].
    Raises ConfigError for rules that do not count votes, and when no item has enough raters.
    """
    if not question.rule.counting:
        raise ConfigError(
            f"rule {question.rule}: juries of real raters need a rule that counts votes, such as majority"
        )
    rated = ratings(predictions, question.event)
    raters = np.zeros(len(predictions.items), np.int64)

    def judge(block: ItemBlock) -> Verdicts:
        seating = seated(seats(text, predictions.annotators, block.people), None, question.replacement)
        if len(seating.weight) > 1:
            raise ConfigError("juries of real raters need pools that do not overlap; use disjoint pools")
        inside = np.asarray(seating.pools.any(0))[rated[1]]
        raters[block.items] = np.bincount(rated[0][inside], minlength=len(raters))[block.items]
        return _real(rated, block.items, seating, question)

    juries = RealJuries(by_block(blocks, len(raters), 1, judge), predicted, raters)
    if not juries.supported.any():
        raise ConfigError(
            f"no item has enough raters for {text}: at most {raters.max()} raters of an item are in these pools; use "
            "fewer seats"
        )
    return juries


def _real(rated: Sequence[np.ndarray], items: np.ndarray, seating: Seating, question: Question) -> Verdicts:
    """Verdicts of the juries that can be drawn from each item's raters, [item, 1]; rated: see `ratings`."""
    item, person, vote = rated
    people = seating.pools.shape[1]
    on_votes = Question(Event.parse(None, YES_NO), question.rule, question.tie, replacement=question.replacement)
    parts = []
    for rows in chunks(len(items), 64 * people):
        chosen = np.isin(item, items[rows])
        place = np.searchsorted(items[rows], item[chosen]), person[chosen]
        present = np.zeros((len(rows), people), bool)
        answers = np.zeros((len(rows), people, 2))
        present[place], answers[place] = True, np.stack([1 - vote[chosen], vote[chosen]], -1)
        parts.append(verdicts(answers, seating, on_votes, present))
    return Verdicts(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("positive", "negative")))


def competence(predictions: Predictions, event: Event, by: str = "agreement") -> np.ndarray:
    """How much each person's votes are worth, 0..1, float64 [annotator], judged by their votes on the event.

    by: `agreement`: the mean, over a person's annotations, of the share of the item's other raters who voted the same,
    shrunk by 10 annotations towards everyone's mean; or `mace`: the probability that a person knew rather than guessed
    (Hovy et al. 2013, variational Bayes), by their majority vote where they judged an item several times. People who
    shared no item with anybody get everyone's mean; everybody gets 1 where nobody shared any.
    """
    competence_of = _by_mace if by == "mace" else _by_agreement
    return competence_of(*ratings(predictions, event), len(predictions.annotators))


def _by_agreement(item: np.ndarray, person: np.ndarray, vote: np.ndarray, people: int) -> np.ndarray:
    others, for_it = np.bincount(item)[item] - 1, np.bincount(item, vote)[item] - vote
    shared = others > 0
    share = for_it[shared] / others[shared]
    same = vote[shared] * share + (1 - vote[shared]) * (1 - share)
    average = same.mean() if len(same) else 1.0
    agreed, count = (np.bincount(person[shared], by, people) for by in (same, None))
    return (agreed + 10 * average) / (count + 10)


def _by_mace(item: np.ndarray, person: np.ndarray, vote: np.ndarray, people: int) -> np.ndarray:
    used = (np.bincount(item)[item] > 1) & (vote != 0.5)
    if not used.any():
        return np.ones(people)
    label = (vote[used] > 0.5).astype(np.int64)
    incidence = Incidence.build(item[used], person[used], label, (int(item.max()) + 1, people, 2))
    known, judged = mace(incidence).annotators["competence"], np.isin(np.arange(people), person[used])
    return np.where(judged, known, known[judged].mean())
