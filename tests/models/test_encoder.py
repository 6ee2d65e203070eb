"""Encoders: dropout, pooling, vectors kept on disk, and what they depend on."""

import inspect

import numpy as np
import pandas as pd
import pytest
import torch
from model_cases import SCALES, build, corpus_on, whole_batch

from perspectives.data.batches import Batch
from perspectives.errors import ConfigError, DataWarning
from perspectives.models.encoder import POOLING, Encoder, Transformer, pool
from perspectives.models.ngrams import Ngrams

TEXTS = pd.DataFrame({"text": ["Tea", "A longer remark about the weather in May", "No", "Some coffee, please", "قهوة"]})
pytestmark = pytest.mark.filterwarnings("ignore:encoder 'tiny' needs:perspectives.errors.DataWarning")


def batch_of(encoder: Transformer, texts: pd.DataFrame, items) -> Batch:
    return Batch.of_texts(torch.as_tensor(items), encoder.tokens(texts).padded(np.asarray(items)))


def files(folder) -> list:
    return sorted(folder.rglob("*.npy"))


@pytest.mark.parametrize("kind", [Transformer, Ngrams])
def test_all_encoders_have_one_interface(kind):
    methods = [name for name, _ in inspect.getmembers(Encoder, inspect.isfunction) if not name.startswith("_")]
    assert methods == ["fit", "load", "save", "vectors"]
    for name in methods:
        assert inspect.signature(getattr(kind, name)) == inspect.signature(getattr(Encoder, name))
    encoder = kind("tiny") if kind is Transformer else kind()
    assert encoder.live is False


