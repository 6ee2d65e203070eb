"""The verdicts of one composition on all items of a run, whatever the items or the rule ask for."""

from collections.abc import Sequence

import numpy as np

from perspectives.errors import ConfigError
from perspectives.juries.compositions import EVERYONE, PERSON, Composition, Seats, seats
from perspectives.juries.eligibility import Docket
from perspectives.juries.sampling import sampled_verdicts
from perspectives.juries.seating import seated
from perspectives.juries.sweep import per_docket
from perspectives.juries.verdicts import Question, Verdicts, exact, verdicts
from perspectives.metrics.groups import SMALLEST_GROUP
from perspectives.predictions import Predictions

TRIALS = 10_000


def sit(
    predictions: Predictions,
    composition: Composition,
    question: Question,
    dockets: Sequence[Docket],
    trials: int | None = None,
    weights: np.ndarray | None = None,
) -> Verdicts:
    """Verdicts of one composition, [item, 1].

    trials: juries to draw at random; None computes them exactly, or draws 10,000 where the rule has no exact solution.
    weights: how likely each person is drawn in relation to others, float [annotator], with replacement only.

    Raises ConfigError for seats that cannot be filled, pools of fewer than 5 people who are not named, and rules that
    do not fit the labels.
    """
    if weights is not None and (not question.replacement or trials is not None):
        raise ConfigError("people are weighted where juries are drawn with replacement and computed; replacement=true")
    kind = predictions.scale.kind
    drawn = trials or (None if exact(question.rule, kind) else TRIALS)
    parts = []
    for rows, text in composition.seats_for(predictions.items):

        def judge(docket: Docket, text: str = text) -> Verdicts:
            bench = seats(text, predictions.annotators, docket.people)
            refuse_small(bench)
            answers = predictions.answers()[docket.items]
            if drawn is not None:
                return sampled_verdicts(answers, bench, question, drawn)
            chances = None if weights is None else np.broadcast_to(weights, (len(answers), len(weights)))
            return verdicts(answers, seated(bench, None, question.replacement), question, chances)

        here = [Docket(one.name, np.intersect1d(one.items, rows), one.people) for one in dockets]
        here = [one for one in here if len(one.items)]
        if here:
            parts.append((rows, per_docket(here, len(predictions.items), 1, judge)))
    return _together(parts, len(predictions.items))


def refuse_small(bench: Sequence[Seats]) -> None:
    """Raises ConfigError for a pool that speaks of fewer than 5 people as of a group."""
    for one in bench:
        people = int(one.members.sum())
        if one.count and people < SMALLEST_GROUP and PERSON not in one.pool and one.pool != EVERYONE:
            raise ConfigError(
                f"pool {one.pool} has {people} people here, too few to speak of a group; use a wider pool, or name "
                f"people ({PERSON}=…)"
            )


def _together(parts: Sequence[tuple[np.ndarray, Verdicts]], items: int) -> Verdicts:
    positive, negative = np.full((2, items, 1), np.nan)
    error = np.full((items, 1), np.nan)
    for rows, found in parts:
        positive[rows], negative[rows] = found.positive[rows], found.negative[rows]
        if found.error is not None:
            error[rows] = found.error[rows]
    return Verdicts(positive, negative, None if np.isnan(error).all() else error)
