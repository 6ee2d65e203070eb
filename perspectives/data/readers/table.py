"""Any corpus in a table: CSV, TSV, JSONL, Parquet or a Hugging Face dataset; one long table, or up to three.

Which column is what is said by name; nothing is guessed from the content except, on request, the levels of the scale.
"""

import re
import warnings
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from perspectives.data.annotations import Tables
from perspectives.data.readers.common import SPLITS, MissingData, read_lines, read_table
from perspectives.data.scale import KINDS, Scale, level_name
from perspectives.data.validation import ANNOTATION_COLUMNS, REQUIRED_COLUMNS
from perspectives.errors import DataError, DataWarning, listing
from perspectives.inference.hub import is_hub_name

OF_ITEM = ("text", "text_pair", "split", "gold", "official_label", "group", "language", "domain")
SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")


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
    columns: our name -> the column's name in the file, for item_id, annotator_id, label (all three under our names
        unless said otherwise), round, time, condition, weight, text, text_pair, split, gold, official_label, group,
        language, domain. Null: the corpus has no such column.
    attributes: demographic attributes as a list of columns, or our name -> column; null takes all columns of the file
        `annotators`, where there is one. item_attributes: the same for the file `items`.
    items, annotators: files of their own for items and for annotators, where `path` does not hold their columns; the
        columns of the ids have the same name as in `path`.
    kind, levels, low, high: the scale. Levels from lowest to highest; null takes the values that occur, sorted (as
        numbers where all are numbers), and says so in a DataWarning.
    separator: between the members of a multilabel cell; null where cells are lists. An empty cell is the empty set.
    subset: configuration of a Hub dataset that has several.

    Split names dev and val become validation. A dataset of several splits gets its splits' names as `split`, unless it
    has a column of that name. Raises MissingData when there is no such file or dataset, DataError naming all columns
    that are missing, or when the scale cannot be what the options say.
    """
    names = _names(columns or {})
    table = _load(path, subset)
    if table.attrs.get("splits"):
        names.setdefault("split", "split")
    item_table = table if items is None else _load(items, None)
    annotator_table = table if annotators is None else _load(annotators, None)
    known = {"item_id", "annotator_id", *names, *names.values()}
    of_annotators = _renaming(attributes, annotator_table.columns.difference(list(known), sort=False), annotators)
    of_items = _renaming(item_attributes, item_table.columns.difference(list(known), sort=False), items)

    item_columns = {"item_id": names["item_id"]} | {our: names[our] for our in OF_ITEM if our in names} | of_items
    annotator_columns = {"annotator_id": names["annotator_id"]} | of_annotators
    annotation_columns = {our: names[our] for our in ANNOTATION_COLUMNS if our in names}
    wanted: dict[str, dict[str, str]] = defaultdict(dict)
    tables = {str(path): table, str(items or path): item_table, str(annotators or path): annotator_table}
    for place, named in ((path, annotation_columns), (items, item_columns), (annotators, annotator_columns)):
        wanted[str(place or path)] |= named
    if problems := [one for place, there in wanted.items() for one in _missing(tables[place], place, there)]:
        raise DataError(f"some columns are not there:\n{listing(problems)}")
    if table.empty:
        raise DataError(f"{path} has no rows; give a row per annotation")

    annotations = _taken(table, annotation_columns)
    first = 2 if Path(path).suffix in (".csv", ".tsv") else 1  # after a header
    annotations = annotations.assign(file=Path(path).name, row=range(first, first + len(table)))
    annotations["label"], scale = _labels(annotations["label"], kind, levels, low, high, separator)
    item_rows = _distinct(_taken(item_table, item_columns))
    if "split" in item_rows:
        item_rows["split"] = item_rows["split"].map(lambda split: SPLITS.get(str(split).lower(), split))
    annotator_rows = _taken(annotator_table, annotator_columns)
    annotator_rows = _distinct(annotator_rows[annotator_rows["annotator_id"].notna()])
    return Tables(annotations, item_rows, annotator_rows, scale)


def _names(columns: Mapping[str, str | None]) -> dict[str, str]:
    unknown = [name for name in columns if name not in (*ANNOTATION_COLUMNS, *OF_ITEM)]
    if unknown:
        accepted = ", ".join((*ANNOTATION_COLUMNS, *OF_ITEM))
        raise DataError(
            f"data.reader.columns names {unknown}; accepted is {accepted}; anything else belongs in "
            "data.reader.attributes or data.reader.item_attributes"
        )
    given = {our: str(column) for our, column in columns.items() if column is not None}
    return {name: name for name in REQUIRED_COLUMNS} | given


def _renaming(
    attributes: Mapping[str, str] | Sequence[str] | None, others: Iterable[str], own_file: str | Path | None
) -> dict[str, str]:
    """Our name -> column; for null all `others` of a file of its own."""
    if attributes is None:
        attributes = list(others) if own_file is not None else []
    return dict(attributes) if isinstance(attributes, Mapping) else {name: name for name in _listed(attributes)}


def _listed(names: Sequence[Any]) -> list[Any]:
    """A list; a single name, typed without brackets, is a list of one."""
    return [names] if isinstance(names, str) else list(names)


def _missing(table: pd.DataFrame, path: str | Path, wanted: dict[str, str]) -> list[str]:
    """One problem with what to set for all columns that a file lacks, or none."""
    missing = {our: column for our, column in wanted.items() if column not in table.columns}
    if not missing:
        return []
    came = f"{path} has no column {', '.join(f'{column!r} (for {our})' for our, column in missing.items())}"
    if len(table.columns) == 1 and re.search(r"[;,\t|]", str(table.columns[0])):
        return [f"{came}; its header is one cell, {table.columns[0]!r}: part cells with commas (.csv) or tabs (.tsv)"]
    named = [f"data.reader.columns.{our}=…" for our in missing if our in (*ANNOTATION_COLUMNS, *OF_ITEM)]
    named += ["data.reader.attributes or item_attributes"] * (len(named) < len(missing))
    return [f"{came}; it has {list(table.columns)}; set {', '.join(named)} to what it has"]


def _taken(table: pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    """The columns under our names; two of ours may be the same column of the file."""
    return pd.DataFrame({our: table[column] for our, column in columns.items()})


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


def _load(path: str | Path, subset: str | None) -> pd.DataFrame:
    """The table as it is; `attrs["splits"]` is set where a column `split` was added from the splits of a dataset."""
    local = Path(path).expanduser()
    if local.is_dir():
        return _dataset(local, subset)
    if local.suffix not in SUFFIXES:
        if local.exists() or local.suffix or not is_hub_name(path):
            raise DataError(f"{path} is no {', '.join(SUFFIXES)} file, no folder and no name on the Hub (owner/name)")
        return _dataset(str(path), subset)
    if not local.is_file():
        raise MissingData(f"{path} does not exist; give a {', '.join(SUFFIXES)} file, a folder or a name on the Hub")
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
