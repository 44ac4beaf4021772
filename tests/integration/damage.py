"""A registry, every class of its files, and ways to damage them: what test_damage and its worker share."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from pinset import bootstrap
from pinset.errors import PinsetError
from pinset.gitstore.loose import inflate
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from pathlib import Path

KINDS = ("flip", "truncate", "zero", "substitute", "delete")
OBJECTS = ("commit", "tree", "blob")
AIMED = ("letter", "entries")
"""Damage to a catalog at a place where SQLite's own reading notices nothing."""
RIGHTS = "rights"
"""Damage to a state at the one place where it hurts most: a token that can write can do everything."""
_PAGE, _INDEX_LEAF = 4096, 0x0A
FILES = {
    "loose": (*OBJECTS, "ref", "HEAD", "config", "catalog-wal", "state-wal", "lock", "state-lock"),
    "packed": ("pack", "idx", "packed-refs", "catalog", "catalog-link", "catalog-witness", "state", "state-witness"),
}
CATALOG = ("catalog", "catalog-wal", "catalog-link", "catalog-witness")
STATE = ("state", "state-wal", "state-witness")
LOCKS = ("lock", "state-lock")
BESIDE_GIT = (*CATALOG, *STATE, *LOCKS)
ME = Caller(actor="ada")
DAMAGED = frozenset({"integrity", "unknown_format", "unavailable", "busy", "read_only", "permission_denied"})
"""What may be said instead of an answer. Not found is an answer: that something is not there."""


@dataclass(frozen=True)
class Case:
    """One damage: to the copy of which registry, which class of file, how, and the seed of what is left open."""

    variant: str
    file: str
    kind: str
    seed: int
    server: bool = True

    def __str__(self) -> str:
        return json.dumps(asdict(self))


# -- The registry ------------------------------------------------------------------------------------------------


def _files(bundle: str, number: int) -> dict[str, str]:
    manifest = f"""\
release:
  feature: {bundle}
  version: 2025-01-0{number}
  model: {{provider: vendor-x, name: large, pinned_version: "2025-02-01", temperature: 0.{number}}}
  prompt: {{template: main.md, guardrails: guardrails/pii@v{min(number, 2)}}}
"""
    return {"release.yaml": manifest, "main.md": f"You are {bundle}, number {number}.\n" + "Be brief.\n" * 40}


def _write(registry: Any) -> None:
    for number in (1, 2):
        rules = {"component.yaml": f"kind: pii\nguards: both\nconfig: {{level: {number}}}\n"}
        registry.publish_component(ME, "guardrails", "pii", rules)
    for bundle in ("billing", "support", "triage"):
        for number in (1, 2, 3):
            registry.publish(ME, _files(bundle, number), alias="staging", message=f"number {number}")
            if number != 3:
                registry.promote(ME, f"{bundle}@v{number}", "production", reason="shipped")


def _write_last(registry: Any) -> None:
    registry.rollback(ME, "support", "production", serving="v2", reason="worse")
    registry.promote(ME, "billing@v3", "production", reason="better")
    registry.yank(ME, "triage@v3", reason="leaks")


def build(place: Path) -> None:
    """``loose``, ``packed``, ``backup`` and ``other`` in a directory; the logs of both databases are still there."""
    work, other = place / "work", place / "other"
    bootstrap.create_registry(other)
    with closing(bootstrap.local_registry(other)) as registry:
        _write(registry)
        registry.create_token(ME, "ci", can="admin")
        registry.gc()
    bootstrap.create_registry(work)
    with closing(bootstrap.local_registry(work)) as registry:
        _write(registry)
        tokens: Any = {name: registry.create_token(ME, name, can="read") for name in ("ci", "gone")}
        _keep(registry, "first")
        shutil.copytree(work, place / "older", symlinks=True)
        readers = [_hold(work / "catalog.sqlite"), _hold(work / "state.sqlite")]
        _write_last(registry)
        _keep(registry, "last")
        registry.record_attempt(actor="eve", action="PUT", target="/x", code="barred", detail="no")
        registry.revoke_token(ME, "gone")
        tokens["cd"] = registry.create_token(ME, "cd", can="write")
        (place / "tokens.json").write_text(json.dumps({name: made["token"] for name, made in tokens.items()}))
        shutil.copytree(work, place / "loose", symlinks=True)
        for reader in readers:
            reader.close()
        registry.gc()
        registry.reindex()  # the log is gone with it
    shutil.copytree(work, place / "packed", symlinks=True)
    bootstrap.backup_registry(work, place / "backup")


def _keep(registry: Any, key: str) -> None:
    body = json.dumps({"what": "was answered first", "key": key})
    registry.keep_answer(ME, key, request="r", status=200, body=body, lifetime=10**15)


def _hold(path: Path) -> sqlite3.Connection:
    """A reader whose snapshot keeps the log from being emptied."""
    reader = sqlite3.connect(f"file:{path.resolve()}?mode=ro", uri=True)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    return reader


# -- Damage ------------------------------------------------------------------------------------------------------


