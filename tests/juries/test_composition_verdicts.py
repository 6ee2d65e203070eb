"""One composition on all items of a run, whatever the items or the rule ask for."""

from dataclasses import replace

import numpy as np
import pytest
from brute_force import juries
from invented import everything, predictions

from perspectives.errors import ConfigError
from perspectives.juries import composition_verdicts as module
from perspectives.juries.composition_verdicts import composition_verdicts
from perspectives.juries.compositions import Composition, seats
from perspectives.juries.eligibility import ItemBlock
from perspectives.juries.events import Event
from perspectives.juries.rules import Rule
from perspectives.juries.seating import seated
from perspectives.juries.verdicts import Question, verdicts

EVENTS = {"binary": None, "ordinal": "label>=3", "interval": "label>=0.6", "multilabel": "label=b"}


def asked(found, rule: str = "majority", **options) -> Question:
    kind = {"nominal": "binary"}.get(found.scale.kind, found.scale.kind)
    return Question(Event.parse(EVENTS[kind], found.scale), Rule.parse(rule), **options)


def test_seats_by_item_are_those_of_each_kind_of_item():
    found = predictions()
    text = "language=it: 3 gender=Woman; else: 2 population, 1 gender=Man"
    sat = composition_verdicts(found, Composition.parse(text), asked(found), everything(found))
    for language, part in (("it", "3 gender=Woman"), ("fr", "2 population, 1 gender=Man")):
        rows = (found.items["language"] == language).to_numpy()
        wanted = verdicts(found.everyone[rows], seated(seats(part, found.annotators)), asked(found))
        assert sat.positive[rows] == pytest.approx(wanted.positive)
    assert sat.error is None


def test_drawn_juries_lie_within_their_error_of_the_computed_ones():
    found = predictions("ordinal", items=10)
    composition = Composition.parse("3 gender=Woman, 2 population")
    exact = composition_verdicts(found, composition, asked(found), everything(found))
    drawn = composition_verdicts(found, composition, asked(found), everything(found), trials=2000, seed=1)
    error = np.sqrt(exact.positive * (1 - exact.positive) / 2000)
    assert (np.abs(drawn.positive - exact.positive) <= 4.5 * error + 1e-9).all()
    assert drawn.error.shape == (10, 1)
    again, other = (
        composition_verdicts(found, composition, asked(found), everything(found), 50, seed=seed).positive
        for seed in (3, 4)
    )
    np.testing.assert_array_equal(
        composition_verdicts(found, composition, asked(found), everything(found), 50, seed=3).positive, again
    )
    assert (again != other).any()


@pytest.mark.parametrize("rule", ["mean", "median", "median_of_means"])
def test_ratings_are_drawn_where_nothing_is_computed(rule, monkeypatch):
    """Against going through every jury of three."""
    assert (module.USUAL_TRIALS, module.TRIALS) == (10_000, {"median_of_means": 1_000})
    monkeypatch.setattr(module, "USUAL_TRIALS", 900)
    monkeypatch.setattr(module, "TRIALS", {"median_of_means": 900})
    monkeypatch.setattr("perspectives.juries.sampling.JURIES_OF_MEDIAN", 1)  # then it is the mean
    found = predictions("interval", items=4, people=6)
    sat = composition_verdicts(found, Composition.parse("3 population"), asked(found, rule), everything(found))
    bench = seats("3 population", found.annotators)
    centre = np.median if rule == "median" else np.mean
    for item in range(4):
        chance = sum(p for jury, p in juries(bench, False) if centre(found.everyone[item, list(jury), 0]) >= 0.6)
        assert sat.positive[item, 0] == pytest.approx(chance, abs=4.5 * np.sqrt(0.25 / 900))
        error = np.sqrt(sat.positive[item, 0] * sat.negative[item, 0] / 900)
        assert sat.error[item, 0] == pytest.approx(error, abs=1e-12)


@pytest.mark.parametrize("kind", EVENTS)
def test_counting_rules_are_computed_on_every_scale(kind):
    found = predictions(kind)
    sat = composition_verdicts(found, Composition.parse("3 population"), asked(found, "unanimity"), everything(found))
    votes = asked(found).event.votes(found.everyone)
    assert sat.error is None
    many = asked(found, "unanimity", replacement=True)
    again = composition_verdicts(found, Composition.parse("3 population"), many, everything(found))
    assert again.positive[:, 0] == pytest.approx(votes.mean(1) ** 3)
    assert again.negative[:, 0] == pytest.approx((1 - votes.mean(1)) ** 3)


def test_weights_are_those_of_drawing_with_replacement():
    found = predictions()
    weights = np.random.default_rng(0).random(30)
    question = asked(found, "unanimity", replacement=True)
    sat = composition_verdicts(found, Composition.parse("3 gender=Man"), question, everything(found), weights=weights)
    men = (found.annotators["gender"] == "Man").to_numpy()
    mean = np.average(found.everyone[:, men, 1], axis=1, weights=weights[men])
    assert sat.positive[:, 0] == pytest.approx(mean**3, abs=1e-6)
    for alone in (7, 7000):  # only how they compare matters
        same = composition_verdicts(
            found, Composition.parse("3 gender=Man"), question, everything(found), weights=weights * alone
        )
        assert same.positive == pytest.approx(sat.positive)


