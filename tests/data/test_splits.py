"""Splits: what they keep apart, balance, independence of the order of rows, and every refusal."""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from perspectives.data import splits
from perspectives.data.annotations import AnnotationSet, Tables
from perspectives.data.readers import lewidi2023
from perspectives.data.scale import Scale
from perspectives.errors import ConfigError, DataError, DataWarning

KINDS = {
    "official": splits.official,
    "column": partial(splits.column, column="domain", test="sea"),
    "items": splits.items,
    "items, grouped": partial(splits.items, group_by="template"),
    "items, stratified": partial(splits.items, stratify="annotators"),
    "annotators": splits.annotators,
    "annotators, grouped": partial(splits.annotators, group_by="country", folds=3),
    "both": splits.both,
}


def build(rows, items, annotators=None, name="tiny") -> AnnotationSet:
    return AnnotationSet.from_tables(Tables(rows, items, annotators, Scale("nominal", ("0", "1"))), name)


def corpus(order: np.ndarray | None = None, texts: int = 60) -> AnnotationSet:
    """60 items × 20 annotators, half of the pairs at random; items 50 and up repeat the texts of items 0 and up."""
    rng = np.random.default_rng(0)
    item, who = np.nonzero(rng.random((60, 20)) < 0.5)
    rows = pd.DataFrame({"item_id": item, "annotator_id": who, "label": rng.integers(0, 2, len(item))})
    rows["condition"] = np.where(rows["annotator_id"] < 10, "A", "B")
    number = np.arange(60)
    items = pd.DataFrame(
        {
            "item_id": number,
            "text": [f"Sentence  {n % texts}\n" if n >= texts else f"sentence {n}" for n in number],
            "split": np.select([number < 40, number < 50], ["train", "validation"], "test"),
            "domain": np.select([number < 20, number < 40], ["sky", "land"], "sea"),
            "template": number // 4,
            "round_up": rng.random(60),
        }
    )
    annotators = pd.DataFrame({"annotator_id": range(20), "country": [f"c{n % 4}" for n in range(19)] + [None]})
    annotators["age"] = np.arange(20.0) + 20
    if order is not None:
        rows = rows.iloc[order]
    return build(rows, items, annotators, "corpus")


def sides(annotations: AnnotationSet, split: splits.Split, keys: pd.Series) -> pd.Series:
    """Number of parts each key stands in, dropped annotations not counted."""
    kept = split.part >= 0
    return pd.Series(split.part[kept]).groupby(keys.to_numpy()[kept]).nunique()


@pytest.mark.parametrize("kind", KINDS)
def test_the_parts_are_disjoint_complete_and_a_function_of_the_seed(kind):
    annotations = corpus()
    split = KINDS[kind](annotations, seed=1)
    rows = np.concatenate([split.rows(part) for part in ("train", "validation", "test", "dropped")])
    assert sorted(rows) == list(range(len(annotations)))
    assert all(len(split.rows(part)) for part in splits.PARTS)
    assert split.part.dtype == np.int8
    assert (split.part == KINDS[kind](annotations, seed=1).part).all()
    if kind != "official":
        assert any((split.part != KINDS[kind](annotations, seed=seed).part).any() for seed in range(2, 6))


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_rows_changes_nothing(kind):
    straight = corpus()
    order = np.random.default_rng(5).permutation(len(straight))
    shuffled = corpus(order)
    assert (KINDS[kind](straight).part[order] == KINDS[kind](shuffled).part).all()
    tables = [table.sample(frac=1, random_state=3) for table in (straight.items, straight.annotators)]
    reordered = build(straight.annotations, *tables)
    assert (KINDS[kind](straight).part == KINDS[kind](reordered).part).all()


@pytest.mark.parametrize("kind", ["items", "both"])
def test_equal_texts_stay_together_whatever_their_case_and_spaces(kind):
    annotations = corpus(texts=50)
    text = splits.normalised_texts(annotations)
    assert text.nunique() == 50
    for fold in range(5):
        split = KINDS[kind](annotations, fold=fold)
        assert (sides(annotations, split, text.iloc[annotations.item_index]) == 1).all()
        assert "20 items share 10 texts; items with one text stay together" in split.notes


def test_texts_with_different_pairs_are_different_texts():
    items = pd.DataFrame(
        {"item_id": ["1", "2", "3"], "text": ["Yes", "yes", "yes"], "text_pair": ["no", "maybe", "No "]}
    )
    rows = pd.DataFrame({"item_id": ["1", "2", "3"], "annotator_id": "a", "label": "0"})
    assert splits.normalised_texts(build(rows, items)).tolist() == ["yes\0no", "yes\0maybe", "yes\0no"]


