"""Results of juries in one setting (event, rule, size): of one composition or of a sweep, as tables."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from perspectives.errors import ConfigError
from perspectives.juries.composition_verdicts import composition_verdicts
from perspectives.juries.compositions import Composition, Seats, apportioned, names_people, seats
from perspectives.juries.counterfactual import Counterfactual, fewest_moves, fewest_swaps, pivotal
from perspectives.juries.eligibility import ItemBlock
from perspectives.juries.events import Event
from perspectives.juries.real_juries import against_people, agreement, human_majority
from perspectives.juries.sweep import Swept, flips, p_value, shuffled, shuffled_attributes, sweep
from perspectives.juries.verdicts import Question, Verdicts
from perspectives.metrics.estimate import Estimate, mean, pearson
from perspectives.metrics.groups import SMALLEST_GROUP
from perspectives.metrics.intervals import Interval, by_item, two_way
from perspectives.predictions import Predictions

OUTCOMES = {1: "positive", -1: "negative", 0: "hung"}


@dataclass(frozen=True)
class Setting:
    """A question and the size of the juries that decide it."""

    question: Question
    size: int

    def columns(self) -> dict[str, object]:
        """The columns that tell rows of several settings apart."""
        return {"event": str(self.question.event), "rule": str(self.question.rule), "size": self.size}


@dataclass(frozen=True, eq=False)
class JuryResult:
    """The result of one composition in one setting.

    composition: as typed. verdicts: of the composition, [item, 1]. everyone: the population jury, as many people drawn
    from everyone eligible, as text. population: its verdicts, [item, 1]. weighted: whether the people of the
    composition were weighted by competence; those of the population never are. human: verdict of all raters of each
    item, int8 [item]. seeds: share of flips against the population jury, for each seed. null: the same share with
    everybody's attributes exchanged at random, [draw]; empty where no attribute decides who sits. swaps: for a jury of
    named people, fewest exchanges that reverse the verdict, float [item] (see `fewest_swaps`); None for others.
    """

    setting: Setting
    composition: str
    predictions: Predictions
    verdicts: Verdicts
    everyone: str
    population: Verdicts
    weighted: bool
    human: np.ndarray
    seeds: list[float]
    null: np.ndarray
    swaps: np.ndarray | None = None

    @property
    def name(self) -> str:
        return f"{self.composition}, weighted by competence" if self.weighted else self.composition

    @cached_property
    def rows(self) -> list[dict[str, object]]:
        """One row for the population jury and, unless it is the same, one for the composition."""
        juries = {self.everyone: self.population, self.name: self.verdicts}
        reference = self.population.outcome[:, 0]
        return [
            self.setting.columns() | {"composition": name} | summary(verdicts, reference, self.human)
            for name, verdicts in juries.items()
        ]

    def items(self) -> pd.DataFrame:
        """A row per item."""
        table = verdict_table(self.predictions, self.setting, self.name, self.verdicts).assign(
            population=named(self.population), humans=outcome_names(self.human)
        )
        return table if self.swaps is None else table.assign(swaps=self.swaps)


def ask_jury(
    predictions: Predictions,
    seeds: Sequence[Predictions],
    setting: Setting,
    composition: str,
    blocks: Sequence[ItemBlock],
    trials: int | None = None,
    weights: np.ndarray | None = None,
    seed: int = 0,
    shuffles: int = 100,
) -> JuryResult:
    """The result of one composition.

    predictions: the average over seeds. seeds: those of each seed. trials, weights, seed: see `composition_verdicts`.
    shuffles: draws of the null; sampled verdicts have none.
    """
    jury = Composition.parse(composition)
    blind, question = jury.blind(), setting.question
    is_population = jury.text == blind.text and weights is None

    def judged(source: Predictions) -> tuple[Verdicts, Verdicts]:
        """Verdicts of the composition and of the population jury."""
        verdicts = composition_verdicts(source, jury, question, blocks, trials, weights, seed)
        if is_population:
            return verdicts, verdicts
        return verdicts, composition_verdicts(source, blind, question, blocks, trials, None, seed)

    verdicts, population = judged(predictions)
    sampled = verdicts.error is not None
    compared = len(seeds) > 1 and not sampled and not is_population
    by_seed = [_share_flipped(*judged(source)) for source in seeds] if compared else []
    null = np.empty(0 if sampled or not jury.attributes(predictions.annotators) else shuffles)
    random = np.random.default_rng(seed)
    for draw in range(len(null)):
        dealt = replace(predictions, annotators=shuffled_attributes(predictions.annotators, blocks, random))
        null[draw] = _share_flipped(composition_verdicts(dealt, jury, question, blocks, None, weights), population)
    human = human_majority(predictions, question.event)
    return JuryResult(
        setting, jury.text, predictions, verdicts, blind.text, population, weights is not None, human, by_seed, null,
        _swaps(predictions, jury, question, blocks),
    )  # fmt: skip


def _share_flipped(verdicts: Verdicts, population: Verdicts) -> float:
    """Share of items whose verdict differs from the population jury's."""
    return float(np.nanmean(flips(verdicts, population.outcome[:, 0])))


