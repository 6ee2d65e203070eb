"""What is planted in the generated population is found, and is gone where the link to people is broken."""

import numpy as np
import pytest
from running import train

from perspectives.evaluation.scores import Evaluation
from perspectives.predictions import Predictions

POPULATION = ["data=synthetic", "encoder=ngrams", "trainer.max_epochs=30", "trainer.batch_size=128"]
KNOWN = [*POPULATION, "data.reader.items=600", "data.reader.annotators=40"]
UNSEEN = [
    *POPULATION, "split=annotators", "data.reader.items=1200", "data.reader.annotators=240",
    "data.reader.annotations_per_item=20", "data.reader.individual_bias=0.3", "data.reader.group_bias=2.0",
]  # fmt: skip


def answers(folder, population: list[str], *overrides: str) -> Predictions:
    run = train(folder, *population, *overrides)
    (name,) = run.metrics["predictions"]
    return run.predictions("test")[name]


def score(predictions: Predictions) -> float:
    return float(Evaluation(predictions).estimates["individual/macro_f1"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("recovery")


@pytest.fixture(scope="module")
def blind(folder) -> float:
    return score(answers(folder, KNOWN, "model=softlabel"))


@pytest.mark.parametrize("model", ["multitask_shared", "jury"])
def test_models_of_people_find_their_biases_and_lose_them_when_ids_are_shuffled(folder, blind, model):
    known = score(answers(folder, KNOWN, f"model={model}"))
    shuffled = score(answers(folder, KNOWN, f"model={model}", "control=shuffled_ids"))
    assert known > blind + 0.04
    assert shuffled < known - 0.04
    assert shuffled < blind + 0.03


def test_of_people_never_seen_attributes_say_something_and_ids_nothing(folder):
    text, ids, attributes, shuffled = (
        score(answers(folder, UNSEEN, *options))
        for options in (
            ["model=jury_text"],
            ["model=jury_id"],
            ["model=jury_attributes", "model.groups=per_attribute"],
            ["model=jury_attributes", "model.groups=per_attribute", "control=shuffled_demographics"],
        )
    )
    assert abs(ids - text) < 0.02
    assert attributes > text + 0.02
    assert shuffled < attributes - 0.02


def test_predicted_and_observed_rates_agree_in_every_group(folder):
    predictions = answers(folder, KNOWN, "model=jury")
    people = predictions.annotators.iloc[predictions.annotator_index]
    positive = predictions.probabilities()[:, 1]
    for values in (people["gender"], people["region"]):
        for value in values.unique():
            rows = (values == value).to_numpy()
            if rows.sum() >= 150:
                error = 1.96 * np.sqrt(0.25 / rows.sum())
                observed = predictions.observed[rows].mean()
                assert positive[rows].mean() == pytest.approx(observed, abs=error + 0.04), value
