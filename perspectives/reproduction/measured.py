"""Cells that are not scores of predictions: each is measured once, by a function, and the result is kept.

The function that `measure: module.function` of a table names is called once per column, with the column's `given`:

    function(context, **given) -> Measure

The `Measure` then measures one row after another. Metrics are those on the right-hand side of the table's `metrics`.
Results are kept in `measured/` below the folder of runs, in a file per cell, named by everything the cell depends on: a
killed table continues with the next cell, a row that fails does not affect the others, and tables that share a cell
measure it once.
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
from perspectives.reproduction.trainings import Cell, PlannedRun
from perspectives.runs.run import Run, environment

NAN = math.nan


@dataclass(frozen=True)
class Measurement:
    """A number with its 95 % interval (nan where there is none).

    seed_sd: standard deviation over seeds, nan for one seed. counts: what the number rests on, `{"items": 800}`.
    setting: what was chosen on validation. over_annotators: whether the interval is over annotators as well as items.
    """

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
class Context:
    """Where and how to measure.

    root: the folder of runs. places: options `paths.…=…` of the command line. smoke: whether this is only a test that
    everything runs.
    """

    root: Path
    places: tuple[str, ...] = ()
    smoke: bool = False

    @cached_property
    def data(self) -> Path:
        """The folder of published files."""
        return Path(compose(overrides=self.places).paths.data).expanduser()

    @property
    def trainings(self) -> Path:
        """Folder for trainings that are not cells, shared by all tables of all papers."""
        return self.root / "trainings"


@dataclass(frozen=True)
class Measure:
    """How to measure the rows of a column.

    row: from the row's `given` and its finished runs to its metrics; empty where the measure does not apply.
    identity: what the numbers depend on besides these: the data, and a version that is raised by hand when they change.
    alike: a planned run like those that are trained only to measure; None where there are none. trainings: from `given`
        to names of the trainings the row needs, the same for those that rows share.
    """

    row: Callable[[Any, Sequence[Run]], Metrics]
    identity: Any
    alike: PlannedRun | None = None
    trainings: Callable[[Any], set] = lambda given: set()


@dataclass(frozen=True)
class Kept:
    """The kept result of a cell.

    failed: why it has no metrics; such a cell is measured again. environment: the code and the machine, see
    `runs.environment`.
    """

    metrics: Metrics
    failed: str | None = None
    environment: Mapping[str, Any] = field(default_factory=dict)


class Measurements:
    """The measured cells of a table."""

    def __init__(self, table: Table, context: Context) -> None:
        self.table, self.context = table, context
        self._columns: dict[str, Measure | MissingData] = {}

    def missing(self, column: str) -> str | None:
        """Which data is missing and where to put it; None where it is there."""
        measure = self._prepared(column)
        return str(measure) if isinstance(measure, MissingData) else None

    def column(self, column: str) -> Measure:
        """How to measure a column. Raises MissingData, and ConfigError for a function that cannot be found."""
        measure = self._prepared(column)
        if isinstance(measure, MissingData):
            raise measure
        return measure

    def _prepared(self, column: str) -> Measure | MissingData:
        if column not in self._columns:
            try:
                given = self.table.columns[column].given
                self._columns[column] = _function(str(self.table.measure))(self.context, **given)
            except MissingData as error:
                self._columns[column] = error
        return self._columns[column]

    def place(self, cell: Cell) -> Path:
        """The file that keeps the result of a cell."""
        key = hashlib.sha256(json.dumps(self._identity(cell), sort_keys=True).encode()).hexdigest()[:12]
        return self.context.root / "measured" / f"{str(self.table.measure).rpartition('.')[2]}-{key}.json"

    def _identity(self, cell: Cell) -> dict[str, Any]:
        return {
            "measure": self.table.measure,
            "column": dict(self.table.columns[cell.column].given),
            "row": self.table.rows[cell.row].given,
            "runs": [run.folder.name for run in cell.runs],
            "depends": self.column(cell.column).identity,
        }

    def finished(self, cell: Cell) -> bool:
        kept = self.kept(cell)
        return kept is not None and kept.failed is None

    def kept(self, cell: Cell) -> Kept | None:
        """The kept result of a cell; None where nothing has been measured yet."""
        path = self.place(cell)
        if not path.exists():
            return None
        record = read_json(path)
        metrics = {name: Measurement(**values) for name, values in record["metrics"].items()}
        return Kept(metrics, record["failed"], record["environment"])

    def measure(self, cell: Cell) -> None:
        """Measure a cell and keep the result, or why there is none."""
        metrics: Metrics = {}
        failed = None
        try:
            metrics = self.column(cell.column).row(self.table.rows[cell.row].given, cell.runs)
        except Exception as error:  # of any kind: it concerns this row only
            failed = str(error) if isinstance(error, PerspectivesError) else f"{type(error).__name__}: {error}"
        record = {"metrics": {name: asdict(measurement) for name, measurement in metrics.items()}, "failed": failed}
        write_json(self.place(cell), {"of": self._identity(cell), **record, "environment": _environment()})


@cache
def _environment() -> dict[str, Any]:
    return environment()


def _function(dotted: str) -> Callable[..., Measure]:
    module, _, name = dotted.rpartition(".")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"measure {dotted!r} cannot be found ({error}); give module.function") from error
