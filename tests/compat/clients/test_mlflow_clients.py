"""MLflow's own package loads, registers, aliases and searches prompts of a registry, with MLFLOW_REGISTRY_URI alone."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bundles
import pytest
from matrix import Dialect, Matrix
from sessions import ClientError

from pinset.domain.exchange import mlflow
from pinset.importing.engine import Engine, Wanted, run
from pinset.importing.http import Remote
from pinset.importing.sources.mlflow import MlflowSource
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from matrix import Opener, Reader
    from sessions import PythonClient, Session

    from conftest import Served

ANA = Caller(actor="ana")

OPENING = """\
import json, os
os.environ["MLFLOW_REGISTRY_URI"], os.environ["MLFLOW_TRACKING_TOKEN"] = address, key
if NOWHERE:
    os.environ["MLFLOW_TRACKING_URI"] = address
import mlflow
prompts = mlflow if mlflow.__version__.startswith("2.") else mlflow.genai
def told(got):
    template, tags = got.template, got._tags
    if isinstance(template, str) and tags.get("_mlflow_prompt_type") == "chat":
        template = json.loads(template)
    named = {"text": template}
    if not isinstance(template, str):
        placeholders = json.loads(tags["pinset.prompt"]).get("placeholders", [])
        named = {"messages": [
            {"placeholder": one["content"][2:-2]} if at in placeholders else one for at, one in enumerate(template)
        ]}
    return {"version": int(got.version), "payload": {"tags": tags, "aliases": list(got.aliases or [])}, **named}
"""
READING = """\
told(prompts.load_prompt(f"prompts:/{name}/{version}" if version else f"prompts:/{name}@{alias or 'production'}"))
"""
SHORT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_ALIAS_PROMPT_CACHE_TTL_SECONDS": "1",
    "MLFLOW_VERSION_PROMPT_CACHE_TTL_SECONDS": "1",
}
"""Their retries take minutes, and their cache a minute."""


def dialect(version: str, *, nowhere: bool = False, **more: Any) -> Dialect:
    """nowhere: without a tracking server it wants a database, which the small package has not."""
    return Dialect(
        client=f"mlflow-{version}",
        protocol="mlflow",
        opening=f"NOWHERE = {nowhere}\n{OPENING}",
        reading=READING,
        missing="RESOURCE_DOES_NOT_EXIST|not found|does not exist|there is no|Not a proper|Invalid",
        denied="UNAUTHENTICATED|PERMISSION_DENIED|does not exist",
        keeps=False,
        folders=False,  # a name of a prompt has no slash
        env=SHORT,
        **more,
    )


class TestMlflow(Matrix):
    """Three versions: before chats, before caches, and the newest."""

    dialects = (dialect("2.22"), dialect("3.1"), dialect("3.17", fresh=1, nowhere=True))

    @pytest.fixture
    def writer(self, opened: Opener, dialect: Dialect, served: Served) -> Reader:
        return opened(dialect, key=served.writing)

    def test_what_is_registered_is_published_with_the_rest_of_the_release(self, writer: Reader, served: Served) -> None:
        name = served.bundle(lambda bundle, _words: bundles.rich(bundle))
        before = served.document(f"{name}@latest")["content"]
        tags = "version_metadata" if writer.dialect.client == "mlflow-2.22" else "tags"
        registered = "told(prompts.register_prompt(name, text, commit_message='shorter', **{tags: {'author': 'ana'}}))"
        got = writer.session.run(registered, name=name, text=bundles.SPECIAL, tags=tags)
        document = served.document(f"{name}@latest")
        assert (got["version"], got["text"]) == (document["version"], bundles.SPECIAL)
        assert (document["message"], document["content"]["metadata"]["author"]) == ("shorter", "ana")
        assert document["content"]["prompts"]["default"]["template"] == bundles.SPECIAL
        for kind in ("models", "retrieval", "tools", "guardrails", "configs"):
            assert document["content"][kind] == before[kind]
        assert writer.read(name)["version"] < document["version"], "nothing serves it yet"
        moved = "client = mlflow.MlflowClient(); client.set_prompt_alias(name, 'production', version)"
        writer.session.run(moved, name=name, version=got["version"])
        again = "told(prompts.load_prompt(f'prompts:/{name}@production'))"
        assert writer.session.run(again)["version"] == got["version"]
        writer.session.run("client.delete_prompt_alias(name, 'production')")
        with pytest.raises(ClientError, match="alias production not found"):
            writer.session.run(again)

    def test_a_first_registration_makes_the_bundle(self, writer: Reader, dialect: Dialect, served: Served) -> None:
        name = f"First_{dialect.client.replace('.', '_').replace('-', '_')}"
        got = writer.session.run("told(prompts.register_prompt(name, 'Hi {{ who }}', commit_message='one'))", name=name)
        assert (got["version"], got["text"]) == (1, "Hi {{ who }}")
        assert writer.session.run("prompts.load_prompt(name, version=1).format(who='you')") == "Hi you"
        assert served.registry.bundle(name.lower())["names"] == [name]
        assert writer.session.run("told(prompts.register_prompt(name, 'Hello {{ who }}'))")["version"] == 2

    def test_what_a_registration_is_refused_for_is_what_is_raised(self, writer: Reader, reader: Reader) -> None:
        with pytest.raises(ClientError, match="PERMISSION_DENIED"):
            reader.session.run("prompts.register_prompt('not-allowed', 'x')")
        big = "prompts.register_prompt('a' * 300, 'x')"
        with pytest.raises(ClientError, match="INVALID_PARAMETER_VALUE"):
            writer.session.run(big)

    def test_who_may_read_one_alias_loads_by_it(self, opened: Opener, dialect: Dialect, served: Served) -> None:
        reader = opened(dialect, key=served.token("read:greeting@production"))
        assert reader.read("greeting", alias="production")["version"] == 2
        with pytest.raises(ClientError):
            reader.read("greeting", alias="staging")
        with pytest.raises(ClientError):
            reader.read("greeting", version=1)

    def test_without_an_alias_it_is_the_newest(self, reader: Reader) -> None:
        """MLflow's own meaning, by the name ``latest``; before 3 by asking for the newest of all stages."""
        newest = "told(prompts.load_prompt(*(['greeting'] if mlflow.__version__[0] == '2' else ['prompts:/greeting@latest'])))"
        assert reader.session.run(newest)["version"] == 3

    def test_a_credential_in_the_address_leaves_another_for_the_tracking_server(
        self, opened: Opener, dialect: Dialect, served: Served
    ) -> None:
        reader = opened(dialect, key="not-for-this-server")
        address = served.compat("mlflow").replace("//", f"//pinset:{served.key}@")
        reader.session.run(
            "os.environ['MLFLOW_REGISTRY_URI'] = address; mlflow.set_registry_uri(address)", address=address
        )
        assert reader.read("greeting")["version"] == 2


