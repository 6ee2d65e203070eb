"""EK-FAC through kronfluence, against the same approximation written out, and against plain gradients."""

import builtins
import sys

import numpy as np
import pandas as pd
import pytest
import torch

from perspectives.data.annotations import AnnotationSet, Tables
from perspectives.data.batches import Batches
from perspectives.data.scale import Scale
from perspectives.data.schema import Schema
from perspectives.errors import ConfigError
from perspectives.models.base import Optimization
from perspectives.models.embedding import Embedding
from perspectives.models.encoder import CachedContent, Transformer
from perspectives.models.multitask import MultiTask
from perspectives.models.softlabel import SoftLabel
from perspectives.quality.influence.table import influence

DAMPING = 0.03
SPREAD = torch.nn.init.normal_


def corpus() -> AnnotationSet:
    """Texts of several lengths, each labelled by three of four people."""
    rng = np.random.default_rng(0)
    item = np.repeat(np.arange(20), 3)
    who = np.concatenate([rng.permutation(4)[:3] for _ in range(20)])
    table = pd.DataFrame({"item_id": item, "annotator_id": [f"p{n}" for n in who]})
    table["label"] = rng.choice(["no", "yes"], len(item))
    texts = pd.DataFrame({"item_id": range(20), "text": [" ".join(["tea"] * (1 + n % 5)) + f" {n}" for n in range(20)]})
    return AnnotationSet.from_tables(Tables(table, texts, None, Scale("nominal", ("no", "yes"))), "invented")


def built(cls: type, annotations: AnnotationSet, encoder=None, **options):
    """A model with random heads, on random content vectors by default."""
    encoder = encoder or CachedContent(np.random.default_rng(1).normal(size=(20, 5)).astype(np.float32))
    model = cls(encoder, Schema.of(annotations), Optimization(1e-2, 1e-4, 1e-2, 0.0, 0.0, "none", 1.0), **options)
    torch.manual_seed(3)
    for name, parameter in model.named_parameters():
        if not name.startswith("encoder."):
            SPREAD(parameter, std=0.5)
    return model.eval()


def parts(annotations: AnnotationSet, model, tokens=None) -> tuple[Batches, Batches]:
    rows, people = np.arange(len(annotations)), model.schema.encode(annotations.annotators)
    return tuple(Batches(annotations, some, people, 7, tokens=tokens) for some in (rows[:45], rows[45:]))


def test_a_linear_head_has_the_eigenvalues_of_george_et_al():
    pytest.importorskip("kronfluence")
    annotations = corpus()
    model = built(SoftLabel, annotations)
    train, target = parts(annotations, model)

    def head(batches: Batches) -> tuple[np.ndarray, np.ndarray]:
        """Inputs with a constant [annotation, 6], and probabilities of both levels."""
        vectors = model.encoder.vectors.numpy()[np.repeat(batches.items, batches.counts)].astype(float)
        vectors = (vectors - vectors.mean(1, keepdims=True)) / np.sqrt(vectors.var(1, keepdims=True) + 1e-5)
        inputs = np.c_[vectors, np.ones(len(vectors))]
        weights = torch.cat([model.head.weight, model.head.bias[:, None]], 1).detach().numpy()
        chance = np.exp(inputs @ weights.T)
        return inputs, chance / chance.sum(1, keepdims=True)

    inputs, chance = head(train)
    bend = chance[:, :, None] * (np.eye(2) - chance[:, None])
    _, of_inputs = np.linalg.eigh(inputs.T @ inputs)
    _, of_outputs = np.linalg.eigh(bend.mean(0))
    basis = np.kron(of_outputs, of_inputs)
    curvature = np.einsum("nkl,ni,nj->kilj", bend, inputs, inputs).reshape(12, 12) / len(inputs)
    eigenvalues = np.diag(basis.T @ curvature @ basis)

    def turned(batches: Batches) -> np.ndarray:
        inputs, chance = head(batches)
        slope = chance - np.eye(2)[batches.labels]
        return (slope[:, :, None] * inputs[:, None]).reshape(len(inputs), -1) @ basis

    seen, aim = turned(train), turned(target).mean(0)
    found = influence(model, train, target, "ekfac", DAMPING)
    np.testing.assert_allclose(found.self_influence, (seen**2 / (eigenvalues + DAMPING)).sum(1) / 45, rtol=1e-4)
    np.testing.assert_allclose(found.influence, (seen * aim / (eigenvalues + DAMPING)).sum(1) / 45, atol=1e-6)
    np.testing.assert_allclose(found.loss, influence(model, train).loss, rtol=1e-5)


