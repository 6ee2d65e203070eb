"""Whom a jury is made of: seats per pool, in one grammar for YAML and the command line.

    6 gender=Woman, 6 gender=Man & race=White      seats and the pool they are drawn from
    4 age<30, 4 age=30..49, 4 age>=50              ranges; of ages given as bins, whole bins only
    6 race=Black|Asian, 6 party!=unknown           alternatives, and everyone but
    1 annotator=ann-3, 11 population               named people; everyone
    12 proportional gender                         seats per value as in the population (largest remainder)
    12 balanced gender                             as equal as possible; the larger groups get the rest
    language=it: 12 age<40; else: 12 population    by an attribute of the item

Values with spaces need no quotes; those with , ; & | : or quotes do: race="Black, or mixed".
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from perspectives.data.scale import level_name
from perspectives.data.validation import UNKNOWN
from perspectives.errors import ConfigError
from perspectives.juries.events import COMPARISONS
from perspectives.metrics.groups import SMALLEST_GROUP

PERSON = "annotator"  # names a person in a condition
EVERYONE, PROPORTIONAL, BALANCED, ELSE = "population", "proportional", "balanced", "else"
CONDITION = re.compile(r"\s*([\w.-]+)\s*(>=|<=|!=|>|<|=)\s*(.+?)\s*", re.DOTALL)
RANGE = re.compile(r"\s*(-?[\d.]+)\s*\.\.\s*(-?[\d.]+)\s*")
BIN = re.compile(r"\s*(?:(-?[\d.]+)\s*[-–]\s*([\d.]+)|([<>]=?)\s*(-?[\d.]+)|(-?[\d.]+)\s*(\+)|(-?[\d.]+))\s*")


@dataclass(frozen=True)
class Seats:
    """Some seats of a jury: how many, and the pool they are drawn from, uniformly and without replacement.

    members: bool [annotator].
    """

    count: int
    pool: str
    members: np.ndarray


@dataclass(frozen=True)
class Composition:
    """Seats as typed, per kind of item.

    clauses: (item column, value, seats); (None, None, seats) for all items, or all others.
    """

    text: str
    clauses: tuple[tuple[str | None, str | None, str], ...]

    @classmethod
    def parse(cls, text: str) -> "Composition":
        """Raises ConfigError for a text without seats, or with an item's condition that is not understood."""
        clauses = []
        parts = split(text, ";")
        for part in filter(str.strip, parts):
            condition, colon, seats = _partition(part)
            if not colon:
                condition, seats = ELSE, part
            column, value = (None, None) if condition.strip() == ELSE else _item_condition(condition, text)
            clauses.append((column, value, seats.strip()))
        if not clauses:
            raise ConfigError("a composition needs seats, for example 6 gender=Woman, 6 gender=Man")
        if [column for column, _, _ in clauses[:-1] if column is None]:
            raise ConfigError(f"composition {text!r}: what comes after seats for all items is never used")
        return cls(" ".join(text.split()), tuple(clauses))

    def seats_for(self, items: pd.DataFrame) -> list[tuple[np.ndarray, str]]:
        """Rows of the items and the seats, as text, that judge them; every item is in one group.

        Raises ConfigError for an item attribute or value that does not exist, and for items no clause speaks of.
        """
        left = np.ones(len(items), bool)
        groups = []
        for column, value, seats in self.clauses:
            chosen = left if column is None else left & _item_values(items, column, str(value))
            left = left & ~chosen
            groups.append((np.flatnonzero(chosen), seats))
        if left.any():
            raise ConfigError(f"composition {self.text!r} says nothing about {left.sum()} items; add else: …")
        return groups


def seats(text: str, annotators: pd.DataFrame, among: np.ndarray | None = None) -> list[Seats]:
    """The seats that `6 gender=Woman, 6 gender=Man` stands for; seats of the same people are put together.

    annotators: one row per annotator, `annotator_id` and a column per attribute. among: bool [annotator], the people to
    draw from; None for all. Raises ConfigError for seats that are not understood, and for attributes, values and people
    that do not exist, listing those that do.
    """
    among = np.ones(len(annotators), bool) if among is None else among
    found: dict[bytes, Seats] = {}
    for part in split(text, ","):
        for one in _seats_of(part, annotators, among):
            key = one.members.tobytes()
            count = one.count + (found[key].count if key in found else 0)
            found[key] = Seats(count, one.pool, one.members)
    kept = [one for one in found.values() if one.count]
    if not kept:
        raise ConfigError(f"{text!r} has no seats; write for example 12 population")
    return kept


