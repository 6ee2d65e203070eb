"""Model cards: true, loadable by the Hub's own reader, silent about single people; their code runs."""

import dataclasses
import json
import re
import shlex
from pathlib import Path

import pandas as pd
import pytest
import yaml
from huggingface_hub import ModelCard
from trained import trained

from perspectives import TrainedModel, cli
from perspectives.data import catalog
from perspectives.inference.export import without_ids
from perspectives.reports.model_card import LICENCES, SHOWN, Subject, model_card

pytestmark = [
    pytest.mark.filterwarnings("ignore:encoder 'tiny' needs"),
    pytest.mark.filterwarnings("ignore:.* group.s. with fewer"),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("run"), "data.reader.annotators=40")


@pytest.fixture(scope="module")
def saved(run) -> Path:
    return TrainedModel.of(run).save_pretrained(run.folder.parents[2] / "saved")


@pytest.fixture
def subject(saved) -> Subject:
    model = TrainedModel.of(saved)
    provenance = json.loads((saved / "provenance.json").read_text())
    metrics = json.loads((saved / "metrics.json").read_text())
    return Subject("owner/tea", model.run.config, provenance, metrics, model.schema, named=False, blind=False)


def section(card: str, title: str) -> str:
    return card.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def metadata(card: str) -> dict:
    """As the Hub's client reads it, with all its warnings being errors."""
    return ModelCard(card, ignore_metadata_errors=False).data.to_dict()