def test_groups_stay_together_even_through_a_shared_text():
    annotations = corpus(texts=50)
    split = splits.items(annotations, group_by="template")
    of = annotations.items.iloc[annotations.item_index]
    assert (sides(annotations, split, of["template"]) == 1).all()
    assert (sides(annotations, split, splits.normalised_texts(annotations).iloc[annotations.item_index]) == 1).all()


def test_items_without_a_group_stand_alone():
    annotations = corpus()
    annotations.items["template"] = annotations.items["template"].where(annotations.items["template"] < 2)
    split = splits.items(annotations, group_by="template")
    alone = annotations.items["template"].isna().to_numpy()[annotations.item_index]
    assert set(split.part[alone]) == {0, 1, 2}
    templates = annotations.items["template"].iloc[annotations.item_index]
    assert (sides(annotations, split, templates)[[0, 1]] == 1).all()


def test_annotators_are_unseen_and_groups_of_them_too():
    annotations = corpus()
    for options in ({}, {"group_by": "country", "folds": 3}):
        split = splits.annotators(annotations, **options)
        assert (sides(annotations, split, annotations.annotations["annotator_id"]) == 1).all()
    country = annotations.annotators["country"].iloc[annotations.annotator_index]
    known = sides(annotations, split, country).drop("unknown")
    assert len(known) == 4
    assert (known == 1).all()


def test_blocks_share_neither_items_nor_annotators_and_state_what_they_drop():
    annotations = corpus()
    split = splits.both(annotations, fold=7)
    for column in ("item_id", "annotator_id"):
        assert (sides(annotations, split, annotations.annotations[column]) == 1).all()
    dropped = len(split.rows("dropped")) / len(annotations)
    assert dropped == pytest.approx(1 - 0.36 - 0.04 - 0.04, abs=0.05)
    assert f"{dropped:.1%} of the (item, annotator) pairs are dropped" in split.notes


@pytest.mark.parametrize(("kind", "count"), [("items", 5), ("items, grouped", 5), ("annotators", 5), ("both", 25)])
def test_over_all_folds_everything_is_tested_once_and_validated_once(kind, count):
    annotations = corpus()
    part = np.stack([KINDS[kind](annotations, fold=fold).part for fold in range(count)])
    assert ((part == 2).sum(0) == 1).all()
    assert ((part == 1).sum(0) == 1).all()


def test_folds_are_balanced_in_annotations():
    annotations = corpus()
    for kind, column in (("items", "item_id"), ("annotators", "annotator_id")):
        sizes = [len(KINDS[kind](annotations, fold=fold).rows("test")) for fold in range(5)]
        assert sum(sizes) == len(annotations)
        assert max(sizes) - min(sizes) <= annotations.annotations[column].value_counts().max()  # greedy scheduling


def test_stratified_folds_hold_as_many_items_of_each_set_of_people():
    rng = np.random.default_rng(1)
    teams = [(0, 1, 2), (1, 2), (3, 4, 5, 6), (0, 6)]
    team = rng.integers(0, 4, 203)
    pairs = [(item, person) for item, number in enumerate(team) for person in teams[number]]
    rows = pd.DataFrame(pairs, columns=["item_id", "annotator_id"]).assign(label="0")
    items = pd.DataFrame({"item_id": range(203), "text": [f"text {n}" for n in range(203)]})
    annotations = build(rows, items)
    counts = np.zeros((5, 4), int)
    for fold in range(5):
        split = splits.items(annotations, fold=fold, stratify="annotators")
        tested = annotations.items["item_id"][np.unique(annotations.item_index[split.rows("test")])].astype(int)
        counts[fold] = np.bincount(team[tested], minlength=4)
    assert (counts.sum(0) == np.bincount(team)).all()
    assert (np.ptp(counts, axis=0) <= 1).all()
    with pytest.raises(ConfigError, match=r"split\.stratify=label is unknown; choose annotators, or null"):
        splits.items(annotations, stratify="label")


