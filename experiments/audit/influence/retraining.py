"""Leave training annotations out, one at a time, train again, and see which measure had said what would happen.

    python experiments/audit/influence/retraining.py hs_brexit encoder=minilm > tables/hs_brexit.md

Spearman correlations over the annotations (or items) left out, with 95 % bootstrap intervals over them. `converged`
heads minimise the mean loss plus λ/2 times their squared length, by Newton's method; `as trained` heads come from the
usual recipe, with as many epochs as the validation part likes best when nothing is left out.
"""

import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from scipy.linalg import cho_factor, cho_solve
from scipy.stats import rankdata
from torch.func import grad, vmap

from perspectives.config import compose, instantiate
from perspectives.data.batches import Batch, Batches
from perspectives.data.load import load
from perspectives.models.base import AnnotatorModel
from perspectives.models.multitask import MultiTask
from perspectives.models.optim import RowAdamW, clip_gradients
from perspectives.quality.influence.gradients import Answers
from perspectives.quality.influence.table import influence
from perspectives.runs.run import Run
from perspectives.training.training import Training

MODELS = ("softlabel", "multitask_shared")
PENALTY = 0.01  # λ of converged heads, and the damping of their influence
ALONE, ITEMS, RECIPE = 300, 100, 100  # how many are left out
SEEDS = (0, 1, 2)  # of the order of batches, as trained
MUCH = 1e6  # damping at which influence is the product of gradients
DRAWS = 1000
FACTORS = {"exact": 1, "exact, 10 λ": 10, "exact, 100 λ": 100}
MEASURES = (*FACTORS, "EK-FAC", "product of gradients", "loss")
AGAIN = "training again with another seed"


@dataclass
class Effects:
    """What leaving out did, and what was said of it. done: [repetition, left out]. said: the same by measure."""

    done: list[np.ndarray] = field(default_factory=list)
    said: dict[str, list[np.ndarray]] = field(default_factory=lambda: {name: [] for name in MEASURES})

    def add(self, done: np.ndarray, said: dict[str, np.ndarray]) -> None:
        self.done.append(done)
        for name, values in said.items():
            self.said[name].append(values)


def main(data: str, overrides: list[str]) -> None:
    target: dict[tuple[str, str], Effects] = {}
    own: dict[tuple[str, str], Effects] = {}
    for model in MODELS:
        training = prepared(data, f"model={model}", "model.objective=binary", *overrides)
        target[model, "converged, annotations"], own[model, "converged"], target[model, "converged, items"] = converged(
            training
        )
        target[model, "as trained"], own[model, "as trained"] = as_trained(prepared(data, f"model={model}", *overrides))
    sizes = [len(training.targets["train"]), len(training.split.rows("test"))]
    print(f"{data}: {sizes[0]:,} training annotations, {sizes[1]:,} test annotations.\n")
    report("rise of the mean test loss", target)
    print()
    report("rise of the loss of the annotation left out", own)


def prepared(data: str, *overrides: str) -> Training:
    config = compose(overrides=[f"data={data}", "trainer.progress=false", *overrides])
    corpus = load(config.data)
    with TemporaryDirectory() as folder:
        return Training(config, corpus, instantiate(config.split, annotations=corpus), Run(Path(folder)))


def measured(training: Training, train: Batches, test: Batches, damping: float | None) -> tuple[dict, dict]:
    """By measure: the rise of the mean test loss, and of the annotation's own, [annotation]."""
    found = {"exact": influence(training.model, train, test, damping=damping)}
    given = found["exact"].damping
    found |= {name: influence(training.model, train, test, damping=f * given) for name, f in FACTORS.items() if f > 1}
    found["EK-FAC"] = influence(training.model, train, test, "ekfac", damping)
    found["product of gradients"] = influence(training.model, train, test, damping=MUCH)
    loss = found["exact"].loss
    said = {name: scores.influence for name, scores in found.items()} | {"loss": -loss}
    return said, {name: scores.self_influence for name, scores in found.items()} | {"loss": loss}


