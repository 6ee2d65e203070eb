"""The model card of a trained model: a README.md for the Hub, written from what its run recorded.

It names no annotator and quotes no text, and no number describes fewer than five people.
"""

import inspect
import pkgutil
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import yaml

from perspectives import __version__
from perspectives.config import choices, describe_choice
from perspectives.data import catalog
from perspectives.data.schema import UNKNOWN_CODE, Attribute, Schema
from perspectives.metrics.groups import SMALLEST_GROUP, pooled_name
from perspectives.models.pretrained import MINILM_HUB, OURS
from perspectives.reports.tables import number

# How licences in the corpus cards begin, and what the Hub calls them.
LICENCES = {
    "cc by 4.0": "cc-by-4.0", "cc0": "cc0-1.0", "apache-2.0": "apache-2.0", "mit": "mit", "none stated": "unknown",
}  # fmt: skip
TAGS = ("perspectivism", "annotator-disagreement", "human-label-variation")
SHOWN = (
    "individual/macro_f1", "individual/accuracy", "individual/cross_entropy", "individual/macro_f1_unseen",
    "individual/mae", "individual/mae_unseen", "majority/macro_f1", "soft/cross_entropy", "soft/manhattan", "soft/mae",
    "disagreement/entropy_pearson",
)  # fmt: skip
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
REPOSITORY = "https://github.com/perspectives-nlp/perspectives"


@dataclass(frozen=True)
class Subject:
    """The model that a card describes.

    source: from where people load the model: `owner/name` or a folder. config, provenance, metrics: as exported.
    named: whether `schema` holds the annotators' ids of the corpus. blind: whether everyone gets the same answer.
    """

    source: str
    config: Mapping[str, Any]
    provenance: Mapping[str, Any]
    metrics: Mapping[str, Any]
    schema: Schema
    named: bool
    blind: bool

    @property
    def method(self) -> str:
        return self.config["model"]["name"]

    @property
    def corpus(self) -> str:
        return self.config["data"]["name"]

    @property
    def card(self) -> catalog.Card | None:
        """What is known about the corpus, when it is a published one."""
        name = self.config["data"].get("card")
        return catalog.card(name) if name in catalog.names() else None

    @property
    def of_majority(self) -> bool:
        """Whether the model learned one label per item, so that the schema has no annotators."""
        return "target" in self.config["model"]

    @property
    def scores(self) -> Mapping[str, Any]:
        """For each part, its `counts` and `metrics`."""
        return self.metrics["predictions"][self.method]


def model_card(subject: Subject) -> str:
    """The card as Markdown, with the metadata the Hub reads at its top."""
    sections = [
        ("How to use", _usage(subject)),
        ("Method", _method(subject)),
        ("Data", _data(subject)),
        ("Annotators", _annotators(subject)),
        ("Training", _training(subject)),
        ("Results", _results(subject)),
        ("Intended use", INTENDED),
        ("Out of scope", OUT_OF_SCOPE),
        ("Limits", _limits(subject)),
        ("Citation", _citation(subject)),
    ]
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections)
    return f"---\n{_metadata(subject)}---\n\n# {subject.method} on {subject.corpus}\n\n{_summary(subject)}\n\n{body}\n"


def _metadata(subject: Subject) -> str:
    """The metadata as YAML, in the terms of the Hub (https://huggingface.co/docs/hub/model-cards)."""
    languages = list(subject.metrics["languages"])
    base = _base_model(subject.config["encoder"])
    values = {
        **_licence(subject.card),
        **({"language": languages} if languages else {}),
        "library_name": "perspectives",
        "tags": [*TAGS, subject.method, subject.corpus],
        **({"base_model": base} if base else {}),
        "metrics": ["mae"] if subject.schema.scale.kind == "interval" else ["f1", "accuracy"],
    }
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True)


def _licence(card: catalog.Card | None) -> dict[str, str]:
    """The licence of the corpus: a model should not be freer than the data it learned from."""
    if card is None:
        return {"license": "unknown"}
    stated = card.licence.lower()
    for beginning, name in LICENCES.items():
        if stated.startswith(beginning):
            return {"license": name}
    return {"license": "other", "license_name": "see-the-corpus", "license_link": card.url}


def _base_model(encoder: Mapping[str, Any]) -> str | None:
    """The Hub's name of the pretrained encoder, where there is one."""
    name = encoder.get("name")
    return MINILM_HUB if name == "minilm" else None if name in OURS else name


def _summary(subject: Subject) -> str:
    if subject.of_majority:
        return f"Predicts the majority label of a text: {subject.schema.scale.describe()}."
    people = len(subject.schema.annotators)
    if subject.blind:
        return (
            f"Predicts how {people:,} annotators would judge a text, with the same answer for each of them: "
            f"{subject.schema.scale.describe()}."
        )
    return (
        f"Predicts what each of {people:,} annotators would say about a text: {subject.schema.scale.describe()}. It "
        "can be asked about single annotators, demographic groups, people it never saw, or everyone."
    )


