"""Influence of annotations: against matrices formed by loops, closed forms, and training again without each one."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import spearmanr

from perspectives.data.annotations import AnnotationSet, Tables
from perspectives.data.batches import Batches
from perspectives.data.scale import Scale
from perspectives.data.schema import Schema
from perspectives.errors import ConfigError, RunError
from perspectives.models.base import Optimization
from perspectives.models.embedding import Embedding
from perspectives.models.encoder import CachedContent
from perspectives.models.jury import Jury
from perspectives.models.majority import Majority
from perspectives.models.multitask import MultiTask
from perspectives.models.softlabel import SoftLabel
from perspectives.quality.influence import conjugate, exact
from perspectives.quality.influence.gradients import Answers
from perspectives.quality.influence.table import influence, table_of

SCALES = {
    "binary": Scale("nominal", ("no", "yes")),
    "nominal": Scale("nominal", ("red", "green", "blue")),
    "ordinal": Scale.integers(1, 4),
    "interval": Scale("interval", low=0, high=10),
    "multilabel": Scale("multilabel", ("a", "b", "c")),
}
HIDDEN = 5
DAMPING = 0.03


def corpus(kind: str = "binary", items: int = 30, people: int = 5, seed: int = 0) -> AnnotationSet:
    """Most people label most items, at random."""
    rng, scale = np.random.default_rng(seed), SCALES[kind]
    item, who = np.nonzero(rng.random((items, people)) < 0.7)
    if kind == "interval":
        labels = rng.uniform(0, 10, len(item)).round(2)
    else:
        drawn = rng.random((len(item), scale.size)) < 0.4
        labels = scale.decode(drawn if kind == "multilabel" else rng.integers(0, scale.size, len(item)))
    table = pd.DataFrame({"item_id": item, "annotator_id": [f"p{n}" for n in who], "label": labels})
    texts = pd.DataFrame({"item_id": range(items), "text": [f"remark {n} on tea" for n in range(items)]})
    about = pd.DataFrame({"annotator_id": [f"p{n}" for n in range(people)]})
    about["gender"] = np.resize(["woman", "man", "unknown"], people)
    return AnnotationSet.from_tables(Tables(table, texts, about, scale), "invented")


def built(cls: type, annotations: AnnotationSet, seed: int = 3, **options):
    """A model with random weights on random content vectors."""
    vectors = np.random.default_rng(1).normal(size=(len(annotations.items), HIDDEN)).astype(np.float32)
    training = Optimization(1e-2, 1e-4, 1e-2, 0.01, 0.0, "none", 1.0)
    model = cls(CachedContent(vectors), Schema.of(annotations), training, **options)
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape))
    return model


def parts(annotations: AnnotationSet, model, batch_size: int = 7) -> tuple[Batches, Batches]:
    """Training annotations, and every third of all as a target."""
    people = model.schema.encode(annotations.annotators)
    rows = np.arange(len(annotations))
    return tuple(Batches(annotations, some, people, batch_size) for some in (rows[rows % 3 > 0], rows[rows % 3 == 0]))


MODELS = {
    "softlabel": (SoftLabel, {}),
    "majority": (Majority, {}),
    "multitask": (MultiTask, {}),
    "multitask_shared": (MultiTask, {"shared": True}),
    "multitask_groups": (MultiTask, {"group_layers": "gender"}),
    "embedding": (Embedding, {"combine": "concat", "id_width": 2, "group_width": 2, "deep_width": 3}),
    "embedding_added": (Embedding, {"deep_width": 3}),
    "jury": (Jury, {"id_width": 2, "group_width": 2, "deep_width": 3}),
    "jury_attributes": (Jury, {"ids": False, "group_width": 2, "deep_width": 3, "groups": "per_attribute"}),
}
OBJECTIVES = {
    "binary": ("nominal", "binary"), "nominal": ("nominal",), "ordinal": ("nominal",), "interval": ("squared",),
    "multilabel": ("multilabel",),
}  # fmt: skip
CASES = [(name, "binary", "nominal") for name in MODELS]
CASES += [("multitask_shared", kind, objective) for kind, names in OBJECTIVES.items() for objective in names]


# Against matrices formed by loops. ---------------------------------------------------------------------------------


def hessian_in_logits(model, logits: np.ndarray) -> np.ndarray:
    """Closed forms, [width, width]."""
    name = type(model.objective).__name__
    if name == "Nominal":
        p = np.exp(logits - logits.max())
        p /= p.sum()
        return np.diag(p) - np.outer(p, p)
    if name == "Regression":
        return np.array([[2 * model.objective.unit**2]])
    p = 1 / (1 + np.exp(-logits))
    return np.diag(p * (1 - p))


def by_loops(model, train: Batches, target: Batches, damping: float) -> tuple[np.ndarray, np.ndarray]:
    """Self-influence and influence from one gradient after the other and a dense inverse."""
    model = model.double()

    def each(batches: Batches):
        for batch in batches:
            content = model.encode(batch)
            logits = model.pairs(content, batch.annotators, batch.item_index, batch.annotator_index)
            losses = model.objective.loss(logits, batch.label)
            for n in range(len(batch.label)):
                yield gradient(losses[n]), np.stack([gradient(z) for z in logits[n]]), logits[n].detach().numpy()

    def gradient(value: torch.Tensor) -> np.ndarray:
        model.zero_grad()
        value.backward(retain_graph=True)
        dense = [torch.zeros_like(p) if p.grad is None else p.grad.to_dense() for p in model.parameters()]
        return torch.cat([g.flatten() for g in dense]).numpy().copy()

    seen = list(each(train))
    curvature = sum(jacobian.T @ hessian_in_logits(model, logits) @ jacobian for _, jacobian, logits in seen)
    inverse = np.linalg.inv(curvature / len(seen) + damping * np.eye(len(curvature)))
    aim = np.mean([gradient for gradient, *_ in each(target)], 0)
    gradients = np.stack([gradient for gradient, *_ in seen])
    own = np.einsum("ip,pq,iq->i", gradients, inverse, gradients)
    return own / len(seen), gradients @ inverse @ aim / len(seen)


@pytest.mark.parametrize(("name", "kind", "objective"), CASES)
def test_exact_and_conjugate_gradients_agree_with_loops_and_a_dense_inverse(name, kind, objective):
    annotations = corpus(kind, items=14)
    cls, options = MODELS[name]
    model = built(cls, annotations, objective=objective, **options)
    train, target = parts(annotations, model)
    assert len(train.rows) > 25
    own, moved = by_loops(built(cls, annotations, objective=objective, **options), train, target, DAMPING)
    for method in ("exact", "cg"):
        found = influence(model, train, target, method, DAMPING)
        scale = 1e-4 if kind != "interval" else 1e-3  # losses are computed in float32
        np.testing.assert_allclose(found.self_influence, own, atol=scale * own.max())
        np.testing.assert_allclose(found.influence, moved, atol=scale * np.abs(moved).max())
    assert next(model.parameters()).dtype == torch.float32


def test_the_default_damping_is_a_tenth_of_the_mean_eigenvalue():
    annotations = corpus()
    model = built(SoftLabel, annotations)
    train, target = parts(annotations, model)
    matrix = formed(model, train)
    expected = 0.1 * np.trace(matrix) / len(matrix)
    assert influence(model, train, target).damping == pytest.approx(expected, rel=1e-4)
    assert influence(model, train, target, "cg").damping == pytest.approx(expected, rel=0.3)  # an estimate


# Closed forms. -----------------------------------------------------------------------------------------------------


def formed(model, train: Batches) -> np.ndarray:
    curve = conjugate.Curvature(Answers(model), train)
    return curve.damped(0.0)(torch.eye(curve.size).double()).numpy()


def test_logistic_regression():
    annotations = corpus()
    model = built(SoftLabel, annotations, objective="binary")
    train, target = parts(annotations, model)
    weights = torch.nn.utils.parameters_to_vector(model.parameters()).detach().numpy()
    (inputs, chance), (others, other_chance) = (
        (design(model, part), 1 / (1 + np.exp(-design(model, part) @ weights))) for part in (train, target)
    )
    matrix = (inputs * (chance * (1 - chance))[:, None]).T @ inputs / len(inputs) + DAMPING * np.eye(HIDDEN + 1)
    gradients = (chance - train.labels)[:, None] * inputs
    aim = ((other_chance - target.labels)[:, None] * others).mean(0)
    found = influence(model, train, target, damping=DAMPING)
    np.testing.assert_allclose(found.influence, gradients @ np.linalg.solve(matrix, aim) / len(inputs), rtol=1e-4)
    own = (gradients * np.linalg.solve(matrix, gradients.T).T).sum(1) / len(inputs)
    np.testing.assert_allclose(found.self_influence, own, rtol=1e-4)
    np.testing.assert_allclose(found.loss, -np.log(np.where(train.labels == 1, chance, 1 - chance)), rtol=1e-4)


@pytest.mark.parametrize(("cls", "options"), [(SoftLabel, {}), (MultiTask, {"shared": True})])
def test_where_logits_are_linear_the_curvature_is_the_hessian(cls, options):
    annotations = corpus("nominal")
    model = built(cls, annotations, **options)
    train, _ = parts(annotations, model)
    answers = Answers(model)
    curve = conjugate.Curvature(answers, train)

    def mean_loss(vector: torch.Tensor) -> torch.Tensor:
        parameters = curve._apart(vector)
        losses = [model.objective.loss(answers.at(parameters, batch), batch.label).sum() for batch in train]
        return torch.stack(losses).sum() / len(train.rows)

    hessian = torch.autograd.functional.hessian(mean_loss, curve.flat(curve.parameters))
    np.testing.assert_allclose(formed(model, train), hessian.numpy(), atol=1e-5)


# Invariances. ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["exact", "cg"])
def test_neither_the_order_of_annotations_nor_the_batch_size_matters(method):
    annotations = corpus(items=14)
    model = built(MultiTask, annotations, shared=True)
    train, target = parts(annotations, model)
    first = table_of(train, annotations.annotations, influence(model, train, target, method, DAMPING))
    order = np.random.default_rng(0).permutation(train.rows)
    again = Batches(annotations, order, train.annotators, 100)
    second = table_of(again, annotations.annotations, influence(model, again, target, method, DAMPING))
    pd.testing.assert_frame_equal(first, second, rtol=1e-5)
    assert first["item_id"].tolist() == annotations.annotations["item_id"][np.sort(order)].tolist()


def test_annotators_in_several_pieces_are_the_same(monkeypatch):
    annotations = corpus()
    model = built(MultiTask, annotations, shared=True)
    train, target = parts(annotations, model)
    whole = influence(model, train, target, damping=DAMPING)
    monkeypatch.setattr(exact, "AT_ONCE", 4)
    found = influence(model, train, target, damping=DAMPING)
    np.testing.assert_allclose(found.self_influence, whole.self_influence, rtol=1e-5)
    np.testing.assert_allclose(found.influence, whole.influence, rtol=1e-5)


def test_without_a_target_there_is_self_influence_only():
    annotations = corpus()
    model = built(SoftLabel, annotations)
    train, _ = parts(annotations, model)
    for method in ("exact", "cg"):
        found = influence(model, train, method=method)
        assert np.isnan(found.influence).all()
        assert (found.self_influence > 0).all()


# Training again. ---------------------------------------------------------------------------------------------------


def design(model, batches: Batches) -> np.ndarray:
    """What the only logit of a linear head multiplies its parameters with, in the order of the model's parameters."""
    vectors = model.encoder.vectors.numpy()[np.repeat(batches.items, batches.counts)].astype(float)
    vectors = (vectors - vectors.mean(1, keepdims=True)) / np.sqrt(vectors.var(1, keepdims=True) + 1e-5)
    inputs = np.c_[vectors, np.ones(len(vectors))]
    if not isinstance(model, MultiTask):
        return inputs
    codes = batches.annotators.code.numpy()[batches.annotator_index]
    rows = np.zeros((len(inputs), len(model.heads.table), inputs.shape[1]))
    rows[np.arange(len(inputs)), codes] = inputs
    return np.c_[rows.reshape(len(inputs), -1), inputs]


