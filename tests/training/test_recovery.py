"""What is planted in the generated population is found, and is gone where the link to people is broken."""

import numpy as np
import pytest
from running import train

from perspectives.evaluation.scores import Evaluation
from perspectives.predictions import Predictions, join

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


def rate_errors(predictions: Predictions) -> list[tuple[float, float]]:
    """Predicted minus observed rate of every group of at least 5 people, and its standard error over texts."""
    people = predictions.annotators.iloc[predictions.annotator_index].reset_index(drop=True)
    residual = predictions.probabilities()[:, 1] - predictions.observed
    found = []
    for values in (people["gender"], people["region"]):
        for value in values.unique():
            rows = (values == value).to_numpy()
            if len(np.unique(predictions.annotator_index[rows])) >= 5:
                error = residual[rows].mean()
                of_texts = np.bincount(predictions.item_index[rows], residual[rows] - error)
                found.append((error, np.sqrt((of_texts**2).sum()) / rows.sum()))
    return found


def test_predicted_and_observed_rates_agree_in_every_group_and_only_where_people_are_known(folder):
    known, blind = (
        rate_errors(join([answers(folder, KNOWN, f"model={model}", f"split.fold={fold}") for fold in range(3)]))
        for model in ("jury", "softlabel")
    )
    assert len(known) >= 6
    assert all(abs(error) < 3 * spread for error, spread in known)
    assert np.sqrt(np.mean(np.square(known), 0))[0] < np.sqrt(np.mean(np.square(blind), 0))[0] / 2