NEW = ("mlflow-3.1", "mlflow-3.17")


@pytest.fixture(params=NEW)
def newer(request: pytest.FixtureRequest, opened: Opener, served: Served) -> Session:
    """A client that searches."""
    return opened(next(one for one in TestMlflow.dialects if one.client == request.param), key=served.writing).session


def test_searches_find_prompts(newer: Session) -> None:
    found = newer.run("[one.name for one in prompts.search_prompts(filter_string=\"name LIKE 'team.%'\")]")
    assert found == ["team.support.reply"]
    assert "greeting" in newer.run("[one.name for one in prompts.search_prompts()]")
    assert newer.run("[one.name for one in mlflow.search_registered_models()]") == []


def test_chats_configurations_and_versions_of_the_newest(opened: Opener, served: Served) -> None:
    session = opened(TestMlflow.dialects[-1], key=served.writing).session
    session.run(
        """\
from mlflow.entities.model_registry import PromptModelConfig
client = mlflow.MlflowClient()
config = PromptModelConfig(provider="openai", model_name="gpt-4o-2024-08-06", temperature=0.2, stop_sequences=["END"])
chat = [{"role": "system", "content": "You are {{tone}}"}, {"role": "user", "content": "{{question}} <b>&\\"{}</b>"}]
answer = {"type": "object", "properties": {"verdict": {"type": "string"}}}
made = prompts.register_prompt("whole-chat", chat, model_config=config, response_format=answer, tags={"author": "ana"})
"""
    )
    content = served.document("whole-chat@latest")["content"]
    assert content["models"]["default"]["params"] == {"temperature": 0.2, "stop": ["END"]}
    assert content["prompts"]["default"]["output"]["properties"] == {"verdict": {"type": "string"}}
    got = session.run("one = prompts.load_prompt('prompts:/whole-chat@latest'); one.template == chat")
    assert got is True
    assert session.run("one.model_config == config.to_dict() and one.response_format == answer") is True
    assert session.run("one.format(tone='brief', question='Why?')")[1]["content"] == 'Why? <b>&"{}</b>'
    session.run(
        "told(prompts.register_prompt('whole-chat', chat[:1] + [{'role': 'user', 'content': '{{question}}!'}]))"
    )
    assert session.run("[one.version for one in client.search_prompt_versions('whole-chat')]") == [2, 1]
    assert session.run("client.get_prompt('whole-chat').tags") == {"author": "ana"}
    after = served.document("whole-chat@latest")["content"]
    assert after["models"] == content["models"]


PAGE = Path(__file__).parents[3] / "registry" / "docs" / "compat" / "mlflow.md"