def _seats_of(part: str, annotators: pd.DataFrame, among: np.ndarray) -> list[Seats]:
    found = re.fullmatch(r"\s*(\d+)\s+(.+?)\s*", part, re.DOTALL)
    if not found:
        raise ConfigError(f"seats {part.strip()!r} are not understood; write a number and a pool, 6 gender=Woman")
    count, who = int(found[1]), found[2]
    word, _, attribute = who.partition(" ")
    if word in (PROPORTIONAL, BALANCED):
        return _by_value(count, word, attribute.strip(), annotators, among)
    return [Seats(count, who, members(who, annotators) & among)]


def members(pool: str, annotators: pd.DataFrame) -> np.ndarray:
    """Who is in a pool such as `gender=Man & race=White`, bool [annotator]. Raises ConfigError as `seats` does."""
    if pool.strip() == EVERYONE:
        return np.ones(len(annotators), bool)
    chosen = np.ones(len(annotators), bool)
    for condition in split(pool, "&"):
        found = CONDITION.fullmatch(condition)
        if not found:
            raise ConfigError(f"pool {pool!r} is not understood; write it like gender=Woman & age<30, or {EVERYONE}")
        attribute, comparison, value = found.groups()
        chosen &= _having(attribute, comparison, value, annotators)
    if not chosen.any():
        raise ConfigError(f"pool {pool!r} is empty: nobody meets all its conditions")
    return chosen


def pools_of(attribute: str, annotators: pd.DataFrame, smallest: int = SMALLEST_GROUP) -> list[str]:
    """One pool per known value of an attribute that `smallest` people share, the most frequent first.

    Raises ConfigError for an unknown attribute, one of numbers, or one without two such values.
    """
    column = _column(attribute, annotators)
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        low, high = column.min(), column.max()
        raise ConfigError(
            f"{attribute} is a number ({low:g} to {high:g}): give ranges, {attribute}<30, {attribute}>=30"
        )
    counts = column[column.astype("str") != UNKNOWN].map(level_name).value_counts()
    values = list(counts[counts >= smallest].sort_values(ascending=False, kind="stable").index)
    if len(values) < 2:
        raise ConfigError(
            f"{attribute} has {len(values)} values of {smallest} people or more; juries need two to differ"
        )
    return [f"{attribute}={quoted(value)}" for value in values]


def apportioned(seats: int, shares: Sequence[float]) -> list[int]:
    """Whole seats in proportion to shares, by largest remainder; of equal remainders the first gains."""
    exact = [seats * share / sum(shares) for share in shares]
    given = [math.floor(value + 1e-9) for value in exact]
    order = sorted(range(len(exact)), key=lambda place: (given[place] - exact[place], place))
    for place in order[: seats - sum(given)]:
        given[place] += 1
    return given


def quoted(value: str) -> str:
    """A value as the grammar reads it."""
    return value if re.fullmatch(r"[^,;&|:\"']+", value) else f'"{value}"' if '"' not in value else f"'{value}'"


# Conditions on people. ---------------------------------------------------------------------------------------------


def _by_value(count: int, word: str, attribute: str, annotators: pd.DataFrame, among: np.ndarray) -> list[Seats]:
    pools = [(pool, members(pool, annotators) & among) for pool in pools_of(attribute, annotators[among])]
    shares = [float(who.sum()) if word == PROPORTIONAL else 1.0 for _, who in pools]
    return [Seats(number, pool, who) for number, (pool, who) in zip(apportioned(count, shares), pools, strict=True)]


def _having(attribute: str, comparison: str, value: str, annotators: pd.DataFrame) -> np.ndarray:
    column = _column(attribute, annotators)
    if comparison in ("=", "!="):
        alternatives = [_unquoted(part) for part in split(value, "|")]
        chosen = np.zeros(len(column), bool)
        for one in alternatives:
            chosen |= _equal(attribute, column, one)
        return chosen if comparison == "=" else ~chosen
    try:
        threshold = float(value)
    except ValueError:
        raise ConfigError(f"{attribute}{comparison}{value}: compare with a number, or use {attribute}=…") from None
    return _compared(attribute, column, comparison, threshold)


def _equal(attribute: str, column: pd.Series, value: str) -> np.ndarray:
    chosen = (column.map(level_name) == value).to_numpy(bool)
    limits = RANGE.fullmatch(value)
    if limits and not chosen.any():
        low, high = map(float, limits.groups())
        return _compared(attribute, column, ">=", low) & _compared(attribute, column, "<=", high)
    if not chosen.any():
        raise ConfigError(f"nobody has {attribute}={value}; {_choices(attribute, column)}")
    return chosen


