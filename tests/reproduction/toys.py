"""A paper of two small tables on generated data, for the tests of reproduction."""

from typing import Any

import yaml

from perspectives.reproduction.measured import Measure, Measurement
from perspectives.reproduction.spec import Paper, paper_of

SPEC = """
title: A toy
paper: Nobody 2000
tables:
  scores:
    title: two models on generated data
    options: debug=tiny data=synthetic
    columns:
      items: split=items
      people: split=annotators
    rows:
      train mean: {prior: train_mean}
      majority: model=majority optim.lr=1e-3,1e-2
      heads: model=multitask seed=0,1
    metrics: {macro-F1: individual/macro_f1, cross-entropy: soft/cross_entropy}
    baseline: train mean
    tolerance: 0.5
    published:
      - {row: heads, column: items, metric: macro-F1, value: 0.5, source: Table 1}
      - {row: heads, column: people, metric: macro-F1, value: 0.4, source: a talk, verified: false}
    left_out: [{row: heads, column: people, why: heads know nobody new}]
    differs: [the data is invented]
  counts:
    title: what is counted instead of scored
    measure: toys.counted
    columns: {few: {given: {times: 1}}, many: {given: {times: 10}}}
    rows: {ones: {given: 1}, twos: {given: 2}}
    metrics: {count: n}
"""


def paper(**changes: Any) -> Paper:
    """The toy; `scores__options=…` changes `options` of the table `scores`."""
    content = yaml.safe_load(SPEC)
    for name, value in changes.items():
        table, _, key = name.partition("__")
        content["tables"][table][key] = value
    return paper_of("toy", content, "toy.yaml")


def counted(context, times):
    def row(given, runs):
        with open(context.root / "calls.txt", "a") as file:
            file.write(f"{given}*{times} ")
        if given == 0:
            raise ZeroDivisionError("nothing to count")
        return {"n": Measurement(given * times, counts={"items": times})}

    context.root.mkdir(parents=True, exist_ok=True)
    return Measure(row, data_version(context))


def data_version(context):
    """What the numbers are said to be of."""
    file = context.root / "data.txt"
    return file.read_text() if file.exists() else None