def _swaps(
    predictions: Predictions, jury: Composition, question: Question, blocks: Sequence[ItemBlock]
) -> np.ndarray | None:
    """For a jury of named people, the fewest exchanges for other eligible people that reverse its verdicts, float
    [item], nan where a juror is not eligible; None for other juries."""
    if len(jury.clauses) > 1 or not question.rule.counting or question.replacement:
        return None
    pools = seats(jury.clauses[0][2], predictions.annotators)
    if any(pool.count != 1 or pool.members.sum() != 1 or not names_people(pool.pool) for pool in pools):
        return None
    people = [int(np.flatnonzero(pool.members)[0]) for pool in pools]
    votes = question.event.votes(predictions.answers(), question.hard)
    votes = np.broadcast_to(votes, (len(votes), len(predictions.annotators)))
    swaps = np.full(len(votes), np.nan)
    for block in blocks:
        if block.people[people].all():
            swaps[block.items] = fewest_swaps(votes[block.items], people, question, block.people)[0]
    return swaps


@dataclass(frozen=True, eq=False)
class SweepResult:
    """The result of a sweep in one setting, with its null.

    null: share of items whose verdict depends on who sits, with people dealt out at random, [draw]. seeds: the share
    by the predictions of each seed. human: verdict of all raters of each item, int8 [item]. start: the composition
    proportional to the pools, from which seats are moved. moves: the fewest seats to move from there. rates: see
    `pool_rates`.
    """

    setting: Setting
    predictions: Predictions
    swept: Swept
    pools: Sequence[Seats]
    null: np.ndarray
    seeds: list[float]
    human: np.ndarray
    start: list[int]
    moves: Counterfactual
    rates: pd.DataFrame = field(repr=False)

    @cached_property
    def headline(self) -> dict[str, object]:
        """The share of verdicts that depend on who sits, with its interval, null and p-value."""
        row: dict[str, object] = {"pools": ", ".join(self.swept.pools), "compositions": len(self.swept.compositions)}
        share = by_item(self.swept.dependent())
        row |= {"items": int(self.swept.supported.sum())}
        row |= {"dependent": share.value, "low": share.low, "high": share.high}
        if len(self.null):
            row |= {"null": float(self.null.mean()), "null_95": float(np.quantile(self.null, 0.95))}
            row |= {"p": p_value(share.value, self.null), "shuffles": len(self.null)}
        if len(self.seeds) > 1:
            row |= {"seed_sd": float(np.std(self.seeds, ddof=1)), "seeds": len(self.seeds)}
        counted = self.moves.moves[~np.isnan(self.moves.moves)]
        row |= {"flippable": float(np.isfinite(counted).mean()) if len(counted) else float("nan")}
        return self.setting.columns() | row

    @cached_property
    def rows(self) -> list[dict[str, object]]:
        """One row per composition."""
        reference = self.swept.population.outcome[:, 0]
        rows = []
        for number, counts in enumerate(self.swept.compositions):
            verdicts = Verdicts(self.swept.verdicts.positive[:, [number]], self.swept.verdicts.negative[:, [number]])
            row = {"composition": seats_text(counts, self.swept.pools)} | summary(verdicts, reference, self.human)
            rows.append(self.setting.columns() | row | dict(zip(self.swept.pools, counts.tolist(), strict=True)))
        return rows

    def items(self) -> pd.DataFrame:
        """A row per item: over all compositions the lowest and highest P(positive), whether the verdict depends on who
        sits, the fewest moves that flip it and the composition they lead to, and the pool that matters most.

        Values are missing, and texts empty, where no jury can be drawn or no seat moved."""
        positive = self.swept.verdicts.positive
        pool, change = pivotal(positive, self.swept.compositions, self.start)
        names = np.array([*self.swept.pools, ""])
        flipped = [seats_text(c, self.swept.pools) if c[0] >= 0 else "" for c in self.moves.composition]
        table = pd.DataFrame({"item_id": self.predictions.items["item_id"], **self.setting.columns()})
        supported = self.swept.supported
        lowest, highest = np.full(len(table), np.nan), np.full(len(table), np.nan)
        lowest[supported], highest[supported] = np.nanmin(positive[supported], 1), np.nanmax(positive[supported], 1)
        return table.assign(
            population=named(self.swept.population), humans=outcome_names(self.human), lowest=lowest, highest=highest,
            depends=pd.Series(self.swept.depends, dtype="boolean").where(supported), moves=self.moves.moves,
            flipped_by=flipped, pivotal=names[pool], change_per_seat=change,
        )  # fmt: skip


