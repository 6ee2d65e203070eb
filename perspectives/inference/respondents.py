"""Whose answers a trained model predicts: the population, known annotators, groups of them, or unseen people."""

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

Group = Mapping[str, str | None]  # attribute → value; None stands for each value in turn


@dataclass(frozen=True, eq=False)
class Asked:
    """Who answers.

    column: the column that identifies an answer, `annotator_id` or `group`. names: its values, [asked].
    annotators: the people whose answers are predicted. weights: float32 [asked, annotator], rows sum to 1: each answer
    is this weighted mean of theirs; None where each person answers for themselves.
    """

    column: str
    names: tuple[str, ...]
    annotators: Annotators
    weights: np.ndarray | None = None

    def combined(self, answers: np.ndarray) -> np.ndarray:
        """float32 [item, asked, level] from the people's answers, [item, annotator, level] ([item, 1, level] where the
        model gives everyone the same answer)."""
        if answers.shape[1] == 1 or self.weights is None:
            return np.broadcast_to(answers, (len(answers), len(self.names), answers.shape[2]))
        return self.weights @ answers


def asked(
    schema: Schema,
    annotators: str | Sequence[str] | None = None,
    groups: str | Sequence[Group] | None = None,
    people: pd.DataFrame | None = None,
) -> Asked:
    """The respondents that one of these arguments selects; the population when none is given.

    annotators: see `known`. groups: see `grouped`. people: see `newcomers`. Raises ConfigError when several are given.
    """
    given = {"annotators": annotators, "groups": groups, "people": people}
    if len(named := [name for name, value in given.items() if value is not None]) > 1:
        raise ConfigError(f"{' and '.join(named)} are mutually exclusive; give one, or none for everyone's mean")
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

    ids: a list, or one comma-separated text; repeated ids count once; `all` for everyone. Raises ConfigError for ids
    that were not in training.
    """
    if isinstance(ids, str):
        ids = schema.annotators if ids == "all" else [name.strip() for name in ids.split(",") if name.strip()]
    names = tuple(dict.fromkeys(map(level_name, ids)))
    codes = schema.codes(pd.Series(names, dtype="str"))
    trained_on = (codes != UNKNOWN_CODE) & (codes <= len(schema.annotators))
    if not len(names) or not trained_on.all():
        unknown = [name for name, trained in zip(names, trained_on, strict=True) if not trained]
        raise ConfigError(
            f"annotators {unknown[:3]} were not in training ({len(unknown)} of {len(names)}); give ids of schema.json, "
            f"all for all {len(schema.annotators)}, or people for persons the model never saw"
        )
    return Asked("annotator_id", names, schema.training_annotators[torch.from_numpy(codes - 1)])


def grouped(schema: Schema, groups: str | Sequence[Group]) -> Asked:
    """The mean answer of each group of training annotators, each weighted by their training labels.

    groups: one mapping per group, from attributes to the value its members share; or text, `gender=Woman & race=White;
    gender=Man`. An attribute without a value (None) stands for one group per known value; `unknown` has to be named
    explicitly. Bins of numeric attributes have the names used in the schema (`<=30`).

    Raises ConfigError for attributes and values nobody has, and for groups of fewer than 5 people; where an attribute
    has no value, such groups are left out with a warning instead.
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
        raise ConfigError(f"groups={groups!r} does not name a group of at least {SMALLEST_GROUP} training annotators")
    needed = np.unique(np.concatenate(list(members.values())))
    people = schema.training_annotators[torch.from_numpy(needed)]
    return Asked("group", tuple(members), people, _weights(schema, list(members.values()), needed))


def newcomers(schema: Schema, table: pd.DataFrame) -> Asked:
    """Encode people not seen in training by their attributes. Ids count only where the model was adapted to them.

    table: a row per person; columns are attributes (absent ones are unknown) and optionally `annotator_id`, without
    which people are named person-1, person-2, … How attributes affect the answers depends on the method.

    Raises DataError for an empty table, repeated or missing ids and columns that are not attributes; values nobody had
    in training count as unknown, with a warning.
    """
    accepted = [attribute.name for attribute in schema.attributes]
    unknown = [str(column) for column in table if column not in (*accepted, "annotator_id")]
    if unknown:
        choices = f"the model knows {', '.join(accepted)}" if accepted else "the model knows no attributes"
        raise DataError(f"people have columns {unknown}, which are not attributes; {choices} (and annotator_id)")
    if not len(table):
        raise DataError("the table of people is empty; give a row per person")
    cleaned = pd.DataFrame({name: _cleaned(table[name]) for name in accepted if name in table}, index=table.index)
    for attribute in schema.attributes:
        if attribute.name in cleaned:
            _warn_of_new_values(attribute, cleaned[attribute.name])
    names = [f"person-{number}" for number in range(1, len(table) + 1)]
    if "annotator_id" in table:
        names = [level_name(name) for name in table["annotator_id"]]
        if table["annotator_id"].isna().any() or len(set(names)) < len(names):
            raise DataError("annotator_id of people is missing or repeated; give each person a name, or leave it out")
    annotators = schema.encode(cleaned.assign(annotator_id=names))
    trained_on = annotators.code <= len(schema.annotators)  # higher codes are people the model was adapted to
    return Asked("annotator_id", tuple(names), annotators.without_ids(trained_on))


def _cleaned(column: pd.Series) -> pd.Series:
    text = column.map(level_name, na_action="ignore").astype("str").str.strip()
    return text.mask(column.isna() | text.str.lower().isin(UNKNOWN_SPELLINGS), UNKNOWN)


def _warn_of_new_values(attribute: Attribute, column: pd.Series) -> None:
    unknown = sorted(set(column[(attribute.codes(column) == UNKNOWN_CODE) & (column != UNKNOWN)]))
    if unknown:
        warnings.warn(
            f"{attribute.name} {', '.join(map(repr, unknown[:3]))}: no training annotator has such a value, so it "
            "counts as unknown",
            DataWarning,
            stacklevel=4,
        )


def _weights(schema: Schema, groups: Sequence[np.ndarray], needed: np.ndarray) -> np.ndarray:
    """float32 [group, needed]: each member's share of the group's training labels.

    groups: positions of the members among the training annotators. needed: positions of all respondents, sorted.
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
    """The groups a mapping with None values stands for. Raises ConfigError for an unknown attribute or value."""
    attributes = {attribute.name: attribute for attribute in schema.attributes}
    choices = []
    for name, value in group.items():
        if name not in attributes:
            advice = f"choose from {', '.join(attributes)}" if attributes else "it was trained without any"
            raise ConfigError(f"the model does not know an attribute {name!r}; {advice}")
        values = attributes[name].values
        if value is not None and value not in (*values, UNKNOWN):
            raise ConfigError(f"no training annotator has {name}={value}; choose from {', '.join((*values, UNKNOWN))}")
        choices.append(values if value is None else (value,))
    for combination in itertools.product(*choices):
        yield dict(zip(group, combination, strict=True))


def _parsed(text: str) -> Iterator[dict[str, str | None]]:
    """`gender=Woman & race=White; age` as mappings. Raises ConfigError for malformed or repeated conditions."""
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
