"""The report on juries and the figures of sweeps: what they say, what they withhold, and the same file each time."""

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from invented import everything, predictions, written

from perspectives.errors import ConfigError
from perspectives.juries.events import Event
from perspectives.juries.results import JuryResult, Setting, SweepResult, ask_jury, ask_sweep, pool_rates
from perspectives.juries.sweep import sweep_pools
from perspectives.juries.verdicts import Question
from perspectives.reports.juries import pm, report
from perspectives.reports.jury_figures import figure
from perspectives.runs.joined import joined

AGES = {2: "age<30, age>=30", 3: "age<25, age=25..40, age>40", 5: "age<20, age=20..30, age=31..40, age=41..60, age>60"}


def swept(found, text: str, size: int = 4, shuffles: int = 3) -> SweepResult:
    setting = Setting(Question(Event.parse(None, found.scale)), size)
    return ask_sweep(found, [found], setting, sweep_pools(text, found.annotators), everything(found), shuffles)


def asked(found, text: str = "4 population") -> JuryResult:
    return ask_jury(found, [found], Setting(Question(Event.parse(None, found.scale)), 4), text, everything(found))


def said(found, tmp_path, text: str = "4 population", *sweeps: SweepResult) -> str:
    run = joined(written(tmp_path, found))
    return report(run, everything(found), [asked(found, text)], sweeps, [], tmp_path / "out")


def cells(printed: str, first: str) -> list[str]:
    """The words of the last line that begins with `first`."""
    return [line for line in printed.splitlines() if line.startswith(first)][-1].split()


def test_the_report_says_what_the_numbers_are(tmp_path):
    found = predictions()
    printed = said(found, tmp_path, "2 gender=Woman, 2 gender=Man")
    assert "jury, 1 fold, 1 seed: 20 items, 30 of 30 people eligible; sampled votes, jurors drawn without" in printed
    row = asked(found, "2 gender=Woman, 2 gender=Man").rows[1]
    line = " ".join(next(line for line in printed.splitlines() if "2 gender=Woman, 2 gender=Man" in line).split())
    shares = " ".join(f"{row[name]:.3f}".removeprefix("0") for name in ("p_positive", "positive", "negative", "hung"))
    assert line.startswith(f"label=rude majority 2 gender=Woman, 2 gender=Man 20 {shares} ")
    assert f"{pm(row, 'flips')} {row['reversed']:.3f}".replace(" 0.", " .") in line
    assert "hung where there is none" in printed
    assert printed.endswith(f"\n\n{tmp_path / 'out'}")


def test_small_sweeps_are_shown_whole_and_large_ones_by_their_extremes(tmp_path):
    found = predictions(items=40)
    small, large = swept(found, "gender"), swept(found, AGES[3], size=5)
    printed = said(found, tmp_path, "4 population", small)
    shown = [line.split("  ")[0] for line in printed.splitlines() if " Woman" in line or " Man" in line]
    assert [one for one in shown if one[0].isdigit()] == [
        "4 Woman", "3 Woman, 1 Man", "2 Woman, 2 Man", "1 Woman, 3 Man", "4 Man",
    ]  # fmt: skip
    assert "Above: the jury" not in printed
    printed = said(found, tmp_path / "large", "4 population", large)
    rows = [line for line in printed.splitlines() if line[:1].isdigit() and "age" in line]
    assert len(rows) == 15
    assert len(large.swept.compositions) == 21
    assert [row.split("  ")[0] for row in rows[1:4]] == ["5 age<25", "5 age=25..40", "5 age>40"]
    assert "Above: the jury in proportion to the pools, those from a single pool, and those with most flips." in printed
    flips = {row["composition"]: row["flips"] for row in large.rows}
    shown = [flips.pop(row.split("  ")[0]) for row in rows][4:]
    assert shown == sorted(shown, reverse=True)
    assert min(shown) >= max(flips.values())
    head = large.headline
    assert f"All 21 juries: on {head['dependent']:.3f}".replace("0.", ".") in printed
    assert f"p = {head['p']:.3g}." in printed


def test_items_without_a_jury_are_counted(tmp_path):
    found = predictions(items=10)
    few = everything(found)[0]._replace(name="language=it", items=np.arange(6), people=np.arange(30) < 2)
    rest = few._replace(name="language=fr", items=np.arange(6, 10), people=np.ones(30, bool))
    setting = Setting(Question(Event.parse(None, found.scale)), 4)
    one = ask_jury(found, [found], setting, "4 population", [few, rest])
    run = joined(written(tmp_path, found))
    printed = report(run, [few, rest], [one], [], [], tmp_path)
    assert "4 population: too few people are eligible for 6 items." in printed
    assert "each for items of their own language (2 values)" in printed
    items = one.items()
    assert (items["verdict"] == "").tolist() == (items["population"] == "").tolist() == [True] * 6 + [False] * 4


def test_a_sweep_leaves_out_what_nobody_can_judge():
    found = predictions(items=10)
    few = everything(found)[0]._replace(name="language=it", items=np.arange(6), people=np.arange(30) < 2)
    rest = few._replace(name="language=fr", items=np.arange(6, 10), people=np.ones(30, bool))
    setting = Setting(Question(Event.parse(None, found.scale)), 4)
    pools = sweep_pools("gender", found.annotators)
    one = ask_sweep(found, [found], setting, pools, [few, rest], shuffles=2)
    items = one.items()
    assert one.headline["items"] == 4
    assert items["depends"].isna().tolist() == [True] * 6 + [False] * 4
    assert items["moves"][:6].isna().all()
    assert items["lowest"].isna().tolist() == [True] * 6 + [False] * 4
    assert (items["population"][:6] == "").all()
    assert [row["items"] for row in one.rows] == [4] * 5


