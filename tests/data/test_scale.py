"""Label scales: encoding and decoding are inverse, and scales that make no sense are refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perspectives.data.scale import Scale, level_name
from perspectives.errors import DataError


@given(st.lists(st.sampled_from(["no", "maybe", "yes"]), max_size=20))
def test_levels_round_trip(labels):
    scale = Scale("nominal", ("no", "maybe", "yes"))
    codes = scale.encode(pd.Series(labels, dtype="str"))
    assert codes.dtype == np.int64
    assert scale.decode(codes).tolist() == labels


@given(st.lists(st.sets(st.sampled_from("xyz")), max_size=20))
def test_sets_round_trip_in_level_order(labels):
    scale = Scale("multilabel", ("z", "x", "y"))
    codes = scale.encode(pd.Series(labels, dtype=object))
    assert codes.shape == (len(labels), 3)
    assert codes.dtype == np.float32
    assert scale.decode(codes).tolist() == [tuple(level for level in "zxy" if level in label) for label in labels]


@given(st.lists(st.floats(-3, 3), max_size=20))
def test_ratings_round_trip(labels):
    scale = Scale("interval", low=-3, high=3)
    assert scale.decode(scale.encode(pd.Series(labels, dtype=float))).tolist() == labels


def test_labels_off_the_scale_or_missing_have_no_code():
    nominal = Scale("nominal", ("0", "1"))
    assert nominal.encode(pd.Series(["1", "2", None, "one"])).tolist() == [1, -1, -1, -1]
    assert Scale("nominal", ("nan", "1")).encode(pd.Series(["nan", np.nan], dtype=object)).tolist() == [0, -1]
    interval = Scale("interval", low=0)
    assert np.isnan(interval.encode(pd.Series(["-0.5", "x", None, "inf"]))).all()
    assert interval.encode(pd.Series(["0", " 2.5 "])).tolist() == [0, 2.5]
    codes = Scale("multilabel", ("x", "y")).encode(pd.Series([("x",), (), ("x", "w"), "x", None], dtype=object))
    assert codes[:2].tolist() == [[1, 0], [0, 0]]
    assert np.isnan(codes[2:]).all()


def test_numbers_are_levels_by_name():
    scale = Scale("ordinal", (1, 2.0, "3"))
    assert scale.levels == ("1", "2", "3")
    assert scale.encode(pd.Series([3.0, np.nan, 1.0])).tolist() == [2, -1, 0]
    assert Scale("multilabel", (1, 2)).encode(pd.Series([np.array([2]), [1.0, 2]], dtype=object)).tolist() == [
        [0, 1],
        [1, 1],
    ]
    assert [level_name(value) for value in (3.0, np.float32(2.0), 2.5, "3.0", 7)] == ["3", "2", "2.5", "3.0", "7"]


def test_values_are_numbers_where_all_names_are_and_ranks_otherwise():
    assert Scale("ordinal", ("-5", "0", "2.5")).values.tolist() == [-5, 0, 2.5]
    assert Scale("ordinal", ("low", "high")).values.tolist() == [0, 1]


def test_size_binary_and_description():
    assert Scale.integers(1, 5) == Scale("ordinal", ("1", "2", "3", "4", "5"))
    assert [Scale.integers(0, 1).binary, Scale.integers(0, 2).binary, Scale("interval").binary] == [True, False, False]
    assert not Scale("multilabel", ("x", "y")).binary
    assert [Scale("interval").size, Scale.integers(0, 6).size] == [1, 7]
    assert Scale("interval", high=2).describe() == "a number from -inf to 2"
    assert Scale("multilabel", ("x", "y")).describe() == "a set of x, y"


@pytest.mark.parametrize(
    "scale", [Scale("interval", low=0, high=1), Scale.integers(-5, 5), Scale("multilabel", ("x", "y"))]
)
def test_dictionaries_round_trip(scale):
    assert Scale.from_dict(scale.to_dict()) == scale


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("cardinal", ("0", "1")), "scale kind 'cardinal' is unknown; choose one of nominal, ordinal, interval, multi"),
        (("nominal", ("0",)), r"a nominal scale needs at least two distinct levels; got \['0'\]"),
        (("nominal", ("1", 1.0)), r"two distinct levels; got \['1', '1'\]"),
        (("interval", ("0", "1")), "has bounds \\(low, high\\) instead of levels; use kind=ordinal for levels"),
        (("interval", (), 3, 1), "needs low below high; got low=3, high=1"),
        (("nominal", ("0", "1"), 0), "low and high are for interval scales; a nominal scale has levels only"),
        (("ordinal", ("1", "10", "2")), r"ordinal levels must go from lowest to highest; got \['1', '10', '2'\]"),
    ],
)
def test_scales_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(DataError, match=message):
        Scale(*arguments)
