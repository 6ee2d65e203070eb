"""Check and repair the tables that a reader returned, and report all problems together."""

import warnings

import numpy as np
import pandas as pd

from perspectives.data.scale import SETS, Scale, level_name
from perspectives.errors import DataError, DataWarning, listing

REQUIRED_COLUMNS = ("item_id", "annotator_id", "label")
ANNOTATION_COLUMNS = (*REQUIRED_COLUMNS, "round", "time", "condition", "weight")
PARTS = ("train", "validation", "test")
ATTRIBUTE_PREFIX = "annotator_"  # marks attributes in a long table
DUPLICATES = ("error", "first", "keep")
UNKNOWN = "unknown"
# Not "none", which is an answer to questions about religion or disability.
UNKNOWN_SPELLINGS = frozenset(
    ["", "unknown", "na", "n/a", "nan", "data_expired", "consent_revoked", "prefer not to say",
     "prefer not to answer", "prefer not to disclose", "rather not say", "not specified"]
)  # fmt: skip
EXAMPLES = 3  # places named per problem


def validated(
    annotations: pd.DataFrame,
    items: pd.DataFrame,
    annotators: pd.DataFrame | None,
    scale: Scale,
    *,
    name: str,
    duplicates: str,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, list[str]]:
    """Return clean tables of annotations, items and annotators, and notes on what was repaired.

    Raises DataError listing all problems; issues a DataWarning per note. For options see `AnnotationSet.from_tables`.
    """
    if duplicates not in DUPLICATES:
        raise DataError(f"data.duplicates={duplicates!r} is unknown; choose one of {', '.join(DUPLICATES)}")
    _refuse(name, _missing_columns(annotations, items, annotators))
    problems: list[str] = []
    notes: list[str] = []
    _check_names(items, annotators, problems)
    annotations = _ids(annotations, "annotations", ["item_id", "annotator_id"], problems)
    items = _ids(items, "items", ["item_id"], problems)
    if annotators is None:
        annotators = pd.DataFrame({"annotator_id": annotations["annotator_id"].unique()})
    annotators = _clean_attributes(_ids(annotators, "annotators", ["annotator_id"], problems))
    annotations = _check_labels(annotations, scale, problems)
    annotations = _resolve_duplicates(annotations, duplicates, problems, notes)
    items = _check_items(items, annotations, problems)
    annotators = _check_annotators(annotators, annotations, problems, notes)
    _refuse(name, problems)
    for note in notes:
        warnings.warn(f"{name}: {note}", DataWarning, stacklevel=3)
    annotations = annotations.drop(columns=["file", "row"], errors="ignore")
    return annotations.reset_index(drop=True), items.reset_index(drop=True), annotators.reset_index(drop=True), notes


def _refuse(name: str, problems: list[str]) -> None:
    if problems:
        raise DataError(f"{name}: {len(problems)} problem(s)\n{listing(problems)}")


def clean_attribute(column: pd.Series) -> pd.Series:
    """Return a demographic attribute with missing values made explicit.

    Categorical: stripped strings, every spelling of missing (blank, DATA_EXPIRED, Prefer not to say, …) becomes
    `unknown`. Numeric, in dtype or in content: float64 with nan for missing.
    """
    if pd.api.types.is_bool_dtype(column):
        column = column.astype(str)
    if pd.api.types.is_numeric_dtype(column):
        return column.astype(float)
    text = column.astype("str").str.strip()
    text = text.mask(column.isna() | text.str.lower().isin(UNKNOWN_SPELLINGS), UNKNOWN)
    known = text[text != UNKNOWN]
    numbers = pd.to_numeric(known, errors="coerce")
    if len(known) and numbers.notna().all():
        return numbers.reindex(column.index).astype(float)
    return text


def _missing_columns(annotations: pd.DataFrame, items: pd.DataFrame, annotators: pd.DataFrame | None) -> list[str]:
    """Return one problem per table that lacks required columns."""
    required = [("annotations", annotations, REQUIRED_COLUMNS), ("items", items, ("item_id",))]
    if annotators is not None:
        required.append(("annotators", annotators, ("annotator_id",)))
    missing = {which: [c for c in columns if c not in table.columns] for which, table, columns in required}
    return [
        f"{which}: columns {missing[which]} are missing; the table has {list(table.columns)}"
        for which, table, _ in required
        if missing[which]
    ]


def _check_names(items: pd.DataFrame, annotators: pd.DataFrame | None, problems: list[str]) -> None:
    """Find column names that would collide in a long table, which holds all three kinds of column."""
    reserved = set(ANNOTATION_COLUMNS) - {"item_id"}
    taken = [c for c in items.columns if c in reserved or c.startswith(ATTRIBUTE_PREFIX)]
    if taken:
        problems.append(f"items: columns {taken} have names of columns of annotations or annotators; rename them")
    if annotators is not None and "id" in annotators:
        problems.append("annotators: an attribute cannot be called id; rename it")


def _places(table: pd.DataFrame, bad: np.ndarray | pd.Series) -> str:
    """Return `file.csv:12, file.csv:30, … (17 in all)` for the rows where `bad` is true."""
    rows = table[np.asarray(bad)]
    head = rows.head(EXAMPLES)
    if "row" in rows:
        names = [f"{file}:{row}" for file, row in zip(head.get("file", ["row"] * len(head)), head["row"], strict=True)]
    else:
        names = [f"row {index}" for index in head.index]
    return ", ".join(names) + (f", … ({len(rows)} in all)" if len(rows) > EXAMPLES else "")


