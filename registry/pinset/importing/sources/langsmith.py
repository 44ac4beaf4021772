"""LangSmith: every commit of every prompt of a workspace, from its server or from a file of its answers."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from pinset.domain.exchange import from_langchain
from pinset.domain.exchange.authored import Authored, Template
from pinset.domain.exchange.incoming import THERE, Incoming, Lost, Taken
from pinset.domain.names import is_alias
from pinset.domain.text import strict_json
from pinset.errors import Integrity, InvalidInput, NotFound, TooLarge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import BinaryIO

    from pinset.importing.http import Remote

SYSTEM: Final = "langsmith"
LATEST: Final = "latest"
"""What LangSmith calls the newest commit itself."""
PAGE: Final = 100
LARGEST: Final = 256 * 1024 * 1024
"""Bytes of a file."""
_OTHERS: Final = re.compile(r"[^a-z0-9._-]+")


class LangSmithSource:
    """A workspace on a server, as whoever's key the remote has sees it."""

    system = SYSTEM

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._knows: Callable[[str, str], bool] = lambda _name, _origin: False

    def count(self) -> int | None:
        """It tells how many prompts it has, and not how many commits."""
        return None

    def resume(self, known: Callable[[str, str], bool]) -> None:
        """See `incoming.Resumable`."""
        self._knows = known

    def versions(self) -> Iterator[Incoming]:
        """Every commit, by name, the oldest first, numbered in this order.

        Raises what `Remote` raises, and Integrity for what is no answer of LangSmith.
        """
        for name in self._names():
            tags = self._tags(name)
            for number, commit in enumerate(self._commits(name), start=1):
                commit_hash = commit["commit_hash"]
                served = tags.get(commit_hash, []) + tags.get(str(commit.get("id")), [])
                origin = f"{SYSTEM}:{self._remote.host}/{name}/{commit_hash}"
                if self._knows(name, origin):
                    aliases = tuple(alias for tag in served if (alias := alias_for(tag)))
                    yield Incoming(name=name, taken=THERE, origin=origin, number=number, aliases=aliases)
                    continue
                payload = self._pulled(name, commit_hash)
                yield incoming({**commit, **payload, "tags": served}, name, number, origin)

    def _names(self) -> Iterator[str]:
        """Every prompt of the workspace. One that a page gives again, for others changed meanwhile, is told once."""
        workspace = self._workspace()
        seen: set[str] = set()
        for one in self._paged("/repos/", "repos", is_archived="false"):
            name = one.get("repo_handle")
            if not isinstance(name, str):
                raise self._unknown()
            if name in seen or not one.get("num_commits", 1) or one.get("tenant_id", workspace) != workspace:
                continue
            seen.add(name)
            yield name

    def _workspace(self) -> Any:
        found = self._remote.get("/settings")
        if not isinstance(found, dict):
            raise self._unknown()
        return found.get("id")

    def _commits(self, name: str) -> list[dict[str, Any]]:
        """The commits of a prompt without their content, the oldest first."""
        found = list(self._paged(f"/commits/-/{quote(name, safe='')}/", "commits"))
        if not all(isinstance(one.get("commit_hash"), str) for one in found):
            raise self._unknown()
        unique = {one["commit_hash"]: one for one in found}
        return list(unique.values())[::-1]

    def _tags(self, name: str) -> dict[str, list[str]]:
        """Tags by the hash, or where that is not told the id, of the commit that they are on."""
        try:
            found = self._remote.get(f"/repos/-/{quote(name, safe='')}/tags")
        except NotFound:
            return {}
        tags: dict[str, list[str]] = {}
        for one in found if isinstance(found, list) else []:
            tag = one.get("tag_name") if isinstance(one, dict) else None
            if isinstance(tag, str) and tag != LATEST:
                tags.setdefault(str(one.get("commit_hash") or one.get("commit_id")), []).append(tag)
        return tags

    def _pulled(self, name: str, commit_hash: str) -> dict[str, Any]:
        payload = self._remote.get(f"/commits/-/{quote(name, safe='')}/{commit_hash}", include_model="true")
        if not isinstance(payload, dict) or "manifest" not in payload:
            raise self._unknown()
        return payload

    def _paged(self, path: str, key: str, **query: str) -> Iterator[dict[str, Any]]:
        seen = 0

        def ask(offset: str | int | None) -> dict[str, Any]:
            found = self._remote.get(path, limit=PAGE, offset=offset or 0, **query)
            items = found.get(key) if isinstance(found, dict) else None
            if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
                raise self._unknown()
            nonlocal seen
            seen += len(items)
            told: dict[str, Any] = found
            return told

        def following(page: dict[str, Any]) -> int | None:
            total = page.get("total")
            more = seen < total if isinstance(total, int) else len(page[key]) >= PAGE
            return seen if more and page[key] else None

        for page in self._remote.pages(ask, following):
            yield from page[key]

    def _unknown(self) -> Integrity:
        return Integrity(
            f"{self._remote.host} does not answer as LangSmith does",
            hint="give the address that LANGSMITH_ENDPOINT has",
        )


