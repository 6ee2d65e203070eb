"""Splits into train, validation and test: by item, by annotator, by both, as published, or by any stored column.

Each function takes an AnnotationSet and plain options and returns a `Split`. The part of an annotation depends on its
item, its annotator and the seed, never on the order of rows. Validation is drawn in the same way as test. Every split
is checked to keep apart what its kind promises: items with their texts, annotators, or both. A published split cannot
be changed, so texts that occur in two of its parts are counted in a warning instead.
"""

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd

from perspectives.data.annotations import AnnotationSet
from perspectives.data.parts import DROPPED, SCORED, TEST, TRAIN, VALIDATION, Split
from perspectives.data.scale import level_name
from perspectives.data.shots import refuse_known_shots, set_aside
from perspectives.data.split_groups import annotator_groups, item_groups, normalised_texts
from perspectives.data.validation import PARTS
from perspectives.errors import ConfigError, DataError, DataWarning

Values = str | int | Sequence[str | int]  # of a column: one or several


# Kinds of split. ---------------------------------------------------------------------------------------------------


def official(annotations: AnnotationSet, seed: int = 0, validation: float = 0.1, train: str | None = None) -> Split:
    """The published split, `items.split`, with a validation part drawn where none was published.

    seed, validation: where there is no other validation part, this share of the training annotations is drawn by item.
    train: the published part to train on, `train` or `validation`. None takes `train`, or `validation` where no train
        part was published (LeWiDi-2025 CSC and MP, HateXplain in part); a note says so.

    Items without a published part are dropped, and so is a published train part when training on validation.
    Raises DataError, listing the parts there are, when there is no test part or nothing to train on.
    """
    if "split" not in annotations.items:
        raise DataError(f"{annotations.name} has no published split (no items column `split`); use split=items")
    published = annotations.items["split"].fillna("").to_numpy(object)[annotations.item_index]
    sizes = {part: int((published == part).sum()) for part in PARTS if (published == part).any()}
    notes = []
    if train is None:
        train = "train" if "train" in sizes else "validation"
        if train == "validation" and train in sizes:
            notes.append("no train part was published: its validation part is used as train")
    if train not in PARTS[:2]:
        raise ConfigError(f"train={train!r} is not a part to train on; choose train or validation")
    if "test" not in sizes or train not in sizes:
        counts = ", ".join(f"{part} ({count} annotations)" for part, count in sizes.items()) or "nothing"
        needed = "test" if "test" not in sizes else train
        raise DataError(f"{annotations.name} has no published {needed} part; it has {counts}; use split=items")
    part = np.full(len(annotations), DROPPED, np.int8)
    part[published == "validation"] = VALIDATION
    part[published == train] = TRAIN
    part[published == "test"] = TEST
    if not (part == VALIDATION).any():
        notes.append(_draw_validation(annotations, part, validation, seed))
    return _finished(annotations, part, "official", notes, fixed=True)


def column(
    annotations: AnnotationSet,
    column: str,
    test: Values,
    train: Values | None = None,
    validation: float | Values = 0.1,
    seed: int = 0,
) -> Split:
    """A split stored in a column of the items (a fold, a domain, a language) or annotations (a condition, a round).

    column: item column or, where no item has it, annotation column.
    test, train: the value or values that form the part; train=None takes every value not named elsewhere.
    validation: value or values, or a share of the training annotations to draw with `seed`: by item, or by annotator
        where test shares its items with train (and so tests unseen people).

    Annotations without a value, or with one not named, are dropped with a note. Raises DataError for values that the
    column does not hold, and when train and test share both items and annotators, so that nothing would be unseen.
    """
    values = _column(annotations, column)
    available = set(values[values != ""])
    named = {"train": _strings(train), "validation": _strings(validation), "test": _strings(test)}
    wanted = [value for part in named.values() for value in part]
    unknown = sorted(set(wanted) - available)
    if unknown or not named["test"]:
        shown = ", ".join(sorted(available)[:20]) or "no value"
        raise DataError(f"column {column} of {annotations.name} holds {shown}; it does not hold {unknown or 'test'}")
    if len(set(wanted)) < len(wanted):
        raise ConfigError(f"a value of column {column} can name one part only; got {named}")
    if train is None:
        named["train"] = sorted(available - set(wanted))
    part = np.full(len(annotations), DROPPED, np.int8)
    for code, name in enumerate(PARTS):
        part[np.isin(values, named[name])] = code
    notes = []
    if (part == DROPPED).any():
        notes.append(f"{(part == DROPPED).sum()} annotations without a named value of {column} are dropped")
    if not named["validation"]:
        notes.append(_draw_validation(annotations, part, validation, seed))
    return _finished(annotations, part, f"column {column}", notes, fixed=True)


