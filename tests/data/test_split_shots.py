"""Labels of new people that are set aside: how many, whose, never scored, nested, and every refusal."""

import numpy as np
import pandas as pd
import pytest

from perspectives.data import splits
from perspectives.data.annotations import AnnotationSet, Tables
from perspectives.data.scale import Scale
from perspectives.data.shots import refuse_known_shots
from perspectives.errors import ConfigError, DataError

KINDS = {"annotators": splits.annotators, "both": splits.both}
SHOTS = 5


def corpus(order: np.ndarray | None = None, items: int = 60, twice: bool = False) -> AnnotationSet:
    """20 people label about half of the items. twice: items 0 and 1, 2 and 3, … have the same text."""
    rng = np.random.default_rng(0)
    item, who = np.nonzero(rng.random((items, 20)) < 0.5)
    rows = pd.DataFrame({"item_id": item, "annotator_id": who, "label": rng.integers(0, 2, len(item))})
    texts = pd.DataFrame({"item_id": range(items), "text": [f"tea {n // 2 if twice else n}" for n in range(items)]})
    rows = rows if order is None else rows.iloc[order]
    return AnnotationSet.from_tables(Tables(rows, texts, None, Scale("nominal", ("0", "1"))), "tiny")


def ids(annotations: AnnotationSet, rows: np.ndarray) -> pd.DataFrame:
    return annotations.annotations.iloc[rows][["item_id", "annotator_id"]]


@pytest.fixture(params=KINDS)
def kind(request):
    return KINDS[request.param]


def test_so_many_texts_of_every_new_person_and_nobody_else(kind):
    annotations = corpus()
    for fold in range(5):
        split = kind(annotations, fold=fold, shots=SHOTS)
        aside = ids(annotations, split.rows("adaptation"))
        scored = ids(annotations, np.concatenate([split.rows("validation"), split.rows("test")]))
        counts = aside["annotator_id"].value_counts()
        assert set(counts.index) == set(scored["annotator_id"])
        assert len(counts) == 8
        assert (counts == SHOTS).all()
        assert not set(counts.index) & set(ids(annotations, split.rows("train"))["annotator_id"])
        assert len(aside.merge(scored)) == 0
        note = "labels of 5 texts of each test and validation annotator are set aside for adaptation"
        assert note in split.notes


def test_what_is_set_aside_would_have_been_scored():
    annotations = corpus()
    plain, split = splits.annotators(annotations), splits.annotators(annotations, shots=SHOTS)
    aside = split.part == 3
    assert (plain.part[~aside] == split.part[~aside]).all()
    assert set(plain.part[aside]) == {1, 2}


def test_in_blocks_it_is_what_would_have_been_dropped_on_train_items():
    annotations = corpus(twice=True)
    for fold in range(25):
        plain, split = splits.both(annotations, fold=fold), splits.both(annotations, fold=fold, shots=3)
        aside = split.part == 3
        assert (plain.part[~aside] == split.part[~aside]).all()
        assert set(plain.part[aside]) == {-1}
        text = annotations.texts["text"].to_numpy()[annotations.item_index]
        assert set(text[aside]) <= set(text[split.part == 0])
        assert not set(text[aside]) & set(text[np.isin(split.part, (1, 2))])


def test_fewer_shots_are_among_more(kind):
    annotations = corpus()
    split = kind(annotations, shots=6)
    assert len(split.shots(0)) == 0
    assert (split.shots(6) == split.rows("adaptation")).all()
    for count in range(6):
        fewer, more = split.shots(count), split.shots(count + 1)
        assert set(fewer) < set(more)
        assert (ids(annotations, fewer)["annotator_id"].value_counts() == count).all()
        same = kind(annotations, shots=max(count, 1))
        assert (same.shots(count) == fewer).all()  # whatever is set aside, the draw is the same


def test_without_shots_nothing_changes(kind):
    annotations = corpus()
    plain, split = kind(annotations), kind(annotations, shots=0)
    assert (plain.part == split.part).all()
    assert plain.notes == split.notes
    assert len(split.rows("adaptation")) == len(split.shots(7)) == 0


