"""`experiments/<paper>/table.yaml`: the tables of a paper, as trainings and measurements that fill them.

    title: …                       # of the paper
    paper: …                       # authors, year, venue
    cite: [davani2022dealing]      # keys of `perspectives cite`
    tables:
      heads:                       # `perspectives reproduce davani2022 table=heads`
        title: …
        options: split=official seed=0,1,2 optim.lr=3e-4,1e-3
        columns: {HS-Brexit: data=hs_brexit, ArMIS: data=armis encoder=ngrams}
        rows:
          most frequent: {prior: most_frequent}
          multi-task: model=multitask
        metrics: {individual macro-F1: individual/macro_f1}  # or [several/names], the first that a corpus has
        baseline: most frequent
        tolerance: 0.01
        published:
          - {row: multi-task, column: HS-Brexit, metric: individual macro-F1, value: 0.7, source: Table 2}
        left_out: [{row: …, column: …, why: …}]
        differs: [what is not as in the paper, …]

Options are those of `perspectives train -m`, later ones winning: of the table, the column, the row, the command line.
So a cell is what `perspectives train -m` would train and `perspectives compare --best` would score: folds joined, seeds
averaged, and of everything else that is swept, what is best on the validation part.

What is no score of predictions is measured by a function, `measure: module.function`, once per column; see
`perspectives.reproduction.measured`. Rows and columns hand it what stands in their `given`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from perspectives.errors import ConfigError, listing

FILE = "table.yaml"


@dataclass(frozen=True)
class Row:
    """A method. options: as typed. prior: one of `model=priors` instead. given: what `measure` is told about it."""

    options: str = ""
    prior: str | None = None
    given: Any = None


@dataclass(frozen=True)
class Column:
    """A corpus, or another setting. options: as typed. given: keyword arguments of `measure`."""

    options: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Published:
    """What the paper says, with where it was read.

    verified: false for what is known at second hand only. comparable: null, or why the number cannot be compared.
    tolerance: how far ours may be off; null takes the table's, and without one our interval decides.
    """

    row: str
    column: str
    metric: str
    value: float
    source: str
    verified: bool = True
    comparable: str | None = None
    tolerance: float | None = None


@dataclass(frozen=True)
class LeftOut:
    """A cell that stays empty, and why."""

    row: str
    column: str
    why: str


@dataclass(frozen=True)
class Table:
    """One table. See the top of this file."""

    name: str
    title: str
    columns: Mapping[str, Column]
    rows: Mapping[str, Row]
    metrics: Mapping[str, str | Sequence[str]]
    options: str = ""
    measure: str | None = None
    baseline: str | None = None
    tolerance: float | None = None
    published: Sequence[Published] = ()
    left_out: Sequence[LeftOut] = ()
    differs: Sequence[str] = ()

    def why_left_out(self, row: str, column: str) -> str | None:
        return next((cell.why for cell in self.left_out if (cell.row, cell.column) == (row, column)), None)

    def published_value(self, row: str, column: str, metric: str) -> Published | None:
        return next((one for one in self.published if (one.row, one.column, one.metric) == (row, column, metric)), None)


@dataclass(frozen=True)
class Paper:
    """A paper whose tables can be reproduced. name: its folder's. cite: keys of BibTeX entries."""

    name: str
    title: str
    paper: str
    tables: Mapping[str, Table]
    cite: Sequence[str] = ()


