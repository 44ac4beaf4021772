"""OpenFeature's own packages, in Python, in JavaScript on a server and in a browser's form, get releases as flags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pages
import pytest
from matrix import Dialect, Matrix, Opener, settled
from sessions import ClientError

if TYPE_CHECKING:
    from conftest import Served

PYTHON_OPENING = """\
from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
api.set_provider(OFREPProvider(address, headers_factory=lambda: {"Authorization": f"Bearer {key}"}))
client = api.get_client()
"""
PYTHON = """\
selector = alias or (f"v{version}" if version else "")
details = client.get_object_details(f"{name}@{selector}" if selector else name, {})
if details.error_code:
    raise RuntimeError(f"{details.error_code.value}: {details.error_message}")
def flat(message):
    for one in message.get("examples", []):
        yield {"role": "user", "content": one["input"]}
        yield {"role": "assistant", "content": one["output"]}
    if "placeholder" in message:
        yield message
    elif "template" in message:
        yield {"role": message["role"], "content": message["template"]}
prompt = (details.value["content"]["prompts"] or {}).get("default", {})
found = {"version": details.value["version"], "payload": details.value["content"],
         "said": [details.reason, details.variant, details.flag_metadata]}
found | ({"messages": [each for one in prompt["messages"] for each in flat(one)]} if "messages" in prompt else {"text": prompt["template"]})
"""
READ = """\
if (details.errorCode) throw new Error(`${details.errorCode}: ${details.errorMessage}`);
const prompt = details.value.content.prompts.default;
const found = { version: details.value.version, payload: details.value.content,
                said: [details.reason, details.variant, details.flagMetadata] };
const flat = ({ role, template, placeholder, examples }) => examples
  ? examples.flatMap(({ input, output }) => [{ role: "user", content: input }, { role: "assistant", content: output }])
  : [placeholder ? { placeholder } : { role, content: template }];
return prompt.messages ? { ...found, messages: prompt.messages.flatMap(flat) } : { ...found, text: prompt.template };
"""
SERVER_OPENING = """\
const { OpenFeature } = await load("@openfeature/server-sdk");
const { OFREPProvider } = await load("@openfeature/ofrep-provider");
await OpenFeature.setProviderAndWait(
  new OFREPProvider({ baseUrl: given.address, headers: [["Authorization", `Bearer ${given.key}`]] }));
kept.client = OpenFeature.getClient();
"""
SERVER = (
    """\
const selector = given.alias ?? (given.version ? `v${given.version}` : null);
const details = await kept.client.getObjectDetails(selector ? `${given.name}@${selector}` : given.name, {});
"""
    + READ
)
WEB_OPENING = """\
globalThis.EventSource = (await load("eventsource")).EventSource;
const { OpenFeature } = await load("@openfeature/web-sdk");
const { OFREPWebProvider } = await load("@openfeature/ofrep-web-provider");
kept.told = [];
kept.client = OpenFeature.getClient();
kept.client.addHandler("PROVIDER_CONFIGURATION_CHANGED", (event) => kept.told.push(event.flagsChanged));
const headers = [["Authorization", `Bearer ${given.key}`]];
await OpenFeature.setProviderAndWait(
  new OFREPWebProvider({ baseUrl: given.address, headers, cacheMode: "disabled" })).catch((error) => console.error(error));
"""
WEB = "const details = kept.client.getObjectDetails(given.name, {});\n" + READ


def python(client: str) -> Dialect:
    """A version of the Python provider."""
    return Dialect(
        client=client,
        protocol="ofrep",
        opening=PYTHON_OPENING,
        reading=PYTHON,
        missing="FLAG_NOT_FOUND",
        denied="GENERAL",
        keeps=False,
    )


class TestOfrep(Matrix):
    """A flag's value is the whole document, so that every part of it is there."""

    dialects = (
        python("ofrep-0.1"),
        python("ofrep-0.3"),
        Dialect(
            client="ofrep-js",
            protocol="ofrep",
            opening=SERVER_OPENING,
            reading=SERVER,
            missing="FLAG_NOT_FOUND",
            denied="GENERAL",
            keeps=False,
        ),
        Dialect(
            client="ofrep-web-js",
            protocol="ofrep",
            opening=WEB_OPENING,
            reading=WEB,
            missing="FLAG_NOT_FOUND",
            denied="FLAG_NOT_FOUND|PROVIDER_FATAL|PROVIDER_NOT_READY",
            keeps=True,
            aliases=False,  # it gets all flags at once, under the bundles' names
            versions=False,
            folders=False,
        ),
    )

    parts = ("prompts", *Matrix.parts)

    def test_what_is_said_of_an_evaluation(self, opened: Opener, served: Served) -> None:
        document = served.document("rich@production")
        metadata = {name: document[name] for name in ("bundle", "version", "digest", "commit", "label")}
        for dialect in self.dialects:
            said: Any = opened(dialect).read("rich")["said"]
            assert said == ["STATIC", "v1", metadata | {"alias": "production"}]

    def test_a_move_reaches_a_browser_by_itself(self, opened: Opener, served: Served) -> None:
        name = served.bundle()
        reader = opened(self.dialects[-1])
        served.promote(f"{name}@v2")
        settled(lambda: reader.session.run("return kept.told.flat()"), [name], within=20)
        assert reader.version(name) == 2

    @pytest.mark.parametrize("client", ["ofrep-0.1", "ofrep-0.3", "ofrep-js"])
    def test_a_client_that_is_told_to_wait_asks_no_more(self, client: str, opened: Opener, served: Served) -> None:
        """Evaluation stops until the time in ``Retry-After``, which a rate limit names."""
        dialect = next(one for one in self.dialects if one.client == client)
        reader = opened(dialect, key=served.token(kind="slow"))
        assert [reader.version("greeting"), reader.version("talk")] == [2, 1]
        with pytest.raises(ClientError, match=r"(?i)rate|429"):
            reader.version("greeting")
        with pytest.raises(ClientError, match="paused"):
            reader.version("greeting")


SHOWN = "2 Summarise, form 2: {{ticket}}\n"


@pytest.mark.parametrize("client", ["ofrep-0.1", "ofrep-0.3"])
def test_the_page_shows_what_works_in_python(client: str, python_client: Any, served: Served) -> None:
    with python_client(client, PINSET_TOKEN=served.key).session() as session:
        (code,) = pages.blocks("ofrep", "python", served.address)
        session.run(code)
        assert session.printed == SHOWN


def test_the_page_shows_what_works_in_javascript(node_client: Any, served: Served) -> None:
    codes = pages.blocks("ofrep", "js", served.address)
    for client, code in zip(("ofrep-js", "ofrep-web-js"), codes, strict=True):
        with node_client(client, PINSET_TOKEN=served.key).session() as session:
            session.run(pages.snippet(code))
            assert session.printed.endswith(SHOWN)
