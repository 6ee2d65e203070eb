"""Tables of texts to predict labels for: of any size, checked as a whole, then read in chunks."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from perspectives.data.readers.common import not_utf8
from perspectives.data.scale import level_name
from perspectives.errors import DataError, listing
from perspectives.files import TABLE_SUFFIXES

READ_AT_ONCE = 10_000  # rows, while a file is checked
EXAMPLES = 3  # rows named per problem


@dataclass(frozen=True)
class TextFile:
    """A CSV, TSV, JSONL or Parquet file with a row per text.

    columns: `text` and, for pairs of texts, `text_pair` → their columns in the file. id_column: column of the ids; None
    takes `item_id` where there is one and numbers the rows from 1 otherwise.

    Raises DataError when the file does not exist, has another suffix or lacks a column.
    """

    path: Path
    columns: Mapping[str, str]
    id_column: str | None = None

    def __post_init__(self) -> None:
        if self.path.suffix not in TABLE_SUFFIXES:
            raise DataError(f"input={self.path} is not a table of texts; expected {', '.join(TABLE_SUFFIXES)}")
        if not self.path.is_file():
            raise DataError(f"input={self.path} is not a file; give a table with a row per text")
        absent = [f"{column!r} (for {our})" for our, column in self._wanted.items() if column not in self._header]
        if absent:
            raise DataError(
                f"{self.path} has no column {', '.join(absent)}; it has {', '.join(self._header) or 'none'}; name "
                "another with text=, text_pair= or id="
            )

    @cached_property
    def _header(self) -> list[str]:
        with _readable(self.path):
            if self.path.suffix == ".parquet":
                import pyarrow.parquet as pq

                return list(pq.read_schema(self.path).names)
            if self.path.suffix == ".jsonl":
                return list(next(_objects(self.path), {}))
            return list(pd.read_csv(self.path, nrows=0, **self._csv).columns)

    @cached_property
    def _wanted(self) -> dict[str, str]:
        """The wanted columns: our name → the file's."""
        numbered = self.id_column is None and "item_id" not in self._header
        return dict(self.columns) | ({} if numbered else {"item_id": self.id_column or "item_id"})

    @property
    def _csv(self) -> dict[str, Any]:
        separator = "\t" if self.path.suffix == ".tsv" else ","
        return {"sep": separator, "dtype": "str", "keep_default_na": False, "encoding": "utf-8"}

    def check(self) -> int:
        """Read the whole file and return the number of texts. Raises DataError listing all problems.

        Holds 8 bytes per text in memory, to find repeated ids.
        """
        return checked(self.chunks(READ_AT_ONCE), str(self.path))

    def chunks(self, size: int) -> Iterator[pd.DataFrame]:
        """Yield at most `size` texts at a time, in order: columns `item_id` and those of `columns`, str, missing empty.

        Raises DataError where the file cannot be read further.
        """
        start = 1
        for table in self._tables(size):
            if not len(table):
                continue
            with _readable(self.path):  # a text may be invalid Unicode
                texts = pd.DataFrame({our: _text(table[column]) for our, column in self._wanted.items()})
            if "item_id" not in texts:
                texts["item_id"] = pd.Series(range(start, start + len(texts))).astype("str")
            start += len(texts)
            yield texts[["item_id", *self.columns]]

    def _tables(self, size: int) -> Iterator[pd.DataFrame]:
        """Yield the wanted columns of the file, under its names, each chunk with an index from 0."""
        wanted = list(dict.fromkeys(self._wanted.values()))
        with _readable(self.path):
            if self.path.suffix == ".parquet":
                import pyarrow.parquet as pq

                with pq.ParquetFile(self.path) as file:
                    for batch in file.iter_batches(size, columns=wanted):
                        yield batch.to_pandas()
            elif self.path.suffix == ".jsonl":
                objects = ({column: record.get(column) for column in wanted} for record in _objects(self.path))
                yield from _gathered(objects, wanted, size)
            else:
                with pd.read_csv(self.path, chunksize=size, **self._csv) as reader:
                    for table in reader:
                        if not isinstance(table.index, pd.RangeIndex):  # pandas took the first field as the index
                            raise ValueError("rows have more fields than the header; quote texts with separators")
                        yield table[wanted].reset_index(drop=True)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn errors of pandas, pyarrow and json into a DataError that names the file."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise DataError(not_utf8(path)) from error
    except (OSError, ValueError) as error:  # the parsers of all formats raise subclasses of these
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(f"{path} could not be read: {reason}; is it a {path.suffix} file?") from error