def _usage(subject: Subject) -> str:
    texts = '["The tea is cold again.", "What a lovely garden!"]'
    if "text_pair" in subject.metrics["texts"]:
        texts = 'pd.DataFrame({"text": ["The tea is cold."], "text_pair": ["Nobody heated the tea."]})'
    second = "" if subject.blind else 'each = pd.concat(model.predict(texts, annotators="all"))\n'
    attributes = [a.name for a in subject.schema.attributes if _large(subject.schema, a)]
    third = (
        f'groups = pd.concat(model.predict(texts, groups="{attributes[0]}"))\n'
        if attributes and not subject.blind
        else ""
    )
    return f"""With [perspectives]({REPOSITORY}) {__version__} installed:

```python
import pandas as pd
from perspectives import TrainedModel

model = TrainedModel.from_pretrained("{subject.source}")
texts = {texts}
everyone = pd.concat(model.predict(texts))
{second}{third}print(everyone)
```

or, for files of any size:

```sh
perspectives predict run={subject.source} input=texts.csv output=answers.parquet
```"""


def _method(subject: Subject) -> str:
    target = pkgutil.resolve_name(subject.config["model"]["_target_"])
    about = inspect.getdoc(inspect.getmodule(target)) or ""
    known = describe_choice("model", subject.method) if subject.method in choices("model") else target.__name__
    return f"`model={subject.method}`: {known}.\n\n{about}\n\n{_encoder(subject.config['encoder'])}"


def _encoder(encoder: Mapping[str, Any]) -> str:
    name = _base_model(encoder) or encoder.get("name")
    if name is None:
        return (
            f"Texts are encoded by `{encoder['_target_'].rpartition('.')[2]}`, fitted on the training texts; what it "
            "learned, including pieces of a few characters of these texts, is part of these files."
        )
    version = f" (revision {encoder['revision']})" if encoder.get("revision") else ""
    parts = {
        "full": "All its weights were tuned and are part of these files; its architecture and tokenizer come by name.",
        "lora": "It was tuned with LoRA: the adapters are part of these files; its own weights are loaded by name.",
    }
    kept = parts.get(encoder.get("tune", ""), "It was not changed; its weights are loaded by name, not copied here.")
    return f"Texts are encoded by `{name}`{version}. {kept}"


def _data(subject: Subject) -> str:
    card, schema = subject.card, subject.schema
    lines = [f"Corpus `{subject.corpus}`, label: {schema.scale.describe()}."]
    if card is not None:
        lines = [
            f"{card.title}. {card.paper}{'' if card.paper.endswith(('.', '?', '!')) else '.'}",
            f"Source: {card.url}. Licence: {card.licence}. The corpus is not part of these files.",
            f"Each label is {schema.scale.describe()}.",
        ]
    learned = int(schema.training_labels.sum())
    labels = "majority labels" if subject.of_majority else f"annotations by {len(schema.annotators):,} annotators"
    rows = [f"| train | {learned:,} {labels} |"]
    for part, found in subject.scores.items():
        count = found["counts"]
        rows.append(
            f"| {part} | {count['pairs']:,} annotations of {count['items']:,} items by {count['annotators']:,} "
            "annotators |"
        )
    split = subject.config["split"]
    options = ", ".join(f"{name}={value}" for name, value in split.items() if name != "_target_" and value is not None)
    kind = split["_target_"].rpartition(".")[2]
    checksum = subject.provenance["data"]["checksum"]
    table = "\n".join(["| part | size |", "|---|---|", *rows])
    return f"{' '.join(lines)}\n\n{table}\n\nSplit: {kind} ({options}). Data checksum: `{checksum}`."


def _annotators(subject: Subject) -> str:
    schema = subject.schema
    if subject.of_majority:
        return "The model learned one label per item and does not know annotators."
    people = len(schema.annotators)
    if people < SMALLEST_GROUP:
        return f"Fewer than {SMALLEST_GROUP} annotators, so they are not described here.\n\n{_naming(subject)}"
    cuts = np.quantile(schema.training_labels, QUANTILES)
    spread = ", ".join(f"{share:.0%}: {cut:,.0f}" for share, cut in zip(QUANTILES, cuts, strict=True))
    lines = [f"{people:,} annotators in training. Training labels per person, quantiles: {spread}."]
    if schema.attributes:
        rows = [_people_row(schema, attribute) for attribute in schema.attributes]
        lines.append("\n".join(["| attribute | annotators |", "|---|---|", *rows]))
        lines.append(
            f"Values of fewer than {SMALLEST_GROUP} annotators are counted together. Small groups are predicted "
            "badly, and people within a group differ."
        )
    else:
        lines.append("The model uses no demographic attributes.")
    return "\n\n".join([*lines, _naming(subject)])


def _naming(subject: Subject) -> str:
    if subject.named:
        return (
            "`schema.json` holds the annotators' ids as the corpus gives them, with their attributes: these are "
            "personal data."
        )
    return (
        "`schema.json` calls annotators `annotator-0001`, …, instead of by their ids. It keeps each one's attributes "
        "and number of labels, by which groups are predicted: with the corpus, annotators can be identified."
    )


