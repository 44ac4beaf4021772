"""Phoenix's own packages, in Python and JavaScript, read prompts of a registry."""

from __future__ import annotations

from matrix import Dialect, Matrix

PYTHON = """\
import httpx
version = f"{name}@v{version}" if version else None
got = client.prompts.get(prompt_version_id=version) if version else client.prompts.get(prompt_identifier=name, tag=alias or "production")
data = got._dumps()
messages = data["template"]["messages"]
one = {"version": int(got.id.rpartition("@v")[2]), "payload": data}
def plain(message):
    content = message["content"]
    text = content if isinstance(content, str) else "".join(part["text"] for part in content)
    return {"placeholder": text[2:-2]} if text == "{{history}}" else {"role": message["role"], "content": text}
one | ({"messages": [plain(one) for one in messages]} if len(messages) > 1 else {"text": plain(messages[0])["content"]})
"""
JAVASCRIPT = """\
const { name, alias, version } = given;
const got = await kept.prompts.getPrompt({
  client: kept.client, prompt: version ? { versionId: `${name}@v${version}` } : { name, tag: alias ?? "production" } });
if (!got) return null;
const messages = got.template.messages.map(({ role, content }) => {
  const text = typeof content === "string" ? content : content.map((part) => part.text).join("");
  return text === "{{history}}" ? { placeholder: "history" } : { role, content: text };
});
const found = { version: Number(got.id.split("@v")[1]), payload: got };
return messages.length > 1 ? { ...found, messages } : { ...found, text: messages[0].content };
"""


class TestPhoenix(Matrix):
    """What its form has a place for; the rest is not in its form."""

    dialects = (
        Dialect(
            client="phoenix-3.5",
            protocol="phoenix",
            opening="from phoenix.client import Client; client = Client(base_url=address, api_key=key)",
            reading=PYTHON,
            missing="Prompt not found|404",
            denied="40[13]",
            keeps=False,
            folders=False,  # it refuses to send a slash
        ),
        Dialect(
            client="phoenix-js-6",
            protocol="phoenix",
            opening="""\
const { createClient } = await load("@arizeai/phoenix-client");
kept.prompts = await load("@arizeai/phoenix-client/prompts");
kept.client = createClient({ options: { baseUrl: given.address, headers: { Authorization: `Bearer ${given.key}` } } });
""",
            reading=JAVASCRIPT,
            missing=None,
            denied=None,
            keeps=False,
        ),
    )
    parts = ()
