"""Pages as single HTML files with their styles, scripts and data: they fetch nothing and run only their own scripts."""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

SHARED = Path(__file__).parent  # dom.js, content.js and base.css, which all pages begin with


def whole(folder: Path, styles: Sequence[str], scripts: Sequence[str], content: Any, connect: str = "'none'") -> str:
    """`page.html` in `folder`, filled with the shared styles and scripts, then those named here, and the content.

    content: anything that JSON takes. connect: what the page may connect to, a source of its Content-Security-Policy.
    """
    style = "".join(_read(path) for path in (SHARED / "base.css", *(folder / f"{name}.css" for name in styles)))
    files = [*(SHARED / name for name in ("dom.js", "content.js")), *(folder / f"{name}.js" for name in scripts)]
    parts = [f"// {file.name}\n{_read(file)}" for file in files]
    script = "\n".join(["", "(() => {", "'use strict';", *parts, "})();", ""])
    policy = (
        f"default-src 'none'; script-src {_digest(script)}; style-src {_digest(style)}; img-src data:; "
        f"connect-src {connect}; base-uri 'none'; form-action 'none'"
    )
    filled = {"policy": policy, "style": style, "script": script, "content": _json(content)}
    return re.sub(r"\{\{(\w+)\}\}", lambda found: filled[found[1]], _read(folder / "page.html"))


def packed(array: np.ndarray) -> dict[str, Any]:
    """An array in the form that content.js unpacks."""
    ordered = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<")))
    data = base64.b64encode(ordered.tobytes()).decode()
    return {"type": array.dtype.name, "shape": list(array.shape), "data": data}


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """The hash by which a Content-Security-Policy allows an inline style or script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _json(value: Any) -> str:
    """JSON that neither ends the script element it stands in nor opens a comment in it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return re.sub("[<>&\u2028\u2029]", lambda found: f"\\u{ord(found[0]):04x}", text)
