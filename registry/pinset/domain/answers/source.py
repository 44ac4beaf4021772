"""Where a release comes from, as answers carry it."""

from __future__ import annotations

from typing_extensions import TypedDict  # as in the package


class SourceAnswer(TypedDict, total=False):
    """What the publisher said of where the files come from; what it did not say is left out.

    repository: its address. commit: what was checked out. path: of the bundle's directory in it. dirty: files were not as
    committed. authors: of the commits since the release before, newest first, ``Name <mail>``. ci: the system that ran.
    url: of the run. by: who started it. ref: branch or tag. pull_request: its address or number. text: anything else.

    Of a release that was imported: system: where from, as ``langfuse``. origin: what it is there. version: its number or
    name there. at: its time there, as it was told; when it came in is for the registry's own clock to say.
    """

    repository: str
    commit: str
    path: str
    dirty: bool
    authors: list[str]
    ci: str
    url: str
    by: str
    ref: str
    pull_request: str
    text: str
    system: str
    origin: str
    version: str
    at: str
