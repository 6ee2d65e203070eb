"""The grammar of compositions: every form, on columns of every type, and every message."""

import re
from itertools import combinations_with_replacement

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perspectives.errors import ConfigError
from perspectives.juries.compositions import (
    Composition,
    apportioned,
    jurors,
    members,
    names_people,
    pools_of,
    quoted,
    seats,
    split,
)

PEOPLE = pd.DataFrame({
    "annotator_id": [f"ann-{n}" for n in range(12)],
    "gender": ["Woman"] * 6 + ["Man"] * 5 + ["unknown"],
    "race": ["White", "Black", "Black, or mixed"] * 4,
    "age": [18.0, 24, 25, 29.5, 30, 49, 50, 64, 65, 70, np.nan, 33],
    "bin": ["18-24", "25–34", "35 - 44", "45-64", ">65", "65+", "<18", "17", "unknown", "18-24", ">65", "65+"],
    "age group": ["young"] * 7 + ["old"] * 5,
    "title": ["Dr. 'X'", "a: b", 'say "hi"', " padded ", "", "a|b", "a;b", "a&b", "30..40", "5", "x", "y"],
})  # fmt: skip


def who(pool: str, people: pd.DataFrame = PEOPLE) -> list[int]:
    return np.flatnonzero(members(pool, people)).tolist()


@pytest.mark.parametrize(
    ("pool", "wanted"),
    [
        ("population", range(12)),
        ("gender=Woman", range(6)),
        ("  gender  =  Woman  ", range(6)),
        ("gender!=Woman", range(6, 12)),
        ("gender!=unknown", range(11)),
        ("race!=unknown", range(12)),  # nobody is, which is no reason to refuse
        ("gender=unknown", [11]),
        ("race=White|Black", [0, 1, 3, 4, 6, 7, 9, 10]),
        ('race="Black, or mixed"', [2, 5, 8, 11]),
        ("race='Black, or mixed'|White", [0, 2, 3, 5, 6, 8, 9, 11]),
        ("gender=Woman & race=White", [0, 3]),
        ("gender=Woman & race=White & age<20", [0]),
        ("age<30", [0, 1, 2, 3]),
        ("age<=30", [0, 1, 2, 3, 4]),
        ("age>65", [9]),
        ("age>=65.0", [8, 9]),
        ("age=30..49", [4, 5, 11]),
        ("age = 24 .. 29.5", [1, 2, 3]),
        ("age=30", [4]),
        ("age=29.5|18", [0, 3]),
        ("age=unknown", [10]),
        ("age!=unknown", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11]),
        ("annotator=ann-3", [3]),
        ("annotator=ann-3|ann-5", [3, 5]),
        ("annotator_id!=ann-3 & gender=Woman", [0, 1, 2, 4, 5]),
        ("age group=young", range(7)),
        ("title=30..40", [8]),  # a value that looks like a range
        ("title=\"Dr. 'X'\"", [0]),
        ('title=" padded "', [3]),
        ('title=""', [4]),
        ("title='say \"hi\"'", [2]),
    ],
)
def test_pools(pool, wanted):
    assert who(pool) == list(wanted)


@pytest.mark.parametrize(
    ("pool", "wanted"),
    [
        ("bin<25", [0, 6, 7, 9]),
        ("bin>=18", [0, 1, 2, 3, 4, 5, 9, 10, 11]),
        ("bin>65", [4, 10]),  # 65+ is divided: see below
        ("bin=25..64", [1, 2, 3]),
        ("bin=18..24", [0, 9]),
        ("bin<18", [6, 7]),
    ],
)
def test_bins_are_taken_whole(pool, wanted):
    people = PEOPLE[~PEOPLE["bin"].eq("65+")] if ">65" in pool else PEOPLE
    assert people.index[members(pool, people)].tolist() == wanted


