"""import mlflow and export --to mlflow: what people type, what they see, and how it ends."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from terminals import Cli


def test_releases_go_out_and_come_in(cli: Cli, bundle: Callable[..., str], tmp_path: Path) -> None:
    cli("publish", bundle("One."), "--alias", "production", "-m", "the first")
    file = str(tmp_path / "one.json")
    assert cli("export", "support", "--to", "mlflow", "-o", file, "--dry-run")[1].startswith(f"{file}: support")
    assert not Path(file).exists()
    status, out, err = cli("export", "support", "--to", "mlflow", "-o", file)
    assert (status, out) == (0, f"{file}: support\n")
    assert "register_prompt" in err
    said = json.loads(Path(file).read_text())
    assert (said["name"], said["commit_message"]) == ("support", "the first")
    several = cli("export", "support", "support@v1", "--to", "mlflow", "-o", "-")
    assert [one["name"] for one in json.loads(several[1])] == ["support", "support"]
    assert cli.json("export", "support", "--to", "mlflow", "-o", file)["prompts"] == ["support"]
    assert cli("export", "support", "--to", "mlflow", "-o", bundle("Two."))[0] != 0
    Path(file).write_text(json.dumps({**said, "name": "another"}))
    assert cli("import", "mlflow", file, "--dry-run")[1].startswith("1 name of mlflow: 1 would be created")
    assert cli("import", "mlflow", file)[1].startswith("1 name of mlflow: 1 created")
    assert cli("import", "mlflow", file)[1].startswith("1 name of mlflow: 0 created, 1 there already")
    assert cli.json("get", "another@v1")["content"] == cli.json("get", "support@v1")["content"]


@pytest.mark.parametrize(
    "given", [[], ["x.json", "--from", "http://127.0.0.1:1"], ["nothing.json"], ["--from", "ftp://x"]]
)
def test_what_is_no_place_is_refused(cli: Cli, given: list[str]) -> None:
    status, _, err = cli("import", "mlflow", *given)
    assert status in (2, 3)
    assert "hint: " in err


class Asked(BaseHTTPRequestHandler):
    """A server without prompts, which keeps who asked."""

    def do_GET(self) -> None:
        self.server.asked.append(self.headers.get("authorization"))  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def server() -> Iterator[Any]:
    with HTTPServer(("127.0.0.1", 0), Asked) as made:
        made.asked = []  # type: ignore[attr-defined]
        threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True).start()
        yield made
        made.shutdown()


def test_the_credential_is_what_mlflow_reads(cli: Cli, server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ("import", "mlflow", "--from", f"http://127.0.0.1:{server.server_address[1]}")
    assert cli(*command)[1].startswith("0 names of mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "a-token")
    cli(*command)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ana")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "secret")
    cli(*command)
    assert server.asked == [None, "Bearer a-token", "Basic YW5hOnNlY3JldA=="]
