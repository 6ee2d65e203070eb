"""Agreement of groups against the same measures on the groups' annotations alone, and against counting pairs."""

import itertools

import krippendorff
import numpy as np
import pandas as pd
import pytest

from perspectives.data.annotations import AnnotationSet, Tables
from perspectives.data.scale import Scale
from perspectives.errors import ConfigError
from perspectives.quality.group_agreement import between_groups, within_groups

TEAM = {f"p{n}": "red" if n < 7 else "blue" if n < 13 else "grey" for n in range(16)}


def teams(scale: Scale, seed: int = 0) -> AnnotationSet:
    """Red and blue see items differently; of the three grey people nothing may be said."""
    rng = np.random.default_rng(seed)
    seen = {team: rng.integers(3, size=50) for team in ("red", "blue", "grey")}
    rows = [
        (f"i{item}", who, seen[team][item] if rng.random() < 0.7 else rng.integers(3))
        for item, (who, team) in itertools.product(range(50), TEAM.items())
        if rng.random() < 0.6
    ]
    table = pd.DataFrame(rows, columns=["item_id", "annotator_id", "label"])
    items = pd.DataFrame({"item_id": [f"i{n}" for n in range(50)]})
    people = pd.DataFrame({"annotator_id": list(TEAM), "team": list(TEAM.values())})
    return AnnotationSet.from_tables(Tables(table, items, people, scale), "teams")


SCALES = [Scale("nominal", ("0", "1", "2")), Scale("ordinal", ("0", "1", "2")), Scale("interval")]


@pytest.mark.parametrize("scale", SCALES, ids=lambda scale: scale.kind)
def test_within_a_group_it_is_alpha_of_its_annotations(scale):
    annotations = teams(scale)
    wide = annotations.annotations.astype({"label": float}).pivot(
        index="annotator_id", columns="item_id", values="label"
    )
    found = within_groups(annotations, "team").set_index("group")
    assert found["people"].to_dict() == {"red": 7, "blue": 6, "grey": 3}
    for team in ("red", "blue"):
        own = wide.loc[[who for who in wide.index if TEAM[who] == team]]
        expected = krippendorff.alpha(reliability_data=own.to_numpy(), level_of_measurement=scale.kind)
        assert found.loc[team, "alpha"] == pytest.approx(expected)
        assert found.loc[team, "annotations"] == own.notna().sum().sum()
    assert found.loc["grey", ["pairwise", "alpha"]].isna().all()
    assert len(within_groups(annotations, "team", minimum=3).dropna()) == 3


def test_between_groups_every_pair_across_is_counted():
    annotations = teams(SCALES[0])
    table = annotations.annotations.assign(team=annotations.annotations["annotator_id"].map(TEAM))
    equal = []
    for _, rows in table.groupby("item_id"):
        red, blue = (rows.loc[rows["team"] == team, "label"] for team in ("red", "blue"))
        equal += [one == other for one, other in itertools.product(red, blue)]
    (row,) = between_groups(annotations, "team").itertuples()
    assert (row.group, row.other, row.pairs) == ("red", "blue", len(equal))
    assert row.pairwise == pytest.approx(np.mean(equal))
    assert abs(row.xrr) < 0.1 < within_groups(annotations, "team")["alpha"].iloc[0] - 0.1
    assert len(between_groups(annotations, "team", minimum=3)) == 3


def test_between_two_halves_of_one_group_it_is_as_within():
    scale = SCALES[1]
    annotations = teams(scale)
    red = annotations.select(np.array([TEAM[who] == "red" for who in annotations.annotations["annotator_id"]]))
    halves = red.annotators.assign(team=["one", "other"] * 3 + ["one"])
    both = AnnotationSet.from_tables(Tables(red.annotations, red.items, halves, scale), "halves")
    (row,) = between_groups(both, "team", minimum=3).itertuples()
    assert row.xrr == pytest.approx(within_groups(annotations, "team")["alpha"].iloc[0], abs=0.06)


def test_an_unknown_attribute():
    with pytest.raises(ConfigError, match="there is no attribute 'age'; attributes of teams: team"):
        within_groups(teams(SCALES[0]), "age")