def _compared(attribute: str, column: pd.Series, comparison: str, threshold: float) -> np.ndarray:
    """Of numbers, or of bins (`18-24`, `>65`), which must lie wholly on one side; nobody unknown meets it."""
    compare: Callable = COMPARISONS[comparison]
    if pd.api.types.is_numeric_dtype(column):
        return compare(column.to_numpy(float), threshold) & column.notna().to_numpy()
    inside = {}
    for value in sorted(set(column.map(level_name)) - {UNKNOWN}):
        ends = _ends(value)
        if ends is None:
            raise ConfigError(f"{attribute} has no order ({value!r} is no number); {_choices(attribute, column)}")
        low, high = (bool(compare(end, threshold)) for end in ends)
        if low != high:
            raise ConfigError(f"{attribute}{comparison}{threshold:g} divides the bin {value!r}; choose one of its ends")
        inside[value] = low
    return column.map(level_name).map(inside).fillna(False).to_numpy(bool)


def _ends(value: str) -> tuple[float, float] | None:
    """Least and largest number in a bin; None when it is none. Open bins have infinite ends."""
    found = BIN.fullmatch(value)
    if not found:
        return None
    low, high, sign, bound, at_least, _, number = found.groups()
    if low:
        return float(low), float(high)
    if sign:
        edge = np.nextafter(float(bound), math.inf if sign == ">" else -math.inf) if len(sign) == 1 else float(bound)
        return (edge, math.inf) if sign[0] == ">" else (-math.inf, edge)
    return (float(at_least), math.inf) if at_least else (float(number), float(number))


def _column(attribute: str, annotators: pd.DataFrame) -> pd.Series:
    if attribute in (PERSON, "annotator_id"):
        return annotators["annotator_id"]
    available = [str(column) for column in annotators.columns if column != "annotator_id"]
    if attribute not in available:
        known = (
            f"choose from {', '.join(available)}, or {PERSON}"
            if available
            else f"only {PERSON} and {EVERYONE} can be used"
        )
        raise ConfigError(f"these annotators have no attribute {attribute!r}; {known}")
    return annotators[attribute]


def _choices(attribute: str, column: pd.Series) -> str:
    """Values that exist; of people only how many there are."""
    if column.name == "annotator_id":
        return f"there are {len(column)} annotators; `annotators.parquet` of the predictions names them"
    if pd.api.types.is_numeric_dtype(column):
        return f"its numbers lie between {column.min():g} and {column.max():g}"
    values = column.map(level_name).value_counts().index
    return f"choose from {', '.join(map(str, values[:30]))}{' …' if len(values) > 30 else ''}"


# Text. -------------------------------------------------------------------------------------------------------------


def split(text: str, separator: str) -> list[str]:
    """At a separator outside quotes."""
    parts, quote = [""], ""
    for letter in text:
        if letter == separator and not quote:
            parts.append("")
            continue
        if letter in "\"'" and quote in ("", letter):
            quote = "" if quote else letter
        parts[-1] += letter
    if quote:
        raise ConfigError(f"{text!r}: a quote {quote} is not closed")
    return parts


def _partition(clause: str) -> tuple[str, bool, str]:
    first, *rest = split(clause, ":")
    return (first, True, ":".join(rest)) if rest else ("", False, clause)


def _unquoted(value: str) -> str:
    value = value.strip()
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value


def _item_condition(condition: str, text: str) -> tuple[str, str]:
    column, equals, value = condition.partition("=")
    if not equals or not column.strip() or not value.strip():
        raise ConfigError(f"composition {text!r}: before the colon stands an item's attribute, language=it, or else")
    return column.strip(), _unquoted(value)


def _item_values(items: pd.DataFrame, column: str, value: str) -> np.ndarray:
    """Which items have this value, bool [item]."""
    if column not in items:
        available = [str(name) for name in items.columns if name not in ("item_id", "text", "text_pair")]
        raise ConfigError(
            f"items have no attribute {column!r}; choose from {', '.join(available) or 'none: there are no'}"
        )
    values = items[column].map(level_name)
    chosen = (values == value).to_numpy(bool)
    if not chosen.any():
        raise ConfigError(f"no item has {column}={value}; choose from {', '.join(sorted(set(values))[:30])}")
    return chosen
