"""Any corpus in a table: CSV, TSV, JSONL, Parquet or a Hugging Face dataset; one long table, or up to three.

Options name the column of each kind of information; nothing is guessed from the content except, on request, the levels.
"""

import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from perspectives.data.annotations import Tables
from perspectives.data.readers.common import SPLITS, MissingData, read_lines, read_table
from perspectives.data.scale import KINDS, Scale, level_name
from perspectives.data.validation import ANNOTATION_COLUMNS, REQUIRED_COLUMNS
from perspectives.errors import DataError, DataWarning, listing
from perspectives.files import TABLE_SUFFIXES
from perspectives.inference.hub import is_hub_name

OF_ITEM = ("text", "text_pair", "split", "gold", "official_label", "group", "language", "domain")


def read(
    path: str | Path,
    columns: Mapping[str, str | None] | None = None,
    attributes: Mapping[str, str] | Sequence[str] | None = None,
    item_attributes: Mapping[str, str] | Sequence[str] | None = None,
    items: str | Path | None = None,
    annotators: str | Path | None = None,
    kind: str = "nominal",
    levels: Sequence[Any] | None = None,
    low: float | None = None,
    high: float | None = None,
    separator: str | None = None,
    subset: str | None = None,
) -> Tables:
    """Read a corpus from tables, a row per annotation.

    path: a .csv, .tsv, .jsonl or .parquet file; a folder with a Hugging Face dataset; or the name of one on the Hub
        (`owner/name`), which needs a network and `pip install perspectives[hub]`.
    columns: our name -> the column's name in the file, for item_id, annotator_id, label (these three default to our
        names), round, time, condition, weight, text, text_pair, split, gold, official_label, group,
        language, domain. Null: the corpus has no such column.
    attributes: demographic attributes as a list of columns, or our name -> column; null takes all columns of the file
        `annotators`, where there is one. item_attributes: the same for the file `items`.
    items, annotators: separate files of items and of annotators, where `path` does not hold their columns; the id
        columns have the same names as in `path`.
    kind, levels, low, high: the scale. Levels from lowest to highest; null takes the values that occur, sorted (as
        numbers where all are numbers), and says so in a DataWarning.
    separator: between the members of a multilabel cell; null where cells are lists. An empty cell is the empty set.
    subset: configuration of a Hub dataset that has several.

    The split names dev and val become validation. A dataset with several splits gets their names as `split`, unless it
    has a column of that name. Raises MissingData when the file or dataset does not exist, DataError naming all missing
    columns, or when the labels do not fit the scale that the options describe.
    """
    names = _names(columns or {})
    table = _load("path", path, subset)
    if table.attrs.get("splits"):
        names.setdefault("split", "split")
    item_table = table if items is None else _load("items", items)
    annotator_table = table if annotators is None else _load("annotators", annotators)
    known = {"item_id", "annotator_id", *names, *names.values()}
    of_items = _renaming(item_attributes, None if items is None else item_table, known)
    of_annotators = _renaming(attributes, None if annotators is None else annotator_table, known)

    annotation_source = _Source(path, table, {our: names[our] for our in ANNOTATION_COLUMNS if our in names})
    item_columns = {our: names[our] for our in ("item_id", *OF_ITEM) if our in names}
    item_source = _Source(items or path, item_table, item_columns | of_items)
    annotator_columns = {"annotator_id": names["annotator_id"]}
    annotator_source = _Source(annotators or path, annotator_table, annotator_columns | of_annotators)
    _require_columns([annotation_source, item_source, annotator_source])
    if table.empty:
        raise DataError(f"{path} has no rows; give a row per annotation")

    annotations = _located(annotation_source.taken(), Path(path))
    annotations["label"], scale = _labels(annotations["label"], kind, levels, low, high, separator)
    item_rows = _distinct(item_source.taken())
    if "split" in item_rows:
        item_rows["split"] = item_rows["split"].map(lambda split: SPLITS.get(str(split).lower(), split))
    annotator_rows = annotator_source.taken()
    annotator_rows = _distinct(annotator_rows[annotator_rows["annotator_id"].notna()])
    return Tables(annotations, item_rows, annotator_rows, scale)


