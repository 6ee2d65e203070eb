"""Influence by EK-FAC, for whole encoders, with kronfluence.

The curvature of each linear layer is approximated by a Kronecker product in its eigenbasis, with corrected eigenvalues;
other parameters (embeddings, norms, tables of annotators' rows) count as fixed. Per-annotation gradients require that
each annotation of a batch has its own text and person, so an epoch costs a pass per annotation, not per text.

Pseudo-gradients in the logits are L ε, with ε random signs and L Lᵀ the curvature there: their covariance is the
curvature, as is that of gradients at labels drawn from the model. This holds for every loss, and with two levels it
is exact.

Papers: George et al. 2018, Fast Approximate Natural Gradient Descent in a Kronecker-factored Eigenbasis (NeurIPS);
Grosse et al. 2023, Studying Large Language Model Generalization with Influence Functions.
"""

import warnings
from tempfile import TemporaryDirectory

import numpy as np
import torch
from kronfluence.analyzer import Analyzer, prepare_model
from kronfluence.arguments import ScoreArguments
from kronfluence.task import Task
from torch import Tensor, nn

from perspectives.data.batches import Batch, Batches
from perspectives.errors import ConfigError
from perspectives.models.base import AnnotatorModel
from perspectives.quality.influence.gradients import Answers, curvature_factor, one_by_one, slopes
from perspectives.quality.influence.scores import Scores


def ekfac(
    model: AnnotatorModel,
    train: Batches,
    target: Batches | None,
    damping: float | None,
    batch_size: int = 32,
    seed: int = 0,
) -> Scores:
    """See `table.influence`. damping: None is a tenth of each layer's mean eigenvalue. batch_size: annotations per
    pass. seed: of the pseudo-gradients. Raises ConfigError when no linear layer was trained."""
    answers = Answers(model).float()
    task = OfAnnotations(answers, train, target)
    n = len(train.rows)
    with TemporaryDirectory() as folder, torch.random.fork_rng(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"`torch.cuda.amp.GradScaler", FutureWarning)  # kronfluence 1.0.1
        torch.manual_seed(seed)
        on_cpu = answers.device.type == "cpu"
        analyzer = Analyzer("", prepare_model(answers, task), task, on_cpu, disable_tqdm=True, output_dir=folder)
        analyzer.fit_all_factors("", task.rows(train), per_device_batch_size=batch_size)
        scoring = ScoreArguments(damping_factor=damping)
        analyzer.compute_self_scores("self", "", task.rows(train), batch_size, score_args=scoring)
        own = analyzer.load_self_scores("self")["all_modules"].double().numpy() / n
        influence = np.full(n, np.nan)
        if target is not None:
            scoring = ScoreArguments(damping_factor=damping, aggregate_query_gradients=True)
            asked = task.rows(target), task.rows(train), batch_size, batch_size
            analyzer.compute_pairwise_scores("pairs", "", *asked, score_args=scoring)
            total = analyzer.load_pairwise_scores("pairs")["all_modules"][0]
            influence = total.double().numpy() / n / len(target.rows)
    return Scores(task.losses(batch_size), own, influence, damping)


class OfAnnotations(Task):
    """The interface that kronfluence requires. Its batches are positions of annotations in `Batches.rows`."""

    def __init__(self, answers: Answers, train: Batches, target: Batches | None) -> None:
        self.answers, self.train, self.target = answers, train, target
        self.names = self._asked_layers()
        if not self.names:
            raise ConfigError(
                "EK-FAC approximates linear layers, and this model trained none: its heads are rows of a table; use "
                "method=exact or method=cg"
            )

    @staticmethod
    def rows(batches: Batches) -> torch.utils.data.Dataset:
        return [torch.tensor(position) for position in range(len(batches.rows))]  # type: ignore[return-value]

    def get_influence_tracked_modules(self) -> list[str]:
        return self.names

    def compute_train_loss(self, batch: Tensor, model: nn.Module, sample: bool = False) -> Tensor:
        asked, objective = self._asked(self.train, batch), self.answers.model.objective
        logits = model(asked)
        if not sample:
            return objective.loss(logits, asked.label).sum()
        factor = curvature_factor(objective, logits, asked.label)
        signs = torch.randint(0, 2, logits.shape, device=logits.device).to(logits) * 2 - 1
        return (logits * (factor @ signs[..., None])[..., 0]).sum()

    def compute_measurement(self, batch: Tensor, model: nn.Module) -> Tensor:
        assert self.target is not None
        asked = self._asked(self.target, batch)
        return self.answers.model.objective.loss(model(asked), asked.label).sum()

    def get_attention_mask(self, batch: Tensor) -> Tensor | None:
        tokens = self._asked(self.train, batch).tokens
        return None if tokens is None else tokens["attention_mask"]

    def losses(self, batch_size: int) -> np.ndarray:
        """Of each training annotation, float64 [annotation]."""
        found = []
        for batch in torch.arange(len(self.train.rows)).split(batch_size):
            asked = self._asked(self.train, batch)
            with torch.no_grad():
                logits = self.answers(asked)
            found.append(slopes(self.answers.model.objective, logits, asked.label)[0].cpu())
        return torch.cat(found).double().numpy()

    def _asked_layers(self) -> list[str]:
        """The trained linear layers that a forward pass uses: the pooler of BERT, for example, is not among them."""
        trained = [
            name
            for name, layer in self.answers.named_modules()
            if isinstance(layer, nn.Linear) and layer.weight.requires_grad
        ]
        asked: set[str] = set()
        hooks = [
            self.answers.get_submodule(name).register_forward_hook(lambda *_, name=name: asked.add(name))
            for name in trained
        ]
        with torch.no_grad():
            self.answers(self._asked(self.train, torch.arange(1)))
        for hook in hooks:
            hook.remove()
        return [name for name in trained if name in asked]

    def _asked(self, batches: Batches, positions: Tensor) -> Batch:
        return one_by_one(batches, positions).to(self.answers.device)
