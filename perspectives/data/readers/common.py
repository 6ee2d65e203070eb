"""Helpers of the readers: find published files, and read them with errors that name the file."""

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
    """A published file does not exist in the configured folder."""


def find(folder: str | Path, *names: str) -> Path:
    """Return the first of `names` that exists in `folder`. Raises MissingData naming folder and files."""
    for name in names:
        if (Path(folder) / name).is_file():
            return Path(folder) / name
    raise MissingData(f"{Path(folder)} holds no {' or '.join(names)}")


def split_files(folder: str | Path, pattern: str, splits: Sequence[str] = ("train", "dev", "test")) -> dict[str, Path]:
    """Return the existing files of a corpus published as one file per split, named `pattern.format(split)`.

    Raises MissingData naming the folder and the files accepted when none of them exists.
    """
    files = {split: Path(folder) / pattern.format(split) for split in splits}
    if not any(file.is_file() for file in files.values()):
        *others, last = (file.name for file in files.values())
        raise MissingData(f"{Path(folder)} holds no {', '.join(others)} or {last}")
    return {split: file for split, file in files.items() if file.is_file()}


def published_splits(folder: str | Path, corpus: str) -> Iterator[tuple[str, Path, str, Any]]:
    """Yield `split, file, key, entry` for every item in the LeWiDi files `<corpus>_{train,dev,test}.json`.

    split is as in the file name. Raises MissingData when none of the files exists, DataError for one that is not a JSON
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
    """Turn errors about a missing key or an unexpected type into a DataError that names the place.

    expected: what the file should be, for the message.
    """
    try:
        yield
    except KeyError as error:
        raise DataError(f"{place} has no key {error}; is this {expected}?") from error
    except (TypeError, AttributeError) as error:
        raise DataError(f"{place} cannot be parsed ({error}); is this {expected}?") from error


def read_object(path: Path, trailing_commas: bool = False) -> Any:
    """Return the content of a JSON file. `trailing_commas` accepts `{"a": 1,}`, which some published files contain.

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
    """Return a CSV (or, by its suffix, TSV) file as columns of text, with nan for empty cells.

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
    """Return the message for a file in another encoding (UTF-16, Latin-1, …)."""
    return f"{path} is not UTF-8 text; save it as UTF-8 (in a spreadsheet program: `CSV UTF-8`)"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(not_utf8(path)) from error


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a JSONL file, skipping blank lines. Raises DataError naming a line that is none."""
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
    """Add columns `file` and `row` for messages; row 1 is the header, and line breaks in cells do not count."""
    return table.assign(file=path.name, row=range(2, len(table) + 2))


def shared_context(contexts: Iterable[str]) -> list[str]:
    """Number the distinct contexts in order of appearance, so that items with the same context share a `group`."""
    return [f"context-{number}" for number in pd.factorize(pd.Series(list(contexts), dtype="str"))[0]]


def snake_case(name: str) -> str:
    """Return `Ethnicity simplified` as `ethnicity_simplified`."""
    return re.sub(r"[^0-9a-z]+", "_", name.lower()).strip("_")


def one_of(option: str, value: str, accepted: Iterable[str]) -> str:
    """Return `value` if it is among `accepted`. Raises DataError naming the option, what came and what is accepted."""
    accepted = list(accepted)
    if value not in accepted:
        prefix = "data" if option == "target" else "data.reader"
        raise DataError(f"{prefix}.{option}={value!r} is unknown; choose one of {', '.join(accepted)}")
    return value
