"""Cells that are no score of predictions: each is measured once, by a function, and what it found is kept.

`measure: module.function` of a table is called once per column, with what stands in the column's `given`:

    function(setting, **given) -> Measure

which then measures one row after the other. Metrics are those named in the table, on the right-hand side. What was
found lies in `measured/` below the folder of runs, in a file per cell, named by everything it depends on: a killed
table goes on with the next cell, a row that fails leaves the others alone, tables that share a cell measure it once.
"""

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from perspectives.config import compose
from perspectives.data.readers.common import MissingData
from perspectives.errors import ConfigError, PerspectivesError
from perspectives.files import read_json, write_json
from perspectives.reproduction.spec import Table
from perspectives.reproduction.trainings import Cell, Training
from perspectives.runs.run import Run, environment

NAN = math.nan


@dataclass(frozen=True)
class Measurement:
    """A number with its 95 % interval (nan where there is none), the standard deviation over seeds (nan for one), what
    it rests on (`{"items": 800}`), what was chosen on validation and whether the interval is over annotators too."""

    value: float
    low: float = NAN
    high: float = NAN
    seed_sd: float = NAN
    seeds: int = 1
    folds: int = 1
    counts: Mapping[str, int] = field(default_factory=dict)
    setting: str = ""
    over_annotators: bool = False


Metrics = Mapping[str, Measurement]


@dataclass(frozen=True)
class Setting:
    """Where and how to measure. root: the folder of runs. places: options `paths.…=…` of the command line. smoke: only
    to see whether everything runs."""

    root: Path
    places: tuple[str, ...] = ()
    smoke: bool = False

    @cached_property
    def data(self) -> Path:
        """The folder of published files."""
        return Path(compose(overrides=self.places).paths.data).expanduser()

    @property
    def trainings(self) -> Path:
        """Folder for trainings that are no cells, shared by all tables of all papers."""
        return self.root / "trainings"


@dataclass(frozen=True)
class Measure:
    """How to measure the rows of a column.

    row: from what stands in the row's `given`, and its finished runs, to its metrics; none where it does not apply.
    identity: what the numbers depend on besides that: of the data, and a version to raise by hand when they change.
    alike: a training like those that are made only to measure; None where there are none. trainings: from `given` to
        names for the trainings the row rests on, the same for those that rows share.
    """

    row: Callable[[Any, Sequence[Run]], Metrics]
    identity: Any
    alike: Training | None = None
    trainings: Callable[[Any], set] = lambda given: set()


@dataclass(frozen=True)
class Kept:
    """What became of a cell. failed: why it has no metrics; such a cell is measured again. environment: the code and
    the machine, see `runs.environment`."""

    metrics: Metrics
    failed: str | None = None
    environment: Mapping[str, Any] = field(default_factory=dict)


class Measurements:
    """The measured cells of a table."""

    def __init__(self, table: Table, setting: Setting) -> None:
        self.table, self.setting = table, setting
        self._columns: dict[str, Measure | MissingData] = {}

    def missing(self, column: str) -> str | None:
        """What data is not there, and where to put it."""
        found = self._prepared(column)
        return str(found) if isinstance(found, MissingData) else None

    def column(self, column: str) -> Measure:
        """Raises MissingData, and ConfigError for a function that is not there."""
        found = self._prepared(column)
        if isinstance(found, MissingData):
            raise found
        return found

    def _prepared(self, column: str) -> Measure | MissingData:
        if column not in self._columns:
            try:
                given = self.table.columns[column].given
                self._columns[column] = _function(str(self.table.measure))(self.setting, **given)
            except MissingData as error:
                self._columns[column] = error
        return self._columns[column]

    def place(self, cell: Cell) -> Path:
        """The file of a cell."""
        key = hashlib.sha256(json.dumps(self._identity(cell), sort_keys=True).encode()).hexdigest()[:12]
        return self.setting.root / "measured" / f"{str(self.table.measure).rpartition('.')[2]}-{key}.json"

    def _identity(self, cell: Cell) -> dict[str, Any]:
        return {
            "measure": self.table.measure,
            "column": dict(self.table.columns[cell.column].given),
            "row": self.table.rows[cell.row].given,
            "runs": [run.folder.name for run in cell.runs],
            "depends": self.column(cell.column).identity,
        }

    def finished(self, cell: Cell) -> bool:
        found = self.kept(cell)
        return found is not None and found.failed is None

    def kept(self, cell: Cell) -> Kept | None:
        """None where nothing was measured yet."""
        path = self.place(cell)
        if not path.exists():
            return None
        found = read_json(path)
        metrics = {name: Measurement(**one) for name, one in found["metrics"].items()}
        return Kept(metrics, found["failed"], found["environment"])

    def measure(self, cell: Cell) -> None:
        """Measure a cell and write what was found, or why nothing could be."""
        metrics: Metrics = {}
        failed = None
        try:
            metrics = self.column(cell.column).row(self.table.rows[cell.row].given, cell.runs)
        except Exception as error:  # whatever it is, it is the row's own
            failed = str(error) if isinstance(error, PerspectivesError) else f"{type(error).__name__}: {error}"
        found = {"metrics": {name: asdict(one) for name, one in metrics.items()}, "failed": failed}
        write_json(self.place(cell), {"of": self._identity(cell), **found, "environment": _environment()})


@cache
def _environment() -> dict[str, Any]:
    return environment()


def _function(dotted: str) -> Callable[..., Measure]:
    module, _, name = dotted.rpartition(".")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"measure {dotted!r} cannot be found ({error}); give module.function") from error
