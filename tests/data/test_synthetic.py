"""The generated population has the structure it documents, checked against other libraries and from its own truth."""

import inspect
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import yaml
from scipy import integrate, stats
from sklearn.metrics import f1_score

from perspectives.data.annotations import AnnotationSet
from perspectives.data.synthetic import (
    BASE,
    GROUP_EFFECTS,
    SAMPLE,
    SPREAD,
    Options,
    Population,
    Truth,
    generate,
    ordered_logit,
    read,
    write_sample,
)
from perspectives.data.synthetic_text import MAX_ITEMS, SARCASTIC_OPENINGS, TOPICS, compose
from perspectives.errors import ConfigError

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def population() -> Population:
    return generate()


def expected_macro_f1(truth: Truth, predicted: np.ndarray) -> float:
    """Macro-F1 over the observed pairs in expectation over labels: every level counts with its exact probability."""
    pairs, levels = truth.probability.shape
    true = np.tile(np.arange(levels), pairs)
    return f1_score(true, predicted.repeat(levels), sample_weight=truth.probability.ravel(), average="macro")


def best_blind_macro_f1(truth: Truth) -> float:
    """The best macro-F1 from the true rate of each item, over ways to weigh annotators and over thresholds."""
    everyone = truth.everyone(expressible=True)[:, :, 1]
    workload = np.bincount(truth.annotator_index, minlength=everyone.shape[1])
    rates = [everyone.mean(1), np.average(everyone, axis=1, weights=workload)]
    predictions = [rate[truth.item_index] >= threshold for rate in rates for threshold in np.linspace(0.2, 0.8, 25)]
    return max(expected_macro_f1(truth, prediction.astype(int)) for prediction in predictions)


# What models can find. ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_knowing_the_annotator_beats_any_annotator_blind_rule(seed):
    truth = generate(seed=seed).truth
    personal = expected_macro_f1(truth, truth.expressible.argmax(1))
    assert personal - best_blind_macro_f1(truth) > 0.08
    assert expected_macro_f1(truth, truth.probability.argmax(1)) > personal  # the hidden part is out of reach


def test_without_biases_there_is_nothing_to_gain_from_knowing_the_annotator():
    truth = generate(group_bias=0, individual_bias=0, careless=0, hidden=0).truth
    assert expected_macro_f1(truth, truth.expressible.argmax(1)) == pytest.approx(best_blind_macro_f1(truth), abs=0.01)


def test_a_logistic_regression_recovers_the_planted_group_effects():
    annotations, truth = generate(items=2500, individual_bias=0, careless=0, hidden=0, seed=3)
    people = truth.attributes
    members = {
        "age>=50": people["age"] >= 50,
        "age<30": people["age"] < 30,
        "gender=Woman": people["gender"] == "Woman",
        "region=North": people["region"] == "North",
        "region=South": people["region"] == "South",
    }
    features = truth.features.iloc[truth.item_index].reset_index(drop=True)
    shared = ["strictness", "tone", "sarcasm", "second_person", "demand"]
    columns = [features[name] for name in shared]
    columns += [features[f] * members[g].to_numpy()[truth.annotator_index] for g, f, _ in GROUP_EFFECTS]
    fitted = sm.Logit(annotations.labels, np.column_stack(columns)).fit(disp=False)
    planted = [BASE[name] for name in shared] + [effect for _, _, effect in GROUP_EFFECTS]
    assert len(planted) == 10
    assert (np.abs(fitted.params - planted) < 4 * fitted.bse).all()
    assert (fitted.bse < 0.15).all()  # tight enough to notice an effect of the wrong size


def test_individual_biases_have_the_documented_spread():
    deviations = generate(items=10, annotators=2000, individual_bias=0.5).truth.individual_bias
    ratio = deviations.std() / (0.5 * pd.Series(SPREAD))
    assert ratio.between(0.93, 1.07).all()  # 4 standard errors of a standard deviation of 2000 draws
    assert np.abs(deviations.corr().to_numpy() - np.eye(len(SPREAD))).max() < 0.1


# The truth. ---------------------------------------------------------------------------------------------------------


def test_ordered_logit_is_a_difference_of_logistic_distribution_functions():
    cutpoints = np.array([-1.5, 0.2, 3.0])
    bounds = np.concatenate([[-np.inf], cutpoints, [np.inf]])
    for score in (-4.0, 0.0, 1.3):
        np.testing.assert_allclose(
            ordered_logit(np.array(score), cutpoints), np.diff(stats.logistic.cdf(bounds - score))
        )


@pytest.mark.parametrize("levels", [2, 3, 5, 7])
def test_probabilities_are_distributions_that_the_labels_follow(levels):
    annotations, truth = generate(levels=levels, items=1500)
    for table in (truth.probability, truth.expressible, truth.everyone(), truth.everyone(expressible=True)):
        np.testing.assert_allclose(table.sum(-1), 1)
        assert table.min() >= 0
    observed = annotations.indicator()
    fifth = pd.qcut(truth.probability[:, -1], 5, labels=False, duplicates="drop")
    visited = 0
    for bin_ in np.unique(fifth):
        for level in range(levels):
            p = truth.probability[fifth == bin_, level]
            z = (observed[fifth == bin_, level] - p).sum() / np.sqrt((p * (1 - p)).sum())
            assert abs(z) < 4.5
            visited += 1
    assert visited == 5 * levels


