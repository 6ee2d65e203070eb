"""Measures of training dynamics against the definitions, written out in loops."""

import math
import statistics
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from perspectives.errors import DataError, RunError
from perspectives.quality.area_under_margin import area_under_margin
from perspectives.quality.dynamics import (
    Dynamics,
    confidence,
    correctness,
    forgetting_events,
    threshold_closeness,
    variability,
)
from perspectives.quality.visits import last_visit

NAN = float("nan")
SHAPES = array_shapes(min_dims=2, max_dims=2, max_side=8)
MARGINS = arrays(np.float64, SHAPES, elements=st.sampled_from([-2.0, -0.5, 0.0, 0.5, 2.0, NAN]))


def visits(values):
    """The visits of each annotation, as plain lists."""
    return [[x for x in column if not math.isnan(x)] for column in values.T.tolist()]


@given(MARGINS)
def test_every_measure_is_what_its_paper_says(margin):
    log_probability = -np.abs(margin)
    for column, seen in enumerate(visits(log_probability)):
        found = [
            measure(log_probability)[column] for measure in (confidence, variability, threshold_closeness, last_visit)
        ]
        p = [math.exp(x) for x in seen]
        mean = statistics.fmean(p) if p else NAN
        wanted = [mean, statistics.pstdev(p), mean * (1 - mean), seen[-1]] if seen else [NAN] * 4
        assert found == pytest.approx(wanted, nan_ok=True, abs=1e-12)
    for column, seen in enumerate(visits(margin)):
        found = [measure(margin)[column] for measure in (correctness, area_under_margin, forgetting_events)]
        right = [x > 0 for x in seen]
        forgotten = sum(now and not then for now, then in pairwise(right))
        events = forgotten if any(right) else math.inf
        wanted = [statistics.fmean(right), statistics.fmean(seen), events] if seen else [NAN] * 3
        assert found == pytest.approx(wanted, nan_ok=True, abs=1e-12)


def test_forgetting_by_hand():
    margin = np.array(
        [
            [1, 1, -1, 1, NAN, -1, NAN, 0],
            [1, -1, -1, NAN, NAN, 1, NAN, 0],
            [1, 1, -1, -1, 1, -1, NAN, 0],
            [1, -1, -1, NAN, -1, 1, NAN, 0],
        ]
    )
    assert forgetting_events(margin) == pytest.approx([0, 2, math.inf, 1, 1, 1, NAN, math.inf], nan_ok=True)


def test_one_epoch_of_nothing_is_fine_and_one_axis_is_not():
    assert confidence(np.empty((3, 0))).shape == forgetting_events(np.empty((3, 0))).shape == (0,)
    assert np.isnan(variability(np.empty((0, 2)))).all()
    with pytest.raises(DataError, match=r"are \[epoch, annotation\]; got an array of shape \(3,\)"):
        confidence(np.zeros(3))


# The store. --------------------------------------------------------------------------------------------------------


@pytest.fixture
def recorded():
    units = pd.DataFrame({"item_id": [7, 7, 8], "annotator_id": ["ä b", "c/d", "ä b"], "label": ["no", "yes", "no"]})
    random = np.random.default_rng(0)
    return Dynamics(units, *(-random.random((2, 4, 3)).astype(np.float32)))


def test_the_store_gives_back_what_it_got(recorded, tmp_path):
    recorded.save(tmp_path / "dynamics")
    found = Dynamics.load(tmp_path / "dynamics")
    assert found.log_probability.tobytes() == recorded.log_probability.tobytes()
    assert found.margin.tobytes() == recorded.margin.tobytes()
    pd.testing.assert_frame_equal(found.units, recorded.units)
    measures = found.measures()
    assert measures["loss"].to_numpy() == pytest.approx(-recorded.log_probability[-1])
    assert measures["aum"].to_numpy() == pytest.approx(recorded.margin.mean(0), rel=1e-6)


def test_what_is_no_store_is_refused(recorded, tmp_path):
    with pytest.raises(RunError, match=r"holds no training dynamics; train with dynamics=true and give <run>/dynamics"):
        Dynamics.load(tmp_path)
    recorded.save(tmp_path / "dynamics")
    path = tmp_path / "dynamics" / "recorded.safetensors"
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(RunError, match=r"is damaged: .*; delete the run folder and train again"):
        Dynamics.load(tmp_path / "dynamics")
    with pytest.raises(DataError, match=r"margin has shape \(4, 2\); expected \[epoch, 3\]"):
        Dynamics(recorded.units, recorded.log_probability, recorded.margin[:, :2])
