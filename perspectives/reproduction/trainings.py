"""From the options of a table, a column and a row to the trainings of a cell, and which of them are there already."""

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

# Instead of the encoder and the corpus of a table where it is only to be seen whether everything runs.
FEW = "+data.limit=40"
SHORT = ("trainer.max_epochs=1", "trainer.patience=1", "trainer.accelerator=cpu", "trainer.precision=32-true", FEW)
TINY, FAST = "encoder=tiny", "encoder=ngrams"  # what is fast by itself stays
LARGE = ("encoder.name", "encoder.revision")  # would win over the tiny encoder
SMOKE = (*SHORT, TINY)


@dataclass(frozen=True)
class Training:
    """One call of `fit`. overrides: what `perspectives train` would be given. items: texts of the corpus."""

    overrides: tuple[str, ...]
    config: DictConfig
    run: Run
    items: int


@dataclass(frozen=True)
class Cell:
    """A row in a column. empty: why it cannot be filled; None where it can."""

    row: str
    column: str
    trainings: tuple[Training, ...] = ()
    empty: str | None = None

    @cached_property
    def runs(self) -> list[Run]:
        return [training.run for training in self.trainings]


def cells(table: Table, typed: Sequence[str] = (), smoke: bool = False) -> list[Cell]:
    """All cells, column by column. typed: options of the command line, which win over those of the table.

    Raises ConfigError for options that do not fit together and unknown priors. Data that is not there, or wrong,
    empties a cell.
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
    """Whether a cell needs trainings at all: some options say how."""
    return bool(table.options or table.rows[row].options or table.rows[row].prior or table.columns[column].options)


def overrides_of(table: Table, column: Column, row: Row, typed: Sequence[str], smoke: bool) -> list[str]:
    """What `perspectives train -m` would be given for a cell, each option once."""
    options = [*map(shlex.split, (table.options, column.options, row.options)), list(typed)]
    overrides = _later_wins(itertools.chain(*options))
    if row.prior is not None:
        if row.prior not in (known := LEVEL_PRIORS | RATING_PRIORS):
            raise ConfigError(f"there is no prior {row.prior!r}; choose one of {', '.join(known)}")
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


def trainings_of(overrides: Sequence[str]) -> Iterable[Training]:
    """One per combination of swept values; those that mean the same run (a prior with several seeds) once."""
    combinations = list(itertools.product(*map(_values, overrides)))
    found: dict[Any, Training] = {}
    for combination in combinations:
        config = normalised(_config(combination, combinations[0]))
        checksum, items = _corpus(json.dumps(OmegaConf.to_container(config.data, resolve=True), sort_keys=True))
        run = planned_run(config, checksum)
        found.setdefault(run.folder, Training(combination, config, run, items))
    return found.values()


def _config(combination: Sequence[str], first: Sequence[str]) -> DictConfig:
    """The composed configuration. Composing takes a third of a second, so plain options are set in that of the first
    combination with the same choices of groups."""
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
