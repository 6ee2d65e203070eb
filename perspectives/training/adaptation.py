"""Few-shot adaptation of a trained model to annotators it has not seen, from a few of their labels.

Each new annotator gets a row in every annotator table of the model (a head, a vector), which starts from what the model
predicts for anybody. Only these rows are trained, with the learning rate and decay of their tables; everything else is
frozen, dropout is off, and each epoch is one step on all labels. So nothing is random, and what is learned about one
annotator in a given number of epochs does not depend on who else the model is adapted to.

    model, tokens = load_model(run, annotations.texts)         # annotations: labels by new annotators
    people = adapt_to(model, annotations, epochs=20, tokens=tokens)
    model.everyone(content, people)                            # their predicted answers to other texts
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from perspectives.data.annotations import AnnotationSet
from perspectives.data.annotators import Annotators
from perspectives.data.batches import Batch, Batches
from perspectives.data.tokens import Tokens
from perspectives.errors import DataError
from perspectives.models.base import AnnotatorModel
from perspectives.models.optim import RowAdamW

MAX_EPOCHS = 100
PATIENCE = 10  # epochs without a lower validation loss before adaptation stops

Encoded = list[tuple[Tensor, Batch]]


def adapt_to(
    model: AnnotatorModel, annotations: AnnotationSet, epochs: int, tokens: Tokens | None = None, batch_size: int = 64
) -> Annotators:
    """Adapt a trained model, in place, to new annotators, using all of their `annotations`.

    epochs: how many; `adaptation.csv` of a run with as many labels shows the best number there. tokens: of the texts of
    `annotations`, for a live encoder. The model must have been built for these texts (`training.load_model`).
    Returns the encoded annotators of `annotations`, in their order. Raises DataError when the model already knows one
    of them.
    """
    introduce(model, annotations)
    people = model.schema.encode(annotations.annotators)
    adapt(model, Batches(annotations, np.arange(len(annotations)), people, batch_size, tokens=tokens), epochs=epochs)
    return people


def introduce(model: AnnotatorModel, annotations: AnnotationSet) -> None:
    """Add a code, and a row in every annotator table, for each annotator in `annotations` (in place).

    Raises DataError when the model already knows one of them.
    """
    counts = annotations.annotations["annotator_id"].value_counts().sort_index()
    model.schema = model.schema.adapted_to(counts.index, counts.to_numpy())
    for table, start in model.annotator_tables():
        _replace(model, table, torch.cat([table.detach(), start.expand(len(counts), -1)]))


def adapt(
    model: AnnotatorModel, shots: Iterable[Batch], validation: Iterable[Batch] = (), epochs: int = MAX_EPOCHS
) -> pd.DataFrame:
    """Train the rows of introduced annotators on batches of their labels, in place, and leave the model in eval mode.

    validation: other labels of introduced annotators, used to choose the number of epochs with the lowest loss, which
    may be 0; without any, all `epochs` are run. A model without annotator tables is not changed.

    Returns, for each number of epochs from 0, the mean losses per annotation: columns epoch, adaptation_loss,
    validation_loss (nan without any). Raises DataError when an annotator in `shots` was not introduced.
    """
    tables = [table for table, _ in model.annotator_tables()]
    model.eval()
    adaptation, judged = _encoded(model, shots), _encoded(model, validation)
    _refuse_others(model, adaptation)
    optimizer = RowAdamW(_groups_of(model, tables)) if tables else None
    first = len(model.schema.annotators) + 1  # row of introduced annotators
    kept = [table[first:].detach().clone() for table in tables]
    rows: list[dict[str, float]] = []
    best = 0
    for epoch in range(epochs + 1):
        losses = {"adaptation_loss": _loss(model, adaptation, tables), "validation_loss": _loss(model, judged)}
        rows.append({"epoch": epoch, **losses})
        if losses["validation_loss"] < rows[best]["validation_loss"]:
            best, kept = epoch, [table[first:].detach().clone() for table in tables]
        if optimizer is None or epoch == epochs or (judged and epoch - best >= PATIENCE):
            break
        optimizer.step()
    for table, rows_kept in zip(tables, kept, strict=True):
        table.grad = None
        if judged:
            table.data[first:] = rows_kept
    return pd.DataFrame(rows)


def _replace(model: AnnotatorModel, table: Tensor, grown: Tensor) -> None:
    """Replace a parameter by a larger one: resized in place, it would no longer fit its gradient."""
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if parameter is table:
                setattr(module, name, nn.Parameter(grown))


@torch.no_grad()
def _encoded(model: AnnotatorModel, batches: Iterable[Batch]) -> Encoded:
    """Content vectors of all batches, computed once: nothing they depend on changes."""
    device = next(model.parameters()).device
    return [(model.encode(batch), batch) for batch in (batch.to(device) for batch in batches)]


def _loss(model: AnnotatorModel, encoded: Encoded, tables: Sequence[Tensor] = ()) -> float:
    """Mean loss per annotation, nan without any; leaves the gradients of the sum in `tables`."""
    total, count = 0.0, 0
    with torch.set_grad_enabled(bool(tables)):
        for content, batch in encoded:
            logits = model.pairs(content, batch.annotators, batch.item_index, batch.annotator_index)
            loss = model.objective.loss(logits, batch.label).sum()
            if tables:
                loss.backward(inputs=list(tables))
            total, count = total + float(loss.detach()), count + len(batch.label)
    return total / count if count else float("nan")


def _groups_of(model: AnnotatorModel, tables: Sequence[Tensor]) -> list[dict]:
    """The optimizer's groups from training, restricted to these parameters."""
    wanted = {id(table) for table in tables}
    groups = [
        {**group, "params": [p for p in group["params"] if id(p) in wanted]} for group in model.parameter_groups()
    ]
    return [group for group in groups if group["params"]]


def _refuse_others(model: AnnotatorModel, encoded: Encoded) -> None:
    trained_on = len(model.schema.annotators)
    if others := sum(int((b.annotators.code[b.annotator_index] <= trained_on).sum()) for _, b in encoded):
        raise DataError(
            f"{others} annotations cannot be used for adaptation: their annotators were in training, or were not added "
            "with `introduce`"
        )
