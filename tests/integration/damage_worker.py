"""Takes cases of damage on standard input, gives what went wrong: run by test_damage.

Each case is done in a fork of its own, under a time limit, so that a hang or a crash is a finding and not an end.
"""

from __future__ import annotations

import asyncio
import importlib
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
from typing import Any

import damage
import httpx

from pinset import bootstrap
from pinset.api.app import create_app
from pinset.errors import PinsetError

SECONDS = 60.0
MUTANTS = {
    "no object hashes": "mutate_hashes",
    "no sums of rows": "mutate_sums",
    "crash": "mutate_crash",
    "hang": "mutate_hang",
    "verify is silent": "mutate_verify",
}


SENT: dict[str, str] = {}


def main(place: Path) -> None:
    right = json.loads((place / "right.json").read_text())
    for line in sys.stdin:
        case = json.loads(line)
        mutant = case.pop("mutant", None)
        seconds = case.pop("seconds", SECONDS)
        print(json.dumps(forked(place, damage.Case(**case), right, mutant, seconds)), flush=True)


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
                    getattr(importlib.import_module("damage_mutants"), MUTANTS[mutant])()
                report = json.dumps(run(place, Path(scratch), case, right))
                with open(writing, "w") as pipe:
                    pipe.write(report)
                status = 0
            except BaseException:
                with open(writing, "w") as pipe:
                    pipe.write(json.dumps({"bad": ["bug: " + traceback.format_exc()[-1500:]]}))
                status = 0
            finally:
                os._exit(status)
        os.close(writing)
        said = b""
        with open(reading, "rb", buffering=0) as pipe:
            while True:
                if not select.select([pipe], [], [], seconds)[0]:
                    os.killpg(child, signal.SIGKILL)
                    os.waitpid(child, 0)
                    return {"case": str(case), "bad": [f"hang: not done in {seconds} seconds"]}
                piece = pipe.read(1 << 16)
                if not piece:
                    break
                said += piece
        _, status = os.waitpid(child, 0)
        if status:
            return {"case": str(case), "bad": [f"crash: the process ended with status {status}"]}
        return {"case": str(case), **json.loads(said)}


def run(place: Path, scratch: Path, case: damage.Case, right: Any) -> dict[str, Any]:
    bad: list[str] = []
    home = scratch / "registry"
    shutil.copytree(place / case.variant, home, symlinks=True)
    if case.server:
        twin = scratch / "served"
        shutil.copytree(place / case.variant, twin, symlinks=True)
        with closing(bootstrap.local_registry(twin)) as registry:
            bad += serve(registry, lambda: damage.damage(place, twin, case), right["served"], damage.DAMAGED | ({"unauthenticated"} if case.file in damage.STATE else set()))
    said = damage.damage(place, home, case)
    git_damaged = case.file not in damage.EITHER
    noticed, same = False, False
    try:
        with closing(bootstrap.local_registry(home)) as registry:
            found = json.loads(json.dumps(damage.answers(registry)))
            bad += [f"wrong: {one}" for one in damage.wrong(found, right["answers"])]
            same = found == right["answers"]
            if not same and case.file not in ("HEAD", "config", *damage.CATALOG):
                bad += [f"not served: {k}: {found[k]}" for k in found if found[k] != right["answers"][k]][:1]
            noticed = verify(registry, bad)
            try:
                registry.reindex()
            except PinsetError as error:
                if case.file in damage.CATALOG:
                    bad.append(f"not mended: {error!r} {error.message}")
            after = json.loads(json.dumps(damage.answers(registry)))
            bad += [f"wrong after reindex: {one}" for one in damage.wrong(after, right["answers"])]
            if case.file in damage.CATALOG and after != right["answers"]:
                bad.append("not mended: other answers")
            if case.file in damage.CATALOG and not registry.verify()["ok"]:
                bad.append("not mended: verify goes on finding something")
    except PinsetError as error:
        noticed = True
        if not error.hint:
            bad.append(f"no way out: {error!r} {error.message}")
        if case.file in (*damage.OBJECTS, "pack", "idx", "ref", "packed-refs", *damage.EITHER):
            bad.append(f"not opened: {error!r} {error.message}")
    must = git_damaged and case.file not in ("HEAD", "config")
    if must and not noticed:
        bad.append("verify does not notice")
    return {"bad": bad, "said": said, "noticed": noticed, "same": same}


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

    asyncio.run(ask())
    return bad


def record(place: Path) -> None:
    """Write down what the undamaged registry answers."""
    with closing(bootstrap.local_registry(place / "loose")) as registry:
        right = damage.answers(registry)
        served = asyncio.run(_served(registry))
    assert not [name for name, answer in right.items() if isinstance(answer, dict) and "error" in answer]
    assert all(status == 200 for status, _ in served.values()), served
    (place / "right.json").write_text(json.dumps({"answers": right, "served": served}))


async def _served(registry: Any) -> dict[str, Any]:
    transport = httpx.ASGITransport(create_app(registry), raise_app_exceptions=False, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=SENT) as http:
        answered = {path: await http.get(path) for path in damage.PATHS}
    return {path: [answer.status_code, answer.text] for path, answer in answered.items()}


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    if sys.argv[2:] == ["record"]:
        damage.build(Path(sys.argv[1]))
    SENT["Authorization"] = f"Bearer {(Path(sys.argv[1]) / 'token').read_text()}"
    if sys.argv[2:] == ["record"]:
        record(Path(sys.argv[1]))
    else:
        main(Path(sys.argv[1]))
