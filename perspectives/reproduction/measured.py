"""Cells that are no score of predictions: a function measures a whole column, once, and what it found is kept.

A measurement is a function

    measure(rows, runs, folder, smoke, **given) -> {row: {metric: Measurement}}

rows: name → what stands in the row's `given`. runs: name → the finished runs of the row, where it has trainings.
folder: for trainings of its own, shared by all tables of all papers. smoke: whether only to see if everything runs.
given: the column's. Metrics are those named in the table, on the right-hand side. Rows may be missing from the answer.
"""

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path

from perspectives.errors import ConfigError
from perspectives.files import read_json, write_json
from perspectives.reproduction.spec import Table
from perspectives.reproduction.trainings import Cell
from perspectives.runs import RESULTS_VERSION

NAN = math.nan


@dataclass(frozen=True)
class Measurement:
    """A number with its 95 % interval (nan where there is none), the standard deviation over seeds (nan for one), what
    it rests on (`{"items": 800}`) and what was chosen on validation."""

    value: float
    low: float = NAN
    high: float = NAN
    seed_sd: float = NAN
    seeds: int = 1
    folds: int = 1
    counts: Mapping[str, int] = field(default_factory=dict)
    setting: str = ""


Found = dict[str, dict[str, Measurement]]


def place(table: Table, column: str, cells: Sequence[Cell], root: Path, smoke: bool) -> Path:
    """The file that holds what was measured of a column, named by everything it depends on but the data's files."""
    rows = {cell.row: [table.rows[cell.row].given, [run.folder.name for run in cell.runs]] for cell in cells}
    identity = [table.measure, dict(table.columns[column].given), rows, smoke, RESULTS_VERSION]
    key = hashlib.sha256(json.dumps(identity, sort_keys=True, default=str).encode()).hexdigest()[:8]
    return root / "measured" / f"{table.name}-{''.join(c if c.isalnum() else '_' for c in column)}-{key}.json"


def measure(table: Table, column: str, cells: Sequence[Cell], root: Path, smoke: bool) -> None:
    """Measure a column and write what was found; what is there already is kept."""
    path = place(table, column, cells, root, smoke)
    if path.exists():
        return
    rows = {cell.row: table.rows[cell.row].given for cell in cells}
    runs = {cell.row: cell.runs for cell in cells}
    found = _function(str(table.measure))(
        rows=rows, runs=runs, folder=root.parent / "trainings", smoke=smoke, **table.columns[column].given
    )
    write_json(path, {row: {metric: asdict(one) for metric, one in metrics.items()} for row, metrics in found.items()})


def read(path: Path) -> Found:
    """What `measure` wrote; empty where it did not yet."""
    if not path.exists():
        return {}
    return {
        row: {metric: Measurement(**one) for metric, one in metrics.items()} for row, metrics in read_json(path).items()
    }


def _function(dotted: str) -> Callable[..., Found]:
    module, _, name = dotted.rpartition(".")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"measure {dotted!r} cannot be found ({error}); give module.function") from error