def table_of(texts: pd.DataFrame | Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
    """Return texts given in Python in the form of `TextFile.chunks`.

    texts: a list of texts, or a table with `columns` and optionally `item_id` (else the rows are numbered from 1).
    columns: `text` and, for pairs, `text_pair`. Raises DataError listing all problems.
    """
    table = texts if isinstance(texts, pd.DataFrame) else pd.DataFrame({"text": list(texts)})
    if absent := [column for column in columns if column not in table]:
        raise DataError(f"the texts have no column {', '.join(absent)}; the model reads {' and '.join(columns)}")
    result = pd.DataFrame({column: _text(table[column]) for column in columns}).reset_index(drop=True)
    ids = table["item_id"] if "item_id" in table else pd.Series(range(1, len(result) + 1))
    result.insert(0, "item_id", _text(ids.reset_index(drop=True)))
    checked([result], "the texts")
    return result


def checked(chunks: Iterator[pd.DataFrame] | Sequence[pd.DataFrame], name: str) -> int:
    """Return the number of texts in `chunks`. Raises DataError when it is 0 or a text is empty or an id repeated."""
    empty: dict[str, list[np.ndarray]] = {}
    hashes: list[np.ndarray] = []
    count = 0
    for chunk in chunks:
        for column in chunk:
            rows = np.flatnonzero(chunk[column].str.strip() == "") + count + 1
            empty.setdefault(str(column), []).append(rows)
        hashes.append(pd.util.hash_pandas_object(chunk["item_id"], index=False).to_numpy())
        count += len(chunk)
    if not count:
        raise DataError(f"{name}: there are no texts; give at least one")
    blank = {column: np.concatenate(rows) for column, rows in empty.items()}
    problems = [f"column {column} is empty in {_rows(rows)}" for column, rows in blank.items() if len(rows)]
    repeated = np.flatnonzero(pd.Series(np.concatenate(hashes)).duplicated()) + 1
    if len(repeated):
        problems.append(f"column item_id repeats an earlier id in {_rows(repeated)}")
    if problems:
        raise DataError(f"{name}: {len(problems)} problem(s), rows counted from 1\n{listing(problems)}")
    return count


def _rows(numbers: np.ndarray) -> str:
    shown = ", ".join(f"{number:,}" for number in numbers[:EXAMPLES])
    return f"row(s) {shown}" + (f", … ({len(numbers):,} in all)" if len(numbers) > EXAMPLES else "")


def _text(column: pd.Series) -> pd.Series:
    """Return ids or texts as str; 3.0, as read from a column with missing values, becomes 3; missing ones are empty."""
    return column.map(level_name, na_action="ignore").astype("str").fillna("")


def _objects(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a JSONL file, one per line. Raises ValueError naming a line that is not an object."""
    with open(path, encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                value = json.loads(line)
            except json.JSONDecodeError as error:
                raise ValueError(f"line {number} is not valid JSON ({error.msg})") from error
            if not isinstance(value, dict):
                raise ValueError(f"line {number} holds {type(value).__name__} instead of an object")
            yield value


def _gathered(objects: Iterator[dict[str, Any]], columns: list[str], size: int) -> Iterator[pd.DataFrame]:
    """Yield tables of at most `size` objects; the last may be empty."""
    rows: list[dict[str, Any]] = []
    for record in objects:
        rows.append(record)
        if len(rows) == size:
            yield pd.DataFrame(rows, columns=columns)
            rows = []
    yield pd.DataFrame(rows, columns=columns)
