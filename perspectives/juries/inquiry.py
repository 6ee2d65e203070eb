"""Everything asked about juries in one setting (event, rule, size), as tables."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from perspectives.errors import ConfigError
from perspectives.juries.compositions import Composition, Seats, apportioned, seats
from perspectives.juries.counterfactual import Counterfactual, fewest_moves, pivotal
from perspectives.juries.eligibility import Docket
from perspectives.juries.events import Event
from perspectives.juries.people import RealJuries, against_people, agreement, human_majority
from perspectives.juries.sitting import sit
from perspectives.juries.sweep import Swept, flips, p_value, population, shuffled, sweep, sweep_pools
from perspectives.juries.verdicts import Question, Verdicts
from perspectives.metrics.estimate import Estimate, mean
from perspectives.metrics.intervals import Interval, by_item, two_way
from perspectives.predictions import Predictions

OUTCOMES = {1: "positive", -1: "negative", 0: "hung"}


@dataclass(frozen=True)
class Setting:
    """One question to juries of one size."""

    question: Question
    size: int

    def columns(self) -> dict[str, object]:
        """What tells rows of several settings apart."""
        return {"event": str(self.question.event), "rule": str(self.question.rule), "size": self.size}


@dataclass(frozen=True, eq=False)
class Inquiry:
    """Answers in one setting.

    composition: as typed. verdicts, population: of it and of juries of everyone, [item, 1]. human: verdict of all
    raters of each item, int8 [item]. seeds: share of flips against the population jury, for each seed.
    """

    setting: Setting
    composition: str
    predictions: Predictions
    verdicts: Verdicts
    population: Verdicts
    human: np.ndarray
    seeds: list[float]

    def rows(self) -> list[dict[str, object]]:
        """One row for the population jury and, where it is another, one for the composition."""
        everyone = f"{self.setting.size} population"
        found = [] if self.composition == everyone else [(self.composition, self.verdicts)]
        shared = self.setting.columns()
        return [
            shared | {"composition": name} | summary(one, self.population.outcome[:, 0], self.human)
            for name, one in [(everyone, self.population), *found]
        ]

    def items(self) -> pd.DataFrame:
        """A row per item."""
        return verdict_table(self.predictions, self.setting, self.composition, self.verdicts).assign(
            population=named(self.population.outcome[:, 0]), humans=named(self.human)
        )


def inquire(
    predictions: Predictions,
    seeds: Sequence[Predictions],
    setting: Setting,
    composition: str,
    dockets: Sequence[Docket],
    trials: int | None = None,
    weights: np.ndarray | None = None,
) -> Inquiry:
    """Ask one composition. predictions: the average over seeds. seeds: each of them."""
    jury = Composition.parse(composition)

    def asked(one: Predictions) -> tuple[Verdicts, Verdicts]:
        found = sit(one, jury, setting.question, dockets, trials, weights)
        if found.error is not None:
            everyone = Composition.parse(f"{setting.size} population")
            return found, sit(one, everyone, setting.question, dockets, trials, weights)
        return found, population(one, setting.size, setting.question, dockets)

    found, everyone = asked(predictions)
    spread = []
    if len(seeds) > 1 and found.error is None:
        for one in seeds:
            mine, theirs = asked(one)
            spread.append(float(np.nanmean(flips(mine, theirs.outcome[:, 0]))))
    human = human_majority(predictions, setting.question.event)
    return Inquiry(setting, jury.text, predictions, found, everyone, human, spread)


@dataclass(frozen=True, eq=False)
class SweepInquiry:
    """A sweep with what belongs beside it.

    null: share of items whose verdict depends on who sits, with people dealt out at random, [draw]. seeds: the same
    share for each seed. start: the composition proportional to the pools, from which seats are moved.
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

    def headline(self) -> dict[str, object]:
        """The share of verdicts that depend on who sits, with its interval, null and p-value."""
        found = by_item(self.swept.dependent())
        row = {"pools": ", ".join(self.swept.pools), "compositions": len(self.swept.compositions)}
        row |= {
            "items": int(self.swept.supported.sum()),
            "dependent": found.value,
            "low": found.low,
            "high": found.high,
        }
        if len(self.null):
            row |= {"null": float(self.null.mean()), "null_95": float(np.quantile(self.null, 0.95))}
            row |= {"p": p_value(found.value, self.null), "shuffles": len(self.null)}
        if len(self.seeds) > 1:
            row |= {"seed_sd": float(np.std(self.seeds, ddof=1)), "seeds": len(self.seeds)}
        counted = self.moves.moves[~np.isnan(self.moves.moves)]
        row |= {"flippable": float(np.isfinite(counted).mean()) if len(counted) else float("nan")}
        return self.setting.columns() | row

    def rows(self) -> list[dict[str, object]]:
        """One row per composition."""
        reference = self.swept.population.outcome[:, 0]
        rows = []
        for number, counts in enumerate(self.swept.compositions):
            one = Verdicts(self.swept.verdicts.positive[:, [number]], self.swept.verdicts.negative[:, [number]])
            row = {"composition": seats_text(counts, self.swept.pools)} | summary(one, reference, self.human)
            rows.append(self.setting.columns() | row | dict(zip(self.swept.pools, counts.tolist(), strict=True)))
        return rows

    def items(self) -> pd.DataFrame:
        """A row per item: over all compositions the lowest and highest P(positive), whether the verdict depends on who
        sits, the fewest moves that flip it and to what, and the pool that matters most."""
        positive = self.swept.verdicts.positive
        pool, change = pivotal(positive, self.swept.compositions, self.start)
        names = np.array([*self.swept.pools, ""])
        flipped = [seats_text(c, self.swept.pools) if c[0] >= 0 else "" for c in self.moves.composition]
        table = pd.DataFrame({"item_id": self.predictions.items["item_id"], **self.setting.columns()})
        supported = self.swept.supported
        lowest, highest = np.full(len(table), np.nan), np.full(len(table), np.nan)
        lowest[supported], highest[supported] = np.nanmin(positive[supported], 1), np.nanmax(positive[supported], 1)
        return table.assign(
            population=named(self.swept.population.outcome[:, 0]), humans=named(self.human), lowest=lowest,
            highest=highest, depends=self.swept.depends, moves=self.moves.moves, flipped_by=flipped,
            pivotal=names[pool], change_per_seat=change,
        )  # fmt: skip


