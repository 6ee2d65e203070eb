"""Jury Learning's model: what its parts know, and what the ablations leave out."""

import numpy as np
import pandas as pd
import pytest
import torch
from model_cases import SCALES, build, corpus_on, whole_batch

from perspectives.data.schema import Schema
from perspectives.errors import ConfigError
from perspectives.models.encoder import Transformer
from perspectives.models.jury import Jury
from perspectives.models.layers import AnnotatorEmbedding

ASKED = pd.DataFrame({"annotator_id": ["p0", "p1", "p3", "stranger"], "gender": ["woman", "man", "woman", "man"]})


@pytest.fixture
def annotations():
    return corpus_on(SCALES["ordinal"])


@pytest.mark.parametrize("groups", ["joint", "per_attribute"])
def test_people_of_one_group_share_what_is_known_of_them_without_ids(annotations, groups):
    schema = Schema.of(annotations, ["gender"])
    side = AnnotatorEmbedding(schema, False, 9, groups, 4)
    one, man, other, stranger = side(schema.encode(ASKED))
    assert torch.equal(one, other)
    assert torch.equal(man, stranger)
    assert not torch.equal(one, man)
    with_ids = AnnotatorEmbedding(schema, True, 9, groups, 4)(schema.encode(ASKED))
    assert with_ids.shape == (4, 13)
    assert (with_ids[3, :9] == 0).all()  # nobody's id
    assert not torch.equal(with_ids[0], with_ids[2])


def test_widths_count_what_there_is(annotations):
    both, none = Schema.of(annotations), Schema.of(annotations, [])
    assert AnnotatorEmbedding(both, True, 9, "per_attribute", 4).width == 9 + 2 * 4
    assert AnnotatorEmbedding(both, True, 9, "joint", 4).width == 9 + 4
    assert AnnotatorEmbedding(none, True, 9, "joint", 4).width == 9
    assert AnnotatorEmbedding(none, False, 9, "per_attribute", 4).width == 0


@pytest.mark.parametrize("method", ["jury", "embedding", "concatenated"])
def test_without_ids_and_attributes_it_is_blind_and_otherwise_not(annotations, method):
    batch = whole_batch(annotations, Schema.of(annotations, []))
    blind = build(method, annotations, attributes=[], ids=False)
    assert blind.blind
    assert blind.everyone(blind.encode(batch), batch.annotators).shape == (12, 1, 5)
    one = blind.predict_pairs(blind.encode(batch), batch.annotators, batch.item_index, batch.annotator_index)
    same = blind.everyone(blind.encode(batch), batch.annotators)[batch.item_index, 0]
    torch.testing.assert_close(one, same)
    seeing = build(method, annotations)
    everyone = seeing.everyone(seeing.encode(batch), seeing.schema.training_annotators)
    assert not seeing.blind
    assert everyone.std(1).max() > 1e-3


def test_hidden_ids_train_the_vector_of_people_never_seen(annotations):
    torch.manual_seed(0)
    model = build("jury", annotations, id_dropout=0.5).train()
    batch = whole_batch(annotations, model.schema)
    model.training_step(batch, 0).backward()
    trained = model.side.ids.weight.grad.coalesce().indices()[0].tolist()
    assert 0 in trained
    assert 1 < len(trained) < 6
    model.zero_grad()
    model.id_dropout = 0.0
    model.training_step(batch, 0).backward()
    assert model.side.ids.weight.grad.coalesce().indices()[0].tolist() == [1, 2, 3, 4, 5]


@pytest.mark.filterwarnings("ignore:encoder 'tiny' needs")
def test_an_encoder_frozen_after_some_epochs_keeps_what_it_learned(annotations):
    encoder = Transformer("tiny", tune="full")
    model = build("jury", annotations, encoder.module(), freeze_after=0).train()
    batch = whole_batch(annotations, model.schema, tokens=encoder.tokens(annotations.texts))
    model.freeze_after = 1
    model.training_step(batch, 0).backward()
    assert model.encoder.model.training
    assert any(p.grad is not None for p in model.encoder.parameters())
    model.zero_grad()
    model.freeze_after = 0
    model.training_step(batch, 0).backward()
    assert not model.train().encoder.model.training  # dropout stays off
    assert all(p.grad is None for p in model.encoder.parameters())
    assert any(name.startswith("encoder.") for name in model.trained_state())


def test_mistakes_are_named(annotations):
    with pytest.raises(
        ConfigError, match=r"freeze_after needs an encoder that is trained until then; set encoder.tune="
    ):
        build("jury", annotations, freeze_after=2)
    with pytest.raises(ConfigError, match=r"model.groups='each' is unknown; choose one of joint, per_attribute"):
        build("jury", annotations, groups="each")
    with pytest.raises(ConfigError, match=r"model.structure='deep' is unknown; choose one of stacked, parallel"):
        build("jury", annotations, structure="deep")
    with pytest.raises(ConfigError, match=r"model.combine='mean' is unknown; choose one of add, concat"):
        build("embedding", annotations, combine="mean")


def test_group_vectors_move_faster_than_the_network(annotations):
    model = build("jury", annotations)
    rates = {id(p): group["lr"] for group in model.parameter_groups() for p in group["params"]}
    assert rates[id(model.side.ids.weight)] == model.optimization.annotator_lr
    assert rates[id(model.network.head.weight)] == model.optimization.lr


@pytest.mark.parametrize("combine", ["add", "concat"])
def test_embedding_reads_the_sum_or_the_row_of_both_vectors(annotations, combine):
    model = build("embedding", annotations, combine=combine)
    batch = whole_batch(annotations, model.schema)
    content, vectors = model.encode(batch), model.side(batch.annotators)
    pairs = []
    for item, who in zip(batch.item_index, batch.annotator_index, strict=True):
        if combine == "add":
            hidden = model.read_content(content[item] + vectors[who].view(-1, content.shape[1]).sum(0))
        else:
            both = torch.cat([model.read_content.weight, model.read_annotator.weight], 1)
            hidden = both @ torch.cat([content[item], vectors[who]]) + model.read_content.bias
        pairs.append(model.head(torch.nn.functional.gelu(hidden)))
    got = model.pairs(content, batch.annotators, batch.item_index, batch.annotator_index)
    torch.testing.assert_close(got, torch.stack(pairs), atol=1e-4, rtol=1e-4)


def test_ratings_are_predicted_with_absolute_error_as_published():
    model = Jury(*_parts(corpus_on(SCALES["interval"])))
    error = model.objective.loss(torch.zeros(3, 1), torch.tensor([2.0, 5.0, 9.0]))
    assert error.tolist() == [3.0, 0.0, 4.0]


def _parts(annotations):
    from model_cases import optimization

    from perspectives.models.encoder import CachedContent

    return CachedContent(np.zeros((12, 6), np.float32)), Schema.of(annotations), optimization(annotations)