# Columns. ----------------------------------------------------------------------------------------------------------


class _Source(NamedTuple):
    """A table, where it was read, and the columns to take from it: our name -> the table's."""

    place: str | Path
    table: pd.DataFrame
    columns: dict[str, str]

    def taken(self) -> pd.DataFrame:
        """The columns under our names; two of ours may be the same column of the table."""
        return pd.DataFrame({our: self.table[column] for our, column in self.columns.items()})


def _names(columns: Mapping[str, str | None]) -> dict[str, str]:
    unknown = [name for name in columns if name not in (*ANNOTATION_COLUMNS, *OF_ITEM)]
    if unknown:
        accepted = ", ".join((*ANNOTATION_COLUMNS, *OF_ITEM))
        raise DataError(
            f"data.reader.columns names {unknown}; accepted: {accepted}; anything else belongs in "
            "data.reader.attributes or data.reader.item_attributes"
        )
    given = {our: str(column) for our, column in columns.items() if column is not None}
    return {name: name for name in REQUIRED_COLUMNS} | given


def _renaming(
    attributes: Mapping[str, str] | Sequence[str] | None, own_table: pd.DataFrame | None, known: set[str]
) -> dict[str, str]:
    """Our name -> column for attributes; null takes every column of a table of its own that is not in `known`."""
    if attributes is None:
        attributes = [] if own_table is None else [name for name in own_table.columns if name not in known]
    return dict(attributes) if isinstance(attributes, Mapping) else {name: name for name in _listed(attributes)}


def _listed(names: Sequence[Any]) -> list[Any]:
    """A list; a single name, typed without brackets, is a list of one."""
    return [names] if isinstance(names, str) else list(names)


def _require_columns(sources: Iterable[_Source]) -> None:
    """Raise DataError with one problem per file that lacks any of the columns wanted from it."""
    by_place: dict[str, _Source] = {}
    for source in sources:
        same_file = by_place.get(str(source.place), source)
        by_place[str(source.place)] = source._replace(columns=same_file.columns | source.columns)
    problems = [problem for source in by_place.values() if (problem := _missing(source))]
    if problems:
        raise DataError(f"some columns are missing:\n{listing(problems)}")


def _missing(source: _Source) -> str:
    """Which columns a file lacks and what to set; empty where it has them all."""
    present = list(source.table.columns)
    missing = {our: column for our, column in source.columns.items() if column not in present}
    if not missing:
        return ""
    came = f"{source.place} has no column {', '.join(f'{column!r} (for {our})' for our, column in missing.items())}"
    if len(present) == 1 and re.search(r"[;,\t|]", str(present[0])):
        return f"{came}; its header is one cell, {present[0]!r}: separate cells by commas (.csv) or tabs (.tsv)"
    options = [f"data.reader.columns.{our}=…" for our in missing if our in (*ANNOTATION_COLUMNS, *OF_ITEM)]
    if len(options) < len(missing):
        options.append("data.reader.attributes or item_attributes")
    return f"{came}; it has {present}; set {', '.join(options)} to one of these"


