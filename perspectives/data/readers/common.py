"""What several readers share: finding files and reading them with an error that names the file."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pandas as pd

from perspectives.errors import DataError

SPLITS = {"train": "train", "dev": "validation", "val": "validation", "validation": "validation", "test": "test"}


class MissingData(DataError):
    """A published file is not where the configuration says."""


def find(folder: str | Path, *names: str) -> Path:
    """The first of `names` that exists in `folder`. Raises MissingData naming the folder and the files accepted."""
    for name in names:
        if (Path(folder) / name).is_file():
            return Path(folder) / name
    raise MissingData(f"{Path(folder)} holds no {' or '.join(names)}")


def split_files(folder: str | Path, pattern: str, splits: Sequence[str] = ("train", "dev", "test")) -> dict[str, Path]:
    """The files of a corpus published as one per split: those of `pattern.format(split)` that exist in `folder`.

    Raises MissingData naming the folder and the files accepted when there is none of them.
    """
    files = {split: Path(folder) / pattern.format(split) for split in splits}
    if not any(file.is_file() for file in files.values()):
        *others, last = (file.name for file in files.values())
        raise MissingData(f"{Path(folder)} holds no {', '.join(others)} or {last}")
    return {split: file for split, file in files.items() if file.is_file()}


def published_splits(folder: str | Path, corpus: str) -> Iterator[tuple[str, Path, str, Any]]:
    """`split, file, key, entry` of every item in the LeWiDi files `<corpus>_{train,dev,test}.json`.

    split is as in the file name. Raises MissingData when none of the files is there, DataError for one that is no JSON
    object.
    """
    for split, file in split_files(folder, f"{corpus}_{{}}.json").items():
        entries = read_object(file)
        with parsing(str(file), "a LeWiDi file"):
            pairs = entries.items()
        for key, entry in pairs:
            yield split, file, key, entry


@contextmanager
def parsing(place: str, expected: str) -> Iterator[None]:
    """Turns what a key or type nobody expected raises into a DataError naming the place and what it should be."""
    try:
        yield
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{place} lacks or garbles {error}; is this {expected}?") from error


def read_object(path: Path, trailing_commas: bool = False) -> Any:
    """A JSON file. `trailing_commas` accepts `{"a": 1,}`, which some published files contain.

    Raises DataError with the line where the file stops being JSON.
    """
    text = _read(path)
    if trailing_commas:
        text = re.sub(r",(\s*[}\]])", r"\1", text)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{path} is not valid JSON at line {error.lineno}: {error.msg}; download it again") from error


def read_table(path: Path, columns: list[str] | None = None, **options: Any) -> pd.DataFrame:
    """A CSV (or, by name, TSV) file as text columns, missing cells as nan.

    `options` go to `pandas.read_csv`. Raises DataError when the file cannot be parsed or lacks one of `columns`.
    """
    options = {
        "dtype": "str",
        "sep": "\t" if path.suffix == ".tsv" else ",",
        "keep_default_na": False,
        "na_values": [""],
    } | options
    try:
        table = cast(pd.DataFrame, pd.read_csv(path, **options))
    except UnicodeDecodeError as error:
        raise DataError(not_utf8(path)) from error
    except (ValueError, pd.errors.ParserError) as error:
        raise DataError(f"{path} could not be read as a table: {error}") from error
    missing = [column for column in columns or [] if column not in table.columns]
    if missing:
        raise DataError(f"{path} has no column {missing}; it has {list(table.columns)}")
    return table


def not_utf8(path: Path) -> str:
    """What to do about a file in another encoding (UTF-16, Latin-1, …)."""
    return f"{path} is no UTF-8 text; save it as UTF-8 (of a spreadsheet: `CSV UTF-8`)"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(not_utf8(path)) from error


def read_lines(path: Path) -> list[dict[str, Any]]:
    """A JSONL file, one object per line; blank lines are skipped. Raises DataError naming a line that is no object."""
    records = []
    for number, line in enumerate(_read(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{path} is not valid JSONL at line {number}: {error.msg}; download it again") from error
        if not isinstance(record, dict):
            raise DataError(f"{path} holds {type(record).__name__} instead of an object at line {number}")
        records.append(record)
    return records


def located(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """`table` with columns `file` and `row` for messages: the header is row 1, line breaks in cells do not count."""
    return table.assign(file=path.name, row=range(2, len(table) + 2))


def shared_context(contexts: Iterable[str]) -> list[str]:
    """One name per distinct context, in order of appearance: items with the same context get the same `group`."""
    return [f"context-{number}" for number in pd.factorize(pd.Series(list(contexts), dtype="str"))[0]]


def snake_case(name: str) -> str:
    """`Ethnicity simplified` as `ethnicity_simplified`."""
    return re.sub(r"[^0-9a-z]+", "_", name.lower()).strip("_")


def one_of(option: str, value: str, accepted: Iterable[str]) -> str:
    """`value`, if it is among `accepted`. Raises DataError naming the option, what came and what is accepted."""
    accepted = list(accepted)
    if value not in accepted:
        prefix = "data" if option == "target" else "data.reader"
        raise DataError(f"{prefix}.{option}={value!r} is unknown; choose one of {', '.join(accepted)}")
    return value
