"""Who sits on a jury: seats per pool of people, in one grammar for YAML and the command line.

    6 gender=Woman, 6 gender=Man & race=White      seats and the pool they are drawn from
    4 age<30, 4 age=30..49, 4 age>=50              ranges; of ages given as bins, whole bins only
    6 race=Black|Asian, 6 party!=unknown           alternatives, and everyone except
    1 annotator=ann-3, 11 population               named people; everyone
    12 proportional gender                         seats per value as in the population (largest remainder)
    12 balanced gender                             as equal as possible; larger groups get the remaining seats
    language=it: 12 age<40; else: 12 population    by an attribute of the item

Values with spaces need no quotes; those with , ; & | : or quotes do: race="Black, or mixed". A missing value is called
unknown: people whose value is unknown are in no range and in no pool of proportional and balanced; != includes them.
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
from perspectives.juries.events import COMPARISONS, NUMBER
from perspectives.metrics.groups import SMALLEST_GROUP

PERSON = "annotator"  # names a person in a condition
PEOPLE = (PERSON, "annotator_id")
EVERYONE, PROPORTIONAL, BALANCED, ELSE = "population", "proportional", "balanced", "else"
NOT_ATTRIBUTES = ("item_id", "text", "text_pair")  # columns of items
SEATS = re.compile(r"\s*(\d+)\s+(.+?)\s*", re.DOTALL)
CONDITION = re.compile(r"\s*([^<>=!]+?)\s*(>=|<=|!=|>|<|=)\s*(.+?)\s*", re.DOTALL)
RANGE = re.compile(rf"\s*{NUMBER}\s*\.\.\s*{NUMBER}\s*")
BIN = re.compile(rf"\s*(?:{NUMBER}\s*[-–]\s*{NUMBER}|([<>]=?)\s*{NUMBER}|{NUMBER}\s*(\+)|{NUMBER})\s*")


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
    """Seats as typed, for all items or by an attribute of the item.

    clauses: (item column, value, seats); (None, None, seats) for all items, or all others.
    """

    text: str
    clauses: tuple[tuple[str | None, str | None, str], ...]

    @classmethod
    def parse(cls, text: str) -> "Composition":
        """Raises ConfigError for a text without seats, or whose condition on items is not understood."""
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
            raise ConfigError(
                f"composition {text!r}: seats after those for all items are never used; put the latter last"
            )
        return cls(" ".join(text.split()), tuple(clauses))

    @property
    def jurors(self) -> int:
        """Seats of the jury; of the largest one where items have juries of several sizes."""
        return max(jurors(seats) for _, _, seats in self.clauses)

    def blind(self) -> "Composition":
        """The composition of juries of the same sizes for the same items, drawn from everyone."""
        if len({jurors(seats) for _, _, seats in self.clauses}) == 1:
            return Composition.parse(f"{self.jurors} {EVERYONE}")
        parts = []
        for column, value, seats in self.clauses:
            condition = ELSE if column is None else f"{column}={quoted(str(value))}"
            parts.append(f"{condition}: {jurors(seats)} {EVERYONE}")
        return Composition.parse("; ".join(parts))

    def attributes(self, annotators: pd.DataFrame) -> list[str]:
        """Names of the attributes of people that decide who sits."""
        parts = [_counted(part)[1] for _, _, seats in self.clauses for part in split(seats, ",")]
        named = {name for part in parts for name in _attributes_of(part)}
        return [str(name) for name in annotators.columns if name != "annotator_id" and name in named]

    def seats_for(self, items: pd.DataFrame) -> list[tuple[np.ndarray, str]]:
        """Rows of the items, and the seats, as text, that judge them; every item is in exactly one group.

        Raises ConfigError for an item attribute or value that does not exist, and for items that no clause covers.
        """
        left = np.ones(len(items), bool)
        groups = []
        for column, value, seats in self.clauses:
            chosen = left if column is None else left & _having_value(items, column, str(value))
            left = left & ~chosen
            groups.append((np.flatnonzero(chosen), seats))
        if left.any():
            raise ConfigError(f"composition {self.text!r} leaves out {left.sum()} items; add else: …")
        return groups


def seats(text: str, annotators: pd.DataFrame, among: np.ndarray | None = None) -> list[Seats]:
    """The seats that `6 gender=Woman, 6 gender=Man` stands for; seats drawn from the same people are merged.

    annotators: one row per annotator, `annotator_id` and a column per attribute. among: bool [annotator], the people to
    draw from; None for all. Raises ConfigError for seats that are not understood, and for attributes, values and people
    that do not exist, listing those that do.
    """
    among = np.ones(len(annotators), bool) if among is None else among
    merged: dict[bytes | str, Seats] = {}
    for part in split(text, ","):
        for new in _seats_of(part, annotators, among):
            key = new.members.tobytes() if new.members.any() else new.pool  # empty pools are not the same people
            before = merged.get(key, Seats(0, new.pool, new.members))
            merged[key] = Seats(before.count + new.count, before.pool, new.members)
    kept = [entry for entry in merged.values() if entry.count]
    if not kept:
        raise ConfigError(f"{text!r} has no seats; write for example 12 population")
    return kept


def jurors(text: str) -> int:
    """How many seats `6 gender=Woman, 6 gender=Man` has. Raises ConfigError for seats that are not understood."""
    return sum(_counted(part)[0] for part in split(text, ","))


def _counted(part: str) -> tuple[int, str]:
    found = SEATS.fullmatch(part)
    if not found:
        raise ConfigError(f"seats {part.strip()!r} are not understood; write a number and a pool, like 6 gender=Woman")
    return int(found[1]), found[2]


def _seats_of(part: str, annotators: pd.DataFrame, among: np.ndarray) -> list[Seats]:
    count, who = _counted(part)
    word, _, attribute = who.partition(" ")
    if word in (PROPORTIONAL, BALANCED):
        return _by_value(count, word, attribute.strip(), annotators, among)
    return [Seats(count, who, members(who, annotators) & among)]


def _attributes_of(who: str) -> list[str]:
    """Attributes named in `gender=Woman & age<30` or `proportional gender`."""
    word, _, attribute = who.partition(" ")
    if word in (PROPORTIONAL, BALANCED):
        return [attribute.strip()]
    return [] if who.strip() == EVERYONE else [attribute for attribute, _, _ in _conditions(who)]


def members(pool: str, annotators: pd.DataFrame) -> np.ndarray:
    """Who is in a pool such as `gender=Man & race=White`, bool [annotator]. Raises ConfigError as `seats` does."""
    if pool.strip() == EVERYONE:
        return np.ones(len(annotators), bool)
    chosen = np.ones(len(annotators), bool)
    for attribute, comparison, value in _conditions(pool):
        chosen &= _having(attribute, comparison, value, annotators)
    if not chosen.any():
        raise ConfigError(f"pool {pool!r} is empty: nobody meets all its conditions")
    return chosen


def names_people(pool: str) -> bool:
    """Whether a pool names people, as `annotator=ann-3` does, and so does not stand for a group."""
    return pool.strip() != EVERYONE and any(
        attribute in PEOPLE and comparison == "=" for attribute, comparison, _ in _conditions(pool)
    )


def _conditions(pool: str) -> list[tuple[str, ...]]:
    """Attribute, comparison and value of each condition."""
    matches = [CONDITION.fullmatch(condition) for condition in split(pool, "&")]
    if None in matches:
        raise ConfigError(f"pool {pool!r} is not understood; write it like gender=Woman & age<30, or {EVERYONE}")
    return [match.groups() for match in matches if match]


def pools_of(attribute: str, annotators: pd.DataFrame, smallest: int = SMALLEST_GROUP) -> list[str]:
    """One pool per known value of an attribute that `smallest` people share, the most frequent first.

    Raises ConfigError for an unknown attribute, one of numbers, or one without two such values.
    """
    column = _column(attribute, annotators)
    if _of_numbers(column):
        low, high = column.min(), column.max()
        raise ConfigError(
            f"{attribute} is a number ({low:g} to {high:g}); give ranges, such as {attribute}<30, {attribute}>=30"
        )
    names = value_names(column)
    counts = names[names != UNKNOWN].value_counts(sort=False)
    values = list(counts[counts >= smallest].sort_values(ascending=False, kind="stable").index)
    if len(values) < 2:
        raise ConfigError(
            f"{attribute} has {len(values)} values that {smallest} people or more share, and a jury needs two to vary; "
            "choose another attribute"
        )
    return [f"{attribute}={quoted(value)}" for value in values]


def apportioned(seats: int, people: Sequence[int]) -> list[int]:
    """Whole seats in proportion to numbers of people, by largest remainder; of equal remainders the first gains."""
    given, remainder = zip(*[divmod(seats * count, sum(people)) for count in people], strict=True)
    order = sorted(range(len(people)), key=lambda place: (-remainder[place], place))
    gaining = order[: seats - sum(given)]
    return [whole + (place in gaining) for place, whole in enumerate(given)]


def quoted(value: str) -> str:
    """A value as it is written in the grammar: in quotes where needed."""
    plain = re.fullmatch(r"[^,;&|:\"']+", value) and value == value.strip()
    return value if plain else f'"{value}"' if '"' not in value else f"'{value}'"


# Conditions on people. ---------------------------------------------------------------------------------------------


def _by_value(count: int, word: str, attribute: str, annotators: pd.DataFrame, among: np.ndarray) -> list[Seats]:
    pools = [(pool, members(pool, annotators) & among) for pool in pools_of(attribute, annotators[among])]
    people = [int(who.sum()) if word == PROPORTIONAL else 1 for _, who in pools]
    return [Seats(number, pool, who) for number, (pool, who) in zip(apportioned(count, people), pools, strict=True)]


def _having(attribute: str, comparison: str, value: str, annotators: pd.DataFrame) -> np.ndarray:
    column = _column(attribute, annotators)
    if comparison in ("=", "!="):
        alternatives = [_unquoted(part) for part in split(value, "|")]
        chosen = np.zeros(len(column), bool)
        for alternative in alternatives:
            chosen |= _equal(attribute, column, alternative)
        return chosen if comparison == "=" else ~chosen
    if not re.fullmatch(NUMBER, value):
        raise ConfigError(f"{attribute}{comparison}{value}: compare with a number, or use {attribute}=…")
    return _compared(attribute, column, comparison, float(value))


def _equal(attribute: str, column: pd.Series, value: str) -> np.ndarray:
    chosen = (value_names(column) == value).to_numpy()
    limits = RANGE.fullmatch(value)
    if limits and not chosen.any():
        low, high = map(float, limits.groups())
        return _compared(attribute, column, ">=", low) & _compared(attribute, column, "<=", high)
    if not chosen.any() and value != UNKNOWN:
        raise ConfigError(f"nobody has {attribute}={value}; {_choices(attribute, column)}")
    return chosen


def _compared(attribute: str, column: pd.Series, comparison: str, threshold: float) -> np.ndarray:
    """Who meets a comparison: bins (`18-24`, `>65`) must meet it as a whole or not at all, unknown values never do."""
    compare: Callable = COMPARISONS[comparison]
    if _of_numbers(column):
        return compare(column.to_numpy(float, na_value=np.nan), threshold)
    inside, names = {UNKNOWN: False}, value_names(column)
    for value in sorted(set(names) - {UNKNOWN}):
        ends = _ends(value)
        if ends is None:
            raise ConfigError(f"{attribute} has no order ({value!r} is not a number); {_choices(attribute, column)}")
        low, high = (bool(compare(end, threshold)) for end in ends)
        if low != high:
            raise ConfigError(f"{attribute}{comparison}{threshold:g} splits the bin {value!r}; use one of its ends")
        inside[value] = low
    return np.array([inside[name] for name in names], bool)


def _ends(value: str) -> tuple[float, float] | None:
    """Smallest and largest number in a bin, infinite for open bins; None when the value is not a bin."""
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


def value_names(column: pd.Series) -> pd.Series:
    """The values of an attribute as texts, whatever their type; `unknown` where one is missing."""
    pairs = zip(column, column.isna(), strict=True)
    return pd.Series([UNKNOWN if missing else level_name(value) for value, missing in pairs], column.index, object)


def _of_numbers(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _column(attribute: str, annotators: pd.DataFrame) -> pd.Series:
    if attribute in PEOPLE:
        return annotators["annotator_id"]
    available = [str(column) for column in annotators.columns if column != "annotator_id"]
    if attribute not in available:
        known = f"choose from {', '.join(available)}, or {PERSON}" if available else f"use {PERSON} or {EVERYONE}"
        raise ConfigError(f"these annotators have no attribute {attribute!r}; {known}")
    return annotators[attribute]


def _choices(attribute: str, column: pd.Series) -> str:
    """Says which values exist; of people, only how many there are."""
    if column.name == "annotator_id":
        return f"there are {len(column)} annotators; `annotators.parquet` of the predictions names them"
    if _of_numbers(column):
        return f"its values lie between {column.min():g} and {column.max():g}"
    values = value_names(column).value_counts().index
    return f"choose from {', '.join(map(str, values[:30]))}{' …' if len(values) > 30 else ''}"


# Text. -------------------------------------------------------------------------------------------------------------


def split(text: str, separator: str) -> list[str]:
    """Parts of a text between separators outside quotes."""
    parts, quote = [""], ""
    for letter in text:
        if letter == separator and not quote:
            parts.append("")
            continue
        if letter in "\"'" and quote in ("", letter):
            quote = "" if quote else letter
        parts[-1] += letter
    if quote:
        raise ConfigError(
            f"{text!r}: the quote {quote} is not closed; put a value that contains one into the other kind of quotes"
        )
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
        raise ConfigError(f"composition {text!r}: write language=it, or else, before the colon")
    return column.strip(), _unquoted(value)


def item_values(items: pd.DataFrame, column: str) -> pd.Series:
    """The values of an item attribute as texts. Raises ConfigError for one that does not exist."""
    available = [str(name) for name in items.columns if name not in NOT_ATTRIBUTES]
    if column not in available:
        known = f"choose from {', '.join(available)}" if available else "they have a text and nothing else"
        raise ConfigError(f"items have no attribute {column!r}; {known}")
    return value_names(items[column])


def _having_value(items: pd.DataFrame, column: str, value: str) -> np.ndarray:
    """Which items have this value, bool [item]."""
    values = item_values(items, column)
    chosen = (values == value).to_numpy()
    if not chosen.any():
        raise ConfigError(f"no item has {column}={value}; choose from {', '.join(sorted(set(values))[:30])}")
    return chosen