def items(
    annotations: AnnotationSet,
    folds: int = 5,
    fold: int = 0,
    seed: int = 0,
    group_by: str | None = None,
    stratify: str | None = None,
) -> Split:
    """k-fold by item: test is fold `fold`, validation the next one, train the rest.

    Items with the same text (casefolded, whitespace collapsed; text and text_pair together) share a fold, and so do
    items with the same value of the item column `group_by` (templates, shared contexts); an item without a value is a
    group of its own. Folds are balanced in annotations, as far as the groups allow. Over all folds every annotation is
    tested once.
    stratify: `annotators` spreads the items that the same people labelled evenly over the folds (Davani et al. 2022).

    Raises ConfigError for fewer than 3 folds, a fold out of range or another `stratify`, DataError for an unknown
    column or for fewer groups than folds.
    """
    if stratify not in (None, "annotators"):
        raise ConfigError(f"split.stratify={stratify} is unknown; choose annotators, or null")
    group, notes = item_groups(annotations, group_by)
    group = group[annotations.item_index]
    stratum = _same_people(group, annotations.annotator_index) if stratify else None
    part = _dealt(annotations, "items", group, folds, fold, seed, stratum)
    return _finished(annotations, part, f"items fold {fold} of {folds}", notes)


def annotators(
    annotations: AnnotationSet,
    folds: int = 5,
    fold: int = 0,
    seed: int = 0,
    group_by: str | None = None,
    shots: int = 0,
) -> Split:
    """k-fold by annotator, for people not seen in training: test is fold `fold`, validation the next, train the rest.

    group_by: attribute whose values stay together, for example to test on unseen countries; an annotator with an
        unknown value is a group of their own. Items occur in several parts. Balance and errors as in `items`.
    shots: number of texts of each test and validation annotator, drawn at random, whose labels are set aside for
        adaptation; people without further texts are dropped. Raises DataError when nobody has further texts.
    """
    group = annotator_groups(annotations, group_by)
    part = _dealt(annotations, "annotators", group[annotations.annotator_index], folds, fold, seed)
    notes = ["test annotators are unseen in training; their items are not"]
    shot = set_aside(annotations, part, part != TRAIN, shots, seed, notes)
    return _finished(annotations, part, f"annotators fold {fold} of {folds}", notes, shot=shot, apart=("annotators",))