def batches(training: Training) -> tuple[Batches, Batches]:
    train = training.targets["train"]
    test = training.batches(training.seen, training.split.rows("test"))
    return training.batches(train, np.arange(len(train))), test


# Converged. --------------------------------------------------------------------------------------------------------


def converged(training: Training) -> tuple[Effects, Effects, Effects]:
    """On the test loss and the own loss of annotations, and on the test loss of whole items."""
    train, test = batches(training)
    inputs, others, label = design(training.model, train), design(training.model, test), train.labels
    random, item = np.random.default_rng(0), train.items.repeat(train.counts)
    alone = random.choice(len(label), ALONE, replace=False)
    groups = [np.flatnonzero(item == one) for one in random.choice(train.items, ITEMS, replace=False)]
    kept = np.ones((len(label), ALONE + ITEMS))
    for column, rows in enumerate([*alone, *groups]):
        kept[rows, column] = 0
    weights, factor = minimised(inputs, label, np.ones((len(label), 1)), np.zeros((inputs.shape[1], 1)))
    again, _ = minimised(inputs, label, kept, weights.repeat(ALONE + ITEMS, 1), factor)
    moved = (losses(others, test.labels, again) - losses(others, test.labels, weights)).mean(0)
    own = (losses(inputs[alone], label[alone], again[:, :ALONE])).diagonal()
    torch.nn.utils.vector_to_parameters(torch.from_numpy(weights[:, 0]).float(), learned(training.model))
    said, said_own = measured(training, train, test, PENALTY)
    effects = Effects(), Effects(), Effects()
    effects[0].add(moved[:ALONE], {name: values[alone] for name, values in said.items()})
    effects[1].add(own - said_own["loss"][alone], {name: values[alone] for name, values in said_own.items()})
    effects[2].add(moved[ALONE:], {name: np.array([v[rows].sum() for rows in groups]) for name, v in said.items()})
    return effects


def learned(model: AnnotatorModel) -> list[torch.Tensor]:
    return [p for p in model.parameters() if p.requires_grad]


def design(model: AnnotatorModel, part: Batches) -> np.ndarray:
    """What the one logit of each annotation multiplies the parameters with, in their order, [annotation, parameter]."""
    with torch.no_grad():
        content = model.encode(Batch.of_texts(torch.from_numpy(part.items.repeat(part.counts)))).double().numpy()
    inputs = np.c_[content, np.ones(len(content))]
    if not isinstance(model, MultiTask):
        return inputs
    rows = np.zeros((len(inputs), len(model.heads.table), inputs.shape[1]))
    rows[np.arange(len(inputs)), part.annotators.code.numpy()[part.annotator_index]] = inputs
    return np.c_[rows.reshape(len(inputs), -1), inputs]


def minimised(
    inputs: np.ndarray, label: np.ndarray, kept: np.ndarray, weights: np.ndarray, factor: tuple | None = None
) -> tuple[np.ndarray, tuple]:
    """The least mean loss plus penalty, by Newton's method from `weights`, float64 [parameter, problem]; kept: 0 or 1,
    [annotation, problem]. Also a Cholesky factor of the Hessian; a similar problem's, if given, serves throughout."""
    given = factor
    for _ in range(300):
        chance = 1 / (1 + np.exp(-inputs @ weights))
        slope = inputs.T @ ((chance - label[:, None]) * kept) / len(label) + PENALTY * weights
        if given is None:
            bend = (inputs * (chance * (1 - chance) * kept)).T @ inputs / len(label)
            factor = cho_factor(bend + PENALTY * np.eye(len(weights)))
        if np.abs(slope).max() < 1e-10:
            return weights, factor
        weights = weights - cho_solve(factor, slope)
    raise ValueError("Newton's method did not converge")


