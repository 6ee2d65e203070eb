"""Sweeps: all compositions, what counts as a flip, and a null that keeps everything but the attribute."""

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from invented import everything, predictions
from scipy.stats import binomtest

from perspectives.errors import ConfigError
from perspectives.juries.composition_verdicts import composition_verdicts
from perspectives.juries.compositions import Composition, Seats, seats
from perspectives.juries.eligibility import ItemBlock, item_blocks
from perspectives.juries.events import Event
from perspectives.juries.results import Setting, ask_sweep
from perspectives.juries.rules import Rule
from perspectives.juries.seating import seated
from perspectives.juries.sweep import p_value, population, shuffled, simplex, sweep, sweep_pools
from perspectives.juries.verdicts import Question, verdicts

LABELS = {"binary": None, "ordinal": "label>=3", "interval": "label>=0.5", "multilabel": "label=b"}


def question(found, rule: str = "majority", **options) -> Question:
    kind = {"nominal": "binary"}.get(found.scale.kind, found.scale.kind)
    return Question(Event.parse(LABELS[kind], found.scale), Rule.parse(rule), **options)


def test_the_simplex_is_every_way_to_fill_the_seats():
    visited = 0
    for size, *most in product(range(1, 6), range(5), range(5), range(5)):
        wanted = [way for way in product(*[range(n, -1, -1) for n in most]) if sum(way) == size]
        if not wanted:
            with pytest.raises(ConfigError, match=f"all pools together have {sum(most)} people, too few for {size}"):
                simplex(size, most)
            continue
        assert simplex(size, most).tolist() == [list(way) for way in wanted]
        visited += 1
    assert visited == 555


def test_too_many_compositions_are_refused():
    with pytest.raises(ConfigError, match="30 seats from 7 pools have 1,947,792 compositions, more than 20,000"):
        simplex(30, [30] * 7)
    with pytest.raises(ConfigError, match="more than 20,000 compositions; sweep fewer pools, or smaller juries"):
        simplex(30, [29] * 7)


@pytest.mark.parametrize("kind", LABELS)
def test_a_sweep_is_its_juries_one_by_one(kind):
    found = predictions(kind)
    asked, everyone = question(found), everything(found)
    pools = sweep_pools("gender=Woman|unknown, gender=Man", found.annotators)
    swept = sweep(found, pools, 5, asked, everyone)
    assert swept.compositions.tolist() == [[n, 5 - n] for n in range(5, -1, -1)]
    for place, (women, men) in enumerate(swept.compositions):
        text = f"{women} gender=Woman|unknown, {men} gender=Man"
        alone = composition_verdicts(found, Composition.parse(text), asked, everyone)
        assert swept.verdicts.positive[:, place] == pytest.approx(alone.positive[:, 0], abs=1e-12)
        assert swept.verdicts.negative[:, place] == pytest.approx(alone.negative[:, 0], abs=1e-12)
    whole = composition_verdicts(found, Composition.parse("5 population"), asked, everyone)
    assert swept.population.positive == pytest.approx(whole.positive)


def test_a_flip_is_another_verdict_hung_ones_included():
    found = predictions(items=60)
    swept = sweep(found, sweep_pools("gender", found.annotators), 4, question(found), everything(found))

    def verdict(positive, negative):
        return "+" if positive > 0.5 else "-" if negative > 0.5 else "hung"

    everyone = [
        verdict(*one) for one in zip(swept.population.positive[:, 0], swept.population.negative[:, 0], strict=True)
    ]
    flips, seen = np.zeros_like(swept.flips), set()
    for item, place in np.ndindex(flips.shape):
        here = verdict(swept.verdicts.positive[item, place], swept.verdicts.negative[item, place])
        flips[item, place] = here != everyone[item]
        seen.add((here, everyone[item]))
    np.testing.assert_array_equal(swept.flips, flips)
    np.testing.assert_array_equal(swept.depends, flips.any(1))
    assert swept.dependent().value == pytest.approx(flips.any(1).mean())
    assert {("hung", "+"), ("hung", "-"), ("+", "hung")} <= seen


def test_renaming_people_and_reordering_items_changes_nothing():
    found = predictions("ordinal", items=15)
    random = np.random.default_rng(1)
    items, people = random.permutation(15), random.permutation(30)
    moved = replace(
        found,
        items=found.items.iloc[items].reset_index(drop=True),
        annotators=found.annotators.iloc[people].reset_index(drop=True),
        everyone=found.everyone[items][:, people],
    )
    pairs = [
        sweep(one, sweep_pools("age<30, age>=30", one.annotators), 4, question(one), everything(one))
        for one in (found, moved)
    ]
    assert pairs[1].verdicts.positive == pytest.approx(pairs[0].verdicts.positive[items], abs=1e-12)
    np.testing.assert_array_equal(pairs[1].flips, pairs[0].flips[items])
    assert pairs[1].dependent().value == pairs[0].dependent().value