def test_weights_that_would_be_ignored_are_refused():
    found = predictions("ordinal")
    one = Composition.parse("3 population")
    with pytest.raises(ConfigError, match="weights people where they may sit several times; add replacement=true"):
        composition_verdicts(found, one, asked(found), everything(found), weights=np.ones(30))
    again = asked(found, replacement=True)
    with pytest.raises(ConfigError, match="where verdicts are computed; use a rule that counts votes, and no trials"):
        composition_verdicts(found, one, again, everything(found), trials=10, weights=np.ones(30))
    drawn = asked(found, "median_of_means", replacement=True)
    with pytest.raises(ConfigError, match="where verdicts are computed; use a rule that counts votes, and no trials"):
        composition_verdicts(found, one, drawn, everything(found), weights=np.ones(30))


@pytest.mark.parametrize("trials", [None, 20])
@pytest.mark.parametrize(
    ("kind", "rule", "said"),
    [
        ("multilabel", "plurality", "rule plurality: labels are sets of levels; use a rule that counts votes"),
        ("multilabel", "median_of_means", "rule median_of_means: labels are sets of levels; use a rule that counts"),
        (
            "interval",
            "plurality",
            "rule plurality: labels are numbers, not levels; use mean, median or a rule that counts",
        ),
        ("binary", "mean", "event 'label=rude' is not defined for a mean or median of labels; use a rule that counts"),
    ],
)
def test_rules_that_do_not_fit_the_labels_are_refused(kind, rule, said, trials):
    found = predictions(kind)
    with pytest.raises(ConfigError) as refusal:
        composition_verdicts(found, Composition.parse("3 population"), asked(found, rule), everything(found), trials)
    assert said in str(refusal.value)


def test_few_people_are_no_group_unless_named():
    found = predictions()
    everyone = everything(found)
    for text, said in (
        (
            "1 gender=Other",
            "pool gender=Other has 3 people, too few to stand for a group; use a pool of at least 5 people, or name",
        ),
        ("2 population, 1 gender=Other", "pool gender=Other has 3 people, too few to stand"),
        ("1 gender=Woman & age>60", "pool gender=Woman & age>60 has 2 people, too few to stand for a group"),
    ):
        with pytest.raises(ConfigError, match=said):
            composition_verdicts(found, Composition.parse(text), asked(found), everyone)
    composition_verdicts(
        found, Composition.parse("2 annotator=worker-007|worker-015|worker-023"), asked(found), everyone
    )
    three = [ItemBlock("", np.arange(20), np.arange(30) < 3)]
    assert not np.isnan(
        composition_verdicts(found, Composition.parse("3 population"), asked(found), three).positive
    ).any()


def test_with_several_kinds_of_items_only_those_without_people_go_without_verdict():
    found = predictions()
    women = (found.annotators["gender"] == "Woman").to_numpy()
    rows = np.arange(20)
    bench = [
        ItemBlock("x=1", rows[:5], np.ones(30, bool)),
        ItemBlock("x=2", rows[5:9], ~women),
        ItemBlock("x=3", rows[9:], women),
    ]
    sat = composition_verdicts(found, Composition.parse("6 gender=Woman"), asked(found), bench)
    assert np.isnan(sat.positive[5:9]).all()
    assert not np.isnan(np.delete(sat.positive, rows[5:9])).any()
    with pytest.raises(ConfigError, match="x=2: pool gender=Woman has 0 people, too few"):
        composition_verdicts(
            found, Composition.parse("6 gender=Woman"), asked(found), [bench[1], bench[1]._replace(items=rows[9:])]
        )


def test_one_item_and_one_juror():
    found = predictions(items=1)
    found = replace(found, everyone=found.everyone[:1])
    sat = composition_verdicts(found, Composition.parse("1 annotator=worker-004"), asked(found), everything(found))
    assert sat.positive[0, 0] == pytest.approx(found.everyone[0, 4, 1])


def test_thousands_of_people_are_judged_in_pieces(monkeypatch):
    """The same verdicts whether 4 items are looked at together or one by one."""
    found = predictions(items=4, people=8)
    wide = replace(
        found,
        annotators=found.annotators.iloc[np.resize(np.arange(8), 17_280)].reset_index(drop=True),
        everyone=np.tile(found.everyone, (1, 2160, 1)),
    )
    one = Composition.parse("12 population")
    together = composition_verdicts(wide, one, asked(found), everything(wide))
    monkeypatch.setattr("perspectives.juries.counts.CHUNK_BYTES", 1)
    np.testing.assert_array_equal(
        composition_verdicts(wide, one, asked(found), everything(wide)).positive, together.positive
    )
    again = composition_verdicts(found, one, asked(found, replacement=True), everything(found))
    assert together.positive == pytest.approx(again.positive, abs=5e-3)  # so many are drawn as if with replacement
