"""Takes cases of damage on standard input, gives what went wrong: run by test_damage.

Each case is done in a fork of its own, under a time limit, so that a hang or a crash is a finding and not an end.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import select
import shutil
import signal
import sys
import tempfile
import traceback
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import damage
import httpx

import children
import compiled
from pinset import bootstrap
from pinset.api.app import create_app
from pinset.catalog import rows, sqlite, state, state_rows
from pinset.catalog.reading import SqlReader
from pinset.catalog.sqlite import SqliteCatalog
from pinset.catalog.state import SqlState
from pinset.domain.proof import Proof
from pinset.errors import PinsetError
from pinset.gitstore import process
from pinset.services import queries, recovering, verifying

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 120.0


SENT: dict[str, str] = {}


def main(place: Path) -> None:
    process.subprocess = children.starting(children.place())  # type: ignore[assignment]
    compiled.beforehand()
    right = json.loads((place / "right.json").read_text())
    for line in sys.stdin:
        case = json.loads(line)
        mutant = case.pop("mutant", None)
        seconds = case.pop("seconds", SECONDS)
        sys.stdout.write(json.dumps(forked(place, damage.Case(**case), right, mutant, seconds)) + "\n")
        sys.stdout.flush()


def forked(place: Path, case: damage.Case, right: Any, mutant: str | None, seconds: float) -> dict[str, Any]:
    """The report of one case."""
    reading, writing = os.pipe()
    with tempfile.TemporaryDirectory(dir=place) as scratch:
        child = os.fork()
        if not child:
            status = 1
            try:
                os.setpgid(0, 0)
                os.close(reading)
                if mutant is not None:
                    MUTANTS[mutant]()
                said = json.dumps(run(place, Path(scratch), case, right))
            except BaseException:  # noqa: BLE001 - whatever it is, it is a finding
                said = json.dumps({"bad": ["bug: " + traceback.format_exc()[-1500:]]})
            try:
                with os.fdopen(writing, "w") as pipe:
                    pipe.write(said)
                status = 0
            finally:
                os._exit(status)
        os.close(writing)
        told = b""
        with os.fdopen(reading, "rb", buffering=0) as pipe:
            while True:
                if not select.select([pipe], [], [], seconds)[0]:
                    os.killpg(child, signal.SIGKILL)
                    os.waitpid(child, 0)
                    return {"case": str(case), "bad": [f"hang: not done in {seconds} seconds"]}
                piece = pipe.read(1 << 16)
                if not piece:
                    break
                told += piece
        _, status = os.waitpid(child, 0)
        if status:
            return {"case": str(case), "bad": [f"crash: the process ended with status {status}"]}
        return {"case": str(case), **json.loads(told)}


def run(place: Path, scratch: Path, case: damage.Case, right: Any) -> dict[str, Any]:
    """Damage a copy, ask it everything, verify it, mend it; and ask an application that was running all the time."""
    bad: list[str] = []
    home, twin = scratch / "registry", scratch / "served"
    shutil.copytree(place / case.variant, home, symlinks=True)
    if case.server:
        shutil.copytree(place / case.variant, twin, symlinks=True)
        with closing(bootstrap.local_registry(twin)) as registry:
            allowed = damage.DAMAGED | ({"unauthenticated"} if case.file in damage.STATE else set())
            bad += serve(registry, lambda: damage.damage(place, twin, case), right["served"], allowed)
    report: dict[str, Any] = {"said": damage.damage(place, home, case), "noticed": True}
    may_refuse = case.file in ("HEAD", "config")
    try:
        with closing(bootstrap.local_registry(home)) as registry:
            found = _answers(registry)
            bad += [f"wrong: {one}" for one in damage.wrong(found, right["answers"])]
            tokens = _tokens(place, registry)
            bad += [f"wrong: {one}" for one in damage.wrong_of_tokens(tokens, right["tokens"])]
            if case.file not in damage.STATE and tokens != right["tokens"]:
                bad.append(f"not said: {[name for name in tokens if tokens[name] != right['tokens'][name]]}")
            if case.file not in damage.CATALOG and found != right["answers"]:
                bad.append(f"not served: {[name for name in found if found[name] != right['answers'][name]][:9]}")
            report["noticed"] = verify(registry, bad)
            if tokens != right["tokens"] and not report["noticed"]:
                bad.append("verify does not notice what the state says wrongly")
            bad += mend(registry, case, right["answers"])
        if case.file in damage.STATE:
            bad += mend_state(place, home, right["tokens"])
    except PinsetError as error:
        if not error.hint or not may_refuse:
            bad.append(f"not opened: {error.code} {error.message}; {error.hint}")
    if not report["noticed"] and case.file not in damage.BESIDE_GIT and not may_refuse:
        bad.append("verify does not notice")
    return {"bad": bad, **report}


def mend(registry: Any, case: damage.Case, right: dict[str, Any]) -> list[str]:
    """Rebuild the catalog: it is whole then, or git has lost what it is made of and everything stays as it was."""
    try:
        registry.reindex()
    except PinsetError as error:
        if case.file in damage.BESIDE_GIT or not error.hint:
            return [f"not mended: {error.code} {error.message}; {error.hint}"]
    found = _answers(registry)
    bad = [f"wrong after reindex: {one}" for one in damage.wrong(found, right)]
    if found != right:
        bad.append("not mended: other answers")
    if case.file in damage.CATALOG and (problems := registry.verify()["problems"]):
        bad.append(f"not mended: {problems}")
    return bad


def mend_state(place: Path, home: Path, right: dict[str, Any]) -> list[str]:
    """Put a backup's state in the place of the damaged one, as the hint says."""
    for path in home.glob("state.*"):
        path.unlink()
    shutil.copyfile(place / "backup" / "state.sqlite", home / "state.sqlite")
    with closing(bootstrap.local_registry(home)) as registry:
        said, problems = _tokens(place, registry), registry.verify()["problems"]
    return [] if said == right and not problems else [f"not mended: {said} {problems}"]


