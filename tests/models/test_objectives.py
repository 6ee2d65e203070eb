"""Losses and predictions of every objective, against torch, closed forms and each other."""

import math

import pytest
import torch
from torch.nn import functional as F

from perspectives.data.scale import Scale
from perspectives.errors import ConfigError
from perspectives.models.objectives import OBJECTIVES_OF_SCALE, objective_for

SCALES = {
    "nominal": Scale("nominal", ("no", "maybe", "yes")),
    "ordinal": Scale.integers(1, 5),
    "interval": Scale("interval", low=0, high=100),
    "multilabel": Scale("multilabel", ("a", "b", "c")),
}
EVERY = [(kind, name) for kind, names in OBJECTIVES_OF_SCALE.items() for name in names]


def logits_of(objective, rows: int = 40, spread: float = 3.0) -> torch.Tensor:
    return spread * torch.randn(rows, objective.width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("kind", "name"), [case for case in EVERY if case[0] != "interval"])
def test_predictions_are_probabilities_that_the_loss_is_the_logarithm_of(kind, name):
    objective = objective_for(SCALES[kind], name)
    logits = logits_of(objective)
    probability = objective.predict(logits)
    assert probability.shape == (40, SCALES[kind].size)
    assert ((probability >= 0) & (probability <= 1)).all()
    if kind == "multilabel":
        label = (torch.rand(40, 3, generator=torch.Generator().manual_seed(1)) < 0.5).float()
        expected = -torch.where(label == 1, probability, 1 - probability).log().sum(-1)
        torch.testing.assert_close(F.binary_cross_entropy(probability, label, reduction="none").sum(-1), expected)
    else:
        torch.testing.assert_close(probability.sum(-1), torch.ones(40), atol=1e-6, rtol=0)
        label = torch.arange(40) % SCALES[kind].size
        expected = -probability[torch.arange(40), label].log()
    torch.testing.assert_close(objective.loss(logits, label), expected, atol=1e-4, rtol=1e-4)
    assert torch.equal(objective.predict(logits[:, None]).squeeze(1), probability)  # any leading axes


def test_nominal_is_torchs_cross_entropy_and_multilabel_its_binary_one():
    nominal, several = objective_for(SCALES["nominal"]), objective_for(SCALES["multilabel"])
    logits, label = logits_of(nominal), torch.arange(40) % 3
    torch.testing.assert_close(nominal.loss(logits, label).mean(), F.cross_entropy(logits, label))
    sets = F.one_hot(label, 3).float()
    expected = F.binary_cross_entropy_with_logits(logits, sets)
    torch.testing.assert_close(several.loss(logits, sets).mean() / 3, expected)


def test_ordinal_probabilities_are_differences_of_sigmoids():
    objective = objective_for(SCALES["ordinal"], "ordinal")
    logits = logits_of(objective).double()
    cuts = torch.cat([logits[:, :1], logits[:, :1] - F.softplus(logits[:, 1:]).cumsum(-1)], -1)
    exceed = F.pad(F.pad(cuts.sigmoid(), (1, 0), value=1.0), (0, 1), value=0.0)
    torch.testing.assert_close(
        objective.predict(logits), (exceed[:, :-1] - exceed[:, 1:]).float(), atol=1e-6, rtol=1e-4
    )


def test_ordinal_recovers_known_thresholds_and_with_two_levels_is_logistic_regression():
    objective = objective_for(SCALES["ordinal"], "ordinal")
    cuts = torch.tensor([1.5, 0.2, -0.4, -2.0])  # log-odds of exceeding each level
    exceed = F.pad(F.pad(cuts.sigmoid(), (1, 0), value=1.0), (0, 1), value=0.0)
    share = exceed[:-1] - exceed[1:]
    logits = torch.zeros(1, 4, requires_grad=True)
    optimizer = torch.optim.LBFGS([logits], max_iter=200)

    def closure():
        optimizer.zero_grad()
        loss = (share * objective.loss(logits.expand(5, 4), torch.arange(5))).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    steps = torch.log(torch.expm1(cuts[:-1] - cuts[1:]))  # the inverse of softplus
    torch.testing.assert_close(logits[0].detach(), torch.cat([cuts[:1], steps]), atol=5e-3, rtol=0)
    binary = objective_for(Scale("ordinal", ("low", "high")), "ordinal")
    scores, label = logits_of(binary), torch.arange(40) % 2
    torch.testing.assert_close(
        binary.loss(scores, label), F.binary_cross_entropy_with_logits(scores[:, 0], label.float(), reduction="none")
    )


