"""Who is suspected of spam in generated populations, where the careless are known?

    python experiments/audit/carelessness.py > experiments/audit/tables/carelessness.md

Populations of 120 people, 1,600 texts, 8 labels each (about 107 per person); 8 % ignore the text. Beside the audit's
rule: as many people as are careless, those of lowest MACE competence and those of lowest agreement with the others.
"""

import warnings

import numpy as np
import pandas as pd
from shares import share

from perspectives.data.synthetic import generate
from perspectives.metrics.groups import membership
from perspectives.quality.audit.people import FEWEST, people

SEEDS = range(10)
RULES = ("suspected", "lowest competence", "least agreement")


def flagged(table: pd.DataFrame, count: int) -> dict[str, np.ndarray]:
    """Who each rule names, bool [annotator] in the order of `table`."""
    lowest = {name: table[name].rank(method="first") <= count for name in ("competence", "agreement")}
    return dict(zip(RULES, (table["suspect"], lowest["competence"], lowest["agreement"]), strict=True))


def population(seed: int) -> pd.DataFrame:
    """A row per person with labels enough: careless (no, random, constant), their group, and what each rule says."""
    annotations, truth = generate(items=1600, annotators=120, annotations_per_item=8, seed=seed)
    table, _ = people(annotations)
    kinds = pd.Series(truth.careless, index=annotations.annotators["annotator_id"])
    table["careless"] = kinds.loc[table["annotator_id"]].to_numpy()
    table = table[table["shared"] >= FEWEST].reset_index(drop=True)
    rules = flagged(table, int((table["careless"] != "no").sum()))
    group = membership(annotations.annotators["gender"]).code[table["person"] - 1]
    return table.assign(group=group, **rules)


def main() -> None:
    warnings.simplefilter("ignore")
    found = pd.concat([population(seed) for seed in SEEDS])
    careless = found["careless"] != "no"
    print("| rule | random found | constant found | others accused |\n|---|---:|---:|---:|")
    for rule in RULES:
        cells = [found.loc[found["careless"] == kind, rule] for kind in ("random", "constant", "no")]
        print(f"| {rule} | {' | '.join(counted(cell) for cell in cells)} |")
    rates = found[~careless & (found["group"] >= 0)].groupby("group")["suspected"]
    print(f"\nFalse suspicion by gender: {'; '.join(counted(cell) for _, cell in rates)}.")


def counted(cell: pd.Series) -> str:
    return f"{int(cell.sum())} of {len(cell)}, {share(int(cell.sum()), len(cell))}"


if __name__ == "__main__":
    main()
