"""The methods of truth inference by name: each takes an `Incidence` and returns an `Aggregate`."""

from collections.abc import Callable

from perspectives.quality.aggregation.bayesian import bcc, vi_mf
from perspectives.quality.aggregation.catd import catd
from perspectives.quality.aggregation.cbcc import cbcc
from perspectives.quality.aggregation.dawid_skene import dawid_skene, lfc
from perspectives.quality.aggregation.glad import glad
from perspectives.quality.aggregation.incidence import Incidence
from perspectives.quality.aggregation.kos import kos
from perspectives.quality.aggregation.mace import mace
from perspectives.quality.aggregation.minimax import minimax
from perspectives.quality.aggregation.multi import multi
from perspectives.quality.aggregation.pm import pm
from perspectives.quality.aggregation.result import Aggregate
from perspectives.quality.aggregation.vi_bp import vi_bp
from perspectives.quality.aggregation.weighted import gold_weighted, leave_one_out, majority
from perspectives.quality.aggregation.zencrowd import zencrowd

METHODS: dict[str, Callable[[Incidence], Aggregate]] = {
    "majority": majority,
    "leave_one_out": leave_one_out,
    "gold_weighted": gold_weighted,  # of sets with gold
    "dawid_skene": dawid_skene,
    "lfc": lfc,
    "zencrowd": zencrowd,
    "mace": mace,
    "glad": glad,
    "pm": pm,
    "catd": catd,
    "kos": kos,
    "minimax": minimax,
    "bcc": bcc,
    "cbcc": cbcc,
    "vi_mf": vi_mf,
    "vi_bp": vi_bp,
    "multi": multi,
}
