"""Tables of a comparison: numbers, names with any characters, and every style."""

import io
import re

import numpy as np
import pandas as pd
import pytest

from perspectives.reports.tables import FORMATS, number, render

METRICS = ["individual/macro_f1", "soft/cross_entropy"]


NAMES = ("class_prior", "majority", "oracle_majority")


def long_table(names=NAMES, **changes) -> pd.DataFrame:
    """Three entries and two metrics as `tables.table` makes them; `changes` replace columns of the first metric."""
    kinds = ["prior", "model", "oracle"]
    first = pd.DataFrame({"entry": names, "kind": kinds, "metric": METRICS[0], "value": [0.5, 0.6254, 0.9]})
    first = first.assign(low=first["value"] - 0.02, high=first["value"] + 0.02, seeds=1, seed_sd=np.nan, folds=1)
    first = first.assign(difference=[-0.1254, np.nan, 0.2746], difference_low=[-0.15, np.nan, 0.25])
    first = first.assign(difference_high=[-0.1, np.nan, 0.3], p=[0.001, np.nan, 0.001], p_holm=[0.001, np.nan, np.nan])
    second = first.assign(metric=METRICS[1], value=[1.2, 1.1, 0.3], low=np.nan, high=np.nan, difference=9.0)
    return pd.concat([first.assign(**changes), second], ignore_index=True)


def rendered(style: str, long: pd.DataFrame | None = None, baseline: str | None = "majority") -> str:
    return render(long_table() if long is None else long, METRICS, baseline, style, ["A note on 100 % of it."])


def cells(text: str, start: str) -> list[str]:
    """The cells of the Markdown row that begins with `start`."""
    (row,) = (line for line in text.splitlines() if line.startswith(f"| {start}"))
    return [cell.strip() for cell in row.strip("|").split("|")]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((0.1234, ".123"), (-0.1236, "-.124"), (-0.0003, ".000"), (0.0, ".000"), (-0.0, ".000"), (0.9996, "1.000")),
        *((10.5, "10.500"), (-1.5, "-1.500"), (-10.25, "-10.250"), (float("nan"), "–"), (np.float64(-1e-9), ".000")),
    ],
)
def test_numbers_have_three_decimals_and_no_idle_zero(value, text):
    assert number(value) == text


def test_a_row_holds_value_half_interval_and_difference():
    text = rendered("markdown")
    assert cells(text, " |") == ["", *METRICS, "macro_f1 − majority"]
    assert cells(text, "class_prior") == ["class_prior", ".500 ± .020", "1.200", "−.125 ± .025*"]
    assert cells(text, "majority") == ["majority", ".625 ± .020", "1.100", ""]
    assert text.endswith("\n\nA note on 100 % of it.")


def test_the_star_is_for_corrected_p_below_five_percent_and_the_dagger_for_oracles():
    def difference(p: float) -> str:
        return cells(rendered("markdown", long_table(p_holm=[p, np.nan, np.nan])), "class_prior")[-1]

    assert [difference(p).endswith("*") for p in (0.049, 0.05, 0.2, np.nan)] == [True, False, False, False]
    oracle = cells(rendered("markdown"), "oracle")
    assert (oracle[0], oracle[-1]) == ("oracle_majority †", "+.275 ± .025")
    assert rendered("markdown").count("†") == 1


def test_a_difference_that_rounds_to_nothing_has_no_minus():
    tiny = long_table(difference=[-0.0003, np.nan, 0.0003])
    assert [cells(rendered("markdown", tiny), name)[-1][:5] for name in ("class", "oracle")] == ["+.000", "+.000"]


def test_without_a_baseline_there_is_no_difference():
    columns = ["difference", "difference_low", "difference_high", "p", "p_holm"]
    assert cells(rendered("markdown", long_table().drop(columns=columns), None), " |") == ["", *METRICS]


def test_the_spread_over_seeds_is_a_column_where_there_are_several():
    text = rendered("markdown", long_table(seeds=[1, 3, 1], seed_sd=[np.nan, 0.0123, np.nan]))
    assert cells(text, " |")[-1] == "sd over seeds"
    assert [cells(text, name)[-1] for name in ("class", "majority", "oracle")] == ["", ".012", ""]
    assert "sd over seeds" not in rendered("markdown")


def test_csv_is_the_long_form_with_every_column():
    long = long_table()
    pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(rendered("csv", long))), long)


@pytest.mark.parametrize("force_color", ["", "1"])
def test_names_in_brackets_stay_whole_on_the_terminal(force_color, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", force_color)
    names = ["llm[v2]", "[bold]llm[/bold]", ":smile: [/]"]
    text = rendered("text", long_table(names), "llm[v2]")
    shown = [re.split(r" +\.\d{3} ±", line)[0] for line in text.splitlines() if "±" in line]
    assert shown == [*names[:2], f"{names[2]} †"]
    assert "macro_f1 − llm[v2]" in text.splitlines()[0] + text.splitlines()[1]
    assert "\x1b" not in text
    assert text.splitlines()[-1] == "A note on 100 % of it."


def test_pipes_do_not_split_markdown_cells():
    text = rendered("markdown", long_table(["a|b", "majority", "c"]), "a|b")
    assert r"| a\|b | .500 ± .020 |" in text
    assert r"macro_f1 − a\|b |" in text.splitlines()[0]
    bars = {line.replace(r"\|", "").count("|") for line in text.splitlines() if line.startswith("|")}
    assert bars == {5}


def test_every_special_character_of_latex_is_escaped():
    name = r"[a]_b%c&d#e$f{g}h\i^j~k<l"
    text = rendered("latex", long_table([name, "majority", "o"]))
    expected = r"{[}a]\_b\%c\&d\#e\$f\{g\}h\textbackslash{}i\textasciicircum{}j\textasciitilde{}k$<$l"
    rows = text.splitlines()
    assert rows[0] == r"\begin{tabular}{lrrr}"
    assert rows[2] == r" & individual/macro\_f1 & soft/cross\_entropy & macro\_f1 $-$ majority \\"
    assert rows[4] == expected + r" & .500 $\pm$ .020 & 1.200 & $-$.125 $\pm$ .025* \\"
    assert rows[6].startswith(r"o $^\dagger$ & ")
    assert rows[-3:] == [r"\bottomrule", r"\end{tabular}", "% A note on 100 % of it."]


def test_every_format_is_rendered():
    assert len({rendered(style) for style in FORMATS}) == len(FORMATS) == 4