def inquire_sweep(
    predictions: Predictions,
    seeds: Sequence[Predictions],
    setting: Setting,
    text: str,
    dockets: Sequence[Docket],
    shuffles: int = 100,
    seed: int = 0,
    progress: Callable[[], object] = lambda: None,
) -> SweepInquiry:
    """Ask every composition of the pools that `text` names (see `sweep_pools`), and the null. progress: called after
    each draw of the null."""
    among = np.any([docket.people for docket in dockets], 0)
    pools = sweep_pools(text, predictions.annotators, among)
    question, size = setting.question, setting.size
    swept = sweep(predictions, pools, size, question, dockets)
    random = np.random.default_rng(seed)
    null = np.empty(0 if all(pool.members.sum() == 1 for pool in pools) else shuffles)  # names have no null
    for draw in range(len(null)):
        null[draw] = sweep(predictions, shuffled(pools, random), size, question, dockets).dependent().value
        progress()
    spread = [sweep(one, pools, size, question, dockets).dependent().value for one in seeds] if len(seeds) > 1 else []
    start = _proportional(pools, size, question.replacement)
    moves = _moves(predictions, pools, start, question, dockets)
    human = human_majority(predictions, question.event)
    rates = pool_rates(predictions, pools, question.event)
    return SweepInquiry(setting, predictions, swept, pools, null, spread, human, start, moves, rates)


def _proportional(pools: Sequence[Seats], size: int, replacement: bool) -> list[int]:
    """Seats in proportion to the pools' people; what does not fit into a pool goes to the largest others."""
    people = [int(pool.members.sum()) for pool in pools]
    given = apportioned(size, people)
    if not replacement:
        given = [min(one, most) for one, most in zip(given, people, strict=True)]
        while sum(given) < size:
            given[int(np.argmax(np.array(people) - given))] += 1
    return given


def _moves(
    predictions: Predictions,
    pools: Sequence[Seats],
    start: Sequence[int],
    question: Question,
    dockets: Sequence[Docket],
) -> Counterfactual:
    moves = np.full(len(predictions.items), np.nan)
    composition = np.full((len(moves), len(pools)), -1)
    tried = 0
    for docket in dockets:
        members = np.stack([pool.members & docket.people for pool in pools])
        if (members.sum(1) < start).any() and not question.replacement:
            continue  # the proportional jury cannot be drawn for these items
        found = fewest_moves(predictions.answers()[docket.items], members, start, question)
        moves[docket.items], composition[docket.items] = found.moves, found.composition
        tried = max(tried, found.compositions)
    return Counterfactual(moves, composition, tried)