def test_the_page_is_what_happens(opened: Opener, served: Served) -> None:
    name = served.bundle()
    code = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(code) == 2
    session = opened(TestMlflow.dialects[-1], key=served.token("read publish promote retire")).session
    got = session.run(f"{code[0]}\n[text, first.version, newest.version, model, list(schema['properties'])]")
    assert got == ["Summarise, form 2: The lid is loose.", 1, 3, "gpt-4o-mini", ["verdict"]]
    writing = code[1].replace('"greeting"', f'"{name}"').replace("greet%", f"{name}%")
    assert session.run(f"{writing}\n[made.version, found]") == [3, [name]]
    assert served.document(f"{name}@v3")["content"]["models"] == served.document(f"{name}@v2")["content"]["models"]


# -- a real server --------------------------------------------------------------------------------------------------

SERVER = """\
import json, os, threading
os.environ["_MLFLOW_SERVER_FILE_STORE"] = os.environ["_MLFLOW_SERVER_REGISTRY_STORE"] = "sqlite:///mlflow.sqlite"
from werkzeug.serving import make_server
from mlflow.server import app
serving = make_server("127.0.0.1", 0, app, threaded=True)
threading.Thread(target=serving.serve_forever, daemon=True).start()
mlflow_address = f"http://127.0.0.1:{serving.server_port}"
os.environ["MLFLOW_TRACKING_URI"] = mlflow_address
import mlflow
mlflow.set_tracking_uri(mlflow_address)
mlflow_address
"""


@pytest.fixture(scope="module")
def mlflow_server(python_client: Callable[..., PythonClient]) -> Iterator[tuple[Session, str]]:
    """MLflow's own server on a database, and a process with its client."""
    with python_client("mlflow-server", **SHORT).session() as session:
        yield session, str(session.run(SERVER))


def test_prompts_of_a_real_server_come_in_and_read_alike(
    mlflow_server: tuple[Session, str], served: Served, reader_of_newest: Session
) -> None:
    session, address = mlflow_server
    session.run(
        """\
texts = ["Hello {{ name }}, {json: {\\"a\\": 1}} {{{x}}}", "Hi {{ name }}{% if x %} and {{ x }}{% endif %}", special]
for text in texts:
    mlflow.genai.register_prompt("there", text, commit_message=f"of {len(text)}", tags={"author": "bob"})
mlflow.genai.set_prompt_alias("there", "production", 2)
mlflow.genai.set_prompt_alias("there", "Champion", 3)
mlflow.genai.register_prompt("There_Chat", [{"role": "user", "content": "{{q}}"}])
None
""",
        special=bundles.SPECIAL,
    )
    for _ in range(2):
        report = run(served.registry, ANA, MlflowSource(Remote("MLflow", address)))
        assert (report.status, report.lost) == (0, 0), report.items
    assert report.versions["already"] == 4
    assert {one["alias"]: one["version"] for one in served.registry.aliases("there")["items"]} == {
        "production": 2,
        "champion": 3,
    }
    summary = served.registry.summary("there@v2")
    assert summary["source"]["origin"].endswith("/there/2")
    assert summary["source"]["at"]
    ask = "[[one.template, one.tags.get('author'), one.commit_message] for one in map(load, which)]"
    which = ["prompts:/there/1", "prompts:/there@production", "prompts:/there@champion", "prompts:/There_Chat/1"]
    there = session.run(f"load = mlflow.genai.load_prompt; {ask}", which=[one.replace("@c", "@C") for one in which])
    here = reader_of_newest.run(f"load = mlflow.genai.load_prompt; {ask}", which=which)
    there[0][0] = there[0][0].replace("{{ name }}", "{{name}}")  # an f-string keeps no spaces around a name
    assert here == there


def test_an_export_is_registered_there_and_comes_back(mlflow_server: tuple[Session, str], served: Served) -> None:
    session, address = mlflow_server
    names = ("rich", "talk", "special")
    for name in names:
        exported = mlflow.arguments(served.registry.release(f"{name}@production")) | {"name": f"back_{name}"}
        session.run("mlflow.genai.register_prompt(**exported) and None", exported=json.loads(json.dumps(exported)))
    report = Engine(served.registry, ANA, MlflowSource(Remote("MLflow", address)), Wanted(only=("back_*",))).run()
    assert report.versions["created"] == 3, report.items
    for name in names:
        before, after = (served.document(one)["content"] for one in (f"{name}@production", f"back_{name}@v1"))
        assert {**after, "prompts": {}} == {**before, "prompts": {}}
    prompt = served.document("back_rich@v1")["content"]["prompts"]["default"]
    assert prompt == served.document("rich@production")["content"]["prompts"]["default"]


@pytest.fixture
def reader_of_newest(opened: Opener) -> Session:
    return opened(TestMlflow.dialects[-1]).session
