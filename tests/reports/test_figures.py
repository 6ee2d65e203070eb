"""Figures of a comparison: what stands where, and the same file for the same numbers."""

import sys

import numpy as np
import pandas as pd
import pytest

from perspectives.errors import ConfigError
from perspectives.reports.figures import COLORS, comparison

pytest.importorskip("matplotlib")


def long_table(metric: str, values: list[float]) -> pd.DataFrame:
    value = np.array(values)
    table = {"entry": list("abcd"), "kind": ["prior", "model", "model", "oracle"], "metric": metric, "value": value}
    return pd.concat(
        [pd.DataFrame(table).assign(low=value - 0.1, high=value + 0.2), pd.DataFrame({"metric": ["other"]})]
    )


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """Draws a comparison and gives its axes."""
    from matplotlib.figure import Figure

    def draw(*args):
        figures = []
        save = Figure.savefig
        monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (figures.append(self), save(self, *a, **k)))
        comparison(*args, tmp_path / "figure.svg")
        return figures[0].axes[0]

    return draw


def top_down(axes) -> list[str]:
    labels = sorted(zip(axes.get_yticks(), axes.get_yticklabels(), strict=True), key=lambda pair: -pair[0])
    return [label.get_text() for _, label in labels]


def test_the_best_is_on_top_whichever_way_the_metric_points(drawn):
    values = [0.3, 0.9, 0.3, 0.5]
    assert top_down(drawn(long_table("individual/macro_f1", values), "individual/macro_f1")) == ["b", "d", "a", "c"]
    assert top_down(drawn(long_table("soft/jsd", values), "soft/jsd")) == ["a", "c", "d", "b"]
    unknown = [0.3, float("nan"), 0.4, 0.5]
    assert top_down(drawn(long_table("soft/pearson", unknown), "soft/pearson"))[-1] == "b"


def test_dots_and_intervals_stand_at_their_numbers_in_the_color_of_their_kind(drawn):
    axes = drawn(long_table("soft/jsd", [0.3, 0.9, 0.4, 0.5]), "soft/jsd")
    dots = {line.get_ydata()[0]: line for line in axes.lines if len(line.get_xdata()) == 1}
    bars = {line.get_ydata()[0]: line for line in axes.lines if len(line.get_xdata()) == 2}
    assert [dots[height].get_xdata()[0] for height in range(4)] == [0.9, 0.5, 0.4, 0.3]
    np.testing.assert_allclose([bars[height].get_xdata() for height in (0, 3)], [[0.8, 1.1], [0.2, 0.5]])
    assert [dots[height].get_color() for height in (0, 1, 3)] == [COLORS[k] for k in ("model", "oracle", "prior")]
    assert axes.get_xlabel() == "soft jsd, 95 % interval"


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_the_same_numbers_give_the_same_file(ending, tmp_path):
    long = long_table("soft/jsd", [0.3, 0.9, 0.4, 0.5]).replace({"entry": {"a": "llm $x_1$ & <b>"}})
    contents = []
    for name in ("one", "two"):
        comparison(long, "soft/jsd", tmp_path / f"{name}.{ending}")
        contents.append((tmp_path / f"{name}.{ending}").read_bytes())
    assert contents[0] == contents[1]
    magic = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}
    assert contents[0].startswith(magic[ending])


def test_other_endings_are_refused_before_anything_is_drawn(tmp_path):
    with pytest.raises(ConfigError, match=r"--figure .*figure\.jpg must end in \.png, \.svg or \.pdf"):
        comparison(long_table("soft/jsd", [1, 2, 3, 4]), "soft/jsd", tmp_path / "figure.jpg")
    assert not list(tmp_path.iterdir())


def test_without_matplotlib_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ConfigError, match=r"figures need matplotlib; pip install 'perspectives\[figures\]'"):
        comparison(long_table("soft/jsd", [1, 2, 3, 4]), "soft/jsd", tmp_path / "figure.svg")