def fenced(card: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", card, flags=re.MULTILINE | re.DOTALL)


def on(subject: Subject, corpus: str) -> Subject:
    """The same, as if it had been trained on a published corpus."""
    config = {**subject.config, "data": {"name": corpus, "card": corpus}}
    return dataclasses.replace(subject, config=config)


def test_the_hub_can_read_it(subject):
    found = metadata(model_card(subject))
    assert found["library_name"] == "perspectives"
    assert found["license"] == "unknown"
    assert found["language"] == ["en"]
    assert {"perspectivism", "multitask", "synthetic"} <= set(found["tags"])
    assert found["metrics"] == ["f1", "accuracy"]
    assert "base_model" not in found  # the tiny encoder is nowhere


def test_its_python_runs(saved, monkeypatch, capsys):
    monkeypatch.chdir(saved.parent)
    (code,) = fenced((saved / "README.md").read_text(), "python")
    assert "from perspectives import TrainedModel" in code
    names: dict = {}
    exec(code, names)
    assert len(names["everyone"]) == 2
    assert set(names["groups"]["group"]) == {"gender=Man", "gender=Woman"}
    assert len(names["each"]) == 2 * len(names["model"].schema.annotators)
    assert "everyone" in capsys.readouterr().out


def test_its_command_runs(saved, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "saved").symlink_to(saved)
    pd.DataFrame({"text": ["tea", "soup"]}).to_csv("texts.csv")
    command = fenced(section((saved / "README.md").read_text(), "How to use"), "sh")[0]
    program, *words = shlex.split(command)
    assert program == "perspectives"
    assert cli.main(words) == 0
    assert len(pd.read_parquet("answers.parquet")) == 2


def test_scores_are_those_of_the_run_with_their_intervals(run, subject):
    rows = {cells[0]: cells[1:] for line in section(model_card(subject), "Results").splitlines()
            if line.startswith("| ") for cells in [[cell.strip() for cell in line.strip("|").split("|")]]}  # fmt: skip
    assert rows.pop("metric") == ["validation", "test"]
    assert set(rows) <= set(SHOWN)
    assert {"individual/macro_f1", "soft/cross_entropy", "majority/macro_f1"} <= set(rows)
    checked = 0
    for name, cells in rows.items():
        for part, cell in zip(("validation", "test"), cells, strict=True):
            row = run.metrics["predictions"]["multitask"][part]["metrics"][name]
            value, low, high = map(float, re.fullmatch(r"(\S+) \[(\S+), (\S+)\]", cell).groups())
            assert (value, low, high) == pytest.approx((row["value"], row["low"], row["high"]), abs=6e-4)
            checked += 1
    assert checked >= 12
    assert f"by a temperature of {run.metrics['temperature']:.3f}" in section(model_card(subject), "Results")


def test_people_appear_in_numbers_of_five_and_more(run, subject):
    text = section(model_card(subject), "Annotators")
    names = json.loads((run.folder / "schema.json").read_text())
    people = pd.read_parquet(next(run.folder.glob("predictions/*/test/annotators.parquet"))).set_index("annotator_id")
    counts = people.loc[names["annotators"], "gender"].value_counts()
    assert 0 < counts["Non-binary"] < 5
    row = next(line for line in text.splitlines() if line.startswith("| gender |"))
    assert f"Man: {counts['Man']}; Woman: {counts['Woman']}; fewer than 5 (1 value): fewer than 5" in row
    assert "Non-binary" not in text
    labels = pd.Series(names["training_labels"])
    assert f"{len(labels)} annotators in training" in text
    assert f"50%: {labels.quantile(0.5):,.0f}, 75%: {labels.quantile(0.75):,.0f}" in text
    numbers = [int(number) for number in re.findall(r": (\d+)", row)]
    assert min(number for number in numbers if number) >= 5


def test_ids_and_texts_are_nowhere(run, saved):
    card = (saved / "README.md").read_text()
    ids = json.loads((run.folder / "schema.json").read_text())["annotators"]
    items = pd.read_parquet(next(run.folder.glob("predictions/*/test/items.parquet")))
    assert not [one for one in ids if re.search(rf"\b{re.escape(one)}\b", card)]
    assert not [text for text in items["text"] if text in card]
    assert str(run.folder.parents[2]) not in card


@pytest.mark.parametrize("corpus", catalog.names())
def test_every_corpus_gives_a_card_with_its_source_and_licence(subject, corpus):
    known, card = catalog.card(corpus), model_card(on(subject, corpus))
    found = metadata(card)
    assert known.url in section(card, "Data")
    assert known.licence in section(card, "Data")
    assert known.bibtex.strip() in section(card, "Citation")
    accepted = {"apache-2.0", "cc-by-4.0", "cc0-1.0", "mit", "other", "unknown"}  # of the Hub's identifiers
    assert found["license"] in accepted
    assert set(LICENCES.values()) <= accepted
    if found["license"] == "other":
        assert found["license_link"] == known.url
    elif found["license"] != "unknown":
        assert found["license"][:4].replace("-", "") in known.licence.lower().replace(" ", "").replace("-", "")


def test_minilm_is_the_base_model_by_its_name_on_the_hub(subject):
    encoder = {**subject.config["encoder"], "name": "minilm", "tune": "full", "revision": "v1"}
    card = model_card(dataclasses.replace(subject, config={**subject.config, "encoder": encoder}))
    assert metadata(card)["base_model"] == "sentence-transformers/all-MiniLM-L6-v2"
    text = section(card, "Method")
    assert "encoded by `sentence-transformers/all-MiniLM-L6-v2` (revision v1). All its weights were tuned" in text


def test_pieces_of_texts_that_ngrams_keep_are_mentioned(subject):
    ngrams = {"_target_": "perspectives.models.ngrams.Ngrams", "hidden": 20}
    card = model_card(dataclasses.replace(subject, config={**subject.config, "encoder": ngrams}))
    assert "`Ngrams`, fitted on the training texts; what it learned, including pieces of a few" in card


def test_method_data_training_and_warnings_are_said(subject):
    config = {**subject.config, "control": "shuffled_ids", "decision": "macro_f1"}
    provenance = {**subject.provenance, "command": "perspectives train model=multitask"}
    card = model_card(dataclasses.replace(subject, config=config, provenance=provenance))
    assert "Davani, Díaz & Prabhakaran 2022" in section(card, "Method")
    assert "One head per annotator on a shared encoder" in section(card, "Method")
    train = subject.schema.training_labels.sum()
    assert f"| train | {train:,} annotations by {len(subject.schema.annotators)} annotators |" in section(card, "Data")
    assert "Split: items (folds=5, fold=0, seed=0)." in section(card, "Data")
    assert "perspectives train model=multitask\n" in section(card, "Training")
    listed = yaml.safe_load(fenced(section(card, "Training"), "yaml")[0])
    assert listed == {name: subject.config[name] for name in ("seed", "model", "encoder", "optim", "trainer")}
    assert "**A control, not a model to use**: trained with `control=shuffled_ids`" in section(card, "Results")
    assert "`predict` names the most likely label; the scores above used the rule `macro_f1`" in card
    for warning in ("individual people", "Surveillance", "Content moderation without human review"):
        assert warning in section(card, "Out of scope")
    assert "offensive language" in section(card, "Limits")


def test_who_keeps_ids_is_told_what_they_are(subject):
    assert "with the corpus, annotators can be identified" in section(model_card(subject), "Annotators")
    kept = model_card(dataclasses.replace(subject, named=True))
    assert "these are personal data" in " ".join(section(kept, "Annotators").split())


def test_a_handful_of_annotators_is_not_described(subject):
    few = dataclasses.replace(
        subject.schema,
        annotators=subject.schema.annotators[:4],
        training_labels=subject.schema.training_labels[:4],
        members=subject.schema.members[:4],
    )
    card = model_card(dataclasses.replace(subject, schema=without_ids(few)))
    assert section(card, "Annotators").strip().startswith("Fewer than 5 annotators, so they are not described here.")
    assert "groups=" not in section(card, "How to use")


@pytest.mark.parametrize(
    ("model", "said"), [("majority", "does not know annotators"), ("softlabel", "annotators in training")]
)
def test_models_that_give_one_answer_to_everyone_say_so(tmp_path, model, said):
    run = trained(tmp_path, f"model={model}")
    card = (TrainedModel.of(run).save_pretrained(tmp_path / "saved") / "README.md").read_text()
    assert said in section(card, "Annotators")
    assert "each of" not in section(card, "How to use")
    first = card.partition(f"# {model} on synthetic\n\n")[2].splitlines()[0]
    assert first.startswith("Predicts the majority label " if model == "majority" else "Predicts how ")
    assert 'annotators="all"' not in card


def test_pairs_of_texts_are_shown_as_pairs(subject):
    pair = dataclasses.replace(subject, metrics={**subject.metrics, "texts": ["text", "text_pair"]})
    (code,) = fenced(model_card(pair), "python")
    assert 'pd.DataFrame({"text": ["The tea is cold."], "text_pair"' in code
    compile(code, "card", "exec")