def test_a_pretrained_encoder_learns_and_saves_nothing_of_its_own(tmp_path):
    encoder = Transformer("tiny")
    before = {name: tensor.clone() for name, tensor in encoder.model.state_dict().items()}
    assert encoder.fit(TEXTS) is encoder
    encoder.save(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert encoder.load(tmp_path) is encoder
    assert all(torch.equal(tensor, before[name]) for name, tensor in encoder.model.state_dict().items())


def test_vectors_are_computed_on_the_device_that_was_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert Transformer("tiny").vectors(TEXTS, tmp_path / "a").shape == (5, 32)  # on the CPU, although there were a GPU
    with pytest.raises(RuntimeError, match="meta tensors"):  # a device that every machine has, without numbers
        Transformer("tiny").vectors(TEXTS, tmp_path / "b", torch.device("meta"))
    assert not files(tmp_path / "b")


def test_dropout_is_on_in_a_tuned_encoder_and_off_in_a_frozen_one():
    annotations = corpus_on(SCALES["binary"])

    def contents(**options):
        encoder = Transformer("tiny", **options)
        module = encoder.module()
        assert module.model.training == (options["tune"] != "frozen")  # Lightning keeps the mode it finds
        model = build("softlabel", annotations, module)
        batch = whole_batch(annotations, model.schema, tokens=encoder.tokens(annotations.texts))
        model.train()
        drawn = []
        for seed in (0, 1, 0):
            torch.manual_seed(seed)
            drawn.append(model.encode(batch))
        model.eval()
        return (*drawn, model.encode(batch))

    first, other, again, evaluated = contents(tune="full")
    assert torch.equal(first, again)
    assert not torch.allclose(first, other, atol=1e-2)
    assert not torch.allclose(first, evaluated, atol=1e-2)
    frozen = contents(tune="frozen", cache=False)
    assert all(torch.equal(content, frozen[0]) for content in frozen)
    assert not any(content.requires_grad for content in frozen)


@pytest.mark.parametrize("pooling", POOLING)
def test_pooling_equals_brute_force(pooling):
    states = torch.randn(3, 5, 4, dtype=torch.bfloat16)
    lengths = [5, 1, 3]
    mask = torch.tensor([[1] * n + [0] * (5 - n) for n in lengths])
    single = {
        "mean": lambda text: text.float().mean(0),
        "cls": lambda text: text[0].float(),
        "last": lambda text: text[-1].float(),
    }[pooling]
    expected = torch.stack([single(text[:n]) for text, n in zip(states, lengths, strict=True)])
    torch.testing.assert_close(pool(states, mask, pooling), expected)


@pytest.mark.parametrize("pooling", POOLING)
def test_vectors_are_those_of_each_text_alone(pooling, tmp_path):
    encoder = Transformer("tiny", pooling=pooling, batch_size=2)
    vectors = encoder.vectors(TEXTS, tmp_path)
    assert (vectors.shape, vectors.dtype) == ((5, 32), np.float32)
    for row, text in enumerate(TEXTS["text"]):
        tokens = encoder.tokenizer(text, return_tensors="pt")
        with torch.inference_mode():
            states = encoder.model(**tokens).last_hidden_state
        alone = pool(states, tokens["attention_mask"], pooling)[0].numpy()
        np.testing.assert_allclose(vectors[row], alone, atol=1e-5)
    live = Transformer("tiny", pooling=pooling, cache=False).module()
    with torch.inference_mode():
        content = live(batch_of(encoder, TEXTS, [4, 1]))
    np.testing.assert_allclose(content.numpy(), vectors[[4, 1]], atol=1e-5)


def test_vectors_are_computed_once_and_read_from_the_file_afterwards(tmp_path, monkeypatch):
    first = Transformer("tiny").vectors(TEXTS, tmp_path)
    (file,) = files(tmp_path)
    monkeypatch.setattr(Transformer, "_encode", lambda *_: pytest.fail("the vectors were computed again"))
    np.testing.assert_array_equal(Transformer("tiny").vectors(TEXTS, tmp_path), first)
    np.save(file, first + 1)
    np.testing.assert_array_equal(Transformer("tiny").vectors(TEXTS, tmp_path), first + 1)


def test_another_pooling_length_text_or_weight_is_another_file(tmp_path):
    Transformer("tiny").vectors(TEXTS, tmp_path)
    changed = TEXTS.assign(text=["Tee", *TEXTS["text"][1:]])
    moved = TEXTS.assign(text=TEXTS["text"].str.cat(sep="")[: len(TEXTS)])
    retrained = Transformer("tiny")
    with torch.no_grad():
        retrained.model.embeddings.LayerNorm.bias += 0.1
    others = [
        (Transformer("tiny", pooling="cls"), TEXTS),
        (Transformer("tiny", max_length=20), TEXTS),
        (Transformer("tiny", max_length=120), TEXTS),
        (Transformer("tiny"), changed),
        (Transformer("tiny"), moved),
        (Transformer("tiny"), TEXTS.iloc[::-1]),
        (Transformer("tiny"), TEXTS.assign(text_pair="and so on")),
        (retrained, TEXTS),
    ]
    for count, (encoder, texts) in enumerate(others, start=2):
        encoder.vectors(texts, tmp_path)
        assert len(files(tmp_path)) == count


def test_both_texts_of_a_pair_are_encoded():
    encoder = Transformer("tiny", max_length=30)
    pairs = TEXTS.assign(text_pair=TEXTS["text"][::-1].to_list())
    tokens = encoder.tokens(pairs)
    assert tokens.flat["token_type_ids"].any()
    assert tokens.lengths.max() == 30
    assert (tokens.lengths > encoder.tokens(TEXTS).lengths).any()


@pytest.mark.filterwarnings("error:encoder 'tiny' needs:perspectives.errors.DataWarning")
def test_an_encoder_that_splits_words_into_many_pieces_is_announced():
    encoder = Transformer("tiny")  # a token per byte
    encoder.tokens(pd.DataFrame({"text": ["a b c d", "ab abc"]}))
    message = r"encoder 'tiny' needs 5\.0 tokens per word: it hardly knows this language; try encoder=ngrams or a multi"
    with pytest.warns(DataWarning, match=message):
        encoder.tokens(pd.DataFrame({"text": ["words letter", "abcd efg"]}))  # 11 + 8 + 1 bytes with spaces: 5 a word
    long = pd.DataFrame({"text": ["abcdefgh " * 40] * 2})
    with pytest.warns(DataWarning, match="hardly knows this language"):  # also where every text was cut short
        Transformer("tiny", max_length=300).tokens(long)
    with pytest.warns(DataWarning, match=r"needs 8\.0 tokens"):  # a cut text does not hide the whole ones
        Transformer("tiny", max_length=20).tokens(pd.DataFrame({"text": ["a " * 400, "abcdefgh"]}))


def test_adapters_alone_are_trained_and_saved():
    pytest.importorskip("peft")
    annotations = corpus_on(SCALES["binary"])
    encoder = Transformer("tiny", tune="lora", lora={"rank": 2, "alpha": 4.0, "dropout": 0.0})
    model = build("multitask", annotations, encoder.module()).train()
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    assert {name for name in trained if "lora_" not in name} == {"heads.table"}
    assert len(trained) > 1
    assert set(model.trained_state()) == trained
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=10.0)
    batch = whole_batch(annotations, model.schema, tokens=encoder.tokens(annotations.texts))
    for _ in range(2):
        optimizer.zero_grad()
        logits = model.pairs(model.encode(batch), batch.annotators, batch.item_index, batch.annotator_index)
        model.objective.loss(logits, batch.label).mean().backward()
        optimizer.step()
    moved = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert moved == trained
    rates = {group["lr"] for group in model.parameter_groups() if any(p.ndim > 1 for p in group["params"])}
    assert rates == {model.optimization.lr, model.optimization.encoder_lr}


