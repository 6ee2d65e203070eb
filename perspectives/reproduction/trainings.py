"""The runs that fill a cell, planned from the options of its table, column and row, finished or not."""

import itertools
import json
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from perspectives.config import compose, groups, quote_paths
from perspectives.data.load import load
from perspectives.errors import ConfigError, DataError
from perspectives.models.priors import LEVEL_PRIORS, RATING_PRIORS
from perspectives.reproduction.spec import Column, Row, Table
from perspectives.runs.run import Run
from perspectives.training.fit import MODEL_FREE, UNUSED_BY_PRIORS, normalised, planned_run

# What a smoke test uses instead of a table's encoder and corpus: enough to see whether everything runs.
FEW = "+data.limit=40"
SHORT = ("trainer.max_epochs=1", "trainer.patience=1", "trainer.accelerator=cpu", "trainer.precision=32-true", FEW)
TINY, FAST = "encoder=tiny", "encoder=ngrams"  # the fast encoder is kept
# These would override the tiny encoder, or ask for more labels of a person than a few items have.
LARGE = ("encoder.name", "encoder.revision", "split.shots", "adapt")
SMOKE = (*SHORT, TINY)


@dataclass(frozen=True)
class PlannedRun:
    """One call of `fit`.

    overrides: options for `perspectives train`. run: where `fit` puts it. items: how many texts the corpus has.
    """

    overrides: tuple[str, ...]
    config: DictConfig
    run: Run
    items: int


@dataclass(frozen=True)
class Cell:
    """A row in a column. empty: why it cannot be filled; None where it can."""

    row: str
    column: str
    trainings: tuple[PlannedRun, ...] = ()
    empty: str | None = None

    @cached_property
    def runs(self) -> list[Run]:
        return [training.run for training in self.trainings]


def cells(table: Table, typed: Sequence[str] = (), smoke: bool = False) -> list[Cell]:
    """All cells, column by column. typed: options of the command line, which win over those of the table.

    Raises ConfigError for options that do not fit together and unknown priors. Cells whose data is missing or
    wrong are empty.
    """
    return [_cell(table, column, row, typed, smoke) for column in table.columns for row in table.rows]


def _cell(table: Table, column: str, row: str, typed: Sequence[str], smoke: bool) -> Cell:
    why = table.why_left_out(row, column)
    if why is not None:
        return Cell(row, column, empty=why)
    overrides = overrides_of(table, table.columns[column], table.rows[row], typed, smoke)
    if not trains(table, row, column):
        return Cell(row, column)
    try:
        return Cell(row, column, tuple(trainings_of(overrides)))
    except DataError as error:
        return Cell(row, column, empty=str(error))
    except ConfigError as error:
        raise ConfigError(f"{table.name}, {row}, {column}: {error}") from error


def trains(table: Table, row: str, column: str) -> bool:
    """Whether a cell needs trainings at all: whether any options say how to train."""
    return bool(table.options or table.rows[row].options or table.rows[row].prior or table.columns[column].options)


def overrides_of(table: Table, column: Column, row: Row, typed: Sequence[str], smoke: bool) -> list[str]:
    """The options that `perspectives train -m` would be given for a cell, each option once."""
    options = [*map(shlex.split, (table.options, column.options, row.options)), list(typed)]
    overrides = _later_wins(itertools.chain(*options))
    if row.prior is not None:
        if row.prior not in (known := LEVEL_PRIORS | RATING_PRIORS):
            raise ConfigError(f"prior {row.prior!r} is unknown; choose one of {', '.join(known)}")
        unused = ("model", *UNUSED_BY_PRIORS)
        overrides = [option for option in overrides if _key(option).partition(".")[0] not in unused]
        overrides.append(f"model={MODEL_FREE}")
    if smoke:
        overrides = [_first_value(option) for option in overrides]
        overrides = [option for option in overrides if _key(option) not in LARGE]
        small = [FEW] if row.prior is not None else [*SHORT, *([] if FAST in overrides else [TINY])]
        overrides = _later_wins([*overrides, *small])
    return overrides


def _key(option: str) -> str:
    return option.partition("=")[0].lstrip("+")


def _later_wins(options: Iterable[str]) -> list[str]:
    return list({_key(option): option for option in options}.values())


def _first_value(option: str) -> str:
    return _values(option)[0]


def _values(option: str) -> list[str]:
    """The option once per value it is swept over."""
    try:
        parsed = OverridesParser.create().parse_override(quote_paths([option], sweep=True)[0])
    except HydraException as error:
        raise ConfigError(f"the option {option!r} cannot be read: {error}") from error
    if not parsed.is_sweep_override():
        return [option]
    return [f"{parsed.get_key_element()}={value}" for value in parsed.sweep_string_iterator()]


def trainings_of(overrides: Sequence[str]) -> Iterable[PlannedRun]:
    """A planned run per combination of swept values; equal ones (a prior with several seeds) come once."""
    combinations = list(itertools.product(*map(_values, overrides)))
    planned: dict[Any, PlannedRun] = {}
    for combination in combinations:
        config = normalised(_config(combination, combinations[0]))
        checksum, items = _corpus(json.dumps(OmegaConf.to_container(config.data, resolve=True), sort_keys=True))
        run = planned_run(config, checksum)
        planned.setdefault(run.folder, PlannedRun(combination, config, run, items))
    return planned.values()


def _config(combination: Sequence[str], first: Sequence[str]) -> DictConfig:
    """The composed configuration of a combination.

    Composing takes a third of a second, so it is done once for each choice of groups, with the plain options of the
    first combination, and other plain options are set in its result.
    """
    plain = {new: old for new, old in zip(combination, first, strict=True) if new != old and _key(new) not in groups()}
    config = _composed(tuple(plain.get(option, option) for option in combination)).copy()
    for option in plain:
        parsed = OverridesParser.create().parse_override(option)
        OmegaConf.update(config, parsed.key_or_group, parsed.value())
    return config


@cache
def _composed(overrides: tuple[str, ...]) -> DictConfig:
    return compose(overrides=overrides)


@cache
def _corpus(data: str) -> tuple[str, int]:
    """Checksum and number of items of a corpus, by its configuration."""
    annotations = load(OmegaConf.create(json.loads(data)))
    return annotations.checksum, len(annotations.items)
