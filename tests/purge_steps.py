"""What the tests of purging share: a registry in which a secret is in several places, and a search for its bytes."""

from __future__ import annotations

import subprocess
import zlib
from typing import TYPE_CHECKING, Any, Final

from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from pathlib import Path

    from pinset.ports.registry import Registry

WHO: Final = Caller(actor="ada")
SECRET: Final = "Our password for the staging door is zebra-77-crossing."
CLEAN: Final = "Be kind."
MANIFEST: Final = """\
release:
  feature: {bundle}
  model: {{provider: vendor-x, name: foundation-large, pinned_version: "2025-02-01", temperature: {temperature}}}
  prompt:
    messages: [{{role: system, template: prompts/system.md}}, {{role: user, template: prompts/user.md}}]
"""
SYSTEM: Final = "prompts/system.md"
GONE: Final = ["support@v2", "support@v3", "other@v1"]


def of(system: str, bundle: str = "support", temperature: float = 0.2) -> dict[str, str]:
    """The files of a release with a system prompt."""
    return {
        "release.yaml": MANIFEST.format(bundle=bundle, temperature=temperature),
        SYSTEM: system,
        "prompts/user.md": "Summarize {{ticket}}.",
    }


def prepare(registry: Registry) -> None:
    """Releases 2 and 3 of ``support``, and 1 of ``other``, hold the secret; production served 1, 2, and serves 4."""
    registry.publish(WHO, of(CLEAN), alias="production")
    registry.publish(WHO, of(SECRET), alias="production", label="2025-rc2")
    registry.publish(WHO, of(SECRET, temperature=0.3))
    registry.publish(WHO, of(SECRET, bundle="other"))
    registry.publish(WHO, of("Be brief."), alias="production")


def purge(registry: Registry, reference: str = "support@v2", **more: Any) -> Any:
    """Purge the secret."""
    given = {"files": [SYSTEM], "reason": "it holds a password", **more}
    return registry.purges.purge(given.pop("caller", WHO), reference, **given)


def traces(directory: Path, text: str) -> list[str]:
    """Where a text is in a registry's directory: in any file as it lies, or in any object of git's."""
    wanted, found = text.encode(), []
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            if wanted in data:
                found.append(str(path.relative_to(directory)))
            elif "objects" in path.parts and len(path.name) == 38 and wanted in zlib.decompress(data):
                found.append(f"{path.relative_to(directory)} (inflated)")
    listed = ["git", "--git-dir", str(directory / "repository.git"), "cat-file", "--batch-all-objects", "--batch"]
    if wanted in subprocess.run(listed, capture_output=True, check=True).stdout:
        found.append("an object of git")
    return found
