"""`perspectives predict`: whom it asks, what it writes, and that nothing is half-written when it refuses."""

import json
import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from trained import SCALES, trained

from perspectives import TrainedModel, cli
from perspectives.evaluation.outside_answers import imported
from perspectives.inference import trained_model
from perspectives.predictions import answer_columns
from perspectives.verbs.options import parsed
from perspectives.verbs.predict import Options

pytestmark = [
    pytest.mark.filterwarnings("ignore:encoder 'tiny' needs"),
    pytest.mark.filterwarnings("ignore:model .* gives everyone the same answer"),
    pytest.mark.filterwarnings("ignore:.* group.s. with fewer"),
]
TEXTS = pd.DataFrame(
    {"item_id": [f"t{n}" for n in range(23)], "text": [f"tea {'and rain ' * n}{n}" for n in range(23)]}
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("run"), "data.reader.annotators=40")


@pytest.fixture
def texts(tmp_path):
    path = tmp_path / "texts.csv"
    TEXTS.to_csv(path, index=False)
    return path


def predict(run, texts, *options: str) -> pd.DataFrame:
    """The table a command wrote to a new file."""
    output = texts.with_name(f"out{len(list(texts.parent.iterdir()))}.parquet")
    assert cli.main(["predict", f"run={run.folder}", f"input={texts}", f"output={output}", *options]) == 0
    return pd.read_parquet(output)


def direct(run, **who) -> pd.DataFrame:
    return pd.concat(TrainedModel.of(run).predict(TEXTS, **who), ignore_index=True)


def close(one: pd.DataFrame, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(one, other, atol=1e-6, rtol=1e-6, check_dtype=False)


# Whom it asks. -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "who", "each"),
    [
        ((), {}, 1),
        (("annotators=all",), {"annotators": "all"}, None),
        (("annotators=p02,p01",), {"annotators": ["p02", "p01"]}, 2),
        (("groups=gender",), {"groups": [{"gender": None}]}, 2),
        (("groups=gender=Man; gender=Woman & region=East",), {"groups": "gender=Man;gender=Woman & region=East"}, 2),
    ],
)
def test_it_writes_what_the_model_answers(run, texts, option, who, each):
    written, expected = predict(run, texts, *option), direct(run, **who)
    close(written, expected)
    people = len(TrainedModel.of(run).schema.annotators)
    assert len(written) == len(TEXTS) * (each or people)
    assert written["item_id"].drop_duplicates().tolist() == TEXTS["item_id"].tolist()
    assert written.filter(like="p_").to_numpy().sum(1) == pytest.approx(1, abs=1e-5)
    assert written.filter(like="p_").dtypes.unique().tolist() == [np.float32]


def test_new_people_come_from_a_table(run, texts):
    people = texts.with_name("people.csv")
    people.write_text("annotator_id,gender,age\nann,Woman,30\nbob,,\n")
    table = pd.DataFrame({"annotator_id": ["ann", "bob"], "gender": ["Woman", None], "age": [30.0, np.nan]})
    close(predict(run, texts, f"people={people}"), direct(run, people=table))


@pytest.mark.parametrize("ending", ["tsv", "jsonl", "parquet"])
def test_every_format_gives_the_same_answers(run, texts, ending):
    table = TEXTS.rename(columns={"item_id": "no", "text": "comment"})
    path = texts.with_name(f"same.{ending}")
    if ending == "tsv":
        table.to_csv(path, sep="\t", index=False)
    elif ending == "jsonl":
        table.to_json(path, orient="records", lines=True)
    else:
        table.to_parquet(path)
    close(predict(run, path, "text=comment", "id=no"), direct(run))


