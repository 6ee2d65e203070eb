"""Losses and predictions of every objective, against torch, closed forms and each other."""

import math

import numpy as np
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


def scale_for(kind: str, name: str) -> Scale:
    return Scale(kind, ("0", "1")) if name == "binary" else SCALES[kind]


def logits_of(objective, rows: int = 40, spread: float = 3.0) -> torch.Tensor:
    return spread * torch.randn(rows, objective.width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("kind", "name"), [case for case in EVERY if case[0] != "interval"])
def test_predictions_are_probabilities_that_the_loss_is_the_logarithm_of(kind, name):
    scale = scale_for(kind, name)
    objective = objective_for(scale, name)
    logits = logits_of(objective)
    probability = objective.predict(logits)
    assert probability.shape == (40, scale.size)
    assert ((probability >= 0) & (probability <= 1)).all()
    if kind == "multilabel":
        label = (torch.rand(40, 3, generator=torch.Generator().manual_seed(1)) < 0.5).float()
        expected = -torch.where(label == 1, probability, 1 - probability).log().sum(-1)
        torch.testing.assert_close(F.binary_cross_entropy(probability, label, reduction="none").sum(-1), expected)
    else:
        torch.testing.assert_close(probability.sum(-1), torch.ones(40), atol=1e-6, rtol=0)
        label = torch.arange(40) % scale.size
        expected = -probability[torch.arange(40), label].log()
    torch.testing.assert_close(objective.loss(logits, label), expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(objective.loss_of_answers(probability, label), expected, atol=1e-4, rtol=1e-4)
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
    scale = scale_for(kind, name)
    objective = objective_for(scale, name)
    label = {
        "interval": torch.tensor([0.0, 100.0]),
        "multilabel": torch.tensor([[0.0, 1, 0], [1, 0, 1]]),
    }.get(kind, torch.tensor([0, scale.size - 1]))
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
    scale = scale_for(kind, name)
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
    elif name == "binary":
        label = torch.arange(2)
        perfect = 60 * (label[:, None] - 0.5)
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


def test_one_sigmoid_says_what_a_softmax_over_two_levels_says():
    scale = scale_for("nominal", "binary")
    one, two = objective_for(scale, "binary"), objective_for(scale, "nominal")
    logits, label = logits_of(one), torch.arange(40) % 2
    both = torch.cat([torch.zeros(40, 1), logits], -1)
    torch.testing.assert_close(one.predict(logits), two.predict(both))
    torch.testing.assert_close(one.loss(logits, label), two.loss(both, label))


def test_class_weights_are_torchs_and_balanced_ones_give_every_level_the_same_say():
    counts = np.array([6, 3, 1])
    label = torch.repeat_interleave(torch.arange(3), torch.from_numpy(counts))
    balanced = objective_for(SCALES["nominal"], None, "balanced", counts)
    logits = logits_of(balanced, len(label))
    weight = torch.tensor(10 / (3 * counts), dtype=torch.float32)  # as scikit-learn's class_weight="balanced"
    torch.testing.assert_close(balanced.loss(logits, label), F.cross_entropy(logits, label, weight, reduction="none"))
    assert float(weight[label].mean()) == pytest.approx(1)
    given = objective_for(SCALES["nominal"], None, [1.0, 2.0, 4.0])
    expected = F.cross_entropy(logits, label, torch.tensor([1.0, 2.0, 4.0]), reduction="none")
    torch.testing.assert_close(given.loss(logits, label), expected)
    torch.testing.assert_close(given.predict(logits), logits.softmax(-1))


def test_a_level_that_never_occurs_gets_no_share_of_the_balance():
    balanced = objective_for(SCALES["nominal"], None, "balanced", np.array([4, 0, 4]))
    torch.testing.assert_close(balanced.weights[[0, 2]], torch.ones(2))


@pytest.mark.parametrize(
    ("kind", "weights", "message"),
    [
        (
            "nominal",
            "balance",
            r"class_weights='balance' is not understood; give balanced, null or 3 numbers above 0, one",
        ),
        ("nominal", [1.0, 2.0], r"class_weights=\[1.0, 2.0\] is not understood; .* one for each of no, maybe, yes"),
        ("nominal", [1.0, 2.0, 0.0], r"is not understood"),
        ("interval", "balanced", r"class_weights needs levels; labels of kind interval have none to weigh, use null"),
        ("multilabel", "balanced", r"class_weights needs levels; labels of kind multilabel have none to weigh"),
    ],
)
def test_weights_that_do_not_fit_are_refused(kind, weights, message):
    with pytest.raises(ConfigError, match=message):
        objective_for(SCALES[kind], None, weights, np.ones(3, int))


def test_a_sigmoid_needs_two_levels():
    with pytest.raises(
        ConfigError, match=r"'binary' does not fit labels of kind nominal with 3 levels; choose one of nominal$"
    ):
        objective_for(SCALES["nominal"], "binary")
