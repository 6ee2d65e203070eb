"""The synthetic population: what every annotation truly is."""

import numpy as np
from trainings import Trained

from perspectives.config import compose
from perspectives.data.synthetic import generate
from perspectives.quality.slips import KINDS, Slips

TRUTHS = ("slip", "careless", "perspective", "agreed", "chance")


def truths(one: Trained) -> np.ndarray:
    """One of TRUTHS for every annotation, str [annotation].

    slip: flipped. careless: another label of somebody who ignores the text. Of the rest, by the probabilities that the
    labels were drawn from: agreed, where no other level is more than twice as likely for the mean person; perspective,
    where that is not so, but it is for this person; chance, where it is so for neither.
    """
    reader = compose(overrides=["data=synthetic"]).data.reader
    drawn, truth = generate(**{name: value for name, value in reader.items() if name != "_target_"})
    if not (drawn.labels[one.rows] == one.before).all():
        raise ValueError("the labels are not those of the population that was generated again")
    anybody = truth.everyone().mean(1)[truth.item_index]
    agreed, own = (_likely(chance, drawn.labels)[one.rows] for chance in (anybody, truth.probability))
    careless = (truth.careless != "no")[truth.annotator_index][one.rows]
    return np.select([one.flipped, careless, agreed, own], ["slip", "careless", "agreed", "perspective"], "chance")


def _likely(chance: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Whether no other level is more than twice as likely, bool [annotation]."""
    return 2 * chance[np.arange(len(label)), label] >= chance.max(1)


def called(truth: np.ndarray, found: Slips) -> np.ndarray:
    """How many of each truth are called each of KINDS, int64 [truth, kind]."""
    return np.array([[((truth == is_) & (found.kind == said)).sum() for said in KINDS] for is_ in TRUTHS])