@pytest.mark.parametrize(("pool", "divided"), [("bin<20", "18-24"), ("bin>65", "65+"), ("bin>=65.5", "65+")])
def test_bins_are_not_divided(pool, divided):
    with pytest.raises(ConfigError, match=rf"splits the bin '{re.escape(divided)}'; use one of its ends"):
        members(pool, PEOPLE[PEOPLE["bin"].isin(["18-24", "65+"])])


@pytest.mark.parametrize("dtype", ["object", "category", "str"])
def test_missing_values_are_unknown_whatever_the_type(dtype):
    people = pd.DataFrame({"annotator_id": list("abcdefghijkl"), "team": ["x"] * 5 + ["y"] * 5 + [None, np.nan]})
    people["team"] = people["team"].astype(dtype)
    assert pools_of("team", people) == ["team=x", "team=y"]
    assert who("team=unknown", people) == [10, 11]
    assert who("team!=unknown", people) == list(range(10))
    with pytest.raises(ConfigError, match=r"team has no order \('x' is not a number\); choose from x, y, unknown"):
        members("team<3", people)
    people["team"] = people["team"].astype(object).replace({"x": "18-24", "y": "25-34"}).astype(dtype)
    assert who("team<25", people) == list(range(5))


def test_booleans_and_numbers_with_gaps():
    people = pd.DataFrame({"annotator_id": list("abcdefghijkl")})
    people["expert"] = pd.array([True] * 5 + [False] * 6 + [None], "boolean")
    people["years"] = pd.array([*range(11), None], "Int64")
    assert pools_of("expert", people) == ["expert=False", "expert=True"]
    assert who("expert=True", people) == list(range(5))
    assert who("years>=9", people) == [9, 10]
    assert who("years=unknown", people) == [11]
    with pytest.raises(ConfigError, match="nobody has expert=maybe; choose from False, True, unknown"):
        members("expert=maybe", people)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.text("ab ,;&|:'=<>.8-", min_size=1, max_size=8))
def test_quoted_values_are_found_again(value):
    people = pd.DataFrame({"annotator_id": ["p", "q"], "x": [value, "other"]})
    assert who(f"x={quoted(value)}", people) == [0]
    (one,) = seats(f"1 x={quoted(value)}", people)
    assert one.members.tolist() == [True, False]


# Seats. ------------------------------------------------------------------------------------------------------------


def listed(text: str, people: pd.DataFrame = PEOPLE, among=None) -> list[tuple[int, str]]:
    return [(one.count, one.pool) for one in seats(text, people, among)]


def test_seats_of_one_pool_are_put_together_and_empty_ones_left_out():
    assert listed("2 gender=Woman, 3 gender=Man,1  gender = Woman, 0 race=White") == [
        (3, "gender=Woman"), (3, "gender=Man"),
    ]  # fmt: skip
    assert jurors("2 gender=Woman, 3 gender=Man,1  gender = Woman, 0 race=White") == 6


def test_pools_of_nobody_keep_their_names():
    found = seats("1 gender=Woman, 2 gender=Man", PEOPLE, np.zeros(12, bool))
    assert [(one.count, one.pool) for one in found] == [(1, "gender=Woman"), (2, "gender=Man")]


def test_only_those_among_are_drawn():
    among = np.arange(12) % 2 == 0
    (one,) = seats("2 gender=Woman", PEOPLE, among)
    assert np.flatnonzero(one.members).tolist() == [0, 2, 4]


def test_seats_in_proportion_are_given_by_largest_remainder():
    """Of all whole seats, largest remainder comes closest to the exact shares (Pólya 1918)."""
    visited = 0
    for people in combinations_with_replacement(range(1, 8), 3):
        for count in range(8):
            exact = count * np.array(people) / sum(people)
            given = apportioned(count, people)
            ways = [(a, b, count - a - b) for a in range(count + 1) for b in range(count + 1 - a)]
            assert np.square(given - exact).sum() == pytest.approx(min(np.square(w - exact).sum() for w in ways))
            visited += 1
    assert visited == 84 * 8


