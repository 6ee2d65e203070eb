"""A page on which juries of different composition judge the test items of a run, as one self-contained HTML file.

perspectives explore run=runs/popquorn_offensiveness event='label>=3'
perspectives explore run='runs/hs_brexit/jury-*' output=hs_brexit.html
perspectives explore run=RUN serve=true                            judge texts of your own, on this machine only

  run=RUN             run folders of one trained method, a folder above them, or a pattern; trained with
                      predictions.everyone=true. Folds are joined, seeds averaged
  output=FILE         the page, a .html file, replaced where it exists (default: explorer.html beside the runs)
  items=N             how many items: those on which the predicted annotators disagree most (default: 500)
  event=EVENT         what juries decide at first, such as label>=3 (default with two levels: the last)
  pool=POOL           who can sit on juries, in the grammar of compositions, country=Italy & age<30 (default: everyone)
  unknown=BOOL        whether people whose value is unknown are a pool (default: false)
  nearby=BOOL         whether the encoder is loaded to find which texts are near each other (default: true)
  serve=BOOL          serve the page on 127.0.0.1 instead of writing it, with a box for your own texts, which the first
                      of the runs judges (default: false; with output=FILE it is written as well)
  port=N              the port to serve it on (default: 8765)

The page holds texts of the corpus, predictions of everyone in steps of 1/255 and what people said, under numbers
instead of ids: pass it on only where the corpus may be passed on. Attribute values that fewer than 5 people share are
withheld; corpora of fewer than 20 people are shown person by person, without their attributes.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

from perspectives.errors import ConfigError
from perspectives.verbs.options import parsed, whole, yes


@dataclass(frozen=True)
class Options:
    """What was typed; see the top of this file."""

    run: str
    output: str | None = None
    items: str = "500"
    event: str | None = None
    pool: str | None = None
    unknown: str = "false"
    nearby: str = "true"
    serve: str = "false"
    port: str = "8765"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("options", nargs="*", metavar="OPTION=VALUE", help="see above")


def main(args: argparse.Namespace) -> None:
    options = parsed(args.options, Options)
    items, port = whole("items", options.items), whole("port", options.port, most=65535)
    unknown, nearby, serve = (yes(name, getattr(options, name)) for name in ("unknown", "nearby", "serve"))
    output = None if options.output is None else Path(options.output).expanduser()
    if output is not None and output.suffix != ".html":
        raise ConfigError(f"output={output} is not an .html file; name one, or leave output out")

    from perspectives.files import write_text
    from perspectives.reports.explorer.build import explorer, html
    from perspectives.runs.joined import joined

    found = joined(options.run)
    page = explorer(found, nearby, items=items, event=options.event, pool=options.pool, unknown=unknown)
    if output is not None or not serve:
        output = output or found.folder / "explorer.html"
        write_text(output, text := html(page))
        shape = " × ".join(f"{count:,} {axis}" for count, axis in zip(page.answers.shape, AXES, strict=True))
        print(f"{output}\n  {shape}, {len(text.encode()) / 1e6:.1f} MB; open it in a browser")
    if serve:
        from perspectives.reports.explorer.serve import serve_page

        serve_page(html(page, served=True), page, found.runs[0], port)


AXES = ("items", "people", "levels")