def minimised(inputs: np.ndarray, label: np.ndarray, kept: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Weights under which the mean loss of a logistic regression plus DAMPING/2 · their square is least, by Newton's
    method; annotations that are not kept count as without any loss."""
    weights = start
    for _ in range(15):
        chance = 1 / (1 + np.exp(-inputs @ weights))
        slope = inputs.T @ ((chance - label) * kept) / len(label) + DAMPING * weights
        bend = (inputs * (chance * (1 - chance) * kept)[:, None]).T @ inputs / len(label)
        weights = weights - np.linalg.solve(bend + DAMPING * np.eye(len(weights)), slope)
    assert np.abs(slope).max() < 1e-9
    return weights


def losses(inputs: np.ndarray, label: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.logaddexp(0, inputs @ weights) - label * (inputs @ weights)


@pytest.mark.parametrize(("cls", "options"), [(SoftLabel, {}), (MultiTask, {"shared": True})])
def test_influence_ranks_what_training_without_each_annotation_does(cls, options):
    annotations = corpus(items=100, people=4)
    model = built(cls, annotations, objective="binary", **options)
    train, target = parts(annotations, model, batch_size=100)
    inputs, others, label = design(model, train), design(model, target), train.labels
    everything = np.ones(len(label))
    weights = minimised(inputs, label, everything, np.zeros(inputs.shape[1]))
    torch.nn.utils.vector_to_parameters(torch.from_numpy(weights).float(), model.parameters())
    before = losses(others, target.labels, weights).mean()
    found = influence(model, train, target, damping=DAMPING)
    np.testing.assert_allclose(found.loss, losses(inputs, label, weights), rtol=1e-4)
    moved, own = np.empty((2, len(label)))
    for position in range(len(label)):
        again = minimised(inputs, label, np.where(np.arange(len(label)) == position, 0, everything), weights)
        moved[position] = losses(others, target.labels, again).mean() - before
        own[position] = losses(inputs, label, again)[position] - found.loss[position]
    assert len(label) > 150
    assert spearmanr(found.influence, moved).statistic > 0.97
    assert spearmanr(found.self_influence, own).statistic > 0.97
    # Rises are somewhat larger than first order says, the more so the fewer annotations a parameter has.
    assert 0.9 < np.polyfit(found.influence, moved, 1)[0] < 1.4


# What is refused. --------------------------------------------------------------------------------------------------


def test_unusable_options_are_refused():
    annotations = corpus()
    model = built(SoftLabel, annotations)
    train, target = parts(annotations, model)
    with pytest.raises(ConfigError, match="method='lissa' is unknown; choose one of exact, cg, ekfac"):
        influence(model, train, target, "lissa")
    with pytest.raises(ConfigError, match=r"damping=0 has no unique solution; give a number above 0, or None"):
        influence(model, train, target, damping=0)


def test_a_loss_without_curvature_is_refused():
    annotations = corpus("interval")
    model = built(SoftLabel, annotations)
    with pytest.raises(ConfigError, match=r"the absolute error has none; train with model\.objective=squared"):
        influence(model, *parts(annotations, model))


def test_too_many_parameters_are_refused(monkeypatch):
    annotations = corpus()
    model = built(MultiTask, annotations, shared=True)
    monkeypatch.setattr(exact, "LARGEST", 20)
    with pytest.raises(ConfigError, match="would solve for 24 parameters at once, and at most 20 fit; use method=cg"):
        influence(model, *parts(annotations, model))


def test_conjugate_gradients_that_do_not_converge_say_so(monkeypatch):
    annotations = corpus()
    model = built(SoftLabel, annotations)
    monkeypatch.setattr(conjugate, "STEPS", 2)
    with pytest.raises(RunError, match="of the right side after 2 steps; give a larger damping, or use method=exact"):
        influence(model, *parts(annotations, model), method="cg", damping=1e-6)
