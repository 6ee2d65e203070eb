import math
import time

import pytest

from perspectives.reproduction import progress
from perspectives.reproduction.progress import duration, left, shares, watched, whole


def test_shares_of_the_work_sum_to_one_and_unknown_jobs_count_as_usual_ones():
    assert shares([1, 3]) == [0.25, 0.75]
    assert shares([2, math.nan, 4]) == pytest.approx([2 / 9, 3 / 9, 4 / 9])
    assert shares([math.nan] * 4) == [0.25] * 4


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 s"), (99, "99 s"), (100, "2 min"), (3600, "60 min"), (7800, "2 h 10 min")]
)
def test_durations_in_words(seconds, said):
    assert duration(seconds) == said


def test_time_left_follows_the_pace_so_far():
    assert left(60, 0.25) == ", about 3 min left"
    assert left(60, 1, expected=90) == ""


def test_before_anything_is_done_the_forecast_is_told():
    assert left(60, 0) == left(60, 0, math.nan) == ""
    assert left(60, 0, whole([30, math.nan])) == ", about 60 s in one process"
    assert math.isnan(whole([math.nan]))


@pytest.fixture
def often(monkeypatch):
    monkeypatch.setattr(progress, "EVERY", 0.01)


def test_every_finished_job_is_told(capsys, often):
    done = set()
    with watched("table", [1.0, 1.0], done.__contains__):
        for job in (0, 1):
            time.sleep(0.05)
            done.add(job)
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(",")[0] for line in said] == [f"table: {n} of 2 done" for n in range(3)]
    assert said[0].endswith("about 2 s in one process")
    assert said[1].endswith("left")


def test_jobs_that_failed_are_counted_and_nothing_is_left_at_the_end(capsys, often):
    with watched("table", [1.0] * 4, {0, 1}.__contains__, {2}.__contains__):
        time.sleep(0.05)
    first, last = capsys.readouterr().err.splitlines()
    assert first.startswith("table: 2 of 4 done, 1 not, about ")
    assert last == "table: 2 of 4 done, 2 not"
