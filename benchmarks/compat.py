"""What a read in another tool's protocol costs, beside a fetch by alias of the same release by our own: microseconds each.

The load comes from wrk (a package of Debian), on connections that are kept, with a token on both sides.
"""

from __future__ import annotations

import base64
import shutil
import tempfile
from contextlib import closing
from pathlib import Path

import httpx
import large
from figures import Figure

import serving
from pinset import bootstrap

NAME = serving.NAME
READS = {
    "Langfuse": f"/compat/langfuse/api/public/v2/prompts/{NAME}?label=production",
    "LangSmith": f"/compat/langsmith/commits/-/{NAME}/production",
    "MLflow": f"/compat/mlflow/api/2.0/mlflow/registered-models/alias?name={NAME}&alias=production",
    "Opik": "/compat/opik/v1/private/prompts/versions/retrieve",
    "Phoenix": f"/compat/phoenix/v1/prompts/{NAME}/tags/production",
}
"""A read of what an alias serves, by protocol."""
POSTED = f"""
wrk.method = "POST"
wrk.body = '{{"name":"{NAME}","environment":"production"}}'
wrk.headers["Content-Type"] = "application/json"
"""
"""What wrk is told of a read that is a POST: Opik's."""
WANTED = 1.5
ROUNDS = 7


def figures() -> list[Figure]:
    """Of a release document of 4 kB, and one worker."""
    if shutil.which("wrk") is None:
        print("compat: not measured, for there is no wrk: apt-get install wrk")
        return []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "registry"
        bootstrap.create_registry(home)
        with closing(bootstrap.local_registry(home)) as registry:
            registry.publish(serving.ME, large.files_of(NAME, large.random.Random(1)), alias="production")
            token = str(registry.create_token(serving.ME, "app", can="read")["token"])
        basic = base64.b64encode(f"pk-lf-any:{token}".encode()).decode()
        with serving.pinset(home) as address:  # type: ignore[attr-defined]
            sides = {"fetch by alias": (f"{address}{serving.TARGET}", f"Authorization: Bearer {token}")}
            keys = {"Opik": token, "Phoenix": f"Bearer {token}"}  # as their clients send it
            for name, path in READS.items():
                sides[name] = (f"{address}{path}", f"Authorization: {keys.get(name, f'Basic {basic}')}")
            script = Path(folder) / "posted.lua"
            script.write_text(POSTED)
            posted = {"Opik": script}
            for name, side in sides.items():
                found = _ask(side[0], dict([side[1].split(": ", 1)]), post=name in posted)
                if found.status_code != 200:
                    raise RuntimeError(f"{name} answers {found.status_code}: {found.text}")
            values: dict[str, list[float]] = {name: [] for name in sides}
            for _ in range(ROUNDS):
                for name, side in sides.items():
                    values[name].append(1e6 / serving._per_second(*side, script=posted.get(name)))
    own = Figure("fetch by alias", "us", values.pop("fetch by alias"))
    return [Figure(f"{name}, by alias", "us", found, beside=own, wanted=WANTED) for name, found in values.items()]


def _ask(url: str, headers: dict[str, str], *, post: bool) -> httpx.Response:
    if post:
        return httpx.post(url, headers=headers, json={"name": NAME, "environment": "production"})
    return httpx.get(url, headers=headers)
