"""Whom a trained model is asked about: the population, known annotators, groups of them, or people it never saw."""

import itertools
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from perspectives.data.annotators import Annotators
from perspectives.data.scale import level_name
from perspectives.data.schema import UNKNOWN_CODE, Attribute, Schema
from perspectives.data.validation import UNKNOWN, UNKNOWN_SPELLINGS
from perspectives.errors import ConfigError, DataError, DataWarning
from perspectives.metrics.groups import SMALLEST_GROUP

Group = Mapping[str, str | None]  # attribute → value; None stands for every value in turn


@dataclass(frozen=True, eq=False)
class Asked:
    """Who answers.

    column: what each answer belongs to, `annotator_id` or `group`. names: of the answers, [asked].
    annotators: the people behind them. weights: float32 [asked, annotator], rows sum to 1: an answer is this mean of
    theirs; None where each person answers for themselves.
    """

    column: str
    names: tuple[str, ...]
    annotators: Annotators
    weights: np.ndarray | None = None

    def combined(self, said: np.ndarray) -> np.ndarray:
        """float32 [item, asked, level] from what the people said, [item, annotator, level] ([item, 1, level] where the
        model gives everyone the same answer)."""
        if said.shape[1] == 1 or self.weights is None:
            return np.broadcast_to(said, (len(said), len(self.names), said.shape[2]))
        return self.weights @ said


def asked(
    schema: Schema,
    annotators: str | Sequence[str] | None = None,
    groups: str | Sequence[Group] | None = None,
    people: pd.DataFrame | None = None,
) -> Asked:
    """Who answers when at most one of these is given; the population when none is.

    annotators: see `known`. groups: see `grouped`. people: see `newcomers`. Raises ConfigError when several are given.
    """
    given = {"annotators": annotators, "groups": groups, "people": people}
    if len(named := [name for name, value in given.items() if value is not None]) > 1:
        raise ConfigError(f"{' and '.join(named)} exclude each other; give one of them, or none for everyone's mean")
    if annotators is not None:
        return known(schema, annotators)
    if groups is not None:
        return grouped(schema, groups)
    return population(schema) if people is None else newcomers(schema, people)


def population(schema: Schema) -> Asked:
    """The mean answer of all training annotators, each weighted by their training labels; called `everyone`."""
    everyone = np.arange(len(schema.annotators))
    return Asked("group", ("everyone",), schema.training_annotators, _weights(schema, [everyone], everyone))


def known(schema: Schema, ids: str | Sequence[str]) -> Asked:
    """Training annotators by id, or all of them.

    ids: ids, repeated ones counting once, as a list or one text with commas; `all` for everyone. Raises ConfigError for
    ids that were not in training.
    """
    if isinstance(ids, str):
        ids = schema.annotators if ids == "all" else [one.strip() for one in ids.split(",") if one.strip()]
    names = tuple(dict.fromkeys(map(level_name, ids)))
    codes = schema.codes(pd.Series(names, dtype="str"))
    trained_on = (codes != UNKNOWN_CODE) & (codes <= len(schema.annotators))
    if not len(names) or not trained_on.all():
        strange = [name for name, fine in zip(names, trained_on, strict=True) if not fine]
        raise ConfigError(
            f"annotators {strange[:3]} were not in training ({len(strange)} of {len(names)}); give ids of schema.json, "
            f"all for all {len(schema.annotators)}, or people for persons the model never saw"
        )
    return Asked("annotator_id", names, schema.training_annotators[torch.from_numpy(codes - 1)])


def grouped(schema: Schema, groups: str | Sequence[Group]) -> Asked:
    """The mean answer of each group of training annotators, who are weighted by their training labels.

    groups: attributes with the value that members share, one mapping per group; or text, `gender=Woman & race=White;
    gender=Man`. An attribute without a value (None) stands for a group per known value. `unknown` is a value to be
    asked for by name; bins of numeric attributes are called as the schema calls them (`<=30`).

    Raises ConfigError for attributes and values nobody has, and for groups of fewer than 5 people; those that only
    stand for one of several values are left out with a warning instead.
    """
    members: dict[str, np.ndarray] = {}
    left_out = 0
    for group in _parsed(groups) if isinstance(groups, str) else groups:
        one_of_many = None in group.values()
        for values in _spelled_out(schema, group):
            name = " & ".join(f"{attribute}={value}" for attribute, value in values.items())
            rows = _members(schema, values)
            if len(rows) >= SMALLEST_GROUP:
                members[name] = rows
            elif one_of_many:
                left_out += len(rows) > 0
            else:
                raise ConfigError(f"group {name} has {_few(len(rows))}; ask about a wider group")
    if left_out:
        warnings.warn(f"{left_out} group(s) with {_few(1)} are left out", DataWarning, stacklevel=2)
    if not members:
        raise ConfigError(f"groups={groups!r} names no group of at least {SMALLEST_GROUP} training annotators")
    needed = np.unique(np.concatenate(list(members.values())))
    people = schema.training_annotators[torch.from_numpy(needed)]
    return Asked("group", tuple(members), people, _weights(schema, list(members.values()), needed))


