"""Influence in finished runs, and in encoders that were trained."""

import json

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from running import TINY, train
from trained import trained

from perspectives.config import instantiate
from perspectives.data.batches import Batches
from perspectives.data.load import load
from perspectives.errors import ConfigError, RunError
from perspectives.quality.influence.table import influence, influence_of_run
from perspectives.training.rebuilding import load_model


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("run"), "model=multitask_shared")


def parts_of(run):
    """The run's model, its corpus, the rows of its training annotations, and batches of these and of validation."""
    config = OmegaConf.create(run.config)
    annotations = load(config.data)
    split = instantiate(config.split, annotations=annotations)
    model, tokens = load_model(run, annotations.texts)
    people = model.schema.encode(annotations.annotators)
    batches = [Batches(annotations, split.rows(part), people, 16, tokens=tokens) for part in ("train", "validation")]
    return model, annotations, split.rows("train"), *batches


def test_a_row_for_each_training_annotation_with_the_loss_of_what_the_model_says(run):
    found = influence_of_run(run)
    assert list(found) == ["item_id", "annotator_id", "label", "loss", "self_influence", "influence"]
    model, annotations, rows, *_ = parts_of(run)
    asked = annotations.annotations.iloc[rows].reset_index(drop=True)
    assert found[["item_id", "annotator_id", "label"]].equals(asked[["item_id", "annotator_id", "label"]])
    (batch,) = Batches(annotations, rows, model.schema.encode(annotations.annotators), 10**6)
    with torch.no_grad():
        said = model.predict_pairs(model.encode(batch), batch.annotators, batch.item_index, batch.annotator_index)
    chance = said.gather(1, batch.label[:, None])[:, 0].numpy()[np.argsort(batch.row.numpy())]
    np.testing.assert_allclose(found["loss"], -np.log(chance), rtol=1e-4)
    assert (found["self_influence"] > 0).all()
    assert found["influence"].min() < 0 < found["influence"].max()


def test_the_target_is_the_part_asked_for(run):
    model, _, _, learned, validation = parts_of(run)
    found = influence_of_run(run, "validation", damping=0.1)["influence"]
    again = influence(model, learned, validation, damping=0.1).influence[np.argsort(learned.rows)]
    np.testing.assert_allclose(found, again, rtol=1e-6)
    assert not np.allclose(found, influence_of_run(run, "test", damping=0.1)["influence"])


def test_what_learns_from_item_labels_has_a_row_per_item(tmp_path):
    found = influence_of_run(train(tmp_path, *TINY, "model=majority"))
    assert found["annotator_id"].unique().tolist() == ["majority"]
    assert found["item_id"].is_unique


def test_runs_that_cannot_be_asked_are_refused(run, tmp_path):
    with pytest.raises(ConfigError, match="part='train' is unknown; choose validation or test"):
        influence_of_run(run, "train")
    priors = train(tmp_path, *TINY, "model=priors")
    with pytest.raises(RunError, match="holds no single trained model: priors have none"):
        influence_of_run(priors)


def test_a_run_on_other_data_is_refused(tmp_path):
    other = trained(tmp_path, "model=softlabel")
    about = json.loads((other.folder / "provenance.json").read_text())
    about["data"]["checksum"] = "0"
    (other.folder / "provenance.json").write_text(json.dumps(about))
    with pytest.raises(RunError, match="was trained on data that differ from synthetic as it is read now"):
        influence_of_run(other.folder)


@pytest.mark.parametrize("name", ["softlabel", "conditioned"])
def test_conjugate_gradients_reach_into_trained_encoders(name, tmp_path):
    model, _, _, learned, validation = parts_of(
        trained(
            tmp_path, f"model={name}", "encoder.tune=full", "data.reader.items=12", "data.reader.annotations_per_item=3"
        )
    )
    damping = 1e4  # at which the solution is the product of gradients
    found = influence(model, learned, validation, "cg", damping)
    gradients = {}
    for part in (learned, validation):
        rows = []
        for batch in part:
            logits = model.pairs(model.encode(batch), batch.annotators, batch.item_index, batch.annotator_index)
            for row, loss in zip(batch.row.tolist(), model.objective.loss(logits, batch.label), strict=True):
                slopes = torch.autograd.grad(loss, list(model.parameters()), retain_graph=True, materialize_grads=True)
                rows.append((row, torch.cat([slope.to_dense().flatten() for slope in slopes]).numpy()))
        order = {row: place for place, row in enumerate(part.rows.tolist())}
        gradients[part] = np.stack([gradient for _, gradient in sorted(rows, key=lambda pair: order[pair[0]])])
    seen, aim = gradients[learned], gradients[validation].mean(0)
    np.testing.assert_allclose(found.self_influence * damping, (seen**2).sum(1) / len(seen), rtol=0.02)
    expected = seen @ aim / len(seen)
    np.testing.assert_allclose(found.influence * damping, expected, atol=0.02 * np.abs(expected).max())