def losses(inputs: np.ndarray, label: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """[annotation, problem]."""
    logits = inputs @ weights
    return np.logaddexp(0, logits) - label[:, None] * logits


# As trained. -------------------------------------------------------------------------------------------------------


def as_trained(training: Training) -> tuple[Effects, Effects]:
    """On the test loss and the own loss, by seed; the same annotations are left out with all seeds."""
    train, test = batches(training)
    start = {name: value.clone() for name, value in training.model.state_dict().items()}
    left_out = np.random.default_rng(0).choice(len(train.rows), RECIPE, replace=False)
    kept = np.ones((RECIPE + 1, len(train.rows)), np.float32)
    kept[np.arange(RECIPE), left_out] = 0  # the last one leaves nothing out
    target, own = Effects(), Effects()
    for seed in SEEDS:
        epochs = int(np.argmin(recipe(training, start, seed, training.config.trainer.max_epochs))) + 1
        learned = Together(training, start, kept)
        learned.train(seed, epochs)
        recipe(training, start, seed, epochs)
        said, said_own = measured(training, train, test, None)
        apart = float(np.abs(learned.losses(train)[-1] - said_own["loss"]).max())
        print(f"{training.config.data.name} seed {seed}: {epochs} epochs, {apart:.1e} apart", file=sys.stderr)
        assert apart < 1e-2  # from the losses of the real steps
        moved = learned.losses(test).mean(1)
        alone = learned.losses(train)[:, left_out]
        target.add(moved[:-1] - moved[-1], {name: values[left_out] for name, values in said.items()})
        own.add(alone.diagonal() - alone[-1], {name: values[left_out] for name, values in said_own.items()})
    return target, own


def recipe(training: Training, start: dict, seed: int, epochs: int) -> list[float]:
    """The steps of `perspectives train`, without its loop; the mean validation loss after each epoch."""
    training.model.load_state_dict(start)
    model, held_out = training.model, training.targets["validation"]
    optimizer = RowAdamW(model.parameter_groups(), lr=training.config.optim.lr)
    validation = training.batches(held_out, np.arange(len(held_out)))
    found = []
    for batch in steps(training, seed, epochs):
        if batch is None:
            found.append(judged(model, validation).mean())
            continue
        optimizer.zero_grad()
        model.training_step(batch, 0).backward()
        clip_gradients(model.parameters(), training.config.trainer.gradient_clip)
        optimizer.step()
    return found


def steps(training: Training, seed: int, epochs: int) -> Iterator[Batch | None]:
    """The batches of training, and None at the end of each epoch."""
    train = training.targets["train"]
    loader = training.batches(train, np.arange(len(train)), shuffle=True, seed=seed)
    for epoch in range(epochs):
        loader.set_epoch(epoch)
        yield from loader
        yield None


@torch.no_grad()
def judged(model: AnnotatorModel, part: Batches) -> np.ndarray:
    """The loss of each annotation, in the order of `rows`."""
    found = []
    for batch in part:
        logits = model.pairs(model.encode(batch), batch.annotators, batch.item_index, batch.annotator_index)
        found.append(model.objective.loss(logits, batch.label))
    return torch.cat(found).double().numpy()


class Together:
    """Many trainings with the same batches, each without some annotations: kept, 0 or 1, [training, annotation].

    The steps are those of `RowAdamW` and `clip_gradients`, for all trainings at once.
    """

    def __init__(self, training: Training, start: dict, kept: np.ndarray) -> None:
        training.model.load_state_dict(start)
        self.training, self.answers = training, Answers(training.model).float()
        self.objective = training.model.objective
        self.position = np.argsort(batches(training)[0].rows)
        self.kept = torch.from_numpy(kept)
        learned = self.answers.learned()
        self.parameters = {name: p.expand(len(kept), *p.shape).clone() for name, p in learned.items()}
        self.moments = {name: [torch.zeros_like(p) for _ in range(2)] for name, p in self.parameters.items()}
        self.count = {name: torch.zeros(p.shape[:2] if p.ndim > 2 else len(p)) for name, p in self.parameters.items()}
        self.options = {}
        names = {id(p): name for name, p in self.answers.named_parameters()}
        for group in self.answers.model.parameter_groups():
            self.options |= {names[id(p)]: (group["lr"], group["weight_decay"]) for p in group["params"]}
        self.tables = [names[id(table)] for table, _ in self.answers.model.annotator_tables()]

    def train(self, seed: int, epochs: int) -> None:
        per_batch = self.training.model.optimization.annotations_per_batch
        for batch in filter(None, steps(self.training, seed, epochs)):
            kept = self.kept[:, self.position[batch.row.numpy()]]

            def loss(parameters: dict, kept: torch.Tensor, batch: Batch = batch) -> torch.Tensor:
                losses = self.objective.loss(self.answers.at(parameters, batch), batch.label)
                return (losses * kept).sum() / per_batch

            slopes = vmap(grad(loss))(self.parameters, kept)
            length = torch.stack([slope.flatten(1).square().sum(1) for slope in slopes.values()]).sum(0).sqrt()
            share = (self.training.config.trainer.gradient_clip / (length + 1e-6)).clamp(max=1.0)
            for name, slope in slopes.items():
                self._step(name, slope * share.view(-1, *[1] * (slope.ndim - 1)), batch, kept)

    def _step(self, name: str, slope: torch.Tensor, batch: Batch, kept: torch.Tensor) -> None:
        value, (mean, variance) = self.parameters[name], self.moments[name]
        moves = torch.ones_like(self.count[name], dtype=torch.bool)
        if name in self.tables:  # rows of people who are absent stay
            code = batch.annotators.code[batch.annotator_index].expand(len(kept), -1)
            moves = torch.zeros_like(self.count[name]).scatter_add(1, code, kept) > 0
        self.count[name] += moves
        count, moves = (x.view(*x.shape, *[1] * (value.ndim - x.ndim)) for x in (self.count[name], moves))
        rate, decay = self.options[name]
        mean.copy_(torch.where(moves, mean.lerp(slope, 0.1), mean))
        variance.copy_(torch.where(moves, variance * 0.999 + 0.001 * slope.square(), variance))
        change = (mean / (1 - 0.9**count)) / ((variance / (1 - 0.999**count)).sqrt() + 1e-8)
        value.copy_(torch.where(moves, value * (1 - rate * decay) - rate * change, value))

    @torch.no_grad()
    def losses(self, part: Batches) -> np.ndarray:
        """Of each annotation, in the order of `rows`, by each training, [training, annotation]."""

        def of(parameters: dict, batch: Batch) -> torch.Tensor:
            return self.objective.loss(self.answers.at(parameters, batch), batch.label)

        found = [vmap(of, in_dims=(0, None))(self.parameters, batch) for batch in part]
        return torch.cat(found, 1).double().numpy()


# The tables. -------------------------------------------------------------------------------------------------------


def report(what: str, effects: dict[tuple[str, str], Effects]) -> None:
    columns = list(effects)
    print(f"| {what} | " + " | ".join(f"{model}, {setting}" for model, setting in columns) + " |")
    print("|---|" + "---:|" * len(columns))
    for name in MEASURES:
        cells = [cell(one.said[name], one.done) for one in effects.values()]
        print(f"| {'minus ' if name == 'loss' and 'test' in what else ''}{name} | " + " | ".join(cells) + " |")
    cells = [cell(*twice(one.done)) if len(one.done) > 1 else "" for one in effects.values()]
    print(f"| {AGAIN} | " + " | ".join(cells) + " |")


def twice(done: list[np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Every repetition against every other one."""
    pairs = [(done[i], done[j]) for i in range(len(done)) for j in range(i)]
    return [first for first, _ in pairs], [second for _, second in pairs]


def cell(said: list[np.ndarray], done: list[np.ndarray]) -> str:
    """Mean Spearman correlation over repetitions, with an interval over what was left out."""
    random = np.random.default_rng(0)
    rows = np.arange(len(done[0]))
    draws = [correlation(said, done, random.choice(rows, len(rows))) for _ in range(DRAWS)]
    low, high = np.quantile(draws, [0.025, 0.975])
    return f"{correlation(said, done, rows):.2f} [{low:.2f}, {high:.2f}]".replace("0.", ".")


def correlation(said: list[np.ndarray], done: list[np.ndarray], rows: np.ndarray) -> float:
    found = [
        np.corrcoef(rankdata(one[rows]), rankdata(other[rows]))[0, 1] for one, other in zip(said, done, strict=True)
    ]
    return float(np.mean(found))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1], sys.argv[2:])