def both(
    annotations: AnnotationSet,
    folds: int = 5,
    fold: int = 0,
    seed: int = 0,
    group_by: str | None = None,
    annotator_group_by: str | None = None,
    shots: int = 0,
) -> Split:
    """Blocks of item folds × annotator folds: neither a test item nor a test annotator is seen in training.

    fold: number of the test block, from 0 to folds² - 1: item fold `fold // folds`, annotator fold `fold % folds`.
    Validation is the block of the next item fold and the next annotator fold, train the remaining items × the
    remaining annotators. All other pairs are dropped; the notes state their share. Over all blocks every annotation is
    tested once. group_by (item column), annotator_group_by (attribute), balance and errors as in `items`.
    shots: number of texts of each test and validation annotator whose labels are set aside for adaptation. They are
        taken from the pairs on train items, which would be dropped otherwise, so that the scored pairs are still on
        unseen texts and the same for every number of shots, except for people with too few texts, who are dropped.
        Raises DataError when nobody has enough.
    """
    if folds >= 3 and not 0 <= fold < folds**2:
        raise ConfigError(f"split.fold={fold} is out of range; blocks are numbered from 0 to {folds**2 - 1}")
    group, notes = item_groups(annotations, group_by)
    item_part = _dealt(annotations, "items", group[annotations.item_index], folds, fold // folds, seed)
    group = annotator_groups(annotations, annotator_group_by)
    annotator_part = _dealt(annotations, "annotators", group[annotations.annotator_index], folds, fold % folds, seed)
    part = np.where(item_part == annotator_part, item_part, DROPPED).astype(np.int8)
    spare = (item_part == TRAIN) & (annotator_part != TRAIN)
    shot = set_aside(annotations, part, spare, shots, seed, notes)
    notes.append(f"{(part == DROPPED).mean():.1%} of the (item, annotator) pairs are dropped")
    apart = ("annotators", "items")
    return _finished(annotations, part, f"both block {fold} of {folds**2}", notes, shot=shot, apart=apart)


# Drawing. ----------------------------------------------------------------------------------------------------------


def _same_people(group: np.ndarray, annotator: np.ndarray) -> np.ndarray:
    """Number the sets of people who labelled each group, int64 [group, ascending]; both arguments are [annotation]."""
    pairs = np.unique(np.stack([group, annotator]), axis=1)
    people = np.split(pairs[1], np.flatnonzero(np.diff(pairs[0])) + 1)
    return np.unique([members.tobytes().hex() for members in people], return_inverse=True)[1]


def _dealt(
    annotations: AnnotationSet,
    what: str,
    group: np.ndarray,
    folds: int,
    fold: int,
    seed: int,
    stratum: np.ndarray | None = None,
) -> np.ndarray:
    """Part of each annotation when test is fold `fold` and validation the next, int8 [annotation].

    group: the group of items or annotators (`what`, for messages) behind each annotation, int64 [annotation].
    stratum: strata to spread evenly over folds, int64 [group, ascending].
    """
    if folds < 3:
        raise ConfigError(f"split.folds={folds} leaves nothing for train, validation or test; use at least 3")
    if not 0 <= fold < folds:
        raise ConfigError(f"split.fold={fold} is out of range; folds are numbered from 0 to {folds - 1}")
    groups, code = np.unique(group, return_inverse=True)
    if len(groups) < folds:
        raise DataError(
            f"{annotations.name} has {len(groups)} {what} or groups of {what} that must stay together (one text, one "
            f"value of group_by), too few for {folds} folds; use fewer folds or another group_by"
        )
    part_of_fold = np.full(folds, TRAIN, np.int8)
    part_of_fold[fold], part_of_fold[(fold + 1) % folds] = TEST, VALIDATION
    rng = np.random.default_rng(seed)
    bins = _deal(np.bincount(code), np.full(folds, 1 / folds), rng, stratum)
    return part_of_fold[rng.permutation(folds)[bins[code]]]  # permuted, or the largest group would always be in fold 0


def _deal(
    load: np.ndarray, shares: np.ndarray, rng: np.random.Generator, stratum: np.ndarray | None = None
) -> np.ndarray:
    """Deal groups into bins whose loads come close to `shares`; return the bin of each group, int64 [group].

    load: annotations of each group, at least 1, int64 [group]. stratum: groups of one stratum go to the bins that have
        the fewest of it, int64 [group]; None: each group is its own stratum.

    Groups are dealt largest first, each to the bin furthest below its share, so that a large one cannot unbalance the
    result at the end. Sizes between two powers of two count as equal and are dealt in random order, because exact sizes
    would leave nothing to chance where all of them differ.
    """
    stratum = np.arange(len(load)) if stratum is None else stratum
    dealt = np.zeros((stratum.max(initial=-1) + 1, len(shares)), np.int64)
    order = rng.permutation(len(load))
    order = order[np.argsort(-np.floor(np.log2(load[order])), kind="stable")]
    filled = np.zeros(len(shares))
    bins = np.empty(len(load), np.int64)
    for group in order:
        fewest = dealt[stratum[group]] == dealt[stratum[group]].min()
        chosen = int(np.argmin(np.where(fewest, (filled + load[group]) / shares, np.inf)))
        bins[group] = chosen
        dealt[stratum[group], chosen] += 1
        filled[chosen] += load[group]
    return bins


def _draw_validation(annotations: AnnotationSet, part: np.ndarray, share: object, seed: int) -> str:
    """Turn a share of the train annotations into validation, in place. Returns a note on what was done."""
    if not (isinstance(share, float) and 0 < share < 1):
        raise ConfigError(f"validation={share} is not a share of the train part; use a number between 0 and 1")
    by_annotator = _shared(annotations.item_index, part) > 0
    if by_annotator:
        group, index = annotator_groups(annotations, None), annotations.annotator_index
    else:
        group, index = item_groups(annotations, None)[0], annotations.item_index
    train = np.flatnonzero(part == TRAIN)
    groups, code = np.unique(group[index[train]], return_inverse=True)
    load, shares = np.bincount(code, minlength=len(groups)), np.array([1 - share, share])
    bins = _deal(load, shares, np.random.default_rng(seed))
    part[train[bins[code] == 1]] = VALIDATION
    unit = "annotator" if by_annotator else "item"
    return f"validation is {share:.0%} of the train part, drawn by {unit} with seed {seed}"


# Checks. -----------------------------------------------------------------------------------------------------------


def _finished(
    annotations: AnnotationSet,
    part: np.ndarray,
    name: str,
    notes: list[str],
    fixed: bool = False,
    shot: np.ndarray | None = None,
    apart: Sequence[str] = ("items",),
) -> Split:
    """Check the parts and return the split.

    notes: on how it was made. fixed: whether the parts were published, so that texts in two of them are counted and not
        refused. apart: what must not occur in two parts, `items` (with their texts), `annotators` or both.

    Raises DataError when a part is empty or something that must be kept apart occurs in two.
    """
    _refuse_empty_parts(annotations, part, name)
    overlaps = _overlap_notes(annotations, part, name, fixed, apart)
    if shot is not None:
        refuse_known_shots(annotations, part, name, texts_apart="items" in apart)
    return Split(part.astype(np.int8), name, (*notes, *overlaps), shot)


def _refuse_empty_parts(annotations: AnnotationSet, part: np.ndarray, name: str) -> None:
    sizes = {which: int((part == code).sum()) for code, which in enumerate(PARTS)}
    empty = [which for which, size in sizes.items() if not size]
    if empty:
        shown = ", ".join(f"{which} {size}" for which, size in sizes.items())
        raise DataError(
            f"{annotations.name}: split {name} leaves {' and '.join(empty)} empty (annotations: {shown}, dropped "
            f"{(part == DROPPED).sum()}); the corpus is too small or too unevenly grouped for it: use other folds, "
            "shares or values"
        )


def _overlap_notes(
    annotations: AnnotationSet, part: np.ndarray, name: str, fixed: bool, apart: Sequence[str]
) -> list[str]:
    """Return notes on what occurs in two parts. Raises DataError for what the kind of split keeps `apart`."""
    people = _shared(annotations.annotator_index, part)
    if "annotators" in apart and people:
        raise DataError(f"{annotations.name}: split {name} puts {people} annotators into two parts")
    if "items" not in apart:
        return []
    shared_items = _shared(annotations.item_index, part)
    if not shared_items:
        return _text_notes(annotations, part, name, fixed)
    if people or not fixed:
        raise DataError(
            f"{annotations.name}: split {name} puts {shared_items} items into two parts, and annotators as well; "
            "choose a column whose values keep items or annotators apart, or use split=items"
        )
    return [f"{shared_items} items occur in two parts; the annotators do not"]


def _text_notes(annotations: AnnotationSet, part: np.ndarray, name: str, fixed: bool) -> list[str]:
    """Return a note, with a warning, on texts that occur in two parts of a fixed split. Raises DataError for others."""
    text = pd.factorize(normalised_texts(annotations))[0][annotations.item_index]
    count = _shared(text, part)
    if not count:
        return []
    tested = np.isin(text[part == TEST], text[part == TRAIN]).mean()
    note = f"{count} texts occur in two parts; {tested:.1%} of the test annotations are on a text of the train part"
    if not fixed:
        raise DataError(f"{annotations.name}: split {name}: {note}")
    warnings.warn(f"{annotations.name}: split {name}: {note}", DataWarning, stacklevel=5)
    return [note]


def _shared(index: np.ndarray, part: np.ndarray) -> int:
    """Count the values of `index` that occur in more than one of train, validation and test."""
    kept = np.isin(part, (TRAIN, *SCORED))
    seen = np.zeros((index.max(initial=-1) + 1, len(PARTS)), bool)
    seen[index[kept], part[kept]] = True
    return int((seen.sum(1) > 1).sum())


def _column(annotations: AnnotationSet, name: str) -> np.ndarray:
    """Return the values of an item or annotation column as text, str [annotation]; empty where missing."""
    if name in annotations.items and name != "item_id":
        values = annotations.items[name].iloc[annotations.item_index].reset_index(drop=True)
    elif name in annotations.annotations and name not in ("item_id", "annotator_id", "label"):
        values = annotations.annotations[name]
    else:
        raise DataError(
            f"{annotations.name} has no column {name!r} to split by; items have {_names(annotations.items)}; "
            f"annotations have {_names(annotations.annotations)}"
        )
    return values.map(level_name).where(values.notna(), "").to_numpy(object).astype(str)


def _names(table: pd.DataFrame) -> str:
    return ", ".join(map(str, table.columns))


def _strings(values: Values | float | None) -> list[str]:
    """Return the values that form a part: none, one or several; none for a share (a float)."""
    if values is None or isinstance(values, float):
        return []
    return [level_name(value) for value in ([values] if isinstance(values, (str, int)) else values)]
