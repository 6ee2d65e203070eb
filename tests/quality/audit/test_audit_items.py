"""What to annotate next and whom to ask, against closed forms and planted gaps."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from audited import SCALES, annotations
from scipy.stats import entropy

from perspectives.data.annotations import AnnotationSet, Tables
from perspectives.quality.agreement import agreement
from perspectives.quality.audit.items import asked, gains, items, lacking, likeliest_strength

pytestmark = pytest.mark.filterwarnings("ignore:alpha is undefined")


def test_the_gain_is_the_expected_fall_of_a_dirichlets_variance():
    made = annotations(count=12)
    votes = np.zeros((12, 3))
    np.add.at(votes, (made.item_index, made.labels), 1)
    prior = votes.sum(0) / votes.sum()
    strength = likeliest_strength(votes, votes.sum(1), np.broadcast_to(prior, votes.shape))

    def variance(alpha):
        share = alpha / alpha.sum()
        return (share * (1 - share)).sum() / (alpha.sum() + 1)

    for votes_of, gain in zip(votes, gains(made), strict=True):
        alpha = votes_of + strength * prior
        after = sum(p * variance(alpha + one) for p, one in zip(alpha / alpha.sum(), np.eye(3), strict=True))
        assert gain == pytest.approx(variance(alpha) - after)


def test_the_strength_is_high_where_items_are_alike_and_low_where_they_differ():
    rng = np.random.default_rng(0)
    prior = np.full((300, 2), 0.5)
    alike = rng.multinomial(8, [0.5, 0.5], 300).astype(float)
    apart = np.eye(2)[rng.integers(0, 2, 300)] * 8
    assert likeliest_strength(alike, np.full(300, 8.0), prior) == 32
    assert likeliest_strength(apart, np.full(300, 8.0), prior) == 0.5


@pytest.mark.parametrize("kind", SCALES)
def test_few_raters_and_disagreement_come_first(kind):
    made = annotations(kind, count=30)
    few = made.select(~((made.item_index == 4) & (np.arange(len(made)) % 3 > 0)))
    table = items(few)
    assert len(table) == 30
    worth = table["gain"] * (1 + table["lacking"].fillna(0))
    assert worth[table["ask"] != ""].is_monotonic_decreasing
    assert table["item_id"].head(3).eq("i4").any()
    assert (table["raters"] == 6).sum() == 29
    if kind != "interval":
        together = agreement(made.select(made.item_index == 7)).pairwise
        assert 1 - table.set_index("item_id").loc["i7", "disagreement"] == pytest.approx(together)


def test_of_items_nobody_labelled_those_come_first_on_which_a_model_expects_disagreement():
    made = annotations(count=20)
    unseen = pd.DataFrame({"item_id": ["sure", "torn"], "text": ["remark", "remark"], "domain": "tea"})
    made = replace(made, items=pd.concat([made.items, unseen], ignore_index=True))
    predictions = np.full((22, 3), np.nan)
    predictions[20:] = [0.98, 0.01, 0.01], [0.4, 0.3, 0.3]
    table = items(made, predicted=predictions)
    assert table["item_id"].iloc[0] == "torn"
    assert table.set_index("item_id").loc["sure", "raters"] == 0
    found = gains(made, predictions)
    assert found[21] > 10 * found[20]


def test_the_group_most_missing_is_asked_and_rare_groups_are_not_named():
    made = annotations(count=20, raters=4)
    men = made.annotators["gender"] == "Man"
    only_women = made.select((made.item_index > 0) | ~men.to_numpy()[made.annotator_index])
    nobody = np.zeros(len(only_women.annotators), bool)
    said = dict(zip(only_women.items["item_id"], asked(only_women, nobody), strict=True))
    assert said["i0"].startswith("gender=Man (0 of ")
    assert not any("Rare" in words or "unknown" in words for words in said.values())


def grouped(raters: list[int], team: int = 40, cities: tuple[int, ...] = (24, 10, 6)) -> AnnotationSet:
    """One item, labelled by the given people; 24 live in A, 10 in B, 6 in C. Other items are labelled by everybody."""
    rows = [("i0", who) for who in raters] + [("i1", who) for who in range(team)]
    table = pd.DataFrame(rows, columns=["item_id", "annotator_id"]).astype(str).assign(label="no")
    people = pd.DataFrame({"annotator_id": [str(n) for n in range(team)], "city": np.repeat(list("ABC"), cities)})
    items = pd.DataFrame({"item_id": ["i0", "i1"], "text": ["remark one", "remark two"]})
    return AnnotationSet.from_tables(Tables(table, items, people, SCALES["nominal"]), "cities")


@pytest.mark.parametrize(
    ("raters", "said"),
    [
        ([0, 1, 2, 3, 4, 5], "city=B (0 of 6 raters)"),  # B and C are missing, B is larger
        ([0, 1, 2, 24, 25], "city=C (0 of 5 raters)"),  # A has 3 of 3.6, C none of .9
        ([0, 24, 34, 35, 36, 37], "city=A (1 of 6 raters)"),
        ([0, *range(24, 29), 34], "city=A (1 of 7 raters)"),  # A has 1 of 4.8, C 1 of 1.2
    ],
)
def test_who_lacks_most_of_what_their_number_deserves_is_asked_and_not_the_largest_group(raters, said):
    assert asked(grouped(raters), np.zeros(40, bool))[0] == said


def test_nobody_is_asked_where_everybody_answered():
    assert asked(grouped([0, 1]), np.zeros(40, bool))[1] == ""


def test_suspects_are_neither_asked_nor_raters():
    made = grouped([0, 1, 2, 3, 24, 34])
    assert asked(made, np.zeros(40, bool))[0] == "city=B (1 of 6 raters)"
    suspect = np.isin(np.arange(40), [24])
    assert asked(made, suspect)[0] == "city=B (0 of 5 raters)"
    most = np.isin(np.arange(40), range(24, 30))  # fewer than 5 of B are left
    assert asked(made, most)[0] == "city=A (4 of 5 raters)"


def test_labels_of_suspects_count_nowhere():
    made = annotations(count=20, careless=3)
    suspect = np.isin(made.annotators["annotator_id"], ["worker-0", "worker-1", "worker-2"])
    kept = made.annotations[~suspect[made.annotator_index]].reset_index(drop=True)
    without = items(replace(made, annotations=kept))
    found = items(made, suspect=suspect).set_index("item_id").loc[without["item_id"]].reset_index()
    columns = ["item_id", "raters", "disagreement", "gain", "lacking"]
    pd.testing.assert_frame_equal(found[columns], without[columns])


def test_items_that_lack_a_group_come_first():
    made = grouped([0, 1, 2, 3, 24, 34])
    assert lacking(made, np.zeros(40, bool))[0] == pytest.approx(max(24 / 40 - 4 / 7, 10 / 40 - 1 / 7, 6 / 40 - 1 / 7))
    only_a = grouped([0, 1, 2, 3, 4, 5])
    assert lacking(only_a, np.zeros(40, bool))[0] == pytest.approx(10 / 40)
    for first in ("i0", "i1"):  # labelled by men alone, the other by women, too; the same labels
        second = "i1" if first == "i0" else "i0"
        rows = [(first, f"p{who}") for who in range(12, 20)] + [(second, f"p{who}") for who in range(8, 16)]
        table = pd.DataFrame(rows, columns=["item_id", "annotator_id"]).assign(label=["no", "yes"] * 8)
        everybody = pd.DataFrame({"item_id": "i2", "annotator_id": [f"p{who}" for who in range(30)], "label": "no"})
        people = pd.DataFrame({"annotator_id": everybody["annotator_id"], "gender": ["Woman"] * 12 + ["Man"] * 18})
        texts = pd.DataFrame({"item_id": ["i0", "i1", "i2"], "text": ["one", "two", "three"]})
        made = AnnotationSet.from_tables(
            Tables(pd.concat([table, everybody], ignore_index=True), texts, people, SCALES["nominal"]), "gendered"
        )
        found = items(made)
        assert found["item_id"].tolist() == [first, second, "i2"]
        assert found["gain"].iloc[0] == pytest.approx(found["gain"].iloc[1])


def test_what_is_inferred_is_what_the_posterior_says():
    made = annotations(count=4)
    posterior = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [np.nan] * 3, [1, 0, 0]])
    table = items(made, posterior).sort_values("item")
    assert table["inferred"].fillna("?").tolist() == ["no", "yes", "?", "no"]
    np.testing.assert_allclose(table["probability"], [0.7, 0.8, np.nan, 1])
    expected = [entropy(row) / np.log(3) for row in posterior]
    np.testing.assert_allclose(table["posterior_entropy"], expected, atol=1e-12)
    assert items(made)[["inferred", "probability", "posterior_entropy"]].isna().all(axis=None)


def test_ratings_differ_by_their_standard_deviation():
    made = annotations("interval", count=10)
    table = items(made).sort_values("item")
    spread = made.annotations.astype({"label": float}).groupby("item_id")["label"].std()
    np.testing.assert_allclose(table["disagreement"], spread[table["item_id"]])


def test_predicted_disagreement_is_that_of_two_people_drawn_by_the_model():
    made = annotations(count=2)
    p = np.array([[0.5, 0.3, 0.2], [np.nan] * 3])
    table = items(made, predicted=p).sort_values("item")
    pairs = [p[0, a] * p[0, b] for a in range(3) for b in range(3) if a != b]
    np.testing.assert_allclose(table["predicted"], [sum(pairs), np.nan])


def test_small_panels_name_who_has_not_labelled_an_item_and_nobody_suspected():
    made = annotations(count=10, team=6, raters=4)
    first = set(made.annotator_index[made.item_index == 0] + 1)
    missing = sorted(set(range(1, 7)) - first)
    nobody = asked(made, np.zeros(6, bool))
    assert nobody[0] == ", ".join(f"annotator {number}" for number in missing)
    suspect = np.arange(6) == missing[0] - 1
    assert asked(made, suspect)[0] == f"annotator {missing[1]}"