def ask_sweep(
    predictions: Predictions,
    seeds: Sequence[Predictions],
    setting: Setting,
    pools: Sequence[Seats],
    blocks: Sequence[ItemBlock],
    shuffles: int = 100,
    seed: int = 0,
    progress: Callable[[], object] = lambda: None,
) -> SweepResult:
    """The result of all compositions of the pools (see `sweep_pools`). progress: called after each draw of the null."""
    question, size = setting.question, setting.size
    swept = sweep(predictions, pools, size, question, blocks)
    random = np.random.default_rng(seed)
    null = np.empty(0 if all(pool.members.sum() == 1 for pool in pools) else shuffles)  # no null for named people
    for draw in range(len(null)):
        dealt = shuffled(pools, blocks, random)
        null[draw] = sweep(predictions, dealt, size, question, blocks, swept.population).dependent().value
        progress()
    compared = seeds if len(seeds) > 1 else []
    by_seed = [sweep(source, pools, size, question, blocks).dependent().value for source in compared]
    start = _proportional(pools, size, swept.compositions.max(0))
    moves = fewest_moves(swept.verdicts.outcome, swept.compositions, start)
    human = human_majority(predictions, question.event)
    rates = pool_rates(predictions, pools, question.event)
    return SweepResult(setting, predictions, swept, pools, null, by_seed, human, start, moves, rates)


def _proportional(pools: Sequence[Seats], size: int, most: np.ndarray) -> list[int]:
    """Seats in proportion to the pools' people; those that do not fit into a pool go to the one with most room left.

    most: the largest number of seats of each pool, int64 [pool].
    """
    given = np.minimum(apportioned(size, [int(pool.members.sum()) for pool in pools]), most)
    while given.sum() < size:
        given[np.argmax(most - given)] += 1
    return given.tolist()


# Tables. -----------------------------------------------------------------------------------------------------------


def summary(verdicts: Verdicts, reference: np.ndarray, human: np.ndarray) -> dict[str, object]:
    """The verdicts [item, 1] of one composition as shares of items, with 95 % intervals of flips over items.

    reference, human: verdicts of the population jury and of all raters, int8 [item]. Flips against the raters leave out
    items on which these are tied. Shares are nan where no such jury can be drawn for any item.
    """
    rows = ~np.isnan(verdicts.positive[:, 0])
    outcome, before, people = verdicts.outcome[rows, 0], reference[rows], human[rows]
    result: dict[str, object] = {"items": int(rows.sum()), "p_positive": mean(verdicts.positive[rows, 0]).value}
    result |= {name: mean(outcome == value).value for value, name in OUTCOMES.items()}
    result |= _interval("flips", by_item(mean(outcome != before)))
    result["reversed"] = mean(outcome * before == -1).value
    result |= _interval("flips_humans", by_item(mean((outcome != people)[people != 0])))
    if verdicts.error is not None:
        result["standard_error"] = float(np.nanmax(verdicts.error))
    return result


