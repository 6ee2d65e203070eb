"""Predict what people would say about new texts with a trained model, into a Parquet file.

perspectives predict run=RUN input=texts.csv                       the population: the mean over its annotators
perspectives predict run=RUN input=texts.csv annotators=all        everyone, a row per text and annotator
perspectives predict run=RUN input=texts.csv annotators=ann1,ann2  some of them, by id
perspectives predict run=RUN input=texts.csv groups='gender=Woman & age=<=30; gender=Man'
perspectives predict run=RUN input=texts.csv groups=gender         a group per value that at least 5 people share
perspectives predict run=RUN input=texts.csv people=people.csv     new people: a row each, with attributes as columns

  run=RUN             a run folder, a pattern that finds one, a folder that save_pretrained wrote, or owner/name of a
                      model on the Hub
  revision=NAME       branch, tag or commit of a model on the Hub
  input=FILE          .csv, .tsv, .jsonl or .parquet of any size, a row per text
  output=FILE         a new .parquet file (default: the input's name with .answers.parquet, beside it)
  text=COLUMN         the column of the texts (default: text)
  text_pair=COLUMN    that of their second parts, for models of pairs (default: text_pair)
  id=COLUMN           that of the texts' ids (default: item_id where there is one, else rows are numbered from 1)
  batch_size=N        texts per forward pass (default: 64)
  accelerator=NAME    auto, cpu, gpu or mps (default: auto)

Columns of the output: item_id; annotator_id or group; p_<level>, calibrated, and label, the most likely level (for
sets, the levels above one half); on interval scales rating instead. Groups and the population are means over people,
weighted by their training labels. The input is checked before anything is computed: empty texts and repeated ids are
refused. Vectors of new texts are not cached.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perspectives.errors import ConfigError
from perspectives.verbs.options import parsed, whole

if TYPE_CHECKING:
    import pyarrow as pa

    from perspectives.data.texts import TextFile
    from perspectives.inference.respondents import Asked
    from perspectives.inference.trained_model import TrainedModel


@dataclass(frozen=True)
class Options:
    """What was typed; see the top of this file."""

    run: str
    input: str
    output: str | None = None
    revision: str | None = None
    text: str = "text"
    text_pair: str | None = None
    id: str | None = None
    annotators: str | None = None
    groups: str | None = None
    people: str | None = None
    batch_size: str = "64"
    accelerator: str = "auto"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("options", nargs="*", metavar="OPTION=VALUE", help="see above")


def main(args: argparse.Namespace) -> None:
    options = parsed(args.options, Options)
    source, output = Path(options.input).expanduser(), _output(options)
    batch_size = whole("batch_size", options.batch_size)
    if not source.is_file():  # before anything slow is imported
        raise ConfigError(f"input={options.input} is not a file; give a table with a row per text")
    people = None if options.people is None else _people(Path(options.people).expanduser())

    from perspectives.inference.trained_model import TrainedModel

    model = TrainedModel.from_pretrained(options.run, options.revision, accelerator=options.accelerator)
    model.batch_size = batch_size
    who = model.asked(options.annotators, options.groups, people)
    texts = _texts(options, source, model)
    count = texts.check()
    started = time.perf_counter()
    write(model, texts, who, output, count)
    rate = count / (time.perf_counter() - started)
    each = who.names[0] if len(who.names) == 1 else f"{len(who.names):,} answers each"
    print(f"{output}\n  {count:,} texts, {each}, {rate:,.0f} texts/s")


def write(model: "TrainedModel", texts: "TextFile", who: "Asked", output: Path, count: int) -> None:
    """Answer all texts, a chunk at a time, into a new Parquet file that appears when it is complete."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from tqdm import tqdm

    from perspectives.files import new_file

    schema = parquet_schema(model, who)
    chunks = texts.chunks(model.chunk_size(who))
    with (
        new_file(output) as partial,
        pq.ParquetWriter(partial, schema) as writer,
        tqdm(total=count, desc="predicting", unit="text", disable=None) as bar,
    ):
        for table in model.scored(chunks, who):
            writer.write_table(pa.Table.from_pandas(table, schema=schema, preserve_index=False))
            bar.update(len(table) // len(who.names))


def parquet_schema(model: "TrainedModel", who: "Asked") -> "pa.Schema":
    """The schema of the output, the same for all chunks."""
    import pyarrow as pa

    from perspectives.predictions import answer_columns

    columns = [("item_id", pa.string()), (who.column, pa.string())]
    columns += [(name, pa.float32()) for name in answer_columns(model.scale)]
    if model.scale.kind != "interval":
        columns.append(("label", pa.list_(pa.string()) if model.scale.kind == "multilabel" else pa.string()))
    return pa.schema(columns)


def _output(options: Options) -> Path:
    source = Path(options.input).expanduser()
    output = Path(options.output).expanduser() if options.output else source.with_suffix(".answers.parquet")
    if output.suffix != ".parquet":
        raise ConfigError(f"output={output} is not a .parquet file; name one, or leave output out")
    if output.exists():
        raise ConfigError(f"{output} exists; delete it or choose another output=FILE.parquet")
    return output


def _texts(options: Options, source: Path, model: "TrainedModel") -> "TextFile":
    from perspectives.data.texts import TextFile

    columns = {"text": options.text}
    if "text_pair" in model.columns:
        columns["text_pair"] = options.text_pair or "text_pair"
    elif options.text_pair is not None:
        raise ConfigError(f"text_pair={options.text_pair}, but the model judges single texts; leave it out")
    return TextFile(source, columns, options.id)


def _people(path: Path) -> Any:
    from perspectives.data.readers.common import read_table

    if path.suffix not in (".csv", ".tsv") or not path.is_file():
        raise ConfigError(f"people={path} is not a .csv or .tsv file; give a table with a row per person")
    return read_table(path)