# What it writes. ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SCALES)
def test_the_columns_follow_the_scale(tmp_path, texts, kind):
    run = trained(tmp_path / "run", kind=kind)
    output = texts.with_name("texts.answers.parquet")
    assert cli.main(["predict", f"run={run.folder}", f"input={texts}", "annotators=all"]) == 0
    schema = pq.read_schema(output)
    label = {"nominal": pa.string(), "multilabel": pa.list_(pa.string())}.get(kind)
    columns = [*answer_columns(TrainedModel.of(run).scale), *(["label"] if label else [])]
    assert schema.names == ["item_id", "annotator_id", *columns]
    assert all(schema.field(name).type == pa.float32() for name in columns if name != "label")
    assert label is None or schema.field("label").type == label
    close(pq.read_table(output).to_pandas(), direct(run, annotators="all"))


def test_long_inputs_are_written_piece_by_piece_with_the_same_answers(run, texts, monkeypatch):
    expected = predict(run, texts)
    monkeypatch.setattr(trained_model, "TEXTS_AT_ONCE", 10)
    output = texts.with_name("pieces.parquet")
    command = ["predict", f"run={run.folder}", f"input={texts}", f"output={output}", "batch_size=4"]
    assert cli.main(command) == 0
    file = pq.ParquetFile(output)
    assert [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)] == [10, 10, 3]
    close(pd.read_parquet(output), expected)


def test_answers_can_be_compared_like_those_of_any_outside_model(run, tmp_path):
    found = next(iter(run.predictions("test").values()))
    found.items[["item_id", "text"]].to_csv(tmp_path / "items.csv", index=False)
    assert found.seen.all()
    output = tmp_path / "ours.parquet"
    arguments = [f"run={run.folder}", f"input={tmp_path / 'items.csv'}", f"output={output}", "annotators=all"]
    assert cli.main(["predict", *arguments]) == 0
    np.testing.assert_allclose(imported(output, found).values, found.values, atol=1e-6)


def test_it_says_where_the_answers_are_and_how_fast_it_was(run, texts, capfd):
    assert cli.main(["predict", f"run={run.folder}", f"input={texts}"]) == 0
    out, err = capfd.readouterr()
    place, numbers = out.splitlines()
    assert place == str(texts.with_name("texts.answers.parquet"))
    assert numbers.startswith("  23 texts, everyone, ")
    assert numbers.endswith(" texts/s")
    assert "predicting" not in err  # bars are for terminals


def test_an_exported_folder_is_as_good_as_a_run(run, texts, tmp_path):
    TrainedModel.of(run).save_pretrained(tmp_path / "saved")
    arguments = [f"run={tmp_path / 'saved'}", f"input={texts}", "annotators=annotator-0001"]
    assert cli.main(["predict", *arguments]) == 0
    first = json.loads((run.folder / "schema.json").read_text())["annotators"][0]
    written = pd.read_parquet(tmp_path / "texts.answers.parquet")
    close(written.drop(columns="annotator_id"), direct(run, annotators=[first]).drop(columns="annotator_id"))