def test_no_fold_is_the_fold_of_the_busiest_annotator():
    load = np.repeat(np.arange(12), 2 ** np.arange(12) // 4 + 1)  # all sizes differ
    rows = pd.DataFrame({"item_id": np.arange(len(load)), "annotator_id": load, "label": "0"})
    annotations = build(rows, rows[["item_id"]])
    tested = [splits.annotators(annotations, seed=seed).part[-1] == 2 for seed in range(40)]
    assert 2 <= sum(tested) <= 16  # 8 expected of 40


def test_official_takes_the_published_parts():
    annotations = corpus()
    published = annotations.items["split"].to_numpy()[annotations.item_index]
    split = splits.official(annotations)
    assert (np.array(splits.PARTS)[split.part] == published).all()
    assert split.notes == ()


def test_official_draws_a_missing_validation_part_by_item():
    annotations = corpus(texts=58)
    annotations.items["split"] = annotations.items["split"].replace("validation", "train")
    annotations.items.loc[[0, 58], "split"] = "train"
    with pytest.warns(DataWarning, match="1 texts occur in two parts"):  # item 59 is left in test, with the text of 1
        split = splits.official(annotations, validation=0.2)
    train, validation = len(split.rows("train")), len(split.rows("validation"))
    assert validation / (train + validation) == pytest.approx(0.2, abs=0.01)
    assert (sides(annotations, split, annotations.annotations["item_id"]) == 1).all()
    assert split.part[annotations.item_index == 0][0] == split.part[annotations.item_index == 58][0]
    assert split.notes[0] == "validation is 20% of the train part, drawn by item with seed 0"


def test_official_trains_on_validation_where_no_train_part_was_published():
    annotations = corpus()
    annotations.items["split"] = annotations.items["split"].replace("train", None)
    split = splits.official(annotations)
    published = annotations.items["split"].to_numpy(object)[annotations.item_index]
    assert set(published[np.isin(split.part, [0, 1])]) == {"validation"}
    assert len(split.rows("dropped")) == annotations.items["split"].isna().to_numpy()[annotations.item_index].sum() > 0
    assert split.notes[0] == "no train part was published: its validation part is used as train"


def test_official_trains_on_the_part_it_is_told():
    annotations = corpus()
    split = splits.official(annotations, train="validation")
    published = annotations.items["split"].to_numpy()[annotations.item_index]
    assert set(published[split.part == -1]) == {"train"}
    with pytest.raises(ConfigError, match="train='test' is not a part to train on; choose train or validation"):
        splits.official(annotations, train="test")


def test_official_lists_what_there_is():
    annotations = corpus()
    count = int((annotations.items["split"] == "train").to_numpy()[annotations.item_index].sum())
    annotations.items["split"] = annotations.items["split"].where(annotations.items["split"] == "train")
    with pytest.raises(
        DataError, match=rf"no published test part; it has train \({count} annotations\); use split=items"
    ):
        splits.official(annotations)
    del annotations.items["split"]
    with pytest.raises(DataError, match="corpus has no published split"):
        splits.official(annotations)


@pytest.mark.parametrize("kind", ["official", "column"])
def test_texts_on_two_published_sides_are_counted_in_a_warning(kind):
    annotations = corpus(texts=50)  # the ten test items repeat texts of the train part
    options = {} if kind == "official" else {"column": "split", "test": "test", "validation": "validation"}
    with pytest.warns(DataWarning, match="corpus: split .*: 10 texts occur in two parts; 100.0% of the test"):
        split = getattr(splits, kind)(annotations, **options)
    assert split.notes == (
        "10 texts occur in two parts; 100.0% of the test annotations are on a text of the train part",
    )


def test_column_takes_values_lists_numbers_and_a_share():
    annotations = corpus()
    domain = annotations.items["domain"].to_numpy()[annotations.item_index]
    split = splits.column(annotations, "domain", test=["sea"], validation="sky")
    assert (np.array(["land", "sky", "sea"])[split.part] == domain).all()
    drawn = splits.column(annotations, "domain", test="sea", train=["land"], validation=0.25)
    assert drawn.notes[0] == f"{(domain == 'sky').sum()} annotations without a named value of domain are dropped"
    assert (drawn.part[domain == "sky"] == -1).all()
    kept = (domain == "land").sum()
    assert len(drawn.rows("validation")) / kept == pytest.approx(0.25, abs=0.02)
    numbered = splits.column(annotations, "template", test=[0, 1], validation=2)
    template = annotations.items["template"].to_numpy()[annotations.item_index]
    assert (numbered.part == np.select([template < 2, template == 2], [2, 1], 0)).all()


def test_a_column_of_annotations_may_keep_only_people_apart():
    annotations = corpus()
    split = splits.column(annotations, "condition", test="B")
    assert (sides(annotations, split, annotations.annotations["annotator_id"]) == 1).all()
    assert split.notes[0] == "validation is 10% of the train part, drawn by annotator with seed 0"
    assert split.notes[1] == "60 items occur in two parts; the annotators do not"


def test_a_column_that_keeps_nothing_apart_is_refused():
    annotations = corpus()
    annotations.annotations["condition"] = np.resize(["A", "B", "C"], len(annotations))
    with pytest.raises(DataError, match="puts 60 items into two parts, and annotators as well; choose a column"):
        splits.column(annotations, "condition", test="B", validation="C")


def test_column_refuses_what_it_does_not_hold():
    annotations = corpus()
    with pytest.raises(DataError, match=r"domain of corpus holds land, sea, sky; it does not hold \['moon'\]"):
        splits.column(annotations, "domain", test="moon")
    with pytest.raises(ConfigError, match="can name one part only"):
        splits.column(annotations, "domain", test="sea", train="sea")
    with pytest.raises(DataError, match="no column 'colour' to split by; items have item_id, text"):
        splits.column(annotations, "colour", test="red")
    with pytest.raises(ConfigError, match=r"validation=1.5 is not a share of the train part"):
        splits.column(annotations, "domain", test="sea", validation=1.5)


@pytest.mark.parametrize("kind", ["items", "annotators", "both"])
def test_folds_out_of_range_are_refused(kind):
    with pytest.raises(ConfigError, match="folds=2 leaves nothing for train, validation or test; use at least 3"):
        KINDS[kind](corpus(), folds=2)
    last = 24 if kind == "both" else 4
    with pytest.raises(ConfigError, match=f"fold={last + 1} is out of range; .* numbered from 0 to {last}"):
        KINDS[kind](corpus(), fold=last + 1)
    with pytest.raises(ConfigError, match="fold=-1 is out of range"):
        KINDS[kind](corpus(), fold=-1)


def test_too_few_groups_and_unknown_columns_are_refused():
    annotations = corpus()
    with pytest.raises(
        DataError, match=r"corpus has 3 items or groups of items that must stay together .* for 5 folds"
    ):
        splits.items(annotations, group_by="domain")
    with pytest.raises(DataError, match="items of corpus have no column 'colour'; they have item_id, text, split"):
        splits.items(annotations, group_by="colour")
    with pytest.raises(DataError, match="annotators of corpus have no attribute 'colour'; they have country, age"):
        splits.annotators(annotations, group_by="colour")


def test_an_empty_part_is_named_with_the_sizes_of_all():
    items = pd.DataFrame({"item_id": ["1", "2", "3"]})
    diagonal = pd.DataFrame({"item_id": ["1", "2", "3"], "annotator_id": ["a", "b", "c"], "label": "0"})
    parts = [splits.items(build(diagonal, items), folds=3, fold=fold).part.tolist() for fold in range(3)]
    assert sorted(map(tuple, np.transpose(parts))) == [(0, 1, 2), (1, 2, 0), (2, 0, 1)]
    diagonal = diagonal.drop(index=0).reset_index(drop=True)
    diagonal.loc[2] = ["3", "b", "0"]
    with pytest.raises(DataError, match=r"tiny: split column part leaves train empty \(annotations: train 0, valid"):
        splits.column(build(diagonal, items.assign(part=["x", "y", "z"])), "part", test="y", validation="z")


def test_unknown_parts_are_refused():
    parts = "train, validation, test, adaptation, dropped"
    with pytest.raises(ConfigError, match=f"part 'dev' is unknown; choose one of {parts}"):
        splits.items(corpus()).rows("dev")


def test_configurations_name_every_parameter_with_its_default():
    import inspect

    folder = Path(__file__).parents[2] / "conf" / "split"
    files = sorted(folder.glob("*.yaml"))
    assert {file.stem for file in files} >= {"official", "column", "items", "annotators", "both"}
    for file in files:
        values = yaml.safe_load(file.read_text())
        module, name = values.pop("_target_").rsplit(".", 1)
        assert (module, name) == ("perspectives.data.splits", file.stem)
        parameters = dict(inspect.signature(getattr(splits, name)).parameters)
        del parameters["annotations"]
        defaults = {key: "???" if p.default is p.empty else p.default for key, p in parameters.items()}
        assert values == defaults


@pytest.mark.filterwarnings("ignore:MD-Agreement. 1 repeated annotation:perspectives.errors.DataWarning")
def test_published_split_of_md_agreement(real_data):
    folder = real_data / "lewidi2023_md_agreement"
    annotations = AnnotationSet.from_tables(lewidi2023.read(folder, "MD-Agreement"), "MD-Agreement")
    split = splits.official(annotations)
    items = [len(set(annotations.item_index[split.rows(part)])) for part in splits.PARTS]
    assert items == [6592, 1104, 3057]
    unseen = set(annotations.annotator_index[split.rows("test")]) - set(
        annotations.annotator_index[split.rows("train")]
    )
    assert len(unseen) == 148
