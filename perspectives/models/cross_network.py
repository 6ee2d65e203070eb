"""Deep & Cross Network V2 (Wang et al. 2021, WWW) over pairs of a content vector and an annotator vector.

Cross layers multiply what they read with all inputs once more: x_{l+1} = x_0 ⊙ (W_l x_l + b_l) + x_l (their eq. 1),
with a full matrix W_l or one of low rank, U_l V_lᵀ. The product of the first layer is a sum over the two sides of a
pair: each side is computed once, not once per pair. In `everyone`, the layer that reads x_1 is split as well.
"""

import itertools
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from perspectives.errors import ConfigError

Pair = tuple[Tensor, Tensor]  # what the content and the annotator contribute

STRUCTURES = ("stacked", "parallel")
PAIRS_AT_ONCE = 2**12  # in `everyone`: more no longer fits into processor caches


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


class SecondSplit:
    """An affine layer of x_1, for all pairs of items and annotators without computing x_1 for any of them.

    Let u be the first layer's part of a content c, bias included, and V a that of an annotator a. Then
    x_1 = [c; a] ⊙ (1 + u + V a) is a vector of the item, [c; 0] ⊙ (1 + u), plus a matrix of the item times a, plus a
    vector of the annotator, [0; a ⊙ V a]. The layer W is applied to each of the three, so that a pair costs a product
    with annotator_width columns instead of content_width + annotator_width; an item costs one with W for each of them.

    gated: for a cross layer, 1 + u + V a is added, so that x_2 = [c; a] ⊙ the output.
    """

    def __init__(self, first: Split, layer: nn.Linear, annotator: Tensor, gated: bool) -> None:
        self.layer, self.annotator, self.gated, self.width = layer, annotator, gated, first.left
        unit = torch.eye(annotator.shape[1], dtype=annotator.dtype, device=annotator.device)
        self.columns = first(annotator.new_zeros(1, self.width), unit)[1]  # Vᵀ [annotator_width, width]
        squares = annotator * (annotator @ self.columns[:, self.width :])
        self.own = F.linear(squares, layer.weight[:, self.width :])

    def __call__(self, content: Tensor, left: Tensor) -> Tensor:
        """Outputs [item, annotator, out]; left [item, content_width + annotator_width] is u."""
        of_content, of_annotator = self.layer.weight[:, : self.width], self.layer.weight[:, self.width :]
        gate = left + 1
        level = F.linear(content * gate[:, : self.width], of_content, self.layer.bias)
        slope = F.linear(content[:, None] * self.columns[:, : self.width], of_content)
        slope = slope + gate[:, self.width :, None] * of_annotator.T
        if self.gated:
            level, slope = level + gate, slope + self.columns
        return torch.baddbmm(level[:, None] + self.own, self.annotator.expand(len(content), -1, -1), slope)