def test_a_tuned_encoder_trains_all_its_weights_with_its_own_rate():
    annotations = corpus_on(SCALES["binary"])
    encoder = Transformer("tiny", tune="full")
    model = build("softlabel", annotations, encoder.module())
    batch = whole_batch(annotations, model.schema, tokens=encoder.tokens(annotations.texts))
    logits = model.pairs(model.encode(batch), batch.annotators, batch.item_index, batch.annotator_index)
    model.objective.loss(logits, batch.label).mean().backward()
    assert all(p.grad is not None for p in model.parameters())
    options = model.optimization
    rates = {id(p): (g["lr"], g["weight_decay"]) for g in model.parameter_groups() for p in g["params"]}
    for name, p in model.named_parameters():
        rate = options.encoder_lr if name.startswith("encoder.") else options.lr
        assert rates[id(p)] == (rate, options.weight_decay if p.ndim > 1 else 0.0)


def test_options_that_do_not_exist_are_refused():
    with pytest.raises(ConfigError, match=r"encoder\.pooling='max' is unknown; choose one of mean, cls, last"):
        Transformer("tiny", pooling="max")
    with pytest.raises(ConfigError, match=r"encoder\.tune='some' is unknown; choose one of frozen, full, lora"):
        Transformer("tiny", tune="some")
    with pytest.raises(ConfigError, match=r"encoder\.max_length=513 is more than 'tiny' can read; at most 512 tokens"):
        Transformer("tiny", max_length=513)


BOTH = TEXTS.assign(text_pair=["Is it?", "No", "A reply that is longer than the remark before it", "Tea", "Yes"])


def vectors_of(texts, tmp_path, **options) -> np.ndarray:
    return Transformer("tiny", **options).vectors(pd.DataFrame({"text": list(texts)}), tmp_path)


def test_texts_read_apart_are_compared_as_published(tmp_path):
    got = Transformer("tiny", pairs="apart", batch_size=2).vectors(BOTH, tmp_path)
    u, v = (vectors_of(BOTH[column], tmp_path) for column in ("text", "text_pair"))
    np.testing.assert_allclose(got, np.concatenate([u, v, np.abs(u - v), u * v], 1), atol=1e-5)
    together = Transformer("tiny").vectors(BOTH, tmp_path)
    assert together.shape == (5, 32)
    assert len(files(tmp_path)) == 4  # no file of one stands for the other
    live = Transformer("tiny", pairs="apart", cache=False)
    module = live.module()
    with torch.inference_mode():
        content = module(batch_of(live, BOTH, [4, 1, 2]))
    np.testing.assert_allclose(content.numpy(), got[[4, 1, 2]], atol=1e-5)
    assert module.hidden == got.shape[1]


def test_both_texts_train_an_encoder_that_reads_them_apart():
    encoder = Transformer("tiny", tune="full", pairs="apart")
    module = encoder.module().eval()  # without dropout, so that only the texts differ
    one, two = (BOTH.assign(**{column: "Coffee"}) for column in ("text", "text_pair"))
    contents = [module(batch_of(encoder, texts, range(5))) for texts in (BOTH, one, two)]
    assert not torch.allclose(contents[0], contents[1])
    assert not torch.allclose(contents[0], contents[2])
    contents[0].sum().backward()
    assert all(p.grad is not None and p.grad.any() for n, p in module.named_parameters() if "layer.0.output" in n)


def test_texts_are_read_apart_only_where_there_are_two():
    with pytest.raises(ConfigError, match=r"encoder\.pairs=apart is for items of two texts; these have one"):
        Transformer("tiny", pairs="apart").tokens(TEXTS)
    with pytest.raises(ConfigError, match=r"encoder\.pairs='side by side' is unknown; choose one of together, apart"):
        Transformer("tiny", pairs="side by side")