def files_of(home: Path, name: str) -> list[Path]:
    """The files of one class, always in the same order."""
    git = home / "repository.git"
    if name in OBJECTS:
        loose = sorted(path for path in (git / "objects").glob("??/*") if path.is_file())
        return [path for path in loose if inflate(path.read_bytes())[0] == name]
    found = {
        "pack": lambda: sorted((git / "objects/pack").glob("*.pack")),
        "idx": lambda: sorted((git / "objects/pack").glob("*.idx")),
        "packed-refs": lambda: [git / "packed-refs"],
        "ref": lambda: sorted(path for path in (git / "refs/heads").rglob("*") if path.is_file()),
        "HEAD": lambda: [git / "HEAD"],
        "config": lambda: [git / "config"],
        "catalog": lambda: [(home / "catalog.sqlite").resolve()],
        "catalog-wal": lambda: [(home / f"{(home / 'catalog.sqlite').resolve()}-wal")],
        "catalog-link": lambda: [home / "catalog.sqlite"],
        "catalog-witness": lambda: [home / "catalog.serial"],
        "state": lambda: [home / "state.sqlite"],
        "state-witness": lambda: [home / "state.serial"],
        "state-wal": lambda: [home / "state.sqlite-wal"],
        "lock": lambda: [home / "lock"],
        "state-lock": lambda: [home / "state.lock"],
    }[name]()
    assert all(os.path.lexists(path) for path in found), found
    return found


def damage(place: Path, home: Path, case: Case) -> str:
    """Do what the case says to the copy in ``home``; what was done, in words."""
    chance = random.Random(f"{case.variant} {case.file} {case.kind} {case.seed}")
    path = chance.choice(files_of(home, case.file))
    said = f"{case.kind} {path.relative_to(home)}"
    if case.kind == "delete":
        path.unlink()
        return said
    if case.kind == "substitute":
        return f"{said} by {_substitute(place, home, path, case, chance)}"
    if path.is_symlink():
        # The few bytes of a link are its target's name.
        target = {"flip": "catalog.0.sqlite", "truncate": "catalog", "zero": "."}[case.kind]
        path.unlink()
        path.symlink_to(target)
        return f"{said}: leads to {target}"
    data = bytearray(path.read_bytes())
    at = chance.randrange(len(data)) if data else 0
    if case.kind == RIGHTS:
        at = data.index(b"cdwrite") + 2
        data[at : at + 5] = b"admin"
    elif case.kind in AIMED:
        # A word of a move's record, which is in no index; the last entry of every page of an index.
        at = data.index(b"shipped")
        if case.kind == "entries":
            for page in range(_PAGE, len(data), _PAGE):
                count = int.from_bytes(data[page + 3 : page + 5])
                if data[page] == _INDEX_LEAF and count > 1:
                    data[page + 3 : page + 5] = (count - 1).to_bytes(2)
        else:
            data[at] ^= 1
    elif case.kind == "flip":
        data = data or bytearray(b"\0")
        data[at] ^= 1 << chance.randrange(8)
    elif case.kind == "truncate":
        if case.file == "ref":
            at = min(at, len(data) - 2)  # without its line feed alone it says the same
        del data[at:]
    else:
        length = chance.choice((len(data), 16, 512, 4096))
        data[at : at + length] = bytes(len(data[at : at + length]))
    path.chmod(0o644)
    path.write_bytes(data)
    return f"{said} at {at} of {path.stat().st_size}"


def _exchanged(path: Path, chance: random.Random) -> str:
    """Let two refs of packed-refs have each other's commits: as git would write it, and wrong."""
    lines = path.read_text("ascii").splitlines()
    refs = [n for n, line in enumerate(lines) if not line.startswith(("#", "^"))]
    one, other = chance.sample(refs, 2)
    (a, x), (b, y) = (lines[n].split(" ") for n in (one, other))
    lines[one], lines[other] = f"{b} {x}", f"{a} {y}"
    path.chmod(0o644)
    path.write_text("\n".join(lines) + "\n")
    return f"itself, with {x} and {y} exchanged"


def _substitute(place: Path, home: Path, path: Path, case: Case, chance: random.Random) -> str:
    """Put another valid file of the class in the place of this one."""
    if path.is_symlink():
        shutil.copyfile((place / "older" / "catalog.sqlite").resolve(), home / "catalog.77.sqlite")
        path.unlink()
        path.symlink_to("catalog.77.sqlite")
        return "a link to an older catalog"
    if case.file == "HEAD":
        given = b"ref: refs/heads/releases/support\n"
    elif case.file == "config":
        given = b"[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n"
    else:
        source = place / (chance.choice(("other", "older")) if case.file not in ("pack", "idx") else "other")
        others = [one for one in files_of(home, case.file) if one != path]
        if case.file not in (*OBJECTS, "ref", "pack", "idx") or not others:
            others = _there(source, case.file) or _there(place / "packed", case.file) or [path]
        elif case.file == "ref":
            others += [
                source_path for source_path in [place / "older" / path.relative_to(home)] if source_path.exists()
            ]
        different = [one for one in others if one.read_bytes() != path.read_bytes()]
        if not different and case.file == "packed-refs":
            return _exchanged(path, chance)
        others = different or others  # a lock holds nothing, so it is like any other
        chosen = chance.choice(others)
        given = chosen.read_bytes()
        path.chmod(0o644)
        path.write_bytes(given)
        return str(chosen)
    path.write_bytes(given)
    return repr(given)


