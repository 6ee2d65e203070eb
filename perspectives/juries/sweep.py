"""Sweeps: verdicts of all compositions of some pools, compared with the population jury of the same model.

Some composition out of many flips a verdict by chance alone. So every sweep is repeated with people dealt out at random
to pools of the same sizes, for every item: the shuffled-attribute null.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
import pandas as pd

from perspectives.errors import ConfigError
from perspectives.juries.compositions import EVERYONE, PERSON, Seats, members, names_people, pools_of, split
from perspectives.juries.eligibility import ItemBlock, by_block
from perspectives.juries.seating import every, seated
from perspectives.juries.verdicts import Question, Verdicts, exact, verdicts
from perspectives.metrics.estimate import Estimate, mean
from perspectives.metrics.groups import SMALLEST_GROUP
from perspectives.metrics.intervals import FEW_ANNOTATORS
from perspectives.predictions import Predictions

MOST_COMPOSITIONS = 20_000


@dataclass(frozen=True, eq=False)
class Swept:
    """Verdicts of all compositions of some pools.

    pools: their names. compositions: seats, int64 [composition, pool], descending in the first pool. verdicts: [item,
    composition]; nan where a pool has too few people for the item. population: of juries drawn from everyone eligible,
    [item, 1].
    """

    pools: list[str]
    compositions: np.ndarray
    verdicts: Verdicts
    population: Verdicts

    @property
    def supported(self) -> np.ndarray:
        """Items that at least one composition can judge, bool [item]."""
        return ~np.isnan(self.verdicts.positive).all(1)

    @property
    def flips(self) -> np.ndarray:
        """Whether the verdict differs from the population jury's, float [item, composition]; nan: no such jury."""
        return flips(self.verdicts, self.population.outcome[:, 0])

    @property
    def depends(self) -> np.ndarray:
        """Whether the verdict of any composition differs from the population jury's, bool [item]."""
        return (self.flips == 1).any(1)

    def dependent(self) -> Estimate:
        """Share of supported items whose verdict depends on who sits."""
        return mean(self.depends[self.supported])


def flips(found: Verdicts, reference: np.ndarray) -> np.ndarray:
    """Whether verdicts differ from a reference, float [item, composition]: 1, 0, or nan without a verdict.

    reference: 1, -1 or 0 (none), int8 [item].
    """
    return np.where(np.isnan(found.positive), np.nan, found.outcome != reference[:, None])


def sweep_pools(text: str, annotators: pd.DataFrame, among: np.ndarray | None = None) -> list[Seats]:
    """The pools of a sweep: of an attribute's values (`gender`), as listed (`age<30, age>=30`), or every person by
    name (`annotator`, of few people). Seats are 0.

    among: bool [annotator], the people to draw from. Raises ConfigError for fewer than two pools, pools that overlap,
    and pools of fewer than 5 people who are not named.
    """
    among = np.ones(len(annotators), bool) if among is None else among
    if text.strip() == PERSON:
        return _everyone_by_name(among)
    names = [part.strip() for part in split(text, ",")]
    if len(names) == 1 and names[0] in annotators.columns:
        names = pools_of(names[0], annotators[among])
    pools = [Seats(0, name, members(name, annotators) & among) for name in names]
    if len(pools) < 2:
        raise ConfigError(
            f"sweep={text}: a single pool leaves nothing to vary; give an attribute, or pools such as 'age<30, age>=30'"
        )
    for pool in pools:
        if pool.members.sum() < SMALLEST_GROUP and not names_people(pool.pool):
            raise ConfigError(
                f"pool {pool.pool} has {pool.members.sum()} people, too few to stand for a group; merge pools, "
                f"or sweep by person, sweep={PERSON}"
            )
    twice = np.flatnonzero(sum(pool.members.astype(int) for pool in pools) > 1)
    if len(twice):
        raise ConfigError(f"sweep={text}: {len(twice)} people are in several pools; give pools that do not overlap")
    return pools


def _everyone_by_name(among: np.ndarray) -> list[Seats]:
    people = np.flatnonzero(among)
    if len(people) >= FEW_ANNOTATORS:
        raise ConfigError(f"sweep={PERSON}: {len(people)} people are too many to sweep by name; sweep an attribute")
    one = np.eye(len(among), dtype=bool)
    return [Seats(0, f"{PERSON} {person + 1}", one[person]) for person in people]


