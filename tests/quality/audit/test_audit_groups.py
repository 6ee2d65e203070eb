"""Groups and fields of the data against descriptions of their parts."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from audited import annotations

from perspectives.data.annotations import AnnotationSet
from perspectives.quality.agreement import agreement
from perspectives.quality.audit.coverage import coverage
from perspectives.quality.audit.drift import drift, moments, unread
from perspectives.quality.cohesion import cohesion

pytestmark = pytest.mark.filterwarnings("ignore:alpha is undefined")


def test_coverage_counts_people_annotations_and_items_and_pools_small_groups():
    made = annotations(count=15, raters=3)
    suspect = np.arange(30) < 6
    table = coverage(made, suspect).set_index("group")
    judging = np.unique(made.annotator_index)
    women = np.flatnonzero(made.annotators["gender"] == "Woman")
    given = np.isin(made.annotator_index, women)
    assert table.loc["Woman", "people"] == len(np.intersect1d(women, judging))
    assert table.loc["Woman", "share_of_annotations"] == pytest.approx(given.mean())
    assert table.loc["Woman", "items"] == pytest.approx(len(np.unique(made.item_index[given])) / 15)
    assert table.loc["Woman", "suspects"] == pytest.approx(suspect[np.intersect1d(women, judging)].mean())
    assert "Rare" not in table.index
    small = table[table.index.str.startswith("fewer than 5")]
    assert len(small) == 1
    assert small[["items", "suspects"]].isna().all(axis=None)
    assert table["people"].sum() == len(judging)


@pytest.mark.parametrize(("rare", "told"), [((4,), False), ((2, 2), False), ((4, 4), True)])
def test_a_row_of_small_groups_counts_people_only_where_they_are_5_or_more(rare, told):
    made = annotations(raters=10)  # enough for everybody to have labelled something
    gender = np.repeat([*(f"rare {n}" for n in range(len(rare))), "Man"], [*rare, 30 - sum(rare)])
    made = replace(made, annotators=made.annotators.assign(gender=gender))
    for table in (coverage(made, np.zeros(30, bool)), cohesion(made, ["gender"], permutations=5)):
        small = table.set_index("group").filter(regex="^fewer than 5", axis="index").iloc[0]
        if told:
            assert (small["people"], small["annotations"]) == (8, (made.annotator_index < 8).sum())
        else:
            assert small.drop(["attribute"]).isna().all()


def test_drift_is_description_of_the_parts():
    made = annotations("ordinal")
    time = pd.date_range("2024-01-01", periods=len(made), freq="h").astype(str)
    made = replace(made, annotations=made.annotations.assign(time=time))
    table = drift(made)
    assert table["field"].value_counts().to_dict() == {"time": 8, "domain": 2}
    assert table["value"].iloc[0] == "2024-01-01 00:00 to 2024-01-02 05:00"
    rain = table[table["value"] == "rain"].iloc[0]
    part = made.select((made.items["domain"] == "rain").to_numpy()[made.item_index])
    assert rain["mean"] == pytest.approx(part.annotations["label"].astype(float).mean())
    assert rain["low"] < rain["mean"] < rain["high"]
    assert (rain["pairwise"], rain["alpha"]) == (agreement(part).pairwise, agreement(part).alpha)


def timed(values) -> AnnotationSet:
    made = annotations(count=50, raters=4)
    return replace(made, annotations=made.annotations.assign(time=values))


def test_one_strange_time_among_dates_is_left_out_and_said():
    days = pd.date_range("2024-01-01", periods=200, freq="D")
    made = timed(["0", *days[1:].strftime("%Y-%m-%d")])
    table = drift(made)
    found = table[table["field"] == "time"]
    assert found["annotations"].sum() == 199
    assert found["value"].iloc[0].startswith("2024-01-02 00:00 to 2024-01-")
    assert unread(made) == (
        "1 of 200 times are no dates, nor are all of them numbers: drift over time leaves these out."
    )


def test_times_nobody_can_read_are_said():
    made = timed(["some day"] * 200)
    assert "time" not in set(drift(made)["field"])
    assert unread(made).startswith("200 of 200 times are no dates")
    assert unread(annotations()) is None


@pytest.mark.parametrize("unit", ["s", "ms"])
def test_unix_times_are_dates(unit):
    days = pd.date_range("2020-01-01 06:00", periods=200, freq="D", tz="UTC")
    numbers = days.as_unit(unit).astype(np.int64)
    for given in (numbers, numbers.astype(str)):
        made = timed(given)
        assert unread(made) is None
        assert moments(made.annotations["time"]).tolist() == days.tolist()
        first = drift(made)["value"].iloc[0]
        assert first == "2020-01-01 06:00 to 2020-01-25 06:00"


def test_other_numbers_stay_numbers():
    made = timed(np.arange(200) + 1_234_567.0)
    assert drift(made)["value"].iloc[0] == "1234567 to 1234591"
    mixed = timed(["2024-01-01", "2024-02-01 10:00"] * 100)
    assert unread(mixed) is None


@pytest.mark.parametrize(
    ("moment", "periods"),
    [
        (lambda n: pd.Timestamp("2024-01-01") + pd.Timedelta(days=n // 25), 4),  # as many as there are dates
        (lambda n: n // 25, 4),
        (lambda n: 1.7e9 + n / 2, 8),  # within one minute: names are not enough
        (lambda n: 7, None),
        (lambda n: None, None),
    ],
)
def test_periods_of_repeated_or_near_times(moment, periods):
    made = annotations(count=25, raters=4)
    made = replace(made, annotations=made.annotations.assign(time=[moment(n) for n in range(100)]))
    table = drift(made)
    table = table[table["field"] == "time"]
    assert len(table) == (periods or 0)
    assert table["annotations"].sum() == (100 if periods else 0)
    assert table["value"].is_unique
    assert not table["value"].str.contains("na|NaT", case=False).any()


def test_without_fields_nothing_drifts():
    made = annotations()
    assert drift(replace(made, items=made.items.drop(columns="domain"))).empty
