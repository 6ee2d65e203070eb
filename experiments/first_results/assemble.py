"""Put the tables that `run.sh` wrote between their markers, so that no number in a README is typed by hand."""

import re
from pathlib import Path

HERE = Path(__file__).parent
FILES = {HERE / "README.md": r"table: (\w+)", HERE.parents[1] / "README.md": r"(demo)"}
SOURCES = {"demo": "synthetic"}


def assembled(text: str, marker: str, tables: Path) -> str:
    """`text` with everything between `<!-- marker -->` and `<!-- /… -->` replaced by the table of that name."""

    def replacement(match: re.Match) -> str:
        name = SOURCES.get(match[2], match[2])
        return f"{match[1]}\n{(tables / f'{name}.md').read_text(encoding='utf-8').strip()}\n\n{match[3]}"

    return re.sub(rf"(<!-- {marker} -->).*?(<!-- /.*? -->)", replacement, text, flags=re.DOTALL)


if __name__ == "__main__":
    for path, marker in FILES.items():
        path.write_text(assembled(path.read_text(encoding="utf-8"), marker, HERE / "tables"), encoding="utf-8")