@cache
def experiments_dir() -> Path:
    """Folder of the specifications: `experiments/` of a clone, inside the package in an installed wheel.

    Raises ConfigError when neither is there.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "experiments", package.parent / "experiments"):
        if any(folder.glob(f"*/{FILE}")):
            return folder
    raise ConfigError("no specifications of tables are here; install perspectives again")


def papers() -> list[str]:
    """Names of the papers, sorted."""
    return sorted(path.parent.name for path in experiments_dir().glob(f"*/{FILE}"))


def read_paper(name: str) -> Paper:
    """Raises ConfigError for an unknown paper, and for a specification that is wrong, with everything wrong in it."""
    if name not in papers():
        raise ConfigError(f"there is no table specification of {name!r}; choose one of {', '.join(papers())}")
    path = experiments_dir() / name / FILE
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not readable YAML: {error}") from error
    return paper_of(name, content, str(path))


def paper_of(name: str, content: Any, where: str) -> Paper:
    """A paper from what its file says; `where` names it in errors. Raises ConfigError listing all problems."""
    problems: list[str] = []
    paper = _checked(Paper, content, "", problems, given=("name",))
    found = {}
    for table, values in (paper.get("tables") or {}).items():
        values = _checked(Table, values, f"tables.{table}", problems, given=("name",))
        values["columns"] = _parts(Column, values.get("columns"), f"tables.{table}.columns", problems)
        values["rows"] = _parts(Row, values.get("rows"), f"tables.{table}.rows", problems)
        for key, kind in (("published", Published), ("left_out", LeftOut)):
            values[key] = _list(kind, values.get(key), f"tables.{table}.{key}", problems)
        problems += _strangers(values, f"tables.{table}")
        found[table] = values
    if problems:
        raise ConfigError(f"{where} has {len(problems)} problem(s)\n{listing(problems)}")
    tables = {table: Table(name=table, **values) for table, values in found.items()}
    return Paper(name=name, **{**paper, "tables": tables})


def _parts(kind: type, content: Any, where: str, problems: list[str]) -> dict[str, Any]:
    """Rows or columns; a plain text is their options."""
    if not isinstance(content, dict) or not content:
        problems.append(f"{where} names none; write NAME: options, one or more")
        return {}
    entries = {str(name): {"options": value} if isinstance(value, str) else value for name, value in content.items()}
    checked = {name: _checked(kind, value, f"{where}.{name}", problems) for name, value in entries.items()}
    return {name: kind(**value) for name, value in checked.items()}


def _list(kind: type, content: Any, where: str, problems: list[str]) -> list[Any]:
    before, entries = len(problems), [
        _checked(kind, value, f"{where}[{number}]", problems) for number, value in enumerate(content or [])
    ]  # fmt: skip
    return [] if len(problems) > before else [kind(**entry) for entry in entries]


def _checked(kind: type, content: Any, where: str, problems: list[str], given: Sequence[str] = ()) -> dict[str, Any]:
    """`content` without what `kind` does not have; everything missing or strange is noted."""
    known = {entry.name: entry for entry in fields(kind) if entry.name not in given}
    if not isinstance(content, dict):
        problems.append(f"{where or 'the file'} is {type(content).__name__}; write {', '.join(known)} with values")
        return {}
    at = f"{where}." if where else ""
    problems += [f"{at}{key} is unknown; there are {', '.join(known)}" for key in content if key not in known]
    for name, entry in known.items():
        if name not in content and entry.default is MISSING and entry.default_factory is MISSING:
            problems.append(f"{at}{name} is missing")
    return {key: value for key, value in content.items() if key in known}


def _strangers(table: dict[str, Any], where: str) -> list[str]:
    """Names that published values, left-out cells and the baseline use and the table does not have."""
    axes = {"row": table["rows"], "column": table["columns"], "metric": table.get("metrics") or {}}
    named = [(f"{where}.published", one) for one in table["published"]]
    named += [(f"{where}.left_out", one) for one in table["left_out"]]
    problems = [
        f"{place}: {axis} {getattr(one, axis)!r} is none of {', '.join(names)}"
        for place, one in named
        for axis, names in axes.items()
        if hasattr(one, axis) and getattr(one, axis) not in names
    ]
    baseline = table.get("baseline")
    if baseline is not None and baseline not in table["rows"]:
        problems.append(f"{where}.baseline {baseline!r} is none of the rows {', '.join(table['rows'])}")
    return problems
