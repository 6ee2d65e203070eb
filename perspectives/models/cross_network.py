"""Deep & Cross Network V2 (Wang et al. 2021, WWW) over pairs of a content vector and an annotator vector.

Cross layers multiply what they read with all inputs once more: x_{l+1} = x_0 ⊙ (W_l x_l + b_l) + x_l, with a full
matrix W_l or one of low rank, U_l V_lᵀ. The product of the first layer is a sum over the two sides of a pair: each side
is computed once, not once per pair.
"""

import itertools

import torch
from torch import Tensor, nn

from perspectives.errors import ConfigError

STRUCTURES = ("stacked", "parallel")
PAIRS_AT_ONCE = 2**14  # when everyone is asked: more no longer fits into the caches of a processor


class Split(nn.Module):
    """An affine map of two vectors side by side, [left; right] → left part + right part, each computed on its own.

    rank: None for a full matrix, otherwise the product of two thin ones.
    """

    def __init__(self, left: int, right: int, out: int, rank: int | None = None) -> None:
        super().__init__()
        self.left = left
        self.inner = None if rank is None else nn.Linear(left + right, rank, bias=False)
        self.outer = nn.Linear(left + right if rank is None else rank, out)

    def forward(self, left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
        """The parts [..., out] of the left and the right rows; the bias is in the left one."""
        weight = self.outer.weight if self.inner is None else self.inner.weight
        parts = left @ weight[:, : self.left].T, right @ weight[:, self.left :].T
        if self.inner is not None:
            parts = parts[0] @ self.outer.weight.T, parts[1] @ self.outer.weight.T
        return parts[0] + self.outer.bias, parts[1]


class CrossNetwork(nn.Module):
    """From pairs (content [item, content_width], annotator [annotator, annotator_width]) to `outputs` numbers.

    structure: `stacked`, deep layers read what the cross layers wrote; `parallel`, both read the input and are read
    together. cross_layers, deep_layers: how many; deep_width: units of each deep layer (ReLU). rank: of the cross
    matrices, None for full. dropout: after each deep layer.

    Raises ConfigError for an unknown structure, a rank below 1, or no layer at all.
    """

    def __init__(
        self,
        content_width: int,
        annotator_width: int,
        outputs: int,
        *,
        structure: str = "stacked",
        cross_layers: int = 2,
        deep_layers: int = 2,
        deep_width: int = 128,
        rank: int | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if structure not in STRUCTURES:
            raise ConfigError(f"model.structure={structure!r} is unknown; choose one of {', '.join(STRUCTURES)}")
        if rank is not None and rank < 1:
            raise ConfigError(f"model.rank={rank} is not possible; give a number from 1, or null for full matrices")
        if cross_layers + deep_layers < 1:
            raise ConfigError("model.cross_layers and model.deep_layers are both 0; give at least one layer")
        width = content_width + annotator_width
        self.parallel = structure == "parallel" or not cross_layers
        self.first_cross = Split(content_width, annotator_width, width, rank) if cross_layers else None
        self.cross = nn.ModuleList(_product(width, rank) for _ in range(cross_layers - 1))
        self.first_deep = Split(content_width, annotator_width, deep_width) if deep_layers and self.parallel else None
        deep = [deep_width if self.parallel else width, *[deep_width] * (deep_layers - (self.first_deep is not None))]
        self.deep = nn.ModuleList(nn.Linear(*sizes) for sizes in itertools.pairwise(deep))
        crossed = width if cross_layers and (self.parallel or not deep_layers) else 0
        self.head = nn.Linear(crossed + deep_width * bool(deep_layers), outputs)
        self.dropout = nn.Dropout(dropout)

    def forward(self, content: Tensor, annotator: Tensor, item_index: Tensor, annotator_index: Tensor) -> Tensor:
        """Outputs [pair, outputs] of the pairs of rows at item_index and annotator_index, both int64 [pair]."""
        if not annotator.shape[1]:  # nobody differs: each text once
            return self._read(*self._sides(content, annotator[:1].expand(len(content), 0)))[item_index]
        sides = self._sides(content, annotator)
        return self._read(*((left[item_index], right[annotator_index]) for left, right in sides))

    def everyone(self, content: Tensor, annotator: Tensor) -> Tensor:
        """Outputs [item, annotator, outputs] of all pairs, in blocks of items."""
        sides = self._sides(content, annotator)
        people, step = len(annotator), max(1, PAIRS_AT_ONCE // max(len(annotator), 1))
        answers = []
        for start in range(0, len(content), step):
            blocks = [left[start : start + step, None] for left, _ in sides]
            rows = len(blocks[0])
            pairs = zip(blocks, (right.expand(rows, -1, -1) for _, right in sides), strict=True)
            answers.append(self._read(*((left.expand(-1, people, -1), right) for left, right in pairs)))
        return torch.cat(answers)

    def _sides(self, content: Tensor, annotator: Tensor) -> list[tuple[Tensor, Tensor]]:
        """What each side contributes: the vectors themselves, and their parts of each first layer."""
        layers = [layer for layer in (self.first_cross, self.first_deep) if layer is not None]
        return [(content, annotator), *(layer(content, annotator) for layer in layers)]

    def _read(self, *sides: tuple[Tensor, Tensor]) -> Tensor:
        """Outputs [..., outputs] of pairs whose two sides have the same leading axes."""
        vectors, *parts = sides
        inputs = torch.cat(vectors, -1)
        crossed = inputs
        if self.first_cross is not None:
            left, right = parts.pop(0)
            crossed = torch.addcmul(inputs, inputs, left + right)
            for layer in self.cross:
                crossed = torch.addcmul(crossed, inputs, layer(crossed))
        deep = crossed
        if self.first_deep is not None:
            left, right = parts.pop(0)
            deep = self.dropout(torch.relu(left + right))
        for layer in self.deep:
            deep = self.dropout(torch.relu(layer(deep)))
        both = self.first_deep is not None and self.first_cross is not None
        return self.head(torch.cat([crossed, deep], -1) if both else deep)


def _product(width: int, rank: int | None) -> nn.Module:
    if rank is None:
        return nn.Linear(width, width)
    return nn.Sequential(nn.Linear(width, rank, bias=False), nn.Linear(rank, width))
