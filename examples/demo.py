"""What `make demo` runs: the main job, shown as a session. Everything lives in a temporary directory."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
QUICKSTART = HERE / "01-quickstart"


class Session:
    """A working directory and the commands typed in it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {**os.environ, "PINSET_ACTOR": "ana", "COLUMNS": "80"}
        self.environment.pop("PINSET_REGISTRY", None)

    def say(self, text: str) -> None:
        print(f"\n# {text}", flush=True)

    def run(self, command: str, *, expect: int = 0) -> None:
        print(f"$ {command}", flush=True)
        done = subprocess.run(["bash", "-c", command], cwd=self.home, env=self.environment, check=False)
        if done.returncode != expect:
            raise SystemExit(f"the command ended with {done.returncode}, and {expect} was expected")


def main() -> int:
    home = Path(tempfile.mkdtemp(prefix="pinset-demo-"))
    try:
        shutil.copytree(QUICKSTART / "components", home / "components")
        shutil.copytree(QUICKSTART / "support-summarizer", home / "support-summarizer")
        play(Session(home), home)
    finally:
        shutil.rmtree(home)
    print(
        "\n# That was all of it; nothing is left running. Next: the README's first steps, with a registry of your own."
    )
    print("# `pinset serve` shows it in a browser too, at http://127.0.0.1:7467/")
    return 0


def play(session: Session, home: Path) -> None:
    manifest = home / "support-summarizer" / "release.yaml"
    session.say("A registry is a directory: a git repository and its catalog.")
    session.run("pinset init")
    session.say("Shared parts are published on their own, each version once.")
    session.run("pinset component publish prompts/house-tone components/house-tone.md")
    session.run("pinset component publish prompts/summarizer components/summarizer.md")
    session.run("pinset component publish indexes/kb-embeddings components/kb-embeddings.yaml --label 2025-03-10")
    session.run("pinset component publish guardrails/pii-redact components/pii-redact.yaml")
    session.say(
        "The release pins all of it: prompt, model, index, guardrail. Check it, publish it, make it production."
    )
    session.run("cat support-summarizer/release.yaml")
    session.run("pinset check support-summarizer")
    session.run("pinset publish support-summarizer -m 'first release'")
    session.run("pinset promote support-summarizer@v1 production --expect none")

    session.say("A mismatch fails here, not silently in production.")
    good = manifest.read_text()
    manifest.write_text(good.replace("embedding_model: embed-v3", "embedding_model: embed-v4"))
    session.run("pinset check support-summarizer", expect=5)

    session.say("A second release: a cooler model and a shorter prompt.")
    template = home / "components" / "summarizer.md"
    template.write_text(template.read_text().replace("at most five sentences", "at most three sentences"))
    session.run("pinset component publish prompts/summarizer components/summarizer.md -m 'three sentences'")
    second = good.replace("2025-03-07-stable", "2025-03-14-rc1").replace("temperature: 0.2", "temperature: 0.1")
    second = second.replace("prompts/summarizer@v1", "prompts/summarizer@v2")
    manifest.write_text(second + "  rollback_to: 2025-03-07-stable\n")
    session.run("pinset publish support-summarizer -m 'shorter answers' --alias staging")
    session.say("What would promoting it change? The review ends with the command that moves what was reviewed.")
    session.run("pinset review support-summarizer")
    session.run("pinset promote support-summarizer@v2 production --expect v1 -m 'reviewed by ben'")

    session.say("A third, and it turns out badly: one command takes it back, and says who, when and why.")
    manifest.write_text(second.replace("2025-03-14-rc1", "2025-03-15").replace("top_k: 6", "top_k: 2"))
    session.run("pinset publish support-summarizer -m 'fewer passages' --alias production")
    session.run("pinset rollback support-summarizer@production --from v3 -m 'answers lack context'")
    session.run("pinset history support-summarizer@production")
    session.say("The one left behind is barred, until somebody means it.")
    session.run("pinset promote support-summarizer@v3 production", expect=5)

    session.say("An application fetches production by its alias over HTTP.")
    serve(session)
    session.say("All of it is plain git, and provable.")
    session.run("git -C .pinset/repository.git log --first-parent --format=%s aliases/support-summarizer/production --")
    session.run("pinset verify")


def serve(session: Session) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = ["pinset", "serve", "--port", str(port)]
    print(f"$ {' '.join(command)} &", flush=True)
    server = subprocess.Popen(command, cwd=session.home, env=session.environment, start_new_session=True)
    try:
        wait(f"http://127.0.0.1:{port}/healthz", server)
        url = f"http://127.0.0.1:{port}/v1/bundles/support-summarizer/aliases/production"
        print(f"$ curl {url}", flush=True)
        with urllib.request.urlopen(url, timeout=10) as answer:
            body = answer.read().decode()
            print(body[:400] + f" … ({len(body)} bytes, ETag {answer.headers['ETag'][:14]}…)")
        session.run(f"pinset render support-summarizer --registry http://127.0.0.1:{port} "
                    "--var ticket='The app crashes on login.' --var context='Known issue 4711: update to 2.3.'")  # fmt: skip
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=10)


def wait(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        if server.poll() is not None:
            raise SystemExit("the server ended before it answered")
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not answer within ten seconds")


if __name__ == "__main__":
    sys.exit(main())
