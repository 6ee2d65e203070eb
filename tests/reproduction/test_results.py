import math

import pytest
from toys import paper

from perspectives.reproduction.measured import Measurement
from perspectives.reproduction.results import mark
from perspectives.reproduction.spec import Published
from perspectives.reproduction.tables import render

OURS = Measurement(0.5, 0.4, 0.6)


def published(value, **more):
    return Published("row", "column", "metric", value, "Table 1", **more)


@pytest.mark.parametrize(
    ("said", "tolerance", "changed", "marked"),
    [
        (None, 0.1, False, ""),
        (published(0.55), None, False, "within"),  # inside our interval
        (published(0.65), None, False, "outside"),
        (published(0.65), 0.15, False, "within"),  # at the tolerance
        (published(0.65, tolerance=0.1), 0.2, False, "outside"),  # its own wins
        (published(0.5, verified=False), 0.1, False, "not verified"),
        (published(0.5, comparable="other data"), 0.1, False, "not comparable"),
        (published(0.5), 0.1, True, "not comparable"),  # another experiment
    ],
)
def test_marks(said, tolerance, changed, marked):
    assert mark(OURS, said, tolerance, changed) == marked
    known = "" if marked in ("within", "outside") else marked  # of what is published, whatever ours is
    assert mark(Measurement(math.nan), said, tolerance, changed) == known


def test_nothing_says_how_near_is_near_enough_without_tolerance_and_interval():
    assert mark(Measurement(0.5), published(0.5), None, False) == ""
    assert mark(Measurement(0.5), published(0.5), 0.0, False) == "within"


def test_every_style_shows_values_intervals_and_what_is_published(tmp_path):
    import pandas as pd

    table = paper().tables["scores"]
    line = {
        "row": "heads", "column": "items", "metric": "macro-F1", "value": 0.7, "low": 0.6, "high": 0.8,
        "seed_sd": 0.01, "over_annotators": True, "seeds": 2, "folds": 1, "pairs": 1000, "items": 10, "annotators": 5,
        "setting": "optim.lr=0.1", "empty": "", "published": 0.5, "source": "Table 1", "note": "", "mark": "outside",
        "p_holm": 0.01, "ceiling": 0.3,
    }  # fmt: skip
    nothing = dict.fromkeys(("value", "low", "high", "published"), math.nan)
    other = nothing | {"ceiling": math.nan, "over_annotators": False, "mark": "", "setting": ""}
    rows = [
        line
        if (row, column) == ("heads", "items")
        else line | other | {"row": row, "column": column, "empty": "no data", "p_holm": math.nan, "source": ""}
        for row in table.rows
        for column in table.columns
    ]
    long = pd.DataFrame(rows)
    text = {style: render(table, long, style, "type this", []) for style in ("text", "markdown", "latex")}
    assert "| heads | .700 ± .100* (.500 ✗) | – |" in text["markdown"]
    assert (
        "- items: 1,000 pairs, 10 items, 5 annotators, up to 2 seeds, whose spread is in the CSV." in text["markdown"]
    )
    assert (
        "- ± is half a 95 % interval, over items, for individual metrics of items over annotators as well."
        in (text["markdown"])
    )
    assert "- Chosen on validation: heads, items: optim.lr=0.1." in text["markdown"]
    assert "would still score about items, macro-F1 .300 (an estimate: " in text["markdown"]
    assert "- Command: `type this`" in text["markdown"]
    assert r"heads & .700 $\pm$ .100* (.500 $\times$) & -- \\" in text["latex"]
    assert "Empty, train mean, majority of items: no data." in text["text"]
    assert "Empty, all rows of people: no data." in text["text"]
    assert render(table, long, "csv", "", []).count("\n") == len(long)