def test_expressible_is_the_integral_over_interaction_and_position():
    truth = generate(levels=3, items=60, annotators=12, hidden=1.0).truth
    everyone = truth.everyone(expressible=True)
    for item, annotator in [(0, 0), (17, 5), (59, 11)]:
        assert truth.careless[annotator] == "no"

        def middle(z, place, score=truth.score[item, annotator], drift=truth.drift[annotator]):
            low, high = stats.logistic.cdf(truth.cutpoints - score - z - drift * place)
            return (high - low) * stats.norm.pdf(z)

        exact, _ = integrate.dblquad(middle, -0.5, 0.5, -7, 7, epsabs=1e-6)
        assert everyone[item, annotator, 1] == pytest.approx(exact, abs=1e-4)
    np.testing.assert_allclose(truth.expressible, everyone[truth.item_index, truth.annotator_index])


def test_without_a_hidden_part_all_of_the_probability_is_expressible():
    truth = generate(hidden=0).truth
    np.testing.assert_allclose(truth.expressible, truth.probability)
    np.testing.assert_allclose(truth.everyone()[truth.item_index, truth.annotator_index], truth.probability)


def test_the_hidden_interaction_has_its_size_and_no_relation_to_the_readable_score(population):
    truth = population.truth
    assert truth.interaction.std(0) == pytest.approx(0.7, abs=0.1)
    relation = [np.corrcoef(truth.interaction[:, a], truth.score[:, a])[0, 1] for a in range(60)]
    assert len(relation) == 60
    assert np.abs(relation).max() < 4 / np.sqrt(800)


def test_careless_annotators_answer_at_random_or_always_the_same(population):
    annotations, truth = population
    kinds, counts = np.unique(truth.careless, return_counts=True)
    assert dict(zip(kinds.tolist(), counts.tolist(), strict=True)) == {"no": 55, "random": 2, "constant": 3}
    for annotator in np.flatnonzero(truth.careless == "constant"):
        assert len(np.unique(annotations.labels[annotations.annotator_index == annotator])) == 1
    assert (truth.everyone()[:, truth.careless == "random"] == 0.5).all()
    assert np.isnan(truth.habit).all(1).tolist() == (truth.careless == "no").tolist()


def test_truth_is_aligned_with_the_annotation_set(population):
    annotations, truth = population
    np.testing.assert_array_equal(truth.item_index, annotations.item_index)
    np.testing.assert_array_equal(truth.annotator_index, annotations.annotator_index)
    assert truth.score.shape == (len(annotations.items), len(annotations.annotators))
    assert (truth.features[list(TOPICS)].idxmax(axis=1).to_numpy() == annotations.items["domain"].to_numpy()).all()


# The design and the people. -----------------------------------------------------------------------------------------


def test_every_item_has_distinct_annotators_whose_workloads_differ(population):
    annotations = population.annotations
    table = annotations.annotations
    assert len(annotations) == 6400
    assert (table.groupby("item_id")["annotator_id"].nunique() == 8).all()
    workload = np.bincount(annotations.annotator_index, minlength=60)
    assert 4 <= (workload < 30).sum() <= 8  # a tenth of the people is rare
    assert np.median(workload) > 90
    assert workload.max() > 1.5 * np.median(workload)


def test_time_is_everyones_own_order_and_position_spans_it(population):
    annotations, truth = population
    people = annotations.annotations.groupby("annotator_id")
    assert all(sorted(time) == list(range(len(time))) for _, time in people["time"])
    position = pd.Series(truth.position).groupby(truth.annotator_index).agg(["min", "max"])
    assert (position["min"] == -0.5).all()
    assert (position["max"] == 0.5).all()
    single = generate(items=1, annotators=3, annotations_per_item=3).truth
    assert (single.position == 0).all()


def test_published_attributes_are_the_true_ones_with_some_unknown():
    annotations, truth = generate(items=10, annotators=2000)
    published = annotations.annotators
    for name in ("gender", "age", "region"):
        unknown = published[name].isna() if name == "age" else published[name] == "unknown"
        assert unknown.mean() == pytest.approx(0.06, abs=4 * np.sqrt(0.06 * 0.94 / 2000))
        assert (published.loc[~unknown, name] == truth.attributes.loc[~unknown, name]).all()
    assert set(truth.attributes["region"]) == {"North", "East", "South", "West"}
    assert set(truth.attributes["gender"]) == {"Woman", "Man", "Non-binary"}
    assert truth.attributes["age"].between(18, 75).all()