def _tokens(place: Path, registry: Any) -> dict[str, Any]:
    tokens = json.loads((place / "tokens.json").read_text())
    found: dict[str, Any] = json.loads(json.dumps(damage.said_of_tokens(registry, tokens)))
    return found


def _answers(registry: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(damage.answers(registry)))
    return found


def verify(registry: Any, bad: list[str]) -> bool:
    """Whether the damage is noticed; each problem must say a way out."""
    try:
        proven = registry.verify()
    except PinsetError as error:
        if not error.hint:
            bad.append(f"no way out: {error!r} {error.message}")
        return True
    bad += [f"no way out: {problem}" for problem in proven["problems"] if not problem["hint"]]
    return not proven["ok"]


def serve(registry: Any, spoil: Any, right: dict[str, Any], allowed: frozenset[str]) -> list[str]:
    """Ask a running application before and after; what it answered wrongly."""
    app = create_app(registry)
    bad = []

    async def ask() -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=SENT) as http:
            assert (await http.get("/v1/registry")).status_code == 200
            spoil()
            for path in damage.PATHS:
                answer = await http.get(path)
                body = answer.text
                problem = answer.headers["content-type"].startswith("application/problem+json")
                code = json.loads(body)["code"] if problem else None
                if code not in allowed and [answer.status_code, body] != right[path]:
                    bad.append(f"served wrong: {path}: {answer.status_code} {body[:300]}")
            assert (await http.get("/healthz")).status_code == 200
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as nobody:
            if (answer := await nobody.get("/v1/bundles")).status_code < 400:
                bad.append(f"served wrong: to somebody without a token: {answer.text[:300]}")

    asyncio.run(ask())
    return bad


# -- Broken products, by which the campaign is proven ------------------------------------------------------------