def test_of_equal_remainders_the_first_gain():
    assert apportioned(2, [4, 7, 1]) == [1, 1, 0]
    assert apportioned(4, [1, 1, 1]) == [2, 1, 1]
    assert apportioned(5, [4, 7, 4]) == [2, 2, 1]  # 4/3, 7/3, 4/3: equal remainders, unequal in floating point
    assert apportioned(1, [5, 5]) == [1, 0]


def test_proportional_and_balanced_seats_skip_the_unknown_and_the_few():
    people = pd.DataFrame({"gender": ["unknown"] * 9 + ["Man"] * 8 + ["Woman"] * 6 + ["Rare"] * 4})
    people["annotator_id"] = people.index.astype(str)
    assert listed("12 proportional gender", people) == [(7, "gender=Man"), (5, "gender=Woman")]
    assert listed("13 balanced gender", people) == [(7, "gender=Man"), (6, "gender=Woman")]
    assert listed("4 balanced age group", PEOPLE) == [(2, "age group=young"), (2, "age group=old")]
    with pytest.raises(ConfigError, match="gender has 1 values that 5 people or more share, and a jury needs two"):
        seats("12 balanced gender", people, np.arange(27) < 20)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "seats '' are not understood; write a number and a pool, like 6 gender=Woman"),
        ("gender=Woman", "seats 'gender=Woman' are not understood"),
        ("-2 gender=Woman", "seats '-2 gender=Woman' are not understood"),
        ("6 gender=Woman,", "seats '' are not understood"),
        ("0 gender=Woman", "'0 gender=Woman' has no seats; write for example 12 population"),
        ("6 women", "pool 'women' is not understood; write it like gender=Woman & age<30, or population"),
        ("6 gender=Woman & white", "pool 'gender=Woman & white' is not understood"),
        ("6 gender=Woman & race=Black & age>60", "pool 'gender=Woman & race=Black & age>60' is empty: nobody meets"),
        ("6 age>100", "pool 'age>100' is empty"),
        ("6 race='Black", "the quote ' is not closed; put a value that contains one into the other kind"),
        ("6 gender=Cat", "nobody has gender=Cat; choose from Woman, Man, unknown"),
        ("6 age=19", "nobody has age=19; its values lie between 18 and 70"),
        ("6 annotator=me", "nobody has annotator=me; there are 12 annotators; `annotators.parquet` of the predictions"),
        ("6 party=x", "these annotators have no attribute 'party'; choose from gender, race, age, bin, age group"),
        ("6 age<young", "age<young: compare with a number, or use age=…"),
        ("6 age<nan", "age<nan: compare with a number"),
        ("6 age=1..2..3", "nobody has age=1..2..3"),
        ("6 race<3", "race has no order ('Black' is not a number); choose from"),
        ("6 balanced age", "age is a number (18 to 70); give ranges, such as age<30, age>=30"),
        ("6 balanced", "these annotators have no attribute ''"),
        ("6 balanced bin", "bin has 0 values that 5 people or more share, and a jury needs two to vary"),
    ],
)  # fmt: skip
def test_seats_that_make_no_jury_are_refused(text, said):
    with pytest.raises(ConfigError) as refusal:
        seats(text, PEOPLE)
    assert said in str(refusal.value)


def test_ids_are_never_listed():
    with pytest.raises(ConfigError) as refusal:
        seats("1 annotator=ann-99", PEOPLE)
    assert not re.search(r"ann-\d(?!9)", str(refusal.value))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("6 home region=North, 6 home region=South", ["home region"]),
        ("6 gender=Woman & age<30, 6 population", ["gender", "age"]),
        ("12 proportional home region", ["home region"]),
        ("12 balanced gender", ["gender"]),
        ("6 population, 6 annotator=ann-1", []),
        ("language=it: 12 age<40; else: 12 gender=age", ["gender", "age"]),
    ],
)
def test_attributes_that_decide_who_sits(text, named):
    columns = ["annotator_id", "gender", "home region", "age", "population"]
    assert Composition.parse(text).attributes(pd.DataFrame(columns=columns)) == named