def _ids(table: pd.DataFrame, which: str, columns: list[str], problems: list[str]) -> pd.DataFrame:
    table = table.reset_index(drop=True).copy()
    for column in columns:
        missing = table[column].isna() | (table[column].astype("str").str.strip() == "")
        if missing.any():
            problems.append(f"{which}: column {column} is empty at {_places(table, missing)}")
        table[column] = table[column].map(level_name).astype("str")
    return table


def _check_labels(annotations: pd.DataFrame, scale: Scale, problems: list[str]) -> pd.DataFrame:
    labels = annotations["label"]
    # Hashable, so that duplicates can be found even where a label is off the scale.
    labels = pd.Series([tuple(x) if isinstance(x, SETS) else x for x in labels], labels.index, dtype=object)
    missing = labels.isna().to_numpy()
    codes = scale.encode(labels)
    if codes.ndim == 2:
        off = np.isnan(codes).any(1)
    else:
        off = np.isnan(codes) if scale.kind == "interval" else codes < 0
    if missing.any():
        problems.append(f"annotations: column label is missing at {_places(annotations, missing)}; leave such rows out")
    off &= ~missing
    if off.any():
        unknown = sorted({str(label)[:40] for label in labels[off]})
        shown = ", ".join(map(repr, unknown[:EXAMPLES])) + (", …" if len(unknown) > EXAMPLES else "")
        places = _places(annotations, off)
        problems.append(f"annotations: column label holds {shown} at {places}; expected {scale.describe()}")
    if not (off.any() or missing.any()):
        labels = scale.decode(codes).set_axis(annotations.index)
    return annotations.assign(label=labels)


def _resolve_duplicates(
    annotations: pd.DataFrame, duplicates: str, problems: list[str], notes: list[str]
) -> pd.DataFrame:
    key = ["item_id", "annotator_id"] + (["round"] if "round" in annotations else [])
    repeated = annotations.duplicated(key, keep=False)
    if not repeated.any() or duplicates == "keep":
        return annotations
    equal = annotations.duplicated([*key, "label"])
    if equal.any():
        places = _places(annotations, equal)
        notes.append(f"{equal.sum()} repeated annotation(s) with equal labels were counted once, at {places}")
        annotations = annotations[~equal]
    disagreeing = annotations.duplicated(key)
    if disagreeing.any() and duplicates == "error":
        places = _places(annotations, disagreeing)
        problems.append(
            f"annotations: the same annotator labelled the same item twice with different labels at {places}; "
            "choose data.duplicates=first or data.duplicates=keep"
        )
    elif disagreeing.any():
        notes.append(f"{disagreeing.sum()} later, different label(s) of an annotator for the same item were dropped")
        annotations = annotations[~disagreeing]
    return annotations


def _check_items(items: pd.DataFrame, annotations: pd.DataFrame, problems: list[str]) -> pd.DataFrame:
    items = items[~items.astype("str").duplicated()]
    colliding = items["item_id"].duplicated(keep=False)
    if colliding.any():
        ids = items.loc[colliding, "item_id"].unique()
        problems.append(
            f"items: {len(ids)} item_id(s) are used for different items, for example {list(ids[:EXAMPLES])}; "
            "make ids unique, for example by prefixing the name of the split"
        )
    for column in ("text", "text_pair"):
        if column in items:
            empty = items[column].isna() | (items[column].astype("str").str.strip() == "")
            if empty.any():
                examples = list(items.loc[empty, "item_id"][:EXAMPLES])
                problems.append(f"items: column {column} is empty for item_id {examples} ({empty.sum()} in all)")
    if "split" in items:
        unknown = sorted(set(items["split"].dropna().astype("str")) - {*PARTS})
        if unknown:
            problems.append(f"items: column split holds {unknown}; expected {', '.join(PARTS)} or nothing")
    orphans = ~annotations["item_id"].isin(items["item_id"])
    if orphans.any():
        places = _places(annotations, orphans)
        problems.append(f"annotations: item_id without an item at {places}; add the items or drop the rows")
    return items


def _check_annotators(
    annotators: pd.DataFrame, annotations: pd.DataFrame, problems: list[str], notes: list[str]
) -> pd.DataFrame:
    annotators = annotators[~annotators.astype("str").duplicated()]
    varying = annotators["annotator_id"].duplicated(keep=False)
    if varying.any():
        rows = annotators[varying]
        counts = rows.groupby("annotator_id").nunique(dropna=False)
        columns = [column for column in counts.columns if (counts[column] > 1).any()]
        problems.append(
            f"annotators: {rows['annotator_id'].nunique()} annotator(s) have more than one value of {columns}; "
            "give each annotator one row"
        )
    absent = pd.Index(annotations["annotator_id"].unique()).difference(annotators["annotator_id"], sort=False)
    if len(absent):
        notes.append(f"{len(absent)} annotator(s) have no demographic record; their attributes are {UNKNOWN}")
        annotators = pd.concat([annotators, pd.DataFrame({"annotator_id": absent})], ignore_index=True)
        for column in annotators.columns:
            if not pd.api.types.is_numeric_dtype(annotators[column]):
                annotators[column] = annotators[column].fillna(UNKNOWN)
    return annotators


def _clean_attributes(annotators: pd.DataFrame) -> pd.DataFrame:
    return annotators.assign(**{c: clean_attribute(annotators[c]) for c in annotators.columns if c != "annotator_id"})