def test_an_even_split_is_no_verdict_whatever_the_rounding():
    """P(positive) is 1/2 exactly in theory, for every composition and both ties."""
    found = predictions(items=3)
    found = replace(found, everyone=np.full((3, 30, 2), 0.5, np.float32))
    for tie in ("hung", "half"):
        asked = question(found, tie=tie)
        swept = sweep(found, sweep_pools("gender", found.annotators), 7, asked, everything(found))
        assert (swept.verdicts.outcome == 0).all()
        assert not swept.depends.any()


def test_models_that_ignore_who_is_asked_depend_on_nobody():
    found = predictions(blind=True)
    assert found.everyone.shape == (20, 1, 2)
    for rule in ("majority", "plurality"):
        swept = sweep(found, sweep_pools("gender", found.annotators), 5, question(found, rule), everything(found))
        assert np.ptp(swept.verdicts.positive, 1) == pytest.approx(np.zeros(20), abs=1e-12)
        assert not swept.depends.any()


# Eligibility. ------------------------------------------------------------------------------------------------------


def two_languages() -> tuple:
    """30 people, 18 of whom judge Italian items, the others French ones; too few French women for 5 seats."""
    found = predictions(items=10)
    people = found.annotators.assign(language=["it"] * 18 + ["fr"] * 12)
    french_women = (people["language"] == "fr") & (people["gender"] == "Woman")
    people.loc[french_women & (french_women.cumsum() > 3), "gender"] = "Man"
    found = replace(found, annotators=people)
    return found, item_blocks(found, "language")


def test_items_without_judges_for_a_jury_have_no_verdict():
    found, blocks = two_languages()
    swept = sweep(found, sweep_pools("gender", found.annotators), 5, question(found), blocks)
    french = (found.items["language"] == "fr").to_numpy()
    missing = np.isnan(swept.verdicts.positive)
    assert missing[french][:, swept.compositions[:, list(swept.pools).index("gender=Woman")] > 3].all()
    assert not missing[~french].any()
    assert swept.supported.all()
    judges = (found.annotators["language"] == "fr").to_numpy()
    alone = replace(found, everyone=found.everyone[:, judges], annotators=found.annotators[judges])
    for place, counts in enumerate(swept.compositions):
        text = ", ".join(f"{n} {pool}" for n, pool in zip(counts, swept.pools, strict=True))
        if not missing[french][:, place].any():
            wanted = verdicts(alone.everyone, seated(seats(text, alone.annotators)), question(found))
            assert swept.verdicts.positive[french, place] == pytest.approx(wanted.positive[french, 0], abs=1e-12)


def test_the_null_deals_people_out_to_pools_of_the_same_sizes_for_every_item():
    found, blocks = two_languages()
    pools = sweep_pools("gender", found.annotators)
    inside = np.any([pool.members for pool in pools], 0)
    seen = set()
    for draw in range(20):
        dealt = shuffled(pools, blocks, np.random.default_rng(draw))
        assert [one.pool for one in dealt] == [one.pool for one in pools]
        np.testing.assert_array_equal(np.any([one.members for one in dealt], 0), inside)
        for block in blocks:
            sizes = [[int((one.members & block.people).sum()) for one in bunch] for bunch in (pools, dealt)]
            assert sizes[0] == sizes[1]
        seen.add(dealt[0].members.tobytes())
    assert len(seen) == 20


def test_the_null_reaches_everybody_equally():
    found = predictions(people=12)
    pools = [Seats(0, "a", np.arange(12) < 4), Seats(0, "b", (np.arange(12) >= 4) & (np.arange(12) < 10))]
    random = np.random.default_rng(0)
    often = np.mean([shuffled(pools, everything(found), random)[0].members for _ in range(3000)], 0)
    assert often[:10] == pytest.approx(np.full(10, 0.4), abs=0.04)
    assert often[10:].tolist() == [0, 0]