def _sizes(schema: Schema, attribute: Attribute) -> np.ndarray:
    """Training annotators with each code of the attribute, int64 [value + 1]; the first is `unknown`."""
    codes = schema.members[:, schema.attributes.index(attribute)]
    return np.bincount(codes, minlength=len(attribute.values) + 1)


def _large(schema: Schema, attribute: Attribute) -> bool:
    return bool((_sizes(schema, attribute)[1:] >= SMALLEST_GROUP).any())


def _people_row(schema: Schema, attribute: Attribute) -> str:
    sizes = _sizes(schema, attribute)
    known = list(zip(attribute.values, sizes[UNKNOWN_CODE + 1 :], strict=True))
    cells = [f"{value}: {size:,}" for value, size in known if size >= SMALLEST_GROUP]
    small = [size for _, size in known if size < SMALLEST_GROUP]
    if small:
        together = f"{sum(small):,}" if sum(small) >= SMALLEST_GROUP else f"fewer than {SMALLEST_GROUP}"
        cells.append(f"{pooled_name(len(small))}: {together}")
    missing = sizes[UNKNOWN_CODE]
    cells.append(f"unknown: {missing:,}" if missing == 0 or missing >= SMALLEST_GROUP else "unknown: fewer than 5")
    return f"| {attribute.name} | {'; '.join(cells)} |".replace("<", "&lt;")


def _training(subject: Subject) -> str:
    command = subject.provenance["command"]
    shown = f"```sh\n{command}\n```" if command else "Trained from Python with the configuration below."
    versions = ", ".join(f"{name} {version}" for name, version in subject.provenance["versions"].items() if version)
    options = {name: subject.config[name] for name in ("seed", "model", "encoder", "optim", "trainer")}
    listed = yaml.safe_dump(options, sort_keys=False, allow_unicode=True)
    about = f"Trained {subject.provenance['started'][:10]} with {versions}, Python {subject.provenance['python']}."
    return f"{shown}\n\n{about}\n\n<details><summary>Configuration</summary>\n\n```yaml\n{listed}```\n\n</details>"


def _results(subject: Subject) -> str:
    parts = list(subject.scores)
    rows = ["| metric | " + " | ".join(parts) + " |", "|---" * (len(parts) + 1) + "|"]
    for name in SHOWN:
        cells = [_score(subject.scores[part]["metrics"].get(name)) for part in parts]
        if any(cells):
            rows.append(f"| {name} | " + " | ".join(cells) + " |")
    fixed = any(row["annotators_fixed"] for part in parts for row in subject.scores[part]["metrics"].values()
                if "annotator" in row["clusters"])  # fmt: skip
    heat = subject.metrics["temperature"]
    notes = [
        "In brackets: asymptotic 95 % intervals, for individual metrics over items "
        + ("alone, because the annotators are too few to generalise from" if fixed else "and annotators")
        + ", for all others over items. These are of one split and one seed; others give other numbers. `metrics.json` "
        "has all metrics.",
        f"Labels were decided by the rule `{subject.config.get('decision', 'argmax')}`.",
        f"Probabilities are calibrated by a temperature of {heat:.3f}, fitted on validation; `predict` applies it."
        if heat != 1
        else "Probabilities are the model's own, without a temperature.",
    ]
    if subject.config.get("control", "none") != "none":
        notes.insert(0, f"**A control, not a model to use**: trained with `control={subject.config['control']}`.")
    return "\n".join(rows) + "\n\n" + " ".join(notes)


def _score(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return ""
    if np.isnan(row["low"]):
        return number(row["value"])
    return f"{number(row['value'])} [{number(row['low'])}, {number(row['high'])}]"


INTENDED = textwrap.dedent("""\
    Research on disagreement: how differently people would judge a text, how a majority hides that, what a jury of a
    given composition would decide. Answers are predictions of what people say, with the errors measured above.""")

OUT_OF_SCOPE = textwrap.dedent("""\
    - Deciding anything about individual people, annotators or authors, or guessing who they are.
    - Surveillance, profiling, or scoring what people write without their knowledge.
    - Content moderation without human review.
    - Speaking for a demographic group: answers imitate the members who happened to annotate this corpus.""")


def _limits(subject: Subject) -> str:
    rule = subject.config.get("decision", "argmax")
    lines = [
        "The corpus may contain offensive language, and the model reproduces its annotators' judgements, prejudices "
        "included.",
        "It knows the texts, languages, time and people of its corpus; it was not evaluated on others.",
        "Demographic values are as the corpus recorded them: coarse, self-reported, some unknown; groups not listed "
        "above are not covered.",
        "Answers for a group or for everyone are means over people, weighted by their training labels, not polls.",
        "Intervals cover the sampling of items and, where stated, annotators, but not training or a change of domain.",
    ]
    if rule != "argmax":
        lines.append(f"`predict` names the most likely label; the scores above used the rule `{rule}`.")
    return "\n".join(f"- {line}" for line in lines)


def _citation(subject: Subject) -> str:
    text = f"Cite [perspectives]({REPOSITORY}), the papers named under Method, and the corpus"
    card = subject.card
    return f"{text}:\n\n```bibtex\n{card.bibtex.strip()}\n```" if card is not None and card.bibtex else f"{text}."
