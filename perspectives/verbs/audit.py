"""How good are the annotations of a corpus: who is careless, who merely disagrees, what to annotate next.

perspectives audit data=hatecheck                             any corpus: options of `perspectives train`, data=… first
perspectives audit run='runs/gwsd/jury-*'                     the corpus of these runs, with what training showed
perspectives audit data=table data.reader.path=mine.csv …     a corpus of your own

  run=RUN         run folders of one trained method, a folder above them, or a pattern. Trained with
                  predictions.everyone=true they tell slips from perspectives (folds are joined, seeds averaged); with
                  dynamics=true they draw the data map. Their data is read as they read it; data options, where it
                  lies elsewhere now, start with data=…
  influence=true  by how much each label's loss would rise had the run not been trained on it (self-influence: high for
                  labels that only memory explains), exactly, for heads on frozen encoders; it takes from seconds to
                  many minutes per run, more with every parameter that annotators share (default: false)
  output=FOLDER   for the tables (Parquet) and the page (audit.html), replaced where it exists (default: audit beside
                  the runs, or below runs/<data>)

Prints a summary. People and items are numbered there, by their place in the data, and nothing is said of groups below
5 people, or of groups at all in corpora of fewer than 20 annotators. The tables hold the ids, and the page the texts of
the corpus: pass them on only where the corpus may be passed on. What their columns mean stands where they are made,
in perspectives/quality/audit/, a file per table.
"""

import argparse
import textwrap
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from perspectives.errors import ConfigError, DataWarning, RunError
from perspectives.verbs.options import parsed, yes

if TYPE_CHECKING:
    from perspectives.data.annotations import AnnotationSet
    from perspectives.predictions import Predictions
    from perspectives.quality.audit.audit import Audit
    from perspectives.quality.dynamics import Dynamics
    from perspectives.runs.joined import Joined

LEAST_LIKE_OTHERS, NEXT, MOST_INFLUENTIAL = 10, 5, 5  # annotators, items and labels in the summary


@dataclass(frozen=True)
class Options:
    """What was typed for this verb; see the top of this file."""

    run: str | None = None
    influence: str = "false"
    output: str | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("options", nargs="*", metavar="OPTION=VALUE", help="see above")


def main(args: argparse.Namespace) -> None:
    from perspectives.data.load import load
    from perspectives.quality.audit.audit import audit
    from perspectives.runs.joined import joined

    if not args.options:
        raise ConfigError("nothing to audit; give data=…, run=… or both")
    data: list[str] = []
    options = parsed(args.options, Options, others=data)
    wanted = yes("influence", options.influence)
    if wanted and options.run is None:
        raise ConfigError("influence=true asks what a run learned from each label; give run=…, too")
    found = None if options.run is None else joined(options.run)
    config = _config(data, found)
    folder = _folder(options, config, found)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # they are kept in notes; undefined agreement is a dash
        annotations = load(config.data)
        _refuse_other_data(annotations, found)
        done = audit(annotations, *_trained(found), scored=_scored(found) if found is not None and wanted else [])
    write(folder, done, None if found is None else found.name)
    print(summary(done))
    print(f"{folder}: audit.html and tables")


def write(folder: Path, audit: "Audit", method: str | None) -> None:
    """All tables as Parquet and the page, all or nothing."""
    from perspectives.files import new_folder
    from perspectives.reports.audit.build import html

    with new_folder(folder) as partial:
        for name, table in audit.tables().items():
            table.to_parquet(partial / f"{name}.parquet", index=False)
        (partial / "audit.html").write_text(html(audit, method), encoding="utf-8")


def _config(data: list[str], found: "Joined | None") -> Any:
    """The configuration of the runs where nothing was typed, so that their data is read as they read it."""
    from omegaconf import OmegaConf

    from perspectives.config import compose

    if found is None:
        return compose(overrides=data)
    if not data:
        return OmegaConf.create(found.runs[0].config)
    named = any(word.startswith("data=") for word in data)
    return compose(overrides=[*([] if named else [f"data={found.runs[0].config['data']['name']}"]), *data])


def _folder(options: Options, config: Any, found: "Joined | None") -> Path:
    """As given, beside the runs, or below runs/<data>. Raises ConfigError for one that holds anything else."""
    if options.output is not None:
        folder = Path(options.output).expanduser()
    else:
        folder = (Path(config.paths.runs).expanduser() / config.data.name if found is None else found.folder) / "audit"
    if folder.exists() and not (folder.is_dir() and (not any(folder.iterdir()) or (folder / "audit.html").exists())):
        raise ConfigError(f"output={folder} holds something else than an audit; choose another folder")
    return folder


