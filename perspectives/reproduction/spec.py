"""`experiments/<paper>/table.yaml`: the tables of a paper, as trainings and measurements that fill them.

    title: …                       # of the paper
    paper: …                       # authors, year, venue
    cite: [davani-etal-2022-dealing]  # keys of references.bib
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

Options are those of `perspectives train -m`; those of the column override those of the table, then come the row and the
command line. So a cell is what `perspectives train -m` would train and `perspectives compare --best` would score: folds
joined, seeds averaged, and of everything else that is swept, what is best on the validation part.

Cells that are not scores of predictions are measured by a function, `measure: module.function`, called once per column;
see `perspectives.reproduction.measured`. Rows and columns pass it their `given`.
"""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import yaml

from perspectives.errors import ConfigError, listing

FILE = "table.yaml"
IN_WORDS = {
    str: "a text", float: "a number", bool: "true or false", NoneType: "null", Sequence: "a list",
    Mapping: "NAME: value",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A method.

    options: as typed. prior: instead of options, one of those that `model=priors` offers. given: what the table's
    `measure` is told about the row.
    """

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
    """A value that the paper reports, with its source.

    verified: false for values known only at second hand. comparable: null, or why the number cannot be compared.
    tolerance: how far ours may differ; null takes the table's, and without one our interval decides.
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
    raise ConfigError("the specifications of tables (experiments/) are missing; install perspectives again")


def papers() -> list[str]:
    """Names of the papers, sorted."""
    return sorted(path.parent.name for path in experiments_dir().glob(f"*/{FILE}"))


def read_paper(name: str) -> Paper:
    """Raises ConfigError for an unknown paper, and for a specification that is wrong, with everything wrong in it."""
    if name not in papers():
        raise ConfigError(f"paper {name!r} has no table specification; choose one of {', '.join(papers())}")
    path = experiments_dir() / name / FILE
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Unique)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not readable YAML: {error}") from error
    return paper_of(name, content, str(path))


class _Unique(yaml.SafeLoader):
    """A loader for which equal keys are an error: YAML keeps the last one, and a row would vanish."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        twice = [key for key, count in Counter(key.value for key, _ in node.value).items() if count > 1]
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"{twice[0]!r} occurs twice", node.start_mark)
        return super().construct_mapping(node, deep)


def paper_of(name: str, content: Any, where: str) -> Paper:
    """A paper from what its file says; `where` names it in errors. Raises ConfigError listing all problems."""
    problems: list[str] = []
    paper = _checked(Paper, content, "", problems, given=("name",))
    found = {}
    for table, values in _named(paper.get("tables"), "tables", problems).items():
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
    named = _named(content, where, problems)
    entries = {str(name): {"options": value} if isinstance(value, str) else value for name, value in named.items()}
    checked = {name: _checked(kind, value, f"{where}.{name}", problems) for name, value in entries.items()}
    return {name: kind(**value) for name, value in checked.items()}


def _named(content: Any, where: str, problems: list[str]) -> dict[Any, Any]:
    if isinstance(content, dict) and content:
        return content
    problems.append(f"{where} is empty; write one or more entries NAME: options")
    return {}


def _list(kind: type, content: Any, where: str, problems: list[str]) -> list[Any]:
    before, entries = len(problems), content if isinstance(content, list) else []
    checked = [_checked(kind, value, f"{where}[{number}]", problems) for number, value in enumerate(entries)]
    return [] if len(problems) > before else [kind(**entry) for entry in checked]


def _checked(kind: type, content: Any, where: str, problems: list[str], given: Sequence[str] = ()) -> dict[str, Any]:
    """`content` with the fields of `kind` only; problems with missing, unknown or mistyped ones are added."""
    known = {entry.name: entry for entry in fields(kind) if entry.name not in given}
    if not isinstance(content, dict):
        problems.append(f"{where or 'the file'} is {content!r}; expected a mapping with {', '.join(known)}")
        return {}
    at, hints = f"{where}." if where else "", get_type_hints(kind)
    problems += [f"{at}{key} is unknown; choose from {', '.join(known)}" for key in content if key not in known]
    for name, entry in known.items():
        if name not in content and entry.default is MISSING and entry.default_factory is MISSING:
            problems.append(f"{at}{name} is missing")
    right = {}
    for key in (key for key in content if key in known):
        if _is(content[key], hints[key]):
            right[key] = content[key]
        else:
            problems.append(f"{at}{key} is {content[key]!r}; expected {_in_words(hints[key])}")
    return right


def _is(value: Any, hint: Any) -> bool:
    """Whether a value read from YAML fits a field's annotation; records inside it are checked elsewhere."""
    kind, inner = get_origin(hint) or hint, get_args(hint)
    if kind is UnionType:
        return any(_is(value, one) for one in inner)
    if kind is Sequence:
        return isinstance(value, list) and (is_dataclass(inner[0]) or all(_is(one, inner[0]) for one in value))
    if kind is Mapping:
        return is_dataclass(inner[1]) or (isinstance(value, dict) and all(_is(one, inner[1]) for one in value.values()))
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return hint is Any or isinstance(value, kind)


def _in_words(hint: Any) -> str:
    kinds = get_args(hint) if get_origin(hint) is UnionType else (hint,)
    return " or ".join(IN_WORDS[get_origin(kind) or kind] for kind in kinds)


def _strangers(table: dict[str, Any], where: str) -> list[str]:
    """Problems with names that published values, left-out cells and the baseline use and the table does not have."""
    axes = {"row": table["rows"], "column": table["columns"], "metric": table.get("metrics") or {}}
    named = [(f"{where}.published", one) for one in table["published"]]
    named += [(f"{where}.left_out", one) for one in table["left_out"]]
    problems = [
        f"{place}: {axis} {getattr(entry, axis)!r} is unknown; choose from {', '.join(names)}"
        for place, entry in named
        for axis, names in axes.items()
        if hasattr(entry, axis) and getattr(entry, axis) not in names
    ]
    cells = Counter((one.row, one.column, one.metric) for one in table["published"])
    problems += [f"{where}.published: {', '.join(cell)} occurs twice" for cell, count in cells.items() if count > 1]
    for name, row in table["rows"].items():
        if row.prior is not None and row.options:
            problems.append(f"{where}.rows.{name} has options and a prior, which takes none; leave one of them out")
    baseline = table.get("baseline")
    if baseline is not None and baseline not in table["rows"]:
        problems.append(f"{where}.baseline {baseline!r} is not a row; choose from {', '.join(table['rows'])}")
    return problems