# Rates of pools. ---------------------------------------------------------------------------------------------------


def test_rates_of_pools_are_means_over_their_annotations():
    found = predictions(items=60, raters=8)
    event = Event.parse(None, found.scale)
    table = pool_rates(found, sweep_pools("gender", found.annotators), event).set_index("pool")
    pairs = found.pairs.merge(found.annotators, on="annotator_id").assign(predicted=found.values[:, 1])
    for gender in ("Woman", "Man"):
        rows, row = pairs[pairs["gender"] == gender], table.loc[f"gender={gender}"]
        assert row["pairs"] == len(rows)
        assert row["raters"] == rows["annotator_id"].nunique()
        assert row["people"] == (found.annotators["gender"] == gender).sum()
        assert row["predicted"] == pytest.approx(rows["predicted"].mean())
        assert row["observed"] == pytest.approx((rows["label"] == "rude").mean())
        assert row["difference"] == pytest.approx(row["predicted"] - row["observed"])
        assert row["difference_low"] < row["difference"] < row["difference_high"]


def test_rates_that_rest_on_few_people_are_withheld(tmp_path):
    """A pool of 12 people of whom 3 labelled anything says something about these 3."""
    found = predictions(items=12, raters=6)
    women = found.annotators.loc[found.annotators["gender"] == "Woman", "annotator_id"]
    kept = (~found.pairs["annotator_id"].isin(women) | found.pairs["annotator_id"].isin(women[:3])).to_numpy()
    found = replace(found, pairs=found.pairs[kept].reset_index(drop=True), values=found.values[kept])
    one = swept(found, "gender")
    table = one.rates.set_index("pool")
    assert table.loc["gender=Woman", "raters"] <= 3
    assert table.loc["gender=Woman", ["predicted", "observed", "difference"]].isna().all()
    assert table.loc["gender=Man", ["predicted", "observed", "difference"]].notna().all()
    assert cells(said(found, tmp_path, "4 population", one), "gender=Woman")[-3:] == ["–", "–", "–"]
    silent = replace(found, pairs=found.pairs[:0], values=found.values[:0])
    assert pool_rates(silent, one.pools, Event.parse(None, found.scale))["predicted"].isna().all()


# Figures. ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """Draws a sweep and gives its axes."""
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    figures, save = [], Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (figures.append(self), save(self, *a, **k)))

    def draw(one: SweepResult):
        figure(one, tmp_path / "figure.svg")
        return figures[-1]

    return draw


def test_two_pools_are_a_line_of_flips_and_one_of_probabilities(drawn):
    one = swept(predictions(), "gender")
    flips, positive = drawn(one).axes
    for axes, name in ((flips, "flips"), (positive, "p_positive")):
        seats, values = axes.lines[0].get_data()
        assert seats.tolist() == [0, 1, 2, 3, 4]
        assert values == pytest.approx([row[name] for row in one.rows][::-1])
    assert flips.get_xlabel() == "seats for gender=Woman, others gender=Man"
    assert drawn(one).get_suptitle().startswith("label=rude, majority of 4: verdicts that depend on who sits 0.")


@pytest.mark.parametrize("size", [1, 4])
def test_three_pools_are_a_triangle(drawn, size):
    one = swept(predictions(), AGES[3], size)
    triangle = drawn(one).axes[0]
    (dots,) = triangle.collections
    across, up = dots.get_offsets().T
    shares = one.swept.compositions / size
    corners = np.array([[0, 0], [1, 0], [0.5, np.sqrt(3) / 2]])
    np.testing.assert_allclose(np.stack([across, up], 1), shares @ corners, atol=1e-12)
    np.testing.assert_allclose(dots.get_array(), [row["flips"] for row in one.rows])
    assert dots.get_sizes()[0] <= 900
    assert [text.get_text() for text in triangle.texts] == [f"all {pool}" for pool in one.swept.pools]


@pytest.mark.parametrize(("text", "people"), [(AGES[5], 30), ("annotator", 3), ("annotator", 5)])
def test_more_pools_or_people_have_a_panel_each(drawn, text, people):
    one = swept(predictions(people=people, raters=3), text, size=2)
    panels = [axes for axes in drawn(one).axes if axes.get_visible()]
    assert [axes.get_xlabel() for axes in panels] == [f"seats for {pool}" for pool in one.swept.pools]
    table = pd.DataFrame(one.rows)
    for axes, pool in zip(panels, one.swept.pools, strict=True):
        seats, values = axes.lines[1].get_data()
        mean = table.groupby(pool)["flips"].mean()
        assert seats.tolist() == mean.index.tolist()
        assert values == pytest.approx(mean.to_numpy())


def test_the_same_numbers_give_the_same_file(tmp_path):
    pytest.importorskip("matplotlib")
    one = swept(predictions(), "gender")
    for name in ("a", "b"):
        figure(one, tmp_path / f"{name}.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_without_matplotlib_a_figure_is_refused(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ConfigError, match=r"figures need matplotlib; pip install 'perspectives\[figures\]'"):
        figure(swept(predictions(), "gender"), tmp_path / "figure.svg")
