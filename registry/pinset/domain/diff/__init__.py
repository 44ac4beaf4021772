"""What changes between two releases, and what that does to those who use them."""

from pinset.domain.diff.compare import compare
from pinset.domain.diff.files import Files
from pinset.domain.diff.lines import apply
from pinset.domain.diff.model import Change, Comparison, Impact, Shared
from pinset.domain.diff.render_html import as_html
from pinset.domain.diff.render_json import as_json, from_json
from pinset.domain.diff.render_markdown import as_markdown
from pinset.domain.diff.render_text import as_text
from pinset.domain.diff.sharing import moved_components, with_users

__all__ = [
    "Change",
    "Comparison",
    "Files",
    "Impact",
    "Shared",
    "apply",
    "as_html",
    "as_json",
    "as_markdown",
    "as_text",
    "compare",
    "from_json",
    "moved_components",
    "with_users",
]
