"""Loading texts strictly: what a parser refuses becomes a finding with its line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pinset.domain.findings import Finding
from pinset.domain.text import strict_json, strict_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.text.located import Located

MANIFEST_NAMES: Final = ("release.yaml", "release.yml", "release.json")
COMPONENT_NAMES: Final = ("component.yaml", "component.yml")


def manifest_name(files: Mapping[str, str], wanted: tuple[str, ...] = MANIFEST_NAMES) -> str | None:
    """The manifest among the files; None where there is none or more than one."""
    found = [name for name in wanted if name in files]
    return found[0] if len(found) == 1 else None


def load(file: str, text: str) -> Located | Finding:
    """A YAML or JSON text with the lines of its parts, or the finding that says why not."""
    try:
        if file.endswith(".json"):
            return strict_yaml.load_located_json(text)
        return strict_yaml.load_yaml(text)
    except strict_yaml.StrictYamlError as error:
        return Finding("yaml-syntax", error.message, error.hint, file, error.line)
    except strict_json.StrictJsonError as error:
        return Finding("json-syntax", error.message, error.hint, file, error.line)


def json_findings(file: str, text: str, *, first_line: int = 1) -> list[Finding]:
    """What is wrong with a JSON text, at most one finding."""
    try:
        strict_json.loads(text)
    except strict_json.StrictJsonError as error:
        line = (error.line or 1) + first_line - 1
        return [Finding("json-syntax", error.message, error.hint, file, line)]
    return []


def json_value(text: str) -> Any:
    """The value of a JSON text that `json_findings` found nothing wrong with; an MCP listing gives its tools."""
    value = strict_json.loads(text)
    if isinstance(value, dict) and set(value) <= {"tools", "nextCursor"} and isinstance(value.get("tools"), list):
        return value["tools"]
    return value