def test_a_sweep_that_no_item_supports_is_refused():
    found = predictions(items=10)
    blocks = [
        ItemBlock("x=1", np.arange(5), np.arange(30) < 15),
        ItemBlock("x=2", np.arange(5, 10), np.arange(30) >= 15),
    ]
    pools = [Seats(0, "a", np.arange(30) < 10), Seats(0, "b", np.arange(30) >= 20)]
    with pytest.raises(ConfigError, match="no item can be judged by 12 people from these pools; use smaller juries"):
        sweep(found, pools, 12, question(found), blocks)
    short = [ItemBlock("x=1", np.arange(10), np.arange(30) < 2), ItemBlock("x=2", np.arange(0), np.arange(30) < 2)]
    with pytest.raises(ConfigError, match="x=1: pool population has 2 people but 3 seats"):
        population(found, 3, question(found), short)


@pytest.mark.parametrize(("rule", "kind"), [("median_of_means", "ordinal"), ("mean", "interval")])
def test_rules_without_an_exact_solution_are_not_swept(rule, kind):
    found = predictions(kind)
    with pytest.raises(ConfigError, match=f"rule {rule} has no exact solution for {kind} labels, and a sweep has too"):
        sweep(found, sweep_pools("gender", found.annotators), 3, question(found, rule), everything(found))


def test_p_is_the_share_of_draws_at_least_as_large_counting_what_was_found():
    null = np.array([0.1, 0.2, 0.2, 0.3])
    assert [p_value(x, null) for x in (0.05, 0.1, 0.2, 0.25, 0.4)] == [1, 1, 0.8, 0.4, 0.2]
    assert p_value(0.1 + 0.2, np.array([0.3])) == 1  # equal up to rounding
    assert p_value(0.5, np.zeros(99)) == 0.01


def test_p_is_small_no_more_often_than_it_says_where_the_attribute_means_nothing():
    """Under the null p is (nearly) uniform: p <= .25 in a quarter of corpora whose groups are drawn at random."""
    small, corpora = 0, 40
    for seed in range(corpora):
        rng = np.random.default_rng(seed)
        found = predictions(items=25, people=24, seed=seed)
        found = replace(found, annotators=found.annotators.assign(team=rng.permutation(["x"] * 16 + ["y"] * 8)))
        asked = Setting(question(found), 3)
        one = ask_sweep(
            found, [found], asked, sweep_pools("team", found.annotators), everything(found), shuffles=19, seed=seed
        )
        small += one.headline["p"] <= 0.25
    assert binomtest(small, corpora, 0.25, alternative="greater").pvalue > 1e-3
    assert small > 0


# Pools. ------------------------------------------------------------------------------------------------------------


def names(text: str, people: pd.DataFrame, among=None) -> list[str]:
    return [pool.pool for pool in sweep_pools(text, people, among)]


def test_pools_of_a_sweep():
    people = predictions(people=32).annotators
    assert names("gender", people) == ["gender=Woman", "gender=Man"]  # 4 others and 4 unknown are too few
    assert names(" age<30 , age>=30 ", people) == ["age<30", "age>=30"]
    assert names("annotator", people, np.arange(32) < 3) == ["annotator 1", "annotator 2", "annotator 3"]
    assert names("annotator=worker-001|worker-003, gender=Woman", people) == [
        "annotator=worker-001|worker-003", "gender=Woman",
    ]  # fmt: skip
    among = people["gender"].to_numpy() == "Man"
    assert [p.members.sum() for p in sweep_pools("age<30, age>=30", people, among)] == [
        (among & (people["age"] < 30)).sum(), (among & (people["age"] >= 30)).sum(),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "gender=Woman",
            "sweep=gender=Woman: a single pool leaves nothing to vary; give an attribute, or pools",
        ),
        ("gender=Woman, age<30", "people are in several pools; give pools that do not overlap"),
        (
            "gender=Woman, gender=Other",
            "pool gender=Other has 3 people, too few to stand for a group; merge pools",
        ),
        ("age", "age is a number (19 to 71); give ranges, such as age<30, age>=30"),
        ("annotator", "sweep=annotator: 30 people are too many to sweep by name; sweep an attribute"),
        ("height", "pool 'height' is not understood"),
    ],
)
def test_pools_that_cannot_be_swept_are_refused(text, said):
    with pytest.raises(ConfigError) as refusal:
        sweep_pools(text, predictions().annotators)
    assert said in str(refusal.value)


def test_an_attribute_called_like_a_person_protects_its_groups_all_the_same():
    people = predictions().annotators.assign(annotator_town=["a"] * 27 + ["b"] * 3)
    with pytest.raises(ConfigError, match="pool annotator_town=b has 3 people, too few to stand for a group"):
        sweep_pools("annotator_town=a, annotator_town=b", people)
