"""Put tables that experiments wrote between their markers in the READMEs, so that no number is typed by hand.

`<!-- table: NAME -->` in a folder's README.md stands for `tables/NAME.md` beside it, `<!-- demo -->` in the
repository's for the first table of all.
"""

import re
from pathlib import Path

HERE = Path(__file__).parent
DEMO = HERE / "first_results" / "tables" / "synthetic.md"


def assembled(text: str, tables: Path) -> str:
    """`text` with everything between a marker and the comment that closes it replaced by the table of that name."""

    def replacement(match: re.Match) -> str:
        path = DEMO if match[2] == "demo" else tables / f"{match[3]}.md"
        if not path.exists():
            return match[0]
        return f"{match[1]}\n{path.read_text(encoding='utf-8').strip()}\n\n{match[4]}"

    marked = r"(<!-- (demo|table: (\w+)) -->).*?(<!-- /\w+ -->)"
    return re.sub(marked, replacement, text, flags=re.DOTALL)


if __name__ == "__main__":
    for readme in [HERE.parent / "README.md", *HERE.rglob("README.md")]:
        text = readme.read_text(encoding="utf-8")
        readme.write_text(assembled(text, readme.parent / "tables"), encoding="utf-8")