def _no_sums() -> None:
    def unproven(_table: Any, values: dict[str, Any]) -> dict[str, Any]:
        values.pop("sum")
        return values

    rows.sound = unproven


def _no_state_sums() -> None:
    for module in (state, state_rows):
        module.is_sound = lambda *_: True
        module.is_sound_token = lambda _row: True


def _no_state_witness() -> None:
    SqlState._witness = lambda _self: None  # type: ignore[method-assign]


def _open_without_a_state() -> None:
    _no_state_witness()
    SqlState._exists = lambda self: self._file is not None and self._file.exists()  # type: ignore[method-assign]


def _silent_state() -> None:
    verifying._state_problems = lambda _context: []


def _no_witness() -> None:
    SqliteCatalog._witness = lambda _self: None  # type: ignore[method-assign]


def _no_examination() -> None:
    sqlite.examine = lambda *_: None


def _forgetful_rebuild() -> None:
    def rebuild(context: Any, progress: Any = None, **_: Any) -> int:
        entries = [recovering.entry_of(stored) for stored in context.store.scan()]
        context.catalog.rebuild(entries)
        return len(entries)

    recovering.rebuild = rebuild


def _silent_verify() -> None:
    verifying._examine = lambda *_, **__: (Proof(), [])
    verifying._catalog_problems = lambda *_: []


def _git_is_asked() -> None:
    def release(context: Any, reference: str) -> Any:
        list(context.store.scan())
        return whole(context, reference)

    whole, queries.release = queries.release, release


def _bug() -> None:
    def release(*_: Any) -> Any:
        raise KeyError("release")

    queries.release = release


def _crash() -> None:
    SqlReader.head = lambda _self: os.kill(os.getpid(), signal.SIGSEGV)  # type: ignore[method-assign,assignment,return-value]


def _hang() -> None:
    SqlReader.head = lambda _self: signal.pause()  # type: ignore[method-assign,assignment,return-value]


MUTANTS: dict[str, Callable[[], None]] = {
    "no sums": _no_sums,
    "no state sums": _no_state_sums,
    "no state witness": _no_state_witness,
    "open without a state": _open_without_a_state,
    "silent state": _silent_state,
    "no witness": _no_witness,
    "no examination": _no_examination,
    "forgetful rebuild": _forgetful_rebuild,
    "silent verify": _silent_verify,
    "git is asked": _git_is_asked,
    "bug": _bug,
    "crash": _crash,
    "hang": _hang,
}


def record(place: Path) -> None:
    """Write down what the undamaged registry answers."""
    # On a copy: whoever uses a token notes it, and that would tidy up the log of the state.
    shutil.copytree(place / "loose", place / "asked", symlinks=True)
    with closing(bootstrap.local_registry(place / "asked")) as registry:
        right = damage.answers(registry)
        tokens = _tokens(place, registry)
        served = asyncio.run(_served(registry))
    assert [name for name, said in tokens.items() if isinstance(said, dict) and "error" in said] == ["token gone"], (
        tokens
    )
    assert not [name for name, answer in right.items() if isinstance(answer, dict) and "error" in answer]
    assert all(status == 200 for status, _ in served.values()), served
    (place / "right.json").write_text(json.dumps({"answers": right, "served": served, "tokens": tokens}))


async def _served(registry: Any) -> dict[str, Any]:
    transport = httpx.ASGITransport(create_app(registry), raise_app_exceptions=False, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=SENT) as http:
        answered = {path: await http.get(path) for path in damage.PATHS}
    return {path: [answer.status_code, answer.text] for path, answer in answered.items()}


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    if sys.argv[2:] == ["record"]:
        damage.build(Path(sys.argv[1]))
    secrets = json.loads((Path(sys.argv[1]) / "tokens.json").read_text())
    SENT["Authorization"] = f"Bearer {secrets['cd']}"
    if sys.argv[2:] == ["record"]:
        record(Path(sys.argv[1]))
    else:
        main(Path(sys.argv[1]))