def _there(home: Path, name: str) -> list[Path]:
    try:
        return files_of(home, name)
    except AssertionError:
        return []


# -- Questions ---------------------------------------------------------------------------------------------------

BUNDLES = ("billing", "support", "triage")
_SERVED = [f"{bundle}@{selector}" for bundle in BUNDLES for selector in ("v1", "v3", "production")]
_REFERENCES = [*_SERVED, *(f"{bundle}@{selector}" for bundle in BUNDLES for selector in ("2025-01-02", "latest"))]


def answers(registry: Any) -> dict[str, Any]:
    """What a registry answers to every question, each an answer or the error's code."""
    found: dict[str, Any] = {}

    def ask(name: str, question: Any) -> None:
        try:
            found[name] = question()
        except PinsetError as error:
            found[name] = {"error": error.code, "message": error.message, "hint": error.hint}

    for reference in _REFERENCES:
        ask(f"summary {reference}", partial(registry.summary, reference))
    for reference in _SERVED:
        ask(f"release {reference}", partial(registry.release, reference))
        ask(f"sealed {reference}", partial(registry.sealed, reference))
        ask(f"file {reference}", partial(registry.file, reference, "main.md"))
    for bundle in BUNDLES:
        ask(f"history {bundle}", partial(registry.history, bundle))
        ask(f"history {bundle}@production", partial(registry.history, bundle, "production"))
        ask(f"aliases {bundle}", partial(registry.aliases, bundle))
        ask(f"bundle {bundle}", partial(registry.bundle, bundle))
        ask(f"releases {bundle}", partial(registry.releases, bundle))
    ask("bundles", registry.bundles)
    ask("bundles production", lambda: registry.bundles(alias="production"))
    ask("components", registry.components)
    ask("component", lambda: registry.component("guardrails", "pii", "v1"))
    ask("where used", lambda: registry.where_used("guardrails/pii@v2"))
    ask("describe", registry.describe)
    return found


def said_of_tokens(registry: Any, tokens: dict[str, str]) -> dict[str, Any]:
    """What the state answers: whom each token lets in, and what was kept. When a token was last used is left out."""
    found: dict[str, Any] = {}

    def ask(name: str, question: Any) -> None:
        try:
            found[name] = question()
        except PinsetError as error:
            found[name] = {"error": error.code, "hint": error.hint}

    def lets_in(secret: str) -> list[Any]:
        row = registry.authenticate(secret)
        return list(row)

    for name, secret in tokens.items():
        ask(f"token {name}", partial(lets_in, secret))
    ask("tokens", lambda: [{**one, "last_used_at": None} for one in registry.tokens()["items"]])
    ask("has tokens", registry.has_tokens)
    for key in ("first", "last"):
        ask(f"kept {key}", lambda key=key: (kept := registry.kept_answer(key, ME.actor)) and asdict(kept))
    return found


def wrong_of_tokens(found: dict[str, Any], right: dict[str, Any]) -> list[str]:
    """The state's answers that are wrong: who is let in or kept out by what is not so, and what was never answered."""
    bad = []
    for name, answer in found.items():
        code = answer.get("error") if isinstance(answer, dict) else None
        if answer == right[name] or (code in DAMAGED and answer["hint"]):
            continue
        # Nobody is let in, and an answer that was lost is found in git: harmless, as long as verify tells.
        harmless = code == "unauthenticated" if name.startswith("token ") else name.startswith("kept ") and not answer
        if not harmless:
            bad.append(f"{name}: {json.dumps(answer)[:300]}")
    return bad


def wrong(found: dict[str, Any], right: dict[str, Any]) -> list[str]:
    """The answers that are neither the undamaged registry's nor one of our errors for damage."""
    bad = []
    for name, answer in found.items():
        if answer == right[name] or (isinstance(answer, dict) and answer.get("error") in DAMAGED and answer["hint"]):
            continue
        bad.append(f"{name}: {json.dumps(answer)[:300]}")
    return bad


_BUNDLE = "/v1/bundles/{bundle}"
_EACH = (
    *(f"{_BUNDLE}/releases/{selector}" for selector in ("v1", "v3", "latest")),
    f"{_BUNDLE}/aliases",
    f"{_BUNDLE}/aliases/production",
    f"{_BUNDLE}/aliases/production/history",
    f"{_BUNDLE}/releases/v2/files/main.md",
)
PATHS = [
    *(path.format(bundle=bundle) for bundle in BUNDLES for path in _EACH),
    "/v1/bundles",
    "/v1/registry",
    "/readyz",
]
