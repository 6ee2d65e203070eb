"""Annotation sets: individual annotations, never aggregated, with tables of their items and annotators.

Readers return `Tables` with the data as published. `AnnotationSet.from_tables` validates them, repairs what can be
repaired safely and reports all other problems in one message.
"""

import hashlib
import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from pandas.api.types import is_object_dtype

from perspectives.data.scale import Scale
from perspectives.data.validation import ANNOTATION_COLUMNS, ATTRIBUTE_PREFIX, REQUIRED_COLUMNS, validated
from perspectives.errors import DataError, RunError
from perspectives.files import new_folder, read_json, write_json

FORMAT = 1
TABLES = ("annotations", "items", "annotators")


class Tables(NamedTuple):
    """What a reader returns, before validation.

    annotations: columns `item_id, annotator_id, label` and optionally `round, time, condition, weight`; `file` and
        `row` (where the annotation was read) are used in messages and then dropped. `weight` is kept, but losses and
        metrics do not use it yet: every annotation counts the same.
    items: columns `item_id`, and optionally `text`, `text_pair`, `split` (train, validation, test), `gold`,
        `official_label` (both as published, never derived), `language`, `domain`, and any other item attribute.
    annotators: columns `annotator_id` and one per demographic attribute; None where nothing is known.
    """

    annotations: pd.DataFrame
    items: pd.DataFrame
    annotators: pd.DataFrame | None
    scale: Scale