def test_the_draw_is_a_function_of_the_seed_and_not_of_the_order_of_rows(kind):
    straight = corpus()
    order = np.random.default_rng(5).permutation(len(straight))
    first, second = kind(straight, shots=SHOTS), kind(corpus(order), shots=SHOTS)
    assert (first.part[order] == second.part).all()
    assert (first.shot[order] == second.shot).all()
    assert (first.shot == kind(straight, shots=SHOTS).shot).all()


def test_every_text_has_the_same_chance_to_be_drawn():
    rows = pd.DataFrame({"item_id": np.tile(range(4), 3), "annotator_id": np.repeat(list("abc"), 4), "label": "0"})
    texts = pd.DataFrame({"item_id": range(4), "text": list("wxyz")})
    annotations = AnnotationSet.from_tables(Tables(rows, texts, None, Scale("nominal", ("0", "1"))), "tiny")
    found = [splits.annotators(annotations, folds=3, seed=seed, shots=1).shots(1) for seed in range(300)]
    share = np.bincount(np.concatenate(found) % 4, minlength=4) / 600
    np.testing.assert_allclose(share, 0.25, atol=0.06)  # three standard errors


def test_all_somebody_said_of_one_text_stays_together():
    annotations = corpus(twice=True)
    split = splits.annotators(annotations, shots=SHOTS)
    text = annotations.texts["text"].to_numpy()[annotations.item_index]
    pairs = pd.DataFrame({"text": text, "person": annotations.annotations["annotator_id"], "part": split.part})
    assert (pairs.groupby(["text", "person"])["part"].nunique() == 1).all()
    aside = pairs[pairs["part"] == 3]
    assert (aside.groupby("person")["text"].nunique() == SHOTS).all()
    assert aside.duplicated().any()  # somebody has both of a pair


def test_people_without_enough_are_dropped_with_a_note():
    annotations = corpus()
    labelled = annotations.annotations["annotator_id"].value_counts()
    shots = int(labelled.median())
    split = splits.annotators(annotations, shots=shots)
    new = ids(annotations, np.flatnonzero(splits.annotators(annotations).part > 0))["annotator_id"].unique()
    few = [person for person in new if labelled[person] <= shots]
    assert 0 < len(few) < len(new)
    assert set(ids(annotations, split.rows("dropped"))["annotator_id"]) == set(few)
    assert (ids(annotations, split.rows("adaptation"))["annotator_id"].value_counts() == shots).all()
    assert f"{len(few)} of {len(new)} of them labelled too few texts and are dropped" in split.notes


def test_more_than_anybody_labelled_is_refused():
    annotations = corpus()
    most = ids(annotations, splits.annotators(annotations).rows("validation"))["annotator_id"].value_counts().max()
    message = (
        f"tiny: split.shots=60 leaves no annotator in validation: nobody in it labelled more than {most} texts that"
    )
    with pytest.raises(DataError, match=message):
        splits.annotators(annotations, shots=60)
    with pytest.raises(DataError, match=r"split\.shots=60 leaves no annotator in validation: .*; use fewer shots"):
        splits.both(annotations, shots=60)
    with pytest.raises(ConfigError, match=r"split\.shots=-1 is not a number of texts; use a whole number, 0"):
        splits.annotators(annotations, shots=-1)


def test_labels_that_are_known_or_scored_elsewhere_are_refused():
    annotations = corpus(twice=True)
    split = splits.annotators(annotations, shots=SHOTS)
    refuse_known_shots(annotations, split.part, split.name, texts_apart=False)
    part = split.part.copy()
    part[split.rows("train")[0]] = 3
    with pytest.raises(DataError, match="sets aside 1 annotations of people of the train part and 0 on texts that are"):
        refuse_known_shots(annotations, part, split.name, texts_apart=False)
    text = annotations.texts["text"].to_numpy()[annotations.item_index]
    person = annotations.annotations["annotator_id"]
    doubled = pd.DataFrame({"text": text, "person": person}).duplicated(keep=False).to_numpy()
    part = split.part.copy()
    part[np.flatnonzero((part == 2) & doubled)[0]] = 3
    with pytest.raises(DataError, match="of the train part and 1 on texts that are scored"):
        refuse_known_shots(annotations, part, split.name, texts_apart=False)