def test_without_attributes_people_and_everyone_remain():
    with pytest.raises(ConfigError, match="no attribute 'gender'; use annotator or population"):
        members("gender=Woman", PEOPLE[["annotator_id"]])


@pytest.mark.parametrize(
    ("pool", "named"),
    [
        ("annotator=ann-3", True),
        ("gender=Woman & annotator_id=ann-3|ann-4", True),
        ("population", False),
        ("annotator!=ann-3", False),  # everyone but one is a group
        ("annotator_gender=Woman", False),
        ("race=annotator", False),
    ],
)
def test_which_pools_name_people(pool, named):
    assert names_people(pool) == named


# By item. ----------------------------------------------------------------------------------------------------------

ITEMS = pd.DataFrame(
    {"item_id": [4, 5, 6, 7], "text": "tea", "language": ["it", "fr", None, "it"], "n": [1.0, 2, 3, 1]}
)


def rows(text: str) -> list[tuple[list[int], str]]:
    return [(found.tolist(), seats) for found, seats in Composition.parse(text).seats_for(ITEMS)]


def test_seats_by_item():
    assert rows("12 population") == [([0, 1, 2, 3], "12 population")]
    assert rows(" 6 age<30,\n 6 age>=30 ;") == [([0, 1, 2, 3], "6 age<30,\n 6 age>=30")]
    assert rows("language=it: 2 age<40; else: 12 population") == [([0, 3], "2 age<40"), ([1, 2], "12 population")]
    assert rows('n=1: 1 x; language="fr"|: 2 x; 3 x'.replace("|", "")) == [([0, 3], "1 x"), ([1], "2 x"), ([2], "3 x")]
    assert rows("language=unknown: 1 x; else: 2 x")[0] == ([2], "1 x")
    assert rows("n=1: 1 x; language=it: 2 x; else: 3 x")[1] == ([], "2 x")  # the first that fits


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a composition needs seats, for example 6 gender=Woman, 6 gender=Man"),
        ("12 x; 6 y", "seats after those for all items are never used; put the latter last"),
        ("it: 12 x", "write language=it, or else, before the colon"),
        ("language=: 12 x", "write language=it, or else, before the colon"),
        ("language=it: 12 x", "leaves out 2 items; add else: …"),
        ("topic=it: 12 x", "items have no attribute 'topic'; choose from language, n"),
        ("text=tea: 12 x", "items have no attribute 'text'; choose from language, n"),
        ("language=de: 12 x; else: 1 x", "no item has language=de; choose from fr, it, unknown"),
    ],
)
def test_items_nothing_is_said_of_are_refused(text, said):
    with pytest.raises(ConfigError) as refusal:
        rows(text)
    assert said in str(refusal.value)


def test_items_of_which_nothing_is_known():
    with pytest.raises(ConfigError, match="no attribute 'n'; they have a text and nothing else"):
        Composition.parse("n=1: 2 x; else: 1 x").seats_for(ITEMS[["item_id", "text"]])


@pytest.mark.parametrize(
    ("text", "blind", "largest"),
    [
        ("6 gender=Woman, 6 gender=Man", "12 population", 12),
        ("language=it: 2 a=b, 4 c=d; else: 6 population", "6 population", 6),
        ("language='i t;': 3 a=b; else: 5 a=c", 'language="i t;": 3 population; else: 5 population', 5),
    ],
)
def test_a_population_of_the_same_size_stands_beside_it(text, blind, largest):
    composition = Composition.parse(text)
    assert (composition.blind().text, composition.jurors) == (blind, largest)
    assert composition.blind().blind().text == blind


def test_separators_within_quotes_part_nothing():
    assert split("a, 'b, c', \"d, 'e\"", ",") == ["a", " 'b, c'", ' "d, \'e"']