# What it refuses. --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["input=none.csv"], "input=none.csv is not a file; give a table with a row per text"),
        (["output=out.csv"], "output=out.csv is not a .parquet file; name one, or leave output out"),
        (["output={folder}/old.parquet"], "old.parquet exists; delete it or choose another output=FILE.parquet"),
        (["text=body"], "texts.csv has no column 'body' (for text); it has item_id, text; name another with text=, te"),
        (["id=key"], "texts.csv has no column 'key' (for item_id); it has item_id, text"),
        (["text_pair=reply"], "text_pair=reply, but the model judges single texts; leave it out"),
        (
            ["annotators=nobody"],
            "annotators ['nobody'] were not in training (1 of 1); give ids of schema.json, all for",
        ),
        (["groups=sex"], "the model does not know an attribute 'sex'; choose from gender, age, region"),
        (
            ["groups=gender=Robot"],
            "no training annotator has gender=Robot; choose from Man, Non-binary, Woman, unknown",
        ),
        (
            ["groups=gender=Non-binary"],
            "group gender=Non-binary has fewer than 5 training annotators; ask about a wider",
        ),
        (["groups=gender", "annotators=all"], "annotators and groups are mutually exclusive; give one, or none for"),
        (["people=none.csv"], "people=none.csv is not a .csv or .tsv file; give a table with a row per person"),
        (["people={folder}/texts.csv"], "people have columns ['item_id', 'text'], which are not attributes; the "),
        (["batch_size=0"], "batch_size=0 is not accepted; give a whole number from 1"),
        (["accelerator=abacus"], "accelerator=abacus is unknown; choose one of auto, cpu, gpu, mps"),
        (["run={folder}"], "is not a run (no config.yaml); pass a folder that `perspectives train` wrote"),
        (["run=no/such/run"], "no/such/run is not a folder, and not looked up on the Hub because it is not owner/"),
        (["revision=v1"], "revision='v1' is for models on the Hub; "),
    ],
)
def test_wrong_uses_are_one_message_and_write_nothing(run, texts, capsys, options, said):
    folder = texts.parent
    (folder / "old.parquet").write_text("old")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    given = {"run": f"run={run.folder}", "input": f"input={texts}"}
    given |= {option.partition("=")[0]: option.format(folder=folder) for option in options}
    no_run = options[0].startswith(("run=", "revision="))
    assert cli.main(["predict", *given.values()]) == (1 if no_run else 2)
    err = capsys.readouterr().err
    assert err.startswith("perspectives predict: ")
    assert said in err
    assert "Traceback" not in err
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_texts_that_cannot_be_used_are_refused_before_any_work(run, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(TrainedModel, "answers", lambda *args: pytest.fail("there was work"))
    path = tmp_path / "texts.csv"
    path.write_text("item_id,text\na,tea\na,soup\nb,\n")
    assert cli.main(["predict", f"run={run.folder}", f"input={path}"]) == 2
    err = capsys.readouterr().err
    assert (
        "texts.csv: 2 problem(s), rows counted from 1\n  - column text is empty in row(s) 3\n  - column item_id re"
        in err
    )
    assert [one.name for one in tmp_path.iterdir()] == ["texts.csv"]


def test_an_interrupted_command_leaves_nothing(run, texts, capsys, monkeypatch):
    calls, original = [], TrainedModel.answers

    def interrupted(self, *args):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(self, *args)

    monkeypatch.setattr(trained_model, "TEXTS_AT_ONCE", 10)
    monkeypatch.setattr(TrainedModel, "answers", interrupted)
    assert cli.main(["predict", f"run={run.folder}", f"input={texts}", "batch_size=10"]) == 130
    assert len(calls) == 2
    assert [one.name for one in texts.parent.iterdir()] == ["texts.csv"]


def test_a_damaged_model_is_said_so(run, texts, tmp_path, capsys):
    copied = tmp_path / "copy"
    shutil.copytree(run.folder, copied)
    (copied / "model.safetensors").write_bytes(b"short")
    assert cli.main(["predict", f"run={copied}", f"input={texts}"]) == 1
    assert "model.safetensors is damaged" in capsys.readouterr().err


def test_every_word_that_is_no_option_is_named(capsys):
    assert cli.main(["predict", "inptu=x", "run", "text=", "id=a", "id=b", "zzz=1"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "perspectives predict: the options cannot be used:",
        "  - 'inptu' is not an option; did you mean input=?",
        "  - run has no value; write run=…",
        "  - text has no value; write text=…",
        "  - id is given twice; give it once",
        f"  - 'zzz' is not an option; choose from {', '.join(Options.__dataclass_fields__)}",
        "  - input is missing; give input=…",
    ]
    assert parsed(["run=a=b", "input=c"], Options) == Options("a=b", "c")


def test_the_help_lists_every_option(capsys):
    with pytest.raises(SystemExit, match=r"^0$"):
        cli.main(["predict", "--help"])
    shown = capsys.readouterr().out
    assert [name for name in Options.__dataclass_fields__ if f"{name}=" not in shown] == []