class CrossNetwork(nn.Module):
    """From pairs (content [item, content_width], annotator [annotator, annotator_width]) to `outputs` numbers.

    annotator_width may be 0: then all annotators get the same output, computed once per text.
    structure: `stacked`, deep layers take the output of the cross layers; `parallel`, both take the input and their
    outputs are concatenated. cross_layers, deep_layers: how many, either may be 0; deep_width: units of each deep layer
    (ReLU). rank: of the cross matrices, None for full. dropout: after each deep layer.

    Raises ConfigError for an unknown structure, a rank below 1, negative numbers of layers, or no layer at all.
    """

    def __init__(
        self,
        content_width: int,
        annotator_width: int,
        outputs: int,
        *,
        structure: str,
        cross_layers: int,
        deep_layers: int,
        deep_width: int,
        rank: int | None,
        dropout: float,
    ) -> None:
        super().__init__()
        _check(structure, cross_layers, deep_layers, rank)
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
        if not annotator.shape[1]:
            return self._texts(content)[item_index]
        sides = self._sides(content, annotator)
        return self._read([(left[item_index], right[annotator_index]) for left, right in sides])

    def everyone(self, content: Tensor, annotator: Tensor) -> Tensor:
        """Outputs [item, annotator, outputs] of all pairs, in blocks of items."""
        people, width = annotator.shape
        if not width:
            return self._texts(content)[:, None].expand(-1, people, -1)
        sides = self._sides(content, annotator)
        second = self._second(annotator) if people > width else None  # splitting an item costs what `width` people do
        step = max(1, PAIRS_AT_ONCE // max(people, 1))
        answers = []
        for lefts in zip(*(left.split(step) for left, _ in sides), strict=True):
            block = [(left[:, None], right) for left, (_, right) in zip(lefts, sides, strict=True)]
            answers.append(self._read(block, None if second is None else second(lefts[0], lefts[1])))
        return torch.cat(answers)

    def _texts(self, content: Tensor) -> Tensor:
        """Outputs [item, outputs] for annotator_width 0."""
        return self._read(self._sides(content, content[:, :0]))

    def _sides(self, content: Tensor, annotator: Tensor) -> list[Pair]:
        """Contributions of the two sides: the vectors themselves, and their parts of each first layer."""
        layers = [layer for layer in (self.first_cross, self.first_deep) if layer is not None]
        return [(content, annotator), *(layer(content, annotator) for layer in layers)]

    def _second(self, annotator: Tensor) -> SecondSplit | None:
        """The layer that reads x_1 and nothing else, split; None if there is none, or if low rank makes it cheap."""
        layer = next(itertools.chain(self.cross, self.deep, [self.head]))
        alone = self.first_deep is None or len(self.cross) > 0
        if self.first_cross is None or not alone or not isinstance(layer, nn.Linear):
            return None
        return SecondSplit(self.first_cross, layer, annotator, gated=len(self.cross) > 0)

    def _read(self, sides: Sequence[Pair], second: Tensor | None = None) -> Tensor:
        """Outputs [..., outputs] of pairs whose two sides broadcast; second: the output of `SecondSplit` for them."""
        if second is not None and not self.cross:
            return self.head(self._deep(self._units(second), self.deep[1:])) if self.deep else second
        deep = None if self.first_deep is None else self._deep(self._units(torch.add(*sides[-1])), self.deep)
        if self.first_cross is None:
            return self.head(deep)
        crossed = self._crossed(sides[0], sides[1], second)
        return self.head(self._deep(crossed, self.deep) if deep is None else torch.cat([crossed, deep], -1))

    def _crossed(self, vectors: Pair, first: Pair, second: Tensor | None) -> Tensor:
        """Output of the cross layers, [..., content_width + annotator_width]."""
        inputs = _beside(*vectors)
        crossed = torch.addcmul(inputs, inputs, first[0] + first[1]) if second is None else inputs * second
        for layer in self.cross if second is None else self.cross[1:]:
            crossed = torch.addcmul(crossed, inputs, layer(crossed))
        return crossed

    def _deep(self, units: Tensor, layers: Iterable[nn.Module]) -> Tensor:
        for layer in layers:
            units = self._units(layer(units))
        return units

    def _units(self, sums: Tensor) -> Tensor:
        return self.dropout(torch.relu(sums))


def _beside(left: Tensor, right: Tensor) -> Tensor:
    """Both sides of each pair as one vector; their leading axes broadcast."""
    axes = torch.broadcast_shapes(left.shape[:-1], right.shape[:-1])
    return torch.cat([left.expand(*axes, -1), right.expand(*axes, -1)], -1)


def _product(width: int, rank: int | None) -> nn.Module:
    if rank is None:
        return nn.Linear(width, width)
    return nn.Sequential(nn.Linear(width, rank, bias=False), nn.Linear(rank, width))


def _check(structure: str, cross_layers: int, deep_layers: int, rank: int | None) -> None:
    if structure not in STRUCTURES:
        raise ConfigError(f"model.structure={structure!r} is unknown; choose one of {', '.join(STRUCTURES)}")
    if rank is not None and rank < 1:
        raise ConfigError(f"model.rank={rank} is not possible; give a number from 1, or null for full matrices")
    if min(cross_layers, deep_layers) < 0 or cross_layers + deep_layers == 0:
        raise ConfigError(
            f"model.cross_layers={cross_layers} and model.deep_layers={deep_layers} make no network; give numbers from "
            "0, at least one of them above 0"
        )