class LangSmithFile:
    """Commits in a file: a list of what ``pull_prompt_commit`` gives for each, whole or one a line, the oldest first."""

    system = SYSTEM

    def __init__(self, stream: BinaryIO, what: str) -> None:
        self._payloads = _read(stream, what)

    def count(self) -> int | None:
        """All of them."""
        return len(self._payloads)

    def versions(self) -> Iterator[Incoming]:
        """Every commit, by name, in the order of the file, numbered in this order."""
        names = dict.fromkeys(_name(one) for one in self._payloads)
        for name in names:
            mine = [one for one in self._payloads if _name(one) == name]
            for number, payload in enumerate(mine, start=1):
                yield incoming(payload, name, number, f"{SYSTEM}:/{name}/{payload['commit_hash']}")


def incoming(payload: Mapping[str, Any], name: str, number: int, origin: str) -> Incoming:
    """A commit as LangSmith tells it."""
    tags = [one for one in payload.get("tags") or [] if isinstance(one, str) and one != LATEST]
    lost = [
        Lost(what=f"tag {tag}", why=f"it becomes the alias {alias}" if alias else "no alias can be called so")
        for tag in tags
        if (alias := alias_for(tag)) != tag
    ]
    manifest = payload["manifest"]
    try:
        taken = from_langchain.take(manifest, model=_model(payload))
    except InvalidInput as error:
        # It cannot be filled in, and is there for who looks at it.
        made = Authored()
        made.prompt("default", Template(style="text", text=json.dumps(manifest, ensure_ascii=False, indent=1)))
        taken = Taken(files=made.files())
        lost.append(Lost(what="manifest", why=f"{error.message}: it is kept as the text of its JSON"))
    if payload.get("examples"):
        lost.append(Lost(what="examples", why="runs that are shown beside a commit are no part of a release"))
    author, message = payload.get("full_name"), payload.get("description")
    return Incoming(
        name=name,
        taken=Taken(files=taken.files, lost=(*lost, *taken.lost)),
        origin=origin,
        number=number,
        message=message if isinstance(message, str) else "",
        at=_time(payload.get("created_at")),
        authors=(author,) if isinstance(author, str) and author and "/" not in author else (),
        aliases=tuple(dict.fromkeys(alias for tag in tags if (alias := alias_for(tag)))),
    )


def alias_for(tag: str) -> str | None:
    """The alias that a tag becomes; None where none can be made of it."""
    plain = _OTHERS.sub("-", tag.lower()).strip("-.")
    return plain if is_alias(plain) else None


def _model(payload: Mapping[str, Any]) -> dict[str, Any] | None:
    """The model that is told beside a manifest, where one is."""
    config = payload.get("model_config") or payload.get("hub_model_config")
    provider = payload.get("model_provider") or payload.get("hub_model_provider")
    if not isinstance(config, dict) or not isinstance(config.get("model"), str) or not config["model"]:
        return None
    params = {key: value for key, value in config.items() if key != "model" and value is not None}
    return {"provider": provider if isinstance(provider, str) else None, "id": config["model"], "params": params}


def _name(payload: Mapping[str, Any]) -> str:
    owner = payload.get("owner")
    return f"{owner}/{payload['repo']}" if isinstance(owner, str) and owner not in ("", "-") else str(payload["repo"])


def _time(value: Any) -> int | None:
    """ISO 8601 in microseconds since 1970; None for what is none."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    since = found - datetime(1970, 1, 1, tzinfo=UTC)
    return since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds


def _read(stream: BinaryIO, what: str) -> list[dict[str, Any]]:
    """The commits in a file. Raises InvalidInput, TooLarge."""
    data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise TooLarge(f"{what} has more than {LARGEST:,} bytes", hint="take it in in parts")
    hint = "write what client.pull_prompt_commit(…).model_dump() gives, one JSON object a line"
    try:
        text = data.decode()
        whole = text.lstrip()[:1] == "["
        lines = [] if whole else [line for line in text.split("\n") if line.strip()]
        found = strict_json.loads(text) if whole else [strict_json.loads(line) for line in lines]
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{what} is no text", hint=hint) from error
    except strict_json.StrictJsonError as error:
        raise InvalidInput(f"{what} is no JSON: {error.message}", hint=hint) from error
    for at, one in enumerate(found, start=1):
        texts = [one.get("repo"), one.get("commit_hash")] if isinstance(one, dict) else [None]
        if not all(isinstance(text, str) and text for text in texts) or "manifest" not in one:
            raise InvalidInput(f"{what}: the {at}. of it is no commit of a prompt", hint=hint)
    return list(found)