# Tables. -----------------------------------------------------------------------------------------------------------


def summary(found: Verdicts, reference: np.ndarray, human: np.ndarray) -> dict[str, object]:
    """What one composition [item, 1] decides overall: shares of items, with 95 % intervals of flips over items."""
    rows = ~np.isnan(found.positive[:, 0])
    outcome = found.outcome[rows, 0]
    decided = human[rows] != 0
    result: dict[str, object] = {"items": int(rows.sum()), "p_positive": float(found.positive[rows].mean())}
    result |= {name: float((outcome == value).mean()) for value, name in OUTCOMES.items()}
    result |= _interval("flips", by_item(mean(outcome != reference[rows])))
    result["reversed"] = float((outcome * reference[rows] == -1).mean())
    result |= _interval("flips_humans", by_item(mean((outcome != human[rows])[decided])))
    if found.error is not None:
        result["standard_error"] = float(np.nanmax(found.error))
    return result


def verdict_table(predictions: Predictions, setting: Setting, composition: str, found: Verdicts) -> pd.DataFrame:
    """Verdicts of one composition, a row per item; `verdict` is empty where no such jury could be drawn."""
    table = pd.DataFrame({"item_id": predictions.items["item_id"], **setting.columns(), "composition": composition})
    positive, negative = found.positive[:, 0], found.negative[:, 0]
    verdict = np.where(np.isnan(positive), "", named(found.outcome[:, 0]))
    table = table.assign(positive=positive, negative=negative, hung=found.hung[:, 0], verdict=verdict)
    return table if found.error is None else table.assign(standard_error=found.error[:, 0])


def pool_rates(predictions: Predictions, pools: Sequence[Seats], event: Event) -> pd.DataFrame:
    """Predicted and observed rate of the event among the annotations of each pool's people, with the difference and its
    interval (over items and people)."""
    predicted = event.votes(predictions.values)
    observed = event.holds(predictions.observed).astype(float)
    people, items = predictions.annotator_index, predictions.item_index
    rows = []
    for pool in pools:
        inside = pool.members[people]
        row = {"pool": pool.pool, "people": int(pool.members.sum()), "pairs": int(inside.sum())}
        if inside.any():
            bias = two_way(mean(predicted[inside] - observed[inside]), items[inside], people[inside])
            row |= {"predicted": predicted[inside].mean(), "observed": observed[inside].mean()}
            row |= _interval("difference", bias)
        rows.append(row)
    return pd.DataFrame(rows)


def real_jury_row(
    predictions: Predictions, setting: Setting, composition: str, people: np.ndarray, majority: np.ndarray | None
) -> dict[str, object]:
    """Predicted juries of a composition against juries of the real raters; the composition holds for all items.

    people: bool [annotator], who is eligible. majority: the majority model's verdict, int8 [item], to stand beside.
    """
    clauses = Composition.parse(composition).seats_for(predictions.items)
    if len(clauses) > 1:
        raise ConfigError("juries of real raters are computed for one composition of all items; name its seats")
    found = against_people(predictions, seats(clauses[0][1], predictions.annotators, people), setting.question)
    row = setting.columns() | {"composition": composition, "supported": float(found.supported.mean())}
    row |= _interval("agreement", by_item(found.agreement())) | _interval("distance", by_item(found.distance()))
    row["correlation"] = _correlation(found)
    if majority is not None:
        real = found.real.outcome[:, 0]
        row |= _interval("agreement_majority", by_item(agreement(majority, real, found.supported)))
        model = mean((found.predicted.outcome[:, 0] == real)[found.supported])
        other = mean((majority == real)[found.supported])
        row |= _interval("gain", by_item(model - other))
    return row


def _correlation(found: RealJuries) -> float:
    real, predicted = (one.positive[found.supported, 0] for one in (found.real, found.predicted))
    return float(np.corrcoef(real, predicted)[0, 1]) if real.std() and predicted.std() else float("nan")


def _interval(name: str, found: Interval | Estimate) -> dict[str, object]:
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}  # type: ignore[union-attr]


def named(outcome: np.ndarray) -> np.ndarray:
    """Verdicts as words, [item]."""
    return np.array([OUTCOMES[int(value)] for value in outcome])


def seats_text(counts: Sequence[int], pools: Sequence[str]) -> str:
    """A composition in the grammar, without empty pools."""
    return ", ".join(f"{count} {pool}" for count, pool in zip(counts, pools, strict=True) if count)