def _refuse_other_data(annotations: "AnnotationSet", found: "Joined | None") -> None:
    if found is not None and found.runs[0].provenance["data"]["checksum"] != annotations.checksum:
        raise RunError(
            f"{found.runs[0].folder} was trained on other data than {annotations.name} as it is read now; give the "
            "data options it was trained with (see its config.yaml)"
        )


def _trained(found: "Joined | None") -> tuple["Predictions | None", list["Dynamics"]]:
    from perspectives.quality.dynamics import FOLDER, Dynamics

    if found is None:
        return None, []
    recorded = [Dynamics.load(run.folder / FOLDER) for run in found.runs if (run.folder / FOLDER).is_dir()]
    return found.mean, recorded


def _scored(found: "Joined") -> list[pd.DataFrame]:
    from perspectives.quality.influence.table import influence_of_run

    return [influence_of_run(run) for run in found.runs]


# The summary. ------------------------------------------------------------------------------------------------------


def summary(audit: "Audit") -> str:
    """What the audit found, as text: no text of the corpus and no id in it."""
    from perspectives.quality.audit.items import to_ask
    from perspectives.quality.audit.people import RULE
    from perspectives.reports.audit.content import cards
    from perspectives.reports.tables import render_table

    parts = [f"{audit.description.name} ({audit.description.scale})"]
    parts += [f"  {value:>8}  {words}" for value, words in cards(audit)]
    parts += [line for note in audit.notes for line in _lines(f"note: {note}")]
    tables = [(people_table(audit.people), _lines(f"The annotators least like the others. {RULE}"))]
    if len(audit.agreement) > 1:
        tables.append((_strings(audit.agreement), _lines("Agreement of everybody, by level, and within groups.")))
    if len(audit.drift):
        tables.append((_strings(audit.drift[["field", "value", "annotations", "mean", "pairwise", "alpha"]]), []))
    if audit.told is not None:
        tables.append((_strings(audit.told.groups.drop(columns=["untouched_called", "auroc_low", "auroc_high"])), []))
    if audit.influence is not None:
        tables.append((_strings(influence_table(audit)), _lines("The training labels of highest self-influence.")))
    first = to_ask(audit.items)[["item", "raters", "disagreement", "predicted", "lacking", "ask"]].head(NEXT)
    if len(first):
        tables.append((_strings(first), _lines("What to annotate next, and whom to ask: more on the page.")))
    rendered = [render_table(table, "text", notes).rstrip() for table, notes in tables]
    return "\n\n".join(["\n".join(parts), *rendered]) + "\n"


def _lines(text: str) -> list[str]:
    return textwrap.wrap(text, 100, break_long_words=False, break_on_hyphens=False)


def people_table(people: pd.DataFrame, count: int = LEAST_LIKE_OTHERS) -> pd.DataFrame:
    """The first annotators of `people` as strings, by number."""
    names = ["person", "labels", "agreement", "distance", "kappa", "competence", "low", "high", "entropy", "gold"]
    names += ["suspect"]
    return _strings(people.head(count)[names]).rename(columns={"person": "annotator", "kappa": "beyond chance"})


def influence_table(audit: "Audit", count: int = MOST_INFLUENTIAL) -> pd.DataFrame:
    """The labels of highest self-influence: item, annotator (by number), loss in training and self-influence."""
    assert audit.influence is not None
    first = audit.influence.head(count)
    places = {"item": (audit.annotations.items, "item_id"), "annotator": (audit.annotations.annotators, "annotator_id")}
    shown: dict[str, Any] = {
        name: pd.Index(table[key]).get_indexer(first[key]) + 1 for name, (table, key) in places.items()
    }
    shown |= {"loss": first["loss"], "self-influence": [f"{value:.2g}" for value in first["self_influence"]]}
    return pd.DataFrame(shown)


def _strings(table: pd.DataFrame) -> pd.DataFrame:
    """Columns that hold anything, written out."""
    from perspectives.reports.tables import number

    table = table.loc[:, (table.notna() & (table != "")).any()]

    def written(value: Any) -> str:
        if isinstance(value, bool):
            return "yes" if value else ""
        return f"{value:,}" if isinstance(value, int) else value if isinstance(value, str) else number(value)

    return pd.DataFrame({name: [written(value) for value in table[name].tolist()] for name in table})
