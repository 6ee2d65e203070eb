"""AdamW that updates only those rows of a table that a batch used.

Most rows of a table of annotators get no gradient in a step: a dense optimizer would spend more time on it than the
encoder takes, and would move (decay, momentum) annotators who are absent from the batch.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn


class RowAdamW(torch.optim.AdamW):
    """Fused AdamW (Loshchilov & Hutter 2019) for dense gradients, row-wise for sparse ones.

    A row with a gradient takes exactly the AdamW step it would take alone, with its own step count for bias correction;
    all other rows are unchanged. If every row has a gradient in every step, this equals AdamW.
    """

    def __init__(self, params: Iterable[Any], **options: Any) -> None:
        super().__init__(params, fused=True, **options)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for table in group["params"]:
                if table.grad is not None and table.grad.is_sparse:
                    self._step_rows(table, group)
                    table.grad = None  # the dense step below must not see it
        super().step()
        return loss

    def _step_rows(self, table: Tensor, group: dict[str, Any]) -> None:
        gradient = table.grad.coalesce()  # type: ignore[union-attr]
        rows, change = gradient.indices()[0], gradient.values()
        state = self.state[table]
        if not state:
            state["step"] = torch.tensor(0.0)  # AdamW expects the key when a checkpoint is loaded
            state["row_mean"], state["row_variance"] = torch.zeros_like(table), torch.zeros_like(table)
            state["row_step"] = torch.zeros(len(table), *[1] * (table.ndim - 1), device=table.device)
        beta1, beta2 = group["betas"]
        step = state["row_step"][rows] + 1
        mean = state["row_mean"][rows].lerp_(change, 1 - beta1)
        variance = state["row_variance"][rows].mul_(beta2).addcmul_(change, change, value=1 - beta2)
        state["row_step"][rows], state["row_mean"][rows], state["row_variance"][rows] = step, mean, variance
        direction = (mean / (1 - beta1**step)) / ((variance / (1 - beta2**step)).sqrt_() + group["eps"])
        table[rows] = table[rows] * (1 - group["lr"] * group["weight_decay"]) - group["lr"] * direction


def clip_gradients(parameters: Iterable[nn.Parameter], limit: float) -> None:
    """Scale all gradients so that their joint norm is at most `limit`; understands sparse gradients."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    if not gradients:
        return
    norms = [(g.coalesce().values() if g.is_sparse else g).norm() for g in gradients]
    factor = (limit / (torch.linalg.vector_norm(torch.stack(norms)) + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(factor)