def simplex(seats: int, most: Sequence[int]) -> np.ndarray:
    """All ways to fill seats from pools of which `most` can be seated each, int64 [composition, pool].

    Raises ConfigError when there are none, or more than 20,000.
    """
    if (count := comb(seats + len(most) - 1, len(most) - 1)) > MOST_COMPOSITIONS and min(most) >= seats:
        raise ConfigError(
            f"{seats} seats from {len(most)} pools have {count:,} compositions, more than {MOST_COMPOSITIONS:,}; sweep "
            "fewer pools, or smaller juries"
        )
    ways: list[tuple[int, ...]] = [()]
    for place, largest in enumerate(most):
        rest = sum(most[place + 1 :])
        ways = [
            (*way, n)
            for way in ways
            for n in range(min(largest, seats - sum(way)), -1, -1)
            if seats - sum(way) - n <= rest
        ]
        if len(ways) > MOST_COMPOSITIONS:
            raise ConfigError(
                f"there are more than {MOST_COMPOSITIONS:,} compositions; sweep fewer pools, or smaller juries"
            )
    if not ways:
        raise ConfigError(f"all pools together have {sum(most)} people, too few for {seats} seats; use fewer seats")
    return np.array(ways, np.int64).reshape(len(ways), len(most))


def sweep(
    predictions: Predictions,
    pools: Sequence[Seats],
    size: int,
    question: Question,
    blocks: Sequence[ItemBlock],
    everyone: Verdicts | None = None,
) -> Swept:
    """The verdicts of all juries of `size` people from these disjoint pools, and those of the population.

    everyone: the population's verdicts, where they are known already. Raises ConfigError for rules without an exact
    solution, and when no jury can be drawn for any item.
    """
    if not exact(question.rule, predictions.scale.kind):
        raise ConfigError(
            f"rule {question.rule} has no exact solution for {predictions.scale.kind} labels, and a sweep has too many "
            "juries to draw at random; sweep with a rule that counts votes"
        )
    people = [max(int((pool.members & block.people).sum()) for block in blocks) for pool in pools]
    compositions = simplex(size, [size if question.replacement else min(size, most) for most in people])

    def judge(block: ItemBlock) -> Verdicts:
        members = np.stack([pool.members & block.people for pool in pools])
        return verdicts(block.answers(predictions), every(members, compositions), question)

    swept = by_block(blocks, len(predictions.items), len(compositions), judge)
    if np.isnan(swept.positive).all():
        raise ConfigError(f"no item can be judged by {size} people from these pools; use smaller juries or wider pools")
    everyone = population(predictions, size, question, blocks) if everyone is None else everyone
    return Swept([pool.pool for pool in pools], compositions, swept, everyone)


def population(predictions: Predictions, size: int, question: Question, blocks: Sequence[ItemBlock]) -> Verdicts:
    """The verdicts of juries drawn from everyone eligible, [item, 1]."""

    def judge(block: ItemBlock) -> Verdicts:
        seating = seated([Seats(size, EVERYONE, block.people)], None, question.replacement)
        return verdicts(block.answers(predictions), seating, question)

    return by_block(blocks, len(predictions.items), 1, judge)


def shuffled(pools: Sequence[Seats], blocks: Sequence[ItemBlock], random: np.random.Generator) -> list[Seats]:
    """The same pools with their people exchanged at random among those who may judge the same items, so that each pool
    keeps its size for every item."""
    dealt = _dealt(np.any([pool.members for pool in pools], 0), blocks, random)
    return [Seats(pool.count, pool.pool, pool.members[dealt]) for pool in pools]


def shuffled_attributes(
    annotators: pd.DataFrame, blocks: Sequence[ItemBlock], random: np.random.Generator
) -> pd.DataFrame:
    """The same people with whole records of attributes exchanged at random among those who may judge the same items."""
    dealt = _dealt(np.ones(len(annotators), bool), blocks, random)
    records = annotators.drop(columns="annotator_id").iloc[dealt].reset_index(drop=True)
    return pd.concat([annotators[["annotator_id"]].reset_index(drop=True), records], axis=1)


def _dealt(inside: np.ndarray, blocks: Sequence[ItemBlock], random: np.random.Generator) -> np.ndarray:
    """A random permutation of people, int64 [annotator], that moves only those `inside`, among those who are eligible
    for the same items."""
    _, alike = np.unique([block.people for block in blocks], axis=1, return_inverse=True)
    dealt = np.arange(len(inside))
    for kind in np.unique(alike):
        people = np.flatnonzero(inside & (alike.ravel() == kind))
        dealt[people] = random.permutation(people)
    return dealt


def p_value(real: float, null: np.ndarray) -> float:
    """Probability of a share at least as large under the null: (1 + draws at least as large) / (1 + draws).

    null: float [draw].

    Paper: Phipson & Smyth 2010, Permutation p-values should never be zero.
    """
    return float((1 + (null >= real - 1e-12).sum()) / (1 + len(null)))
