"""The verdicts of one composition on all items of a run: computed or sampled, by block of items."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from perspectives.errors import ConfigError
from perspectives.juries.compositions import EVERYONE, PERSON, Composition, Seats, names_people, seats
from perspectives.juries.eligibility import ItemBlock, by_block
from perspectives.juries.sampling import sampled_verdicts
from perspectives.juries.seating import seated
from perspectives.juries.verdicts import Question, Verdicts, exact, verdicts
from perspectives.metrics.groups import SMALLEST_GROUP
from perspectives.predictions import Predictions

TRIALS = {"median_of_means": 1_000}  # each of 100 juries
USUAL_TRIALS = 10_000


def composition_verdicts(
    predictions: Predictions,
    composition: Composition,
    question: Question,
    blocks: Sequence[ItemBlock],
    trials: int | None = None,
    weights: np.ndarray | None = None,
    seed: int = 0,
) -> Verdicts:
    """Verdicts of one composition, [item, 1].

    trials: juries to draw at random, from `seed`; None computes them exactly, or draws 10,000 (of median_of_means
    1,000) where the rule has no exact solution.
    weights: how likely each person is drawn in relation to others, float [annotator], with replacement only.

    Raises ConfigError for seats that cannot be filled, pools of fewer than 5 people who are not named, and rules that
    do not fit the labels.
    """
    _refuse_misfit(question)
    if trials is None and not exact(question.rule, predictions.scale.kind):
        trials = TRIALS.get(question.rule.kind, USUAL_TRIALS)
    if weights is not None and not question.replacement:
        raise ConfigError("competence weights people where they may sit several times; add replacement=true")
    if weights is not None and trials is not None:
        raise ConfigError("competence weights people where verdicts are computed; use a rule that counts votes, "
                          "and no trials")  # fmt: skip
    parts = []
    for rows, text in composition.seats_for(predictions.items):
        judge = partial(_judged, predictions, text, question, trials, weights, seed)
        inside = [block._replace(items=np.intersect1d(block.items, rows)) for block in blocks]
        inside = [block for block in inside if len(block.items)]
        if inside:
            parts.append((rows, by_block(inside, len(predictions.items), 1, judge)))
    return _together(parts, len(predictions.items))


def _judged(
    predictions: Predictions,
    text: str,
    question: Question,
    trials: int | None,
    weights: np.ndarray | None,
    seed: int,
    block: ItemBlock,
) -> Verdicts:
    """The verdicts of the seats `text` on one block: sampled where `trials` says so, otherwise computed."""
    pools = seats(text, predictions.annotators, block.people)
    refuse_small(pools)
    answers = block.answers(predictions)
    if trials is not None:
        return sampled_verdicts(answers, pools, question, trials, seed)
    chances = None if weights is None else np.broadcast_to(weights, (len(answers), len(weights)))
    return verdicts(answers, seated(pools, None, question.replacement), question, chances)


def refuse_small(pools: Sequence[Seats]) -> None:
    """Raises ConfigError for a pool of fewer than 5 people who are not named: too few to stand for a group."""
    for pool in pools:
        people = int(pool.members.sum())
        if people < SMALLEST_GROUP and not names_people(pool.pool) and pool.pool != EVERYONE:
            raise ConfigError(
                f"pool {pool.pool} has {people} people, too few to stand for a group; use a pool of at least "
                f"{SMALLEST_GROUP} people, or name them ({PERSON}=…)"
            )


def _refuse_misfit(question: Question) -> None:
    kind, rule = question.event.scale.kind, question.rule
    if kind == "multilabel" and not rule.counting:
        raise ConfigError(f"rule {rule}: labels are sets of levels; use a rule that counts votes")
    if kind == "interval" and rule.kind == "plurality":
        raise ConfigError(f"rule {rule}: labels are numbers, not levels; use mean, median or a rule that counts votes")


def _together(parts: Sequence[tuple[np.ndarray, Verdicts]], items: int) -> Verdicts:
    positive, negative = np.full((2, items, 1), np.nan)
    error = np.full((items, 1), np.nan)
    for rows, part in parts:
        positive[rows], negative[rows] = part.positive[rows], part.negative[rows]
        if part.error is not None:
            error[rows] = part.error[rows]
    return Verdicts(positive, negative, None if np.isnan(error).all() else error)