@dataclass(frozen=True, eq=False)
class AnnotationSet:
    """Annotations with their items and annotators, validated. Two sets are the same data if their `checksum` is equal.

    annotations: one row per annotation, unique on (item_id, annotator_id, round) unless read with `duplicates=keep`.
        `label` holds a level name (nominal, ordinal), a float (interval) or a tuple of level names (multilabel).
        Missing annotations are absent rows.
    items: one row per item, in published order. annotators: one row per annotator; a categorical attribute holds
        `unknown` where it is missing, a numeric one holds nan.
    """

    annotations: pd.DataFrame
    items: pd.DataFrame
    annotators: pd.DataFrame
    scale: Scale
    name: str = "annotations"
    notes: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def from_tables(cls, tables: Tables, name: str, duplicates: str = "error") -> "AnnotationSet":
        """Return a validated set from the tables of a reader.

        duplicates: what to do where one annotator labelled one item twice in one round with different labels:
            `error`, `first` (keep the first) or `keep` (keep all, equal ones too). Unless kept, equal duplicates
            collapse with a note.

        Raises DataError listing all problems at once, with file, row and column where the reader gave them. Issues a
        DataWarning for each repair and keeps it in `notes`.
        """
        annotations, items, annotators, notes = validated(*tables, name=name, duplicates=duplicates)
        return cls(annotations, items, annotators, tables.scale, name, tuple(notes))

    def __len__(self) -> int:
        return len(self.annotations)

    # Array views: positions instead of ids. ------------------------------------------------------------------------

    @cached_property
    def item_index(self) -> np.ndarray:
        """Row of each annotation's item in `items`, int64 [annotation]."""
        return pd.Index(self.items["item_id"]).get_indexer(self.annotations["item_id"]).astype(np.int64)

    @cached_property
    def annotator_index(self) -> np.ndarray:
        """Row of each annotation's annotator in `annotators`, int64 [annotation]."""
        return pd.Index(self.annotators["annotator_id"]).get_indexer(self.annotations["annotator_id"]).astype(np.int64)

    @cached_property
    def labels(self) -> np.ndarray:
        """Labels as numbers, in the form `Scale.encode` documents."""
        return self.scale.encode(self.annotations["label"])

    def indicator(self) -> np.ndarray:
        """Return 1 where an annotation contains a level, else 0, float32 [annotation, level].

        Rows sum to 1 except on multilabel scales. Raises DataError for interval scales, which have no levels.
        """
        if self.scale.kind == "interval":
            raise DataError(f"{self.name} has an interval scale, which has no levels; use `labels`")
        if self.scale.kind == "multilabel":
            return self.labels
        return np.eye(self.scale.size, dtype=np.float32)[self.labels]

    def soft_labels(self) -> np.ndarray:
        """Return the share of an item's annotations that contain each level, float64 [item, level].

        On interval scales the mean rating, [item, 1]. Items without annotations have nan.
        """
        values = self.labels[:, None] if self.scale.kind == "interval" else self.indicator()
        total = np.zeros((len(self.items), values.shape[1]))
        np.add.at(total, self.item_index, values)
        count = np.bincount(self.item_index, minlength=len(self.items))[:, None]
        return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)

    @property
    def attributes(self) -> list[str]:
        """Names of the demographic attributes."""
        return [column for column in self.annotators.columns if column != "annotator_id"]

    @cached_property
    def texts(self) -> pd.DataFrame:
        """Columns `text` and, where items have two parts, `text_pair`.

        Raises DataError when the corpus has no text: it can be described and aggregated but not encoded.
        """
        if "text" not in self.items:
            raise DataError(f"{self.name} has no item texts, so it cannot be encoded; use it for agreement only")
        return self.items[[column for column in ("text", "text_pair") if column in self.items]]

    # Selections keep the order of rows. ----------------------------------------------------------------------------

    def select(self, rows: np.ndarray) -> "AnnotationSet":
        """Return the annotations at `rows` (boolean mask or positions) with the items and annotators they contain."""
        annotations = self.annotations.loc[rows] if rows.dtype == bool else self.annotations.iloc[rows]
        annotations = annotations.reset_index(drop=True)
        items = self.items[self.items["item_id"].isin(annotations["item_id"])].reset_index(drop=True)
        annotators = self.annotators[self.annotators["annotator_id"].isin(annotations["annotator_id"])]
        annotators = annotators.reset_index(drop=True)
        return replace(self, annotations=annotations, items=items, annotators=annotators)

    def as_ratings(self) -> "AnnotationSet":
        """Return the same annotations on an interval scale, each ordered level replaced by its number.

        Raises DataError for scales without order.
        """
        if self.scale.kind != "ordinal":
            raise DataError(
                f"{self.name} has {self.scale.kind} labels, which have no numeric order; use data.ratings=false"
            )
        values = self.scale.values
        scale = Scale("interval", low=float(values[0]), high=float(values[-1]))
        return replace(self, annotations=self.annotations.assign(label=values[self.labels]), scale=scale)

    # On disk and elsewhere. ----------------------------------------------------------------------------------------

    @cached_property
    def checksum(self) -> str:
        """SHA-256 of the three tables and the scale: everything that a result can depend on."""
        digest = hashlib.sha256(json.dumps(self.scale.to_dict(), sort_keys=True).encode())
        for table in (self.annotations, self.items, self.annotators):
            digest.update("\0".join(table.columns).encode())
            hashable = table.map(_hashable) if table.dtypes.map(is_object_dtype).any() else table
            digest.update(pd.util.hash_pandas_object(hashable, index=False).to_numpy().tobytes())
        return digest.hexdigest()

    def save(self, folder: str | Path) -> None:
        """Write the three tables as parquet files and `set.json` into a new folder, completely or not at all."""
        with new_folder(folder) as partial:
            for table in TABLES:
                getattr(self, table).to_parquet(partial / f"{table}.parquet", index=False)
            header = {"format": FORMAT, "name": self.name, "scale": self.scale.to_dict(), "notes": list(self.notes)}
            write_json(partial / "set.json", header)

    @classmethod
    def load(cls, folder: str | Path) -> "AnnotationSet":
        """Read a folder that `save` wrote. Raises DataError when it is not one, has another format or is damaged."""
        folder = Path(folder)
        if not (folder / "set.json").exists():
            raise DataError(f"{folder} is not a saved annotation set (no set.json); pass the folder that `save` wrote")
        try:
            header = read_json(folder / "set.json")
            if header["format"] != FORMAT:
                raise DataError(f"{folder} has format {header['format']}, this version reads {FORMAT}; save it again")
            scale, name, notes = Scale.from_dict(header["scale"]), header["name"], tuple(header["notes"])
            annotations, items, annotators = (pd.read_parquet(folder / f"{table}.parquet") for table in TABLES)
        except (RunError, OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{folder} is damaged: {error}; save the set again") from error
        loaded = cls.from_tables(Tables(annotations, items, annotators, scale), name, duplicates="keep")
        return replace(loaded, notes=notes)

    def to_dataset(self):
        """Return one long `datasets.Dataset`: a row per annotation, with its item, and attributes as `annotator_*`.

        Items and annotators without annotations have no row and are left out.
        """
        import datasets

        attributes = self.annotators.rename(columns={name: ATTRIBUTE_PREFIX + name for name in self.attributes})
        table = self.annotations.merge(self.items, on="item_id").merge(attributes, on="annotator_id")
        description = json.dumps({"name": self.name, "scale": self.scale.to_dict()})
        info = datasets.DatasetInfo(description=description)
        return datasets.Dataset.from_pandas(table, info=info, preserve_index=False)

    @classmethod
    def from_dataset(
        cls, dataset, name: str | None = None, scale: Scale | None = None, duplicates: str = "error"
    ) -> "AnnotationSet":
        """Return the set that `to_dataset` stored; `name` and `scale` are needed only for other datasets.

        Raises DataError when columns are missing, or when the dataset has no scale and none is given.
        """
        try:
            carried = json.loads(dataset.info.description or "{}")
        except json.JSONDecodeError:
            carried = {}
        if scale is None and "scale" not in carried:
            raise DataError("the dataset does not state its label scale; pass scale=Scale(kind, levels)")
        scale = scale or Scale.from_dict(carried["scale"])
        tables = split_long_table(dataset.to_pandas(), scale)
        return cls.from_tables(tables, name or carried.get("name", "dataset"), duplicates)


def annotation_columns(*tables: pd.DataFrame) -> list[str]:
    """Return the columns that identify an annotation and its label, as far as all tables have them."""
    return [name for name in ("item_id", "annotator_id", "round", "label") if all(name in table for table in tables)]


def split_long_table(table: pd.DataFrame, scale: Scale) -> Tables:
    """Split a table with a row per annotation: `annotator_*` columns describe annotators, other columns items.

    Rows of one item or annotator that differ between its annotations are all kept, for validation to report.
    Raises DataError when required columns are missing.
    """
    attributes = [c for c in table.columns if c.startswith(ATTRIBUTE_PREFIX) and c != "annotator_id"]
    of_annotation = [c for c in table.columns if c in (*ANNOTATION_COLUMNS, "file", "row")]
    of_item = ["item_id", *(c for c in table.columns if c not in (*of_annotation, *attributes))]
    missing = [c for c in REQUIRED_COLUMNS if c not in table.columns]
    if missing:
        raise DataError(f"columns {missing} are missing; the table has {list(table.columns)}")
    annotators = _distinct(table[["annotator_id", *attributes]])
    annotators = annotators.rename(columns={name: name.removeprefix(ATTRIBUTE_PREFIX) for name in attributes})
    return Tables(table[of_annotation], _distinct(table[of_item]), annotators, scale)


def _distinct(table: pd.DataFrame) -> pd.DataFrame:
    return table[~table.map(_hashable).duplicated()]


def _hashable(value: object) -> object:
    """Return lists, arrays and dicts in a cell as text, which is the same before and after saving and loading."""
    return json.dumps(value, default=list) if isinstance(value, (tuple, list, dict, np.ndarray)) else value
