"""Predictions: readings, the round trip through a folder, combinations, and answers from outside."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from invented_predictions import ITEMS, PEOPLE, SCALES, made
from scipy.special import softmax

from perspectives.data.scale import Scale
from perspectives.errors import RunError
from perspectives.metrics.calibration import with_temperature
from perspectives.predictions import Predictions, average, join

# Readings. ---------------------------------------------------------------------------------------------------------


def test_each_kind_is_read_as_what_it_is():
    nominal, ordinal, interval, several = (made(kind) for kind in SCALES)
    kinds = [predictions.kind for predictions in (nominal, ordinal, interval, several)]
    assert kinds == ["categorical", "categorical", "rating", "multiple"]
    assert nominal.labels().tolist() == [int(p[1] > p[0]) for p in nominal.values]
    expected = [sum(level * p for level, p in zip(range(1, 6), row, strict=True)) for row in ordinal.values]
    np.testing.assert_allclose(ordinal.ratings(), expected, rtol=1e-6)
    np.testing.assert_array_equal(interval.ratings(), interval.values[:, 0])
    np.testing.assert_array_equal(interval.labels(), interval.ratings())
    assert several.labels().tolist() == [[float(p > 0.5) for p in row] for row in several.values]
    for predictions in (nominal, ordinal, several):
        assert predictions.probabilities().dtype == np.float64
        np.testing.assert_array_equal(predictions.probabilities(), predictions.values)
    with pytest.raises(RunError, match=r"these predictions are ratings without probabilities; use ratings\(\)"):
        interval.probabilities()
    with pytest.raises(RunError, match=r"sets of levels have no numeric mean; use probabilities\(\)"):
        several.ratings()


def test_equal_probabilities_give_the_lowest_level():
    predictions = replace(made("nominal"), values=np.full((12, 2), 0.5, np.float32))
    assert (predictions.labels() == 0).all()


def test_what_people_said_and_who_was_seen():
    predictions = made("nominal")
    assert predictions.observed.tolist() == [("no", "yes").index(label) for label in predictions.pairs["label"]]
    assert predictions.seen.tolist() == [False, True, True, True] * 3
    grid = predictions.everyone[predictions.item_index, predictions.annotator_index]
    np.testing.assert_array_equal(grid, predictions.values)
    silent = replace(predictions, pairs=predictions.pairs.drop(columns="label"))
    with pytest.raises(RunError, match="have no observed labels, so they cannot be scored"):
        _ = silent.observed


def test_answers_of_the_wrong_form_are_refused():
    predictions = made("nominal")
    with pytest.raises(RunError, match=r"predictions have shape \(12, 3\); expected \(12, 2\), \(pairs, levels\)"):
        replace(predictions, values=np.zeros((12, 3), np.float32))
    with pytest.raises(
        RunError, match=r"contain nan or infinite values; training diverged, try a smaller learning rate"
    ):
        replace(predictions, values=np.full((12, 2), np.nan, np.float32))


def test_a_selection_keeps_pairs_items_and_answers_together():
    predictions = made("nominal")
    rows = predictions.pairs["item_id"].isin(["i1", "i4"]).to_numpy() & predictions.seen
    chosen = predictions.select(rows)
    assert chosen.items["item_id"].tolist() == ["i1", "i4"]
    assert len(chosen) == rows.sum() == 3
    np.testing.assert_array_equal(chosen.everyone[chosen.item_index, chosen.annotator_index], chosen.values)
    constant = replace(predictions, everyone=np.full((1, 1, 2), 0.5, np.float32)).select(rows)
    assert constant.everyone.shape == (1, 1, 2)
    assert len(predictions.select(np.zeros(12, bool))) == 0


# On disk. ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SCALES)
@pytest.mark.parametrize("everyone", [True, False])
def test_a_saved_folder_comes_back_the_same(kind, everyone, tmp_path):
    predictions = made(kind, everyone=everyone, method="m", temperature=1.5)
    predictions.save(tmp_path / "test")
    loaded = Predictions.load(tmp_path / "test")
    assert (loaded.scale, loaded.about) == (predictions.scale, predictions.about)
    for table in ("pairs", "items", "annotators"):
        pd.testing.assert_frame_equal(getattr(loaded, table), getattr(predictions, table))
    np.testing.assert_array_equal(loaded.values, predictions.values)
    np.testing.assert_array_equal(loaded.observed, predictions.observed)
    assert loaded.same_pairs(predictions)
    assert (tmp_path / "test" / "everyone.npy").exists() == everyone
    if everyone:
        assert isinstance(loaded.everyone, np.memmap)
        np.testing.assert_array_equal(loaded.everyone, predictions.everyone)
    else:
        assert loaded.everyone is None


def test_pairs_in_any_index_keep_their_answers(tmp_path):
    predictions = made("nominal")
    moved = replace(predictions, pairs=predictions.pairs.set_index(np.arange(12)[::-1] + 5))
    moved.save(tmp_path / "test")
    loaded = Predictions.load(tmp_path / "test")
    assert loaded.pairs["item_id"].tolist() == moved.pairs["item_id"].tolist()
    np.testing.assert_array_equal(loaded.values, moved.values)


@pytest.mark.parametrize("damage", ["header", "table", "absent table", "answers", "other levels"])
def test_a_damaged_folder_is_named(damage, tmp_path):
    folder = tmp_path / "test"
    made("nominal").save(folder)
    header = json.loads((folder / "predictions.json").read_text())
    if damage == "header":
        del header["scale"]
    elif damage == "other levels":
        header["scale"]["levels"] = ["no", "perhaps"]
    elif damage == "table":
        (folder / "observed.parquet").write_bytes(b"nothing")
    elif damage == "absent table":
        (folder / "items.parquet").unlink()
    else:
        (folder / "everyone.npy").write_bytes((folder / "everyone.npy").read_bytes()[:-8])
    (folder / "predictions.json").write_text(json.dumps(header))
    with pytest.raises(RunError, match=r"test is damaged: .+; delete the run folder and run again"):
        Predictions.load(folder)


def test_a_folder_of_another_format_or_of_nothing_is_refused(tmp_path):
    made("nominal").save(tmp_path / "test")
    header = tmp_path / "test" / "predictions.json"
    header.write_text(header.read_text().replace('"format": 1', '"format": 7'))
    with pytest.raises(RunError, match=r"test has format 7, this version reads 1; run again"):
        Predictions.load(tmp_path / "test")
    header.write_text("{")
    with pytest.raises(RunError, match=r"predictions\.json is not readable JSON"):
        Predictions.load(tmp_path / "test")
    with pytest.raises(
        RunError, match=r"nowhere holds no predictions \(no predictions\.json\); give a folder that a fin"
    ):
        Predictions.load(tmp_path / "nowhere")


# Combining. --------------------------------------------------------------------------------------------------------


def test_folds_join_into_out_of_fold_predictions():
    one, two = made("ordinal", 0, fold=0, data="d"), made("ordinal", 1, first=ITEMS, fold=1, data="d")
    joined = join([one, two])
    assert joined.pairs["item_id"].tolist() == [*one.pairs["item_id"], *two.pairs["item_id"]]
    np.testing.assert_array_equal(joined.values, np.concatenate([one.values, two.values]))
    np.testing.assert_array_equal(joined.everyone[joined.item_index, joined.annotator_index], joined.values)
    assert joined.about == {"data": "d"}
    constant = replace(two, everyone=np.full((1, 1, 5), 0.2, np.float32))
    assert join([one, constant]).everyone.shape == (2 * ITEMS, PEOPLE, 5)
    assert (join([one, constant]).everyone[ITEMS:] == np.float32(0.2)).all()
    assert join([one, replace(two, everyone=None)]).everyone is None


def test_folds_that_overlap_or_differ_in_scale_are_refused():
    one, two = made("nominal"), made("nominal", first=ITEMS - 2)
    with pytest.raises(
        RunError, match=r"^4 pairs occur in more than one fold; join runs of different folds of one split"
    ):
        join([one, two])
    doubled = replace(one, pairs=one.pairs.assign(annotator_id="p0"))  # a corpus read with duplicates=keep
    assert len(join([doubled, made("nominal", first=ITEMS)])) == 24
    with pytest.raises(RunError, match=r"^1 pairs occur in more than one fold"):
        join([doubled, two.select(np.arange(12) < 2)])
    with pytest.raises(RunError, match="folds on different label scales cannot be joined"):
        join([one, made("ordinal", first=ITEMS)])


def test_folds_of_people_share_items_and_do_not_pretend_to_a_grid():
    predictions = made("nominal")
    halves = [predictions.select(mask) for mask in (predictions.seen, ~predictions.seen)]
    joined = join(halves)
    assert len(joined.items) == ITEMS
    assert joined.everyone is None
    assert sorted(joined.pairs["item_id"]) == sorted(predictions.pairs["item_id"])


@pytest.mark.parametrize("kind", SCALES)
def test_seeds_average_into_their_mean_answer(kind):
    seeds = [made(kind, seed, method="m") for seed in range(3)]
    mean = average(seeds)
    np.testing.assert_allclose(mean.values, np.mean([s.values for s in seeds], 0), atol=1e-6)
    np.testing.assert_allclose(mean.everyone, np.mean([s.everyone for s in seeds], 0), atol=1e-6)
    assert mean.values.dtype == mean.everyone.dtype == np.float32
    assert mean.about == {"method": "m"}
    assert average([seeds[0], replace(seeds[1], everyone=None)]).everyone is None
    constant = replace(seeds[1], everyone=seeds[1].everyone[:1, :1])
    assert average([seeds[0], constant]).everyone.shape == seeds[0].everyone.shape


def test_different_pairs_are_not_averaged():
    one = made("nominal")
    others = [
        made("nominal", first=1),
        one.select(one.seen),
        replace(one, pairs=one.pairs.assign(label="no")),
        replace(one, pairs=one.pairs.drop(columns="label")),
        replace(one, scale=Scale("ordinal", ("no", "yes"))),
    ]
    for other in others:
        with pytest.raises(RunError, match="predictions on different pairs cannot be averaged; give runs of one split"):
            average([one, other])


@pytest.mark.parametrize("temperature", [0.5, 3.0])
def test_calibration_divides_the_log_odds(temperature):
    predictions = made("ordinal")
    hot = predictions.calibrated(temperature)
    logits = np.log(predictions.values.astype(float))
    np.testing.assert_allclose(hot.values, softmax(logits / temperature, axis=1), atol=1e-6)
    np.testing.assert_array_equal(hot.everyone[hot.item_index, hot.annotator_index], hot.values)
    several = made("multilabel")
    odds = several.values.astype(float) / (1 - several.values.astype(float))
    expected = odds ** (1 / temperature) / (1 + odds ** (1 / temperature))
    np.testing.assert_allclose(several.calibrated(temperature).values, expected, atol=1e-6)
    assert hot.about["temperature"] == temperature
    assert hot.calibrated(2).about["temperature"] == 2 * temperature
    assert predictions.calibrated(1) is predictions
    rating = made("interval")
    assert rating.calibrated(temperature) is rating


def test_blocks_do_not_show_and_certainty_survives(monkeypatch):
    values = np.random.default_rng(0).dirichlet(np.ones(3), (50, 7)).astype(np.float32)
    values[0, 0] = [1, 0, 0]
    whole = with_temperature(values, 2.0, "categorical")
    monkeypatch.setattr("perspectives.metrics.calibration.BLOCK", 40)
    np.testing.assert_array_equal(with_temperature(values, 2.0, "categorical"), whole)
    assert np.isfinite(with_temperature(values, 0.05, "categorical")).all()
    assert np.isfinite(with_temperature(values, 0.05, "multiple")).all()
    assert with_temperature(np.empty((0, 3), np.float32), 2.0, "categorical").shape == (0, 3)