@pytest.mark.parametrize(
    ("levels", "kind", "names"), [(2, "nominal", ("not_rude", "rude")), (4, "ordinal", tuple("0123"))]
)
def test_scales(levels, kind, names):
    annotations = generate(items=200, levels=levels).annotations
    assert (annotations.scale.kind, annotations.scale.levels) == (kind, names)
    assert set(annotations.annotations["label"]) == set(names)


# The texts. ---------------------------------------------------------------------------------------------------------


def test_texts_are_distinct_and_say_what_their_features_say():
    texts, content = compose(4000, np.random.default_rng(5))
    assert len(set(texts)) == 4000
    assert not any(re.search(r"[{}]|  ", text) for text in texts)
    you = [bool(re.search(r"\byour?\b", text)) for text in texts]
    assert you == (content["second_person"] == 1).tolist()
    sarcastic = [text.startswith(SARCASTIC_OPENINGS) for text in texts]
    assert sarcastic == (content["sarcasm"] == 1).tolist()
    insult = r"idiot|dumb|potato|fool|stupid|moron"
    rude = [bool(re.search(insult, text)) for text in texts]
    assert rude == (content["tone"] == 2).tolist()
    sentences = pd.Series([text.count(".") for text in texts]).where(content["tone"] != -1)
    assert sentences.groupby(content["demand"]).agg(["min", "max"]).stack().tolist() == [2, 2, 3, 3]


# Repeating, reading, refusing. --------------------------------------------------------------------------------------


def test_a_seed_gives_one_population():
    options = {"items": 50, "annotators": 10, "annotations_per_item": 4}
    first, again, other = generate(**options), generate(**options), generate(**options, seed=1)
    assert first.annotations.checksum == again.annotations.checksum
    np.testing.assert_array_equal(first.truth.probability, again.truth.probability)
    assert first.annotations.checksum != other.annotations.checksum


def test_populations_that_differ_in_biases_are_counterfactuals(population):
    other = generate(group_bias=0, individual_bias=2, hidden=0, careless=0.5).annotations
    pd.testing.assert_frame_equal(other.items, population.annotations.items)
    pd.testing.assert_frame_equal(other.annotators, population.annotations.annotators)
    unlabelled = ["item_id", "annotator_id", "time"]
    pd.testing.assert_frame_equal(other.annotations[unlabelled], population.annotations.annotations[unlabelled])
    assert (other.labels != population.annotations.labels).mean() > 0.05


def test_read_returns_what_generate_draws():
    assert inspect.signature(read).parameters == inspect.signature(Options).parameters
    options = {"items": 30, "annotators": 6, "annotations_per_item": 3, "levels": 3, "careless": 0.2, "group_bias": 0.5}
    options |= {"individual_bias": 0.6, "hidden": 0.3, "seed": 4}
    assert set(options) == set(inspect.signature(read).parameters)
    loaded = AnnotationSet.from_tables(read(**options), "synthetic")
    assert loaded.checksum == generate(**options).annotations.checksum


def test_the_shipped_configuration_states_the_defaults():
    config = yaml.safe_load((ROOT / "conf" / "data" / "synthetic.yaml").read_text(encoding="utf-8"))
    assert config["reader"].pop("_target_") == f"{read.__module__}.read"
    assert config["reader"] == {name: p.default for name, p in inspect.signature(read).parameters.items()}


def test_the_shipped_sample_is_what_write_sample_writes(tmp_path):
    write_sample(tmp_path)
    written = sorted(tmp_path.iterdir())
    assert [path.name for path in written] == ["annotations.csv", "annotators.csv", "items.csv"]
    for path in written:
        assert path.read_bytes() == (ROOT / "data" / "sample" / path.name).read_bytes()
    assert len(pd.read_csv(tmp_path / "annotations.csv")) == SAMPLE["items"] * SAMPLE["annotations_per_item"]


def test_all_options_out_of_range_are_reported_together():
    with pytest.raises(ConfigError) as caught:
        generate(
            items=0, annotators=5, annotations_per_item=6, levels=8, careless=1.5, group_bias=-1, hidden=-1, seed=-1
        )
    message = str(caught.value)
    assert "7 option(s) out of range" in message
    assert "items=0; expected a whole number from 1 to 20000" in message
    assert "annotations_per_item=6; expected at most annotators=5" in message
    assert "levels=8; expected a whole number from 2 to 7" in message
    assert "careless=1.5; expected a number from 0 to 1" in message
    assert "seed=-1; expected a whole number of at least 0" in message


@pytest.mark.parametrize(
    "bad",
    [
        {"annotators": 0},
        {"individual_bias": float("nan")},
        {"hidden": float("inf")},
        {"items": MAX_ITEMS + 1},
        {"items": "abc"},
        {"annotators": None},
        {"annotations_per_item": 2.5},
        {"seed": True},
    ],
)
def test_an_option_that_is_no_number_in_range_is_named(bad):
    (name,) = bad
    with pytest.raises(ConfigError, match=f"1 option.*\n.*{name}={bad[name]!r}; expected"):
        read(**bad)