@pytest.mark.parametrize(("kind", "name"), EVERY)
@pytest.mark.parametrize("size", [0.0, 30.0, 1e4, -1e4])
def test_extreme_logits_give_finite_losses_and_gradients_that_lead_back(kind, name, size):
    objective = objective_for(SCALES[kind], name)
    label = {
        "interval": torch.tensor([0.0, 100.0]),
        "multilabel": torch.tensor([[0.0, 1, 0], [1, 0, 1]]),
    }.get(kind, torch.tensor([0, SCALES[kind].size - 1]))
    logits = torch.full((2, objective.width), size, requires_grad=True)
    loss = objective.loss(logits, label)
    loss.sum().backward()
    assert torch.isfinite(loss).all()
    assert torch.isfinite(logits.grad).all()
    assert torch.isfinite(objective.predict(logits)).all()
    if abs(size) >= 30 and name != "nominal":  # one of the two labels is badly missed: the gradient must not vanish
        assert logits.grad.abs().sum(1).max() > 0.5


@pytest.mark.parametrize(("kind", "name"), EVERY)
def test_the_loss_tends_to_zero_at_perfect_logits(kind, name):
    scale = SCALES[kind]
    objective = objective_for(scale, name)
    if kind == "interval":
        label = torch.tensor([0.0, 37.5, 100.0])
        perfect = ((label - 50) / 50)[:, None]
        torch.testing.assert_close(objective.predict(perfect)[:, 0], label)
    elif name == "multilabel":
        label = torch.tensor([[0.0, 1, 0], [1, 0, 1], [0, 0, 0]])
        perfect = 60 * (label - 0.5)
    elif name == "nominal":
        label = torch.arange(scale.size)
        perfect = 60 * F.one_hot(label, scale.size).float()
    else:  # every cut far above or below 0, level by level
        label = torch.arange(5)
        cuts = torch.where(torch.arange(4)[None] < label[:, None], 30.0, -30.0) - torch.arange(4.0)
        perfect = torch.cat([cuts[:, :1], torch.log(torch.expm1((cuts[:, :-1] - cuts[:, 1:]).double())).float()], -1)
    assert (objective.loss(perfect, label) < 1e-5).all()
    assert (objective.loss(-0.1 * perfect + 0.3, label) > 0.1).all()


@pytest.mark.parametrize("name", ["absolute", "squared"])
def test_ratings_are_scored_in_units_of_the_scale_and_stay_in_its_bounds(name):
    logits = torch.tensor([[-3.0], [0.0], [0.5], [3.0]])
    label = torch.tensor([0.0, 60.0, 60.0, 60.0])
    power = 1 if name == "absolute" else 2
    bounded = objective_for(SCALES["interval"], name)
    assert bounded.predict(logits)[:, 0].tolist() == [0, 50, 75, 100]
    assert bounded.loss(logits, label).tolist() == [100**power, 10**power, 15**power, 140**power]
    free = objective_for(Scale("interval"), name)
    assert free.predict(logits).tolist() == logits.tolist()
    assert free.loss(logits, label).tolist() == [3**power, 60**power, 59.5**power, 57**power]
    half = objective_for(Scale("interval", low=0), name)
    assert half.predict(logits)[:, 0].tolist() == [0, 0, 0.5, 3]


@pytest.mark.parametrize("name", ["absolute", "squared"])
def test_the_best_constant_rating_is_the_median_or_the_mean(name):
    objective = objective_for(SCALES["interval"], name)
    label = torch.tensor([10.0, 20.0, 90.0])
    grid = torch.linspace(-1, 1, 2001)[:, None]
    loss = torch.stack([objective.loss(point.expand(3, 1), label).sum() for point in grid])
    best = float(objective.predict(grid[loss.argmin()][None]))
    assert math.isclose(best, 20 if name == "absolute" else 40, abs_tol=0.06)


def test_an_objective_that_does_not_fit_is_refused_with_those_that_do():
    with pytest.raises(
        ConfigError, match=r"model\.objective='squared' does not fit labels of kind ordinal; choose one of nom"
    ):
        objective_for(SCALES["ordinal"], "squared")
    with pytest.raises(ConfigError, match=r"'ordinal' does not fit labels of kind nominal; choose one of nominal$"):
        objective_for(SCALES["nominal"], "ordinal")
    assert [type(objective_for(scale)).__name__ for scale in SCALES.values()] == [
        "Nominal",
        "Nominal",
        "Regression",
        "Multilabel",
    ]
