"""The loop in Lightning: micro-batches, resuming, clipping, rates and seeds."""

import math
from dataclasses import replace

import lightning as L
import numpy as np
import pytest
import torch
from model_cases import SCALES, build, corpus_on, optimization

from perspectives.data.batches import Batches
from perspectives.data.schema import Schema
from perspectives.models.encoder import Transformer
from perspectives.models.optim import clip_gradients

pytestmark = [
    pytest.mark.filterwarnings("ignore::perspectives.errors.DataWarning"),
    pytest.mark.filterwarnings("ignore:.*:UserWarning:lightning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]
ANNOTATIONS = corpus_on(SCALES["ordinal"], items=24)


class Stop(L.Callback):
    """Writes a checkpoint after some steps and goes no further."""

    def __init__(self, step: int, path) -> None:
        self.step, self.path = step, path

    def on_train_batch_end(self, trainer, *_) -> None:
        if trainer.global_step == self.step and not trainer.should_stop:
            trainer.save_checkpoint(self.path)
            trainer.should_stop = True
            trainer.fit_loop.epoch_loop.batch_progress.is_last_batch = True


def batches(size: int, annotations=ANNOTATIONS, tokens=None, **options) -> Batches:
    annotators = Schema.of(annotations).encode(annotations.annotators)
    return Batches(annotations, np.arange(len(annotations)), annotators, size, tokens=tokens, **options)


def trained(model, loader: Batches, checkpoint=None, epochs: int = 2, callbacks=(), validation=None, **options):
    trainer = L.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        callbacks=list(callbacks),
        **options,
    )
    trainer.fit(model, loader, validation, ckpt_path=checkpoint, weights_only=True)
    return trainer


def distance(one, other) -> float:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return max(float((a - b).abs().max()) for a, b in pairs)


@pytest.mark.parametrize("method", ["softlabel", "multitask", "multitask_shared"])
def test_micro_batches_accumulated_follow_the_trajectory_of_whole_batches(method):
    whole, small = (build(method, ANNOTATIONS) for _ in range(2))
    start = build(method, ANNOTATIONS)
    for model in (whole, small):
        model.optimization = replace(optimization(ANNOTATIONS), annotations_per_batch=30.0)
    small.optimization = replace(small.optimization, annotations_per_batch=15.0)  # Lightning divides by `accumulate`
    trained(whole, batches(12), epochs=10)
    trained(small, batches(6), epochs=10, accumulate_grad_batches=2)
    assert distance(whole, start) > 0.05
    assert distance(whole, small) < 1e-4


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("decay", ["none", "linear"])
@pytest.mark.parametrize("step", [4, 7])  # at the last batch of an epoch and in the middle of one
def test_a_resumed_training_is_bit_equal_to_an_uninterrupted_one(live, decay, step, tmp_path):
    def fresh():
        encoder = Transformer("tiny", tune="full") if live else None
        module, tokens = (encoder.module(), encoder.tokens(ANNOTATIONS.texts)) if encoder else (None, None)
        model = build("multitask_shared", ANNOTATIONS, module, seed=20_261_120, dropout=0.3).train()
        model.optimization = replace(model.optimization, warmup=0.2 * (decay == "linear"), decay=decay)
        return model, batches(6, tokens=tokens, shuffle=True, seed=3, raters_per_item=2)

    straight, loader = fresh()
    assert len(loader) == 4
    trained(straight, loader, epochs=3)
    killed, loader = fresh()
    trained(killed, loader, epochs=3, callbacks=[Stop(step, tmp_path / "last.ckpt")])
    assert distance(straight, killed) > 0
    torch.rand(5)  # another process has drawn other numbers
    resumed, loader = fresh()
    trained(resumed, loader, tmp_path / "last.ckpt", epochs=3)
    assert distance(straight, resumed) == 0


def test_another_seed_draws_other_dropout_and_a_date_is_a_seed():
    models = [
        build("softlabel", ANNOTATIONS, seed=seed, dropout=0.5) for seed in (20_261_120, 20_261_120, 99_999_999_999)
    ]
    for model in models:
        trained(model.train(), batches(6), epochs=1)
    assert distance(models[0], models[1]) == 0
    assert distance(models[0], models[2]) > 0


def test_clipping_reaches_sparse_gradients_through_lightning(monkeypatch):
    norms = []

    def watched(parameters, limit) -> None:
        given = list(parameters)
        clip_gradients(given, limit)
        norms.append(float(torch.stack([p.grad.to_dense().norm() for p in given if p.grad is not None]).norm()))

    monkeypatch.setattr("perspectives.models.base.clip_gradients", watched)
    trained(build("multitask_shared", ANNOTATIONS), batches(6), gradient_clip_val=1e-3, epochs=1)
    assert norms == pytest.approx([1e-3] * 4, rel=1e-3)


@pytest.mark.parametrize(
    ("warmup", "decay", "expected"),
    [
        (0.25, "linear", [1 / 2, 1, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6]),
        (0.0, "exponential", [1, 1, 1, 1, *[math.exp(-0.1)] * 4]),  # after the epoch of 4 steps
    ],
)
def test_the_rate_rises_and_falls_as_declared_and_the_optimizer_is_fused(warmup, decay, expected):
    rates = []

    class Watch(L.Callback):
        def on_train_batch_start(self, trainer, *_) -> None:
            (optimizer,) = trainer.optimizers
            assert optimizer.defaults["fused"]
            rates.append(optimizer.param_groups[0]["lr"] / 0.01)

    model = build("softlabel", ANNOTATIONS)
    model.optimization = replace(model.optimization, warmup=warmup, decay=decay)
    trained(model, batches(3), callbacks=[Watch()], accumulate_grad_batches=2)
    assert rates[::2] == pytest.approx(expected)


def test_the_validation_loss_is_the_mean_over_annotations():
    model = build("multitask", ANNOTATIONS)
    model.optimization = replace(model.optimization, lr=0.0, weight_decay=0.0)
    trainer = trained(model, batches(6), validation=batches(5), epochs=1)
    (whole,) = batches(100)
    with torch.no_grad():
        content = model.eval().encode(whole)
        logits = model.pairs(content, whole.annotators, whole.item_index, whole.annotator_index)
    expected = float(model.objective.loss(logits, whole.label).mean())
    assert float(trainer.callback_metrics["validation/loss"]) == pytest.approx(expected, rel=1e-5)
