"""How much every annotation looks like a slip, by each method."""

import numpy as np
from trainings import BLIND, PEOPLE, Trained

from perspectives.metrics.groups import Membership, membership
from perspectives.quality.aggregation.incidence import Incidence
from perspectives.quality.aggregation.mace import mace
from perspectives.quality.annotator_agreement import raw_agreement
from perspectives.quality.audit.trained import group_predictions
from perspectives.quality.confident_learning import confident_learning, crowdlab
from perspectives.quality.slips import Slips, find_slips

MAIN, GROUP, ANYBODY = "slip or perspective", "… with the group", "… without the annotator"
MACE, BLIND_LOSS = "MACE: probability of spam", f"loss, {BLIND}"


def slips(one: Trained, rate: float | None = None) -> dict[str, Slips]:
    """Three ways to ask what a label surprises: the person, the person and their group, nobody in particular."""
    item, own = one.people.item_index, one.people.probabilities()
    population = np.asarray(one.people.answers().mean(1), np.float64)
    groups = group_predictions(one.people, memberships(one))
    anybody = population[item]
    found = {MAIN: find_slips(one.label, item, own, anybody, rate=rate)}
    if groups is not None:
        found[GROUP] = find_slips(one.label, item, own, anybody, groups, rate=rate)
    return found | {ANYBODY: find_slips(one.label, item, anybody, anybody, rate=rate)}


def suspicion(one: Trained, found: dict[str, Slips]) -> dict[str, np.ndarray]:
    """By method, [annotation]; higher is more suspicious."""
    rows, own = np.arange(len(one.label)), one.people.probabilities()
    spam, incompetence = spammed(one)
    scores = {name: -slip.meant for name, slip in found.items()}  # the order of P(slip), which is 0 at a rate of 0
    scores |= {f"loss, {PEOPLE}": -own[rows, one.label], BLIND_LOSS: -one.blind[rows, one.label]}
    for model, table in one.maps.items():
        scores[f"Data Maps confidence, {model}"] = -table["confidence"].to_numpy()
    for model, table in one.maps.items():
        scores[f"AUM, {model}"] = -table["aum"].to_numpy()
    return scores | {
        f"confident learning, {PEOPLE}": -confident_learning(one.label, own)[1],
        f"confident learning, {BLIND}": -confident_learning(one.label, one.blind)[1],
        f"CROWDLAB, {BLIND}": -crowd(one),
        MACE: spam,
        "MACE: incompetence of the annotator": incompetence,
        "disagreement with the other raters": disagreement(one),
    }


def memberships(one: Trained) -> dict[str, Membership]:
    """Groups of annotators, by attribute."""
    people = one.people.annotators
    return {str(name): membership(people[name]) for name in people.columns if name != "annotator_id"}


def spammed(one: Trained) -> tuple[np.ndarray, np.ndarray]:
    """The probability that an annotation was spam, and 1 − the annotator's competence, float64 [annotation]."""
    people, levels = one.people, one.people.scale.size
    item, who = people.item_index, people.annotator_index
    shape = (len(people.items), len(people.annotators), levels)
    found = mace(Incidence.build(item, who, one.label, shape))
    competence = found.annotators["competence"][who]
    by_spam = (1 - competence) * found.annotators["strategy"][who, one.label]
    knew = found.posterior[item, one.label] * competence / (competence + by_spam)
    return 1 - knew, 1 - competence


def crowd(one: Trained) -> np.ndarray:
    """CROWDLAB's quality of every label, with the annotator-blind model's probabilities, float64 [annotation]."""
    by_item = np.zeros((len(one.annotations.items), one.blind.shape[1]))
    by_item[one.annotations.item_index[one.rows]] = one.blind
    return crowdlab(one.annotations, by_item)[one.rows]


def disagreement(one: Trained) -> np.ndarray:
    """Share of the item's other annotations with another label, float64 [annotation]; 1/2 where there is none."""
    return 1 - np.nan_to_num(raw_agreement(one.annotations)[one.rows], nan=0.5)