def newcomers(schema: Schema, table: pd.DataFrame) -> Asked:
    """People who were not in training, known by their attributes alone, whatever they are called, unless the model was
    adapted to them.

    table: a row per person, columns are attributes (an absent one is unknown) and optionally `annotator_id`, otherwise
    they are called person-1, person-2, … What attributes change depends on the method.

    Raises DataError for an empty table, repeated or missing ids and columns that are no attributes; values nobody had
    in training count as unknown, with a warning.
    """
    accepted = [attribute.name for attribute in schema.attributes]
    strange = [str(column) for column in table if column not in (*accepted, "annotator_id")]
    if strange:
        known = f"the model knows {', '.join(accepted)}" if accepted else "the model knows no attributes"
        raise DataError(f"people have columns {strange}, which are no attributes; {known} (and annotator_id)")
    if not len(table):
        raise DataError("the table of people is empty; give a row per person")
    cleaned = pd.DataFrame({name: _cleaned(table[name]) for name in accepted if name in table}, index=table.index)
    for attribute in schema.attributes:
        if attribute.name in cleaned:
            _warn_of_new_values(attribute, cleaned[attribute.name])
    names = [f"person-{number}" for number in range(1, len(table) + 1)]
    if "annotator_id" in table:
        names = [level_name(one) for one in table["annotator_id"]]
        if table["annotator_id"].isna().any() or len(set(names)) < len(names):
            raise DataError("annotator_id of people is missing or repeated; give each person a name, or leave it out")
    annotators = schema.encode(cleaned.assign(annotator_id=names))
    trained_on = annotators.code <= len(schema.annotators)  # behind them come the people adapted to
    return Asked("annotator_id", tuple(names), annotators.without_ids(trained_on))


def _cleaned(column: pd.Series) -> pd.Series:
    text = column.map(level_name, na_action="ignore").astype("str").str.strip()
    return text.mask(column.isna() | text.str.lower().isin(UNKNOWN_SPELLINGS), UNKNOWN)


def _warn_of_new_values(attribute: Attribute, column: pd.Series) -> None:
    strange = sorted(set(column[(attribute.codes(column) == UNKNOWN_CODE) & (column != UNKNOWN)]))
    if strange:
        warnings.warn(
            f"{attribute.name} {', '.join(map(repr, strange[:3]))}: no training annotator has such a value, so it "
            "counts as unknown",
            DataWarning,
            stacklevel=4,
        )


def _weights(schema: Schema, groups: Sequence[np.ndarray], needed: np.ndarray) -> np.ndarray:
    """float32 [group, needed]: each member's share of the group's training labels.

    groups: positions of the members among the training annotators. needed: positions of everyone asked, sorted.
    """
    weights = np.zeros((len(groups), len(needed)))
    for row, members in zip(weights, groups, strict=True):
        labels = schema.training_labels[members]
        row[np.searchsorted(needed, members)] = labels / labels.sum()
    return weights.astype(np.float32)


def _members(schema: Schema, values: Mapping[str, str]) -> np.ndarray:
    """Positions of the training annotators who have all these values, ascending, int64 [member]."""
    kept = np.ones(len(schema.annotators), bool)
    for position, attribute in enumerate(schema.attributes):
        if attribute.name in values:
            value = values[attribute.name]
            code = UNKNOWN_CODE if value == UNKNOWN else attribute.values.index(value) + 1
            kept &= schema.members[:, position] == code
    return np.flatnonzero(kept)


def _spelled_out(schema: Schema, group: Group) -> Iterator[dict[str, str]]:
    """The groups that a group with open values stands for. Raises ConfigError for an unknown attribute or value."""
    attributes = {attribute.name: attribute for attribute in schema.attributes}
    choices = []
    for name, value in group.items():
        if name not in attributes:
            known = f"choose from {', '.join(attributes)}" if attributes else "it was trained without any"
            raise ConfigError(f"the model knows no attribute {name!r}; {known}")
        values = attributes[name].values
        if value is not None and value not in (*values, UNKNOWN):
            raise ConfigError(f"no training annotator has {name}={value}; choose from {', '.join((*values, UNKNOWN))}")
        choices.append(values if value is None else (value,))
    for combination in itertools.product(*choices):
        yield dict(zip(group, combination, strict=True))


def _parsed(text: str) -> Iterator[dict[str, str | None]]:
    """`gender=Woman & race=White; age` as mappings. Raises ConfigError for a condition without name or named twice."""
    for part in filter(str.strip, text.split(";")):
        group: dict[str, str | None] = {}
        for condition in part.split("&"):
            name, equals, value = (piece.strip() for piece in condition.partition("="))
            if not name or name in group or (equals and not value):
                raise ConfigError(f"group {part.strip()!r} is not understood; write it like gender=Woman & race=White")
            group[name] = value if equals else None
        yield group


def _few(people: int) -> str:
    return f"fewer than {SMALLEST_GROUP} training annotators" if people else "no training annotator"