def gradients(model, batches: Batches, names: list[str]) -> np.ndarray:
    """Of the loss of each annotation in these parameters, by as many backward passes, [annotation, parameter]."""
    found = np.empty((len(batches.rows), sum(model.get_parameter(name).numel() for name in names)))
    for batch in batches:
        logits = model.pairs(model.encode(batch), batch.annotators, batch.item_index, batch.annotator_index)
        for row, loss in zip(batch.row.tolist(), model.objective.loss(logits, batch.label), strict=True):
            slopes = torch.autograd.grad(loss, [model.get_parameter(name) for name in names], retain_graph=True)
            found[batches.rows.tolist().index(row)] = torch.cat([slope.flatten() for slope in slopes]).numpy()
    return found


@pytest.mark.parametrize("case", ["encoder", "embedding"])
def test_with_much_damping_it_is_the_product_of_gradients(case):
    pytest.importorskip("kronfluence")
    annotations = corpus()
    if case == "encoder":
        encoder = Transformer("tiny", tune="full", max_length=32)
        model = built(SoftLabel, annotations, encoder.module().eval())
        train, target = parts(annotations, model, encoder.tokens(annotations.texts))
    else:
        model = built(Embedding, annotations, combine="concat", id_width=2, deep_width=3)
        train, target = parts(annotations, model)
    layers = [name for name, layer in model.named_modules() if isinstance(layer, torch.nn.Linear)]
    names = [f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")]
    names = [name for name in names if name in dict(model.named_parameters())]
    seen, aim = gradients(model, train, names), gradients(model, target, names).mean(0)
    assert len(names) == (26 if case == "encoder" else 5)
    found = influence(model, train, target, "ekfac", 1e6)
    np.testing.assert_allclose(found.self_influence * 1e6, (seen**2).sum(1) / 45, rtol=2e-3)
    np.testing.assert_allclose(found.influence * 1e6, seen @ aim / 45, atol=2e-3 * np.abs(seen @ aim / 45).max())


def test_layers_that_no_text_passes_do_not_matter():
    pytest.importorskip("kronfluence")
    annotations = corpus()
    model = built(SoftLabel, annotations)
    train, target = parts(annotations, model)
    plain = influence(model, train, target, "ekfac", DAMPING)
    model.pooler = torch.nn.Linear(5, 5)
    with_pooler = influence(model, train, target, "ekfac", DAMPING)
    np.testing.assert_array_equal(with_pooler.self_influence, plain.self_influence)
    np.testing.assert_array_equal(with_pooler.influence, plain.influence)


def test_heads_in_a_table_are_refused():
    pytest.importorskip("kronfluence")
    annotations = corpus()
    model = built(MultiTask, annotations)
    with pytest.raises(ConfigError, match="this model trained none: its heads are rows of a table; use method=exact"):
        influence(model, *parts(annotations, model), "ekfac")


def test_without_kronfluence_the_message_says_how_to_install_it(monkeypatch):
    annotations = corpus()
    model = built(SoftLabel, annotations)
    monkeypatch.delitem(sys.modules, "perspectives.quality.influence.kronecker", raising=False)
    imported = builtins.__import__

    def absent(name, *args):
        if name.startswith("kronfluence"):
            raise ImportError(f"No module named {name!r}")
        return imported(name, *args)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(ConfigError, match=r"method=ekfac needs kronfluence .*; pip install --no-deps kronfluence==1"):
        influence(model, *parts(annotations, model), "ekfac")


def test_the_exact_method_and_trained_encoders_do_not_go_together():
    annotations = corpus()
    encoder = Transformer("tiny", tune="full", max_length=32)
    model = built(SoftLabel, annotations, encoder.module())
    with pytest.raises(ConfigError, match="and this encoder is part of the model; use method=ekfac or method=cg"):
        influence(model, *parts(annotations, model, encoder.tokens(annotations.texts)))
