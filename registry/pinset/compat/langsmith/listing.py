"""What LangSmith's clients look through: the prompts that there are, the commits of one, and its tags."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response  # noqa: TC002 - the framework reads the annotations

from pinset.compat.answering import Reads, called
from pinset.compat.langsmith.routes import PAGE, PREFIX, called_or_new, name_of, slashed, standing
from pinset.domain.exchange import langsmith

if TYPE_CHECKING:
    from pinset.domain import answers

Limit = Annotated[int, Query(ge=1, le=100)]
Offset = Annotated[int, Query(ge=0, le=1_000_000)]
router = APIRouter(include_in_schema=False)


@slashed(router.get, f"{PREFIX}/commits/{{owner}}/{{name}}")
def commits(asked: Reads, owner: str, name: str, limit: Limit = 20, offset: Offset = 0) -> Response:
    """Commits, the newest first; releases that were yanked or purged are not among them, for nothing follows those."""
    text = name_of(owner, name)
    meant = called_or_new(asked, text)
    if meant is None:
        return asked.answered({"commits": [], "total": 0})
    found = list(islice(standing(asked.registry, meant.bundle), offset, offset + limit + 1))
    parents = [*(one["commit"] for one in found[1:]), None]
    told = [langsmith.listed(one, parent) for one, parent in zip(found, parents, strict=False)]
    total = asked.registry.bundle(meant.bundle)["releases"]
    return asked.answered({"commits": told[:limit], "total": total if len(told) > limit else offset + len(told)})


@slashed(router.get, f"{PREFIX}/repos")
def prompts(
    asked: Reads,
    limit: Limit = 20,
    offset: Offset = 0,
    query: str = "",
    is_public: str = "",
    is_archived: str = "",
    sort_field: str = "",
    sort_direction: str = "desc",
) -> Response:
    """The bundles, by when they changed, else by name. None of them is public."""
    found: list[answers.BundleAnswer] = []
    if is_public.lower() != "true":
        archived = is_archived.lower() == "true"
        cursor = None
        while True:
            page = asked.registry.bundles(query=query, archived=archived, cursor=cursor, limit=PAGE)
            found += [one for one in page["items"] if one["archived"] == archived]
            cursor = page["next"]
            if cursor is None:
                break
    by_time = sort_field in ("", "updated_at")
    found.sort(
        key=lambda one: one["changed_at"] if by_time else one["name"], reverse=by_time == (sort_direction != "asc")
    )
    registry = asked.registry.describe()["id"]
    told = [langsmith.repository(one, one["name"], registry) for one in found[offset : offset + limit]]
    return asked.answered({"repos": told, "total": len(found)})


@slashed(router.get, f"{PREFIX}/repos/{{owner}}/{{name}}/tags")
def tags(asked: Reads, owner: str, name: str) -> Response:
    """The aliases, and the commits that they serve."""
    bundle = called(asked.registry, name_of(owner, name)).bundle
    told = []
    for one in asked.registry.aliases(bundle)["items"]:
        if one["version"] is not None:
            commit = asked.registry.summary(f"{bundle}@v{one['version']}")["commit"]
            told.append({"tag_name": one["alias"], "commit_id": langsmith.id_of(commit), "commit_hash": commit})
    return asked.answered(told)