def _located(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """`table` with the columns `file` and `row` for messages; in CSV and TSV files row 1 is the header."""
    first = 2 if path.suffix in (".csv", ".tsv") else 1
    return table.assign(file=path.name, row=range(first, first + len(table)))


def _distinct(table: pd.DataFrame) -> pd.DataFrame:
    return table[~table.astype("str").duplicated()].reset_index(drop=True)


# Labels and their scale. -------------------------------------------------------------------------------------------


def _labels(
    labels: pd.Series,
    kind: str,
    levels: Sequence[Any] | None,
    low: float | None,
    high: float | None,
    separator: str | None,
) -> tuple[pd.Series, Scale]:
    if kind == "interval":
        return labels, Scale(kind, low=low, high=high)
    if kind not in KINDS:
        raise DataError(f"data.reader.kind={kind!r} is unknown; choose one of {', '.join(KINDS)}")
    if kind == "multilabel":
        labels = pd.Series([_members(cell, separator) for cell in labels], index=labels.index, dtype=object)
        occurring = [member for cell in labels for member in cell]
    else:
        labels = labels.map(level_name, na_action="ignore")
        occurring = list(labels.dropna())
    if levels is None:
        levels = sorted(set(occurring), key=_order(occurring))
        warnings.warn(
            f"levels of the {kind} scale, inferred from the labels: {list(levels)}", DataWarning, stacklevel=3
        )
    return labels, Scale(kind, tuple(_listed(levels)))


def _order(values: Sequence[str]) -> Any:
    try:
        [float(value) for value in values]
    except ValueError:
        return str
    return float


def _members(cell: Any, separator: str | None) -> tuple[str, ...]:
    if isinstance(cell, (list, tuple, set, frozenset, np.ndarray)):
        return tuple(level_name(member) for member in cell)
    if pd.isna(cell) or cell == "":
        return ()
    if separator is None:
        raise DataError(
            f"a multilabel cell holds text, not a list, for example {str(cell)[:40]!r}; set data.reader.separator=…"
        )
    return tuple(member.strip() for member in str(cell).split(separator) if member.strip())


# Files and datasets. -----------------------------------------------------------------------------------------------


def _load(option: str, path: str | Path, subset: str | None = None) -> pd.DataFrame:
    """Read the table that data.reader.`option` names, as it is.

    `attrs["splits"]` is set where a column `split` was added from the splits of a dataset.
    """
    accepted = f"a {', '.join(TABLE_SUFFIXES)} file, a folder or a name on the Hub (owner/name)"
    if not isinstance(path, str | Path):
        raise DataError(f"data.reader.{option}={path!r} is not a path; give {accepted}")
    local = Path(path).expanduser()
    if local.is_dir():
        return _dataset(local, subset)
    if local.suffix not in TABLE_SUFFIXES:
        if local.exists() or local.suffix or not is_hub_name(path):
            raise DataError(f"{path} is not {accepted}")
        return _dataset(str(path), subset)
    if not local.is_file():
        raise MissingData(f"{path} does not exist; give {accepted}")
    if local.suffix == ".jsonl":
        return pd.DataFrame(read_lines(local))
    if local.suffix != ".parquet":
        return read_table(local)
    try:
        return pd.read_parquet(local)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} could not be read as Parquet: {error}") from error


def _dataset(source: str | Path, subset: str | None) -> pd.DataFrame:
    """A Hugging Face dataset, saved in a folder or loaded by name; its splits one after the other."""
    try:
        import datasets
    except ImportError as error:
        raise DataError(f"reading {source} needs the package datasets: pip install 'perspectives[hub]'") from error
    saved = isinstance(source, Path) and any((source / name).exists() for name in ("dataset_dict.json", "state.json"))
    try:
        loaded = datasets.load_from_disk(str(source)) if saved else datasets.load_dataset(str(source), subset)
    except (OSError, ValueError, RuntimeError) as error:
        raise MissingData(f"{source} could not be loaded as a Hugging Face dataset: {error}") from error
    if isinstance(loaded, datasets.Dataset):
        return loaded.to_pandas()
    parts = {split: part.to_pandas() for split, part in loaded.items()}
    if len(parts) == 1 or any("split" in part for part in parts.values()):
        return pd.concat(parts.values(), ignore_index=True)
    table = pd.concat([part.assign(split=split) for split, part in parts.items()], ignore_index=True)
    table.attrs["splits"] = True
    return table
