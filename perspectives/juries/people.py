"""Juries of predicted people against juries of the real raters of held-out items, both exact."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perspectives.data.scale import Scale
from perspectives.errors import ConfigError
from perspectives.juries.compositions import Seats
from perspectives.juries.events import Event
from perspectives.juries.seating import seated
from perspectives.juries.verdicts import Question, Verdicts, verdicts
from perspectives.metrics.estimate import Estimate, mean
from perspectives.predictions import Predictions

YES_NO = Scale("nominal", ("no", "yes"))


@dataclass(frozen=True, eq=False)
class RealJuries:
    """Juries of one composition.

    real: drawn from those of the item's raters who belong to the pools, by what they said; nan where a pool has fewer
    raters of the item than seats. predicted: drawn from the whole pools, by what is predicted. raters: how many of the
    item's raters are in the pools, int64 [item].
    """

    real: Verdicts
    predicted: Verdicts
    raters: np.ndarray

    @property
    def supported(self) -> np.ndarray:
        """Items with enough raters, bool [item]."""
        return ~np.isnan(self.real.positive[:, 0])

    def agreement(self) -> Estimate:
        """Share of supported items on which both juries have the same verdict."""
        return agreement(self.predicted.outcome[:, 0], self.real.outcome[:, 0], self.supported)

    def distance(self) -> Estimate:
        """Mean absolute difference of P(positive) over supported items."""
        return mean(np.abs(self.predicted.positive - self.real.positive)[self.supported, 0])


def agreement(verdict: np.ndarray, real: np.ndarray, rows: np.ndarray) -> Estimate:
    """Share of the items at `rows` with equal verdicts, 1, -1 or 0, int [item]."""
    return mean((verdict == real)[rows])


def real_votes(predictions: Predictions, event: Event) -> tuple[np.ndarray, np.ndarray]:
    """What raters said: votes for the event float64 [item, annotator], the mean over repeated annotations, and who
    rated, bool [item, annotator]."""
    shape = (len(predictions.items), len(predictions.annotators))
    place = np.ravel_multi_index((predictions.item_index, predictions.annotator_index), shape)
    count = np.bincount(place, minlength=shape[0] * shape[1])
    said = np.bincount(place, event.holds(predictions.observed), shape[0] * shape[1])
    return (said / np.maximum(count, 1)).reshape(shape), (count > 0).reshape(shape)


def human_majority(predictions: Predictions, event: Event) -> np.ndarray:
    """The verdict of all raters of each item: 1 where more than half of the annotations make the event, -1 where fewer
    than half do, 0 in a tie or without annotations; int8 [item]."""
    holds = np.where(event.holds(predictions.observed), 1, -1)
    return np.sign(np.bincount(predictions.item_index, holds, len(predictions.items))).astype(np.int8)


def against_people(predictions: Predictions, seats: Sequence[Seats], question: Question) -> RealJuries:
    """Predicted juries of a composition beside juries of the real raters, drawn in the same way.

    Rules that count votes only: raises ConfigError for others, and where no item has raters enough.
    """
    if not question.rule.counting:
        raise ConfigError(f"juries of real raters are computed for rules that count votes; rule is {question.rule}")
    votes, rated = real_votes(predictions, question.event)
    seating = seated(seats, None, question.replacement)
    if len(seating.weight) > 1:
        raise ConfigError("juries of real raters need pools that do not overlap")
    binary = np.stack([1 - votes, votes], -1)
    asked = Question(Event.parse(None, YES_NO), question.rule, question.tie, replacement=question.replacement)
    real = verdicts(binary, seating, asked, rated)
    found = RealJuries(real, verdicts(predictions.answers(), seating, question), _raters(rated, seating.pools))
    if not found.supported.any():
        raise ConfigError(
            f"no item has raters enough for {', '.join(f'{one.count} {one.pool}' for one in seats)}; an item has at "
            f"most {int(found.raters.max())} raters in these pools; use fewer seats"
        )
    return found


def competence(predictions: Predictions, event: Event) -> np.ndarray:
    """How often each person agrees with the other raters of the same items, 0..1, float64 [annotator].

    Mean over the person's annotations of the share of other raters who said the same of the event, shrunk by 10
    annotations towards everyone's mean; people without such annotations get the mean.
    """
    votes, rated = real_votes(predictions, event)
    others, for_it = rated.sum(1, keepdims=True) - rated, (votes * rated).sum(1, keepdims=True) - votes * rated
    share = for_it / np.maximum(others, 1)
    same = np.where(rated & (others > 0), votes * share + (1 - votes) * (1 - share), 0.0)
    count = (rated & (others > 0)).sum(0)
    average = same.sum() / max(count.sum(), 1)
    return (same.sum(0) + 10 * average) / (count + 10)


def _raters(rated: np.ndarray, pools: np.ndarray) -> np.ndarray:
    return rated[:, pools.any(0)].sum(1)
