"""Every metric that an evaluation yields points somewhere."""

from dataclasses import replace

import numpy as np
import pytest
from invented_predictions import ITEMS, SCALES, made

from perspectives.evaluation.scores import Evaluation
from perspectives.metrics.direction import HIGHER_IS_BETTER, LOWER_IS_BETTER, lower_is_better, signed
from perspectives.predictions import Predictions


def evaluated(kind: str) -> Predictions:
    """Predictions with everything that brings further metrics: unseen people, and official labels."""
    predictions = made(kind)
    size = predictions.scale.size
    items = predictions.items.assign(official_label="yes", official_soft_label=np.linspace(0, 1, ITEMS))
    items = items if kind == "nominal" else predictions.items
    return replace(predictions, items=items.assign(official_distribution=[(1.0, *[0.0] * (size - 1))] * ITEMS))


def test_every_metric_of_every_scale_has_a_direction():
    metrics = {name for kind in SCALES for name in Evaluation(evaluated(kind)).estimates}
    assert len(metrics) > 30
    assert {"lewidi2023/micro_f1", "individual/macro_f1_unseen", "soft/wasserstein", "individual/rmse"} <= metrics
    for metric in metrics:
        lower_is_better(metric)
    plain = {m.split("/")[1].removesuffix("_unseen").removesuffix("_seen") for m in metrics if not signed(m)}
    assert plain == LOWER_IS_BETTER | HIGHER_IS_BETTER  # and none stands there that nobody computes
    assert not LOWER_IS_BETTER & HIGHER_IS_BETTER


@pytest.mark.parametrize("kind", SCALES)
def test_perfect_answers_are_at_the_better_end(kind):
    """The direction agrees with the numbers: no other answers score better than what people said."""
    predictions = made(kind)
    codes = predictions.observed
    perfect = np.eye(predictions.scale.size)[codes] if kind in ("nominal", "ordinal") else codes.reshape(len(codes), -1)
    best = Evaluation(replace(predictions, values=perfect.astype(np.float32))).estimates
    other = Evaluation(predictions).estimates
    compared = 0
    for metric, estimate in best.items():
        if (
            metric == "disagreement/aurc"
            or signed(metric)
            or not np.isfinite([float(estimate), float(other[metric])]).all()
        ):
            continue  # the coverage of items on which people agree is not a matter of predicting each person
        sign = 1 if lower_is_better(metric) else -1
        assert sign * float(estimate) <= sign * float(other[metric]) + 1e-9, metric
        compared += 1
    assert compared >= 4


def test_an_unknown_metric_is_not_taken_for_either():
    with pytest.raises(KeyError, match="metric 'soft/novel' has no direction; add 'novel' to perspectives/metrics/dir"):
        lower_is_better("soft/novel")