def verdict_table(predictions: Predictions, setting: Setting, composition: str, verdicts: Verdicts) -> pd.DataFrame:
    """Verdicts of one composition, a row per item; `verdict` is empty where no such jury can be drawn."""
    table = pd.DataFrame({"item_id": predictions.items["item_id"], **setting.columns(), "composition": composition})
    positive, negative = verdicts.positive[:, 0], verdicts.negative[:, 0]
    table = table.assign(positive=positive, negative=negative, hung=verdicts.hung[:, 0], verdict=named(verdicts))
    return table if verdicts.error is None else table.assign(standard_error=verdicts.error[:, 0])


def pool_rates(predictions: Predictions, pools: Sequence[Seats], event: Event) -> pd.DataFrame:
    """Predicted and observed rate of the event among the annotations of each pool's people, and their difference with
    its interval (over items and people).

    A row per pool: pool, people, raters (those with annotations here), pairs, predicted, observed, difference,
    difference_low, difference_high. Rates of fewer than 5 raters are nan, unless the pool is one person by name.
    """
    predicted = event.votes(predictions.values)
    observed = event.holds(predictions.observed).astype(float)
    people, items = predictions.annotator_index, predictions.item_index
    rows = []
    for pool in pools:
        inside = pool.members[people]
        count, raters = int(pool.members.sum()), len(np.unique(people[inside]))
        row = {"pool": pool.pool, "people": count, "raters": raters, "pairs": int(inside.sum())}
        shown = inside if raters >= SMALLEST_GROUP or count == 1 else np.zeros_like(inside)
        bias = two_way(mean(predicted[shown] - observed[shown]), items[shown], people[shown])
        row |= {"predicted": mean(predicted[shown]).value, "observed": mean(observed[shown]).value}
        rows.append(row | _interval("difference", bias))
    return pd.DataFrame(rows)


def real_jury_row(result: JuryResult, blocks: Sequence[ItemBlock], majority: np.ndarray | None) -> dict[str, object]:
    """A row that compares the predicted juries of a result with juries of the real raters.

    majority: the majority model's verdict, int8 [item], compared with the same juries. Raises ConfigError for
    compositions that differ between items.
    """
    clauses = Composition.parse(result.composition).seats_for(result.predictions.items)
    if len(clauses) > 1:
        raise ConfigError("juries of real raters are computed for one composition of all items; name its seats")
    juries = against_people(result.predictions, clauses[0][1], result.setting.question, blocks, result.verdicts)
    row = result.setting.columns() | {"composition": result.name, "supported": float(juries.supported.mean())}
    row |= _interval("agreement", by_item(juries.agreement())) | _interval("distance", by_item(juries.distance()))
    real, predicted = (verdicts.positive[juries.supported, 0] for verdicts in (juries.real, juries.predicted))
    row["correlation"] = pearson(real, predicted).value
    if majority is not None:
        of_majority = agreement(majority, juries.real.outcome[:, 0], juries.supported)
        row |= _interval("agreement_majority", by_item(of_majority))
        row |= _interval("gain", by_item(juries.agreement() - of_majority))
    return row


def _interval(name: str, interval: Interval | Estimate) -> dict[str, object]:
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}  # type: ignore[union-attr]


def named(verdicts: Verdicts) -> np.ndarray:
    """Verdicts of one composition as words, [item]; empty where no such jury can be drawn."""
    return np.where(np.isnan(verdicts.positive[:, 0]), "", outcome_names(verdicts.outcome[:, 0]))


def outcome_names(outcome: np.ndarray) -> np.ndarray:
    """1, -1 and 0 as words, [item]."""
    return np.array([OUTCOMES[int(value)] for value in outcome])


def seats_text(counts: Sequence[int], pools: Sequence[str]) -> str:
    """A composition as text, without pools that have no seats."""
    return ", ".join(f"{count} {pool}" for count, pool in zip(counts, pools, strict=True) if count)
