"""Every table of every paper, trained with a tiny encoder on invented corpora in the published formats."""

import math

import pandas as pd
import pytest
import toys
from published import write_all

from perspectives.cli import main
from perspectives.reproduction.spec import papers, read_paper

# Not every method of truth inference takes more than two levels, or has a likelihood.
UNSUITED = "does not apply"
# Undefined where one of the two is the same for all items, as for constant priors and heads that vote alike.
UNDEFINED = {"disagreement/entropy_pearson", "correlation"}


@pytest.fixture(scope="session")
def places(tmp_path_factory):
    """Data, runs and cache; shared by all papers, as some measure the same trainings."""
    folder = tmp_path_factory.mktemp("smoke")
    write_all(folder / "data")
    return {f"PERSPECTIVES_{name.upper()}": folder / name for name in ("data", "runs", "cache")}


@pytest.mark.slow
@pytest.mark.parametrize(("paper", "name"), [(paper, name) for paper in papers() for name in read_paper(paper).tables])
def test_a_table_runs_from_the_published_files_to_its_cells(paper, name, places, monkeypatch, capsys):
    for variable, folder in places.items():
        monkeypatch.setenv(variable, str(folder))
    assert main(["reproduce", paper, f"table={name}", "smoke=true"]) == 0, capsys.readouterr().out
    written = places["PERSPECTIVES_RUNS"] / "smoke" / paper / "tables"
    for ending in ("md", "tex"):
        assert (written / f"{name}.{ending}").read_text(encoding="utf-8").strip()
    table, long = read_paper(paper).tables[name], read(written / f"{name}.csv")
    assert len(long) == len(table.rows) * len(table.columns) * len(table.metrics)
    assert wrong(table, long) == []


def read(file):
    table = pd.read_csv(file)
    return table.assign(**{name: table[name].astype(object).fillna("") for name in ("empty", "mark")})


def wrong(table, long):
    """Cells that neither hold sound numbers nor were left out on purpose."""
    found = []
    for line in long.itertuples():
        why = table.why_left_out(line.row, line.column) or ""
        if table.measure is not None and line.empty == UNSUITED:
            why = UNSUITED
        may_be_nan = bool(why) or not UNDEFINED.isdisjoint(metrics(table, line.metric))
        sound = {
            "left out as specified": line.empty == why,
            "a number": math.isfinite(line.value) or (may_be_nan and math.isnan(line.value)),
            "inside its interval": math.isnan(line.low) or line.low <= line.value <= line.high,
            "measured on something": bool(why) or line.items > 0,
            "not compared with the paper": line.mark in ("", "not comparable"),
        }
        found += [f"{line.row}, {line.column}, {line.metric} is not {what}" for what, ok in sound.items() if not ok]
    return found


def metrics(table, name):
    accepted = table.metrics[name]
    return [accepted] if isinstance(accepted, str) else accepted


def test_unsound_cells_are_seen():
    table = toys.paper().tables["scores"]
    line = {"row": "heads", "column": "items", "metric": "macro-F1", "value": 0.5, "low": 0.4, "high": 0.6, "items": 9}
    line |= {"empty": "", "mark": "not comparable"}
    left_out = line | {"column": "people", "empty": "heads know nobody new", "value": math.nan, "low": math.nan}
    left_out |= {"items": 0, "mark": ""}
    assert wrong(table, pd.DataFrame([line, left_out])) == []
    unsuited = left_out | {"column": "few", "row": "ones", "metric": "count", "empty": UNSUITED}
    assert wrong(table, pd.DataFrame([unsuited | {"row": "heads", "column": "items", "metric": "macro-F1"}]))
    assert wrong(toys.paper().tables["counts"], pd.DataFrame([unsuited])) == []
    changes = [{"value": math.nan}, {"value": math.inf}, {"low": 0.55}, {"items": 0}, {"mark": "within"}]
    changes += [{"empty": "0 of 1 runs are finished"}]
    for change in changes:
        assert wrong(table, pd.DataFrame([line | change])), change
    assert wrong(table, pd.DataFrame([left_out | {"empty": ""}]))
