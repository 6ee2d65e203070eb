"""The audit as one HTML file."""

from pathlib import Path

from perspectives.quality.audit.audit import Audit
from perspectives.reports.audit.content import content
from perspectives.reports.pages.html import whole

PARTS = Path(__file__).parent
SCRIPTS = ("tables", "annotations", "people", "main")  # in the order in which they are executed


def html(audit: Audit, method: str | None = None) -> str:
    """The page. method: of the run it rests on."""
    return whole(PARTS, ("page",), SCRIPTS, content(audit, method))
