"""Annotator-aware layers."""

import torch
from torch import Tensor, nn

from perspectives.data.annotators import Annotators
from perspectives.data.schema import Schema
from perspectives.errors import ConfigError

GROUPS = ("joint", "per_attribute")


class AnnotatorHeads(nn.Module):
    """One linear layer per annotator, as one table `[annotator, level, hidden + 1]` (the last column is the bias).

    Only the heads of a batch's annotators are used: one product of all texts with their rows, from which the observed
    pairs are picked. Gradients are sparse over annotators, for `RowAdamW`. Heads start at zero, so that initial values
    do not depend on the order of annotators.
    """

    def __init__(self, annotators: int, levels: int, hidden: int) -> None:
        super().__init__()
        self.shape, self.sparse = (levels, hidden + 1), True  # `sparse` as in nn.Embedding
        self.table = nn.Parameter(torch.zeros(annotators, levels * (hidden + 1)))

    def everyone(self, content: Tensor, code: Tensor) -> Tensor:
        """Logits [item, annotator, level] of the annotators with these codes for all texts; content [item, hidden]."""
        levels, width = self.shape
        rows = nn.functional.embedding(code, self.table, sparse=self.sparse).reshape(-1, width)
        logits = torch.addmm(rows[:, -1], content, rows[:, :-1].T)
        return logits.view(len(content), len(code), levels)


class GroupLayers(nn.Module):
    """One linear layer per value of a demographic attribute, added to its input; `unknown` (code 0) has one too.

    They start at zero, so that the content is unchanged until groups are learned to differ.

    Raises ConfigError when the schema has no such attribute.
    """

    def __init__(self, schema: Schema, attribute: str, hidden: int) -> None:
        super().__init__()
        names = [known.name for known in schema.attributes]
        if attribute not in names:
            accepted = f"choose one of {', '.join(names)}" if names else "the corpus has none; use null"
            raise ConfigError(f"model.group_layers={attribute!r} is not an attribute; {accepted}")
        self.position = names.index(attribute)
        values = len(schema.attributes[self.position].values) + 1
        self.weight = nn.Parameter(torch.zeros(values, hidden, hidden))
        self.bias = nn.Parameter(torch.zeros(values, hidden))

    def values_of(self, annotators: Annotators) -> Tensor:
        """The layer of each annotator, int64 [annotator]."""
        return annotators.attributes[:, self.position]

    def forward(self, content: Tensor, value: Tensor) -> Tensor:
        """Content for people with this value (int64 [], a code), [item, hidden]."""
        return content + nn.functional.linear(content, self.weight[value], self.bias[value])


class AnnotatorTable(nn.Embedding):
    """A vector per code, [code, width]; code 0 is for unseen people. Gradients are sparse, for `RowAdamW`.

    Vectors start small and random, so that layers after them distinguish annotators from the first step; that of code 0
    starts at zero, their mean.
    """

    def __init__(self, codes: int, width: int) -> None:
        super().__init__(codes, width, sparse=True)
        nn.init.normal_(self.weight, std=width**-0.5)
        nn.init.zeros_(self.weight[0])


class AnnotatorEmbedding(nn.Module):
    """An annotator as one vector: that of the id, and those of the group or of each attribute value, concatenated.

    ids: whether ids have vectors, `id_width` numbers each. groups: `joint`, one vector per combination of values that
    occurs in training, or `per_attribute`, one per value of each attribute, concatenated; `group_width` numbers each.

    Raises ConfigError for an unknown `groups`.
    """

    def __init__(self, schema: Schema, ids: bool, id_width: int, groups: str, group_width: int) -> None:
        super().__init__()
        if groups not in GROUPS:
            raise ConfigError(f"model.groups={groups!r} is unknown; choose one of {', '.join(GROUPS)}")
        self.ids = AnnotatorTable(len(schema.people) + 1, id_width) if ids else None
        self.joint = groups == "joint"
        sizes = [len(attribute.values) for attribute in schema.attributes]
        if self.joint:
            sizes = [len(schema.groups)] if sizes else []
        self.groups = nn.ModuleList(AnnotatorTable(size + 1, group_width) for size in sizes)
        self.width = id_width * ids + group_width * len(sizes)

    def annotator_tables(self) -> list[tuple[Tensor, Tensor]]:
        """The table of ids, if there is one; a new annotator starts at the vector of unseen people."""
        return [] if self.ids is None else [(self.ids.weight, self.ids.weight[:1].detach())]

    def forward(self, annotators: Annotators) -> Tensor:
        """Vectors float32 [annotator, width]; width may be 0."""
        codes = annotators.group[:, None] if self.joint else annotators.attributes
        vectors = [table(code) for table, code in zip(self.groups, codes.T, strict=False)]
        if self.ids is not None:
            vectors.insert(0, self.ids(annotators.code))
        return torch.cat(vectors, 1) if vectors else torch.empty(len(annotators), 0, device=codes.device)
