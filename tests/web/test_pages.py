"""What every page keeps to: its headers, its failures, its weight, and that what it shows stays text."""

from __future__ import annotations

import gzip
import json
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
import world
from hypothesis import given
from hypothesis import strategies as st

from pinset.domain.diff import show
from pinset.ports.registry import Caller
from pinset.web import marking
from pinset.web.bundle_view import aliases_of, review_of
from pinset.web.rendering import environment, render
from pinset.web.schema_rows import rows
from pinset.web.view import safe_target

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.services.local import LocalRegistry

READING = (
    "/",
    "/?q=support&alias=staging",
    "/bundles/support-summarizer",
    "/bundles/support.triage-agent/v1",
    "/bundles/support.triage-agent/staging",
    "/bundles/hostile/v1",
    "/bundles/support.triage-agent/v1/files/prompts/system.md",
    "/bundles/support-summarizer/production/blame/prompts/summarizer.md",
    "/components",
    "/components?kind=prompts",
    "/components/prompts/house-tone",
    "/components/guardrails/pii-redact/v1",
    "/components/indexes/kb-embeddings/2025-03-10",
    "/audit",
    "/audit?bundle=support-summarizer&action=rollback&since=7d",
    "/sign-in",
)
TAGS = re.compile(r"<(/?)([a-z][a-z0-9]*)")


@pytest.mark.parametrize("address", READING)
def test_every_page_answers_with_its_headers(reading: Any, address: str) -> None:
    answer = reading(address)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert not re.search(
        r"""<script(?! src="/assets/[a-z-]+-[0-9a-f]{12}\.js" defer>)| style=| on[a-z]+=["']""", answer.text
    )
    assert answer.text.count("<h1") == 1
    headings = [int(level) for level in re.findall(r"<h([1-6])", answer.text)]
    assert all(new <= old + 1 for old, new in pairwise(headings))


def test_a_hostile_prompt_is_text_wherever_it_stands(reading: Any) -> None:
    for address in ("/bundles/hostile/v1", "/bundles/hostile/v1/files/prompts/main.md"):
        text = reading(address).text
        assert "document.title=" in text
        assert "<script>document" not in text
        assert "<img src=x" not in text
        assert not re.search("[\u202e\u200b\u2066]", text)
        assert '<span class="point">\\u{202E}</span>' in text
        assert '<span class="point">\\u{200B}</span>' in text


def test_a_file_as_it_is_runs_nothing(reading: Any) -> None:
    answer = reading("/bundles/hostile/v1/raw/prompts/main.md")
    assert answer.text == world.HOSTILE
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_megabyte_on_one_line_is_readable_and_light(memory: LocalRegistry, pages_of: Callable[..., Any]) -> None:
    files = {
        "release.yaml": "release: {feature: wide, prompt: {template: prompts/main.md, format: text}}\n",
        "prompts/main.md": "{{a}}" + "{{" * 200_000 + "<b>" * 100_000,
    }
    memory.publish(world.ANA, files)
    look = pages_of(memory).browser()
    for address in ("/bundles/wide/v1", "/bundles/wide/v1/files/prompts/main.md"):
        answer = look(address)
        assert answer.status_code == 200
        assert len(answer.content) < 250_000
        assert "/raw/prompts/main.md" in answer.text or "/files/prompts/main.md" in answer.text
    assert len(look("/bundles/wide/v1/raw/prompts/main.md").content) == len(files["prompts/main.md"])


def test_a_failure_of_a_page_is_a_page_with_the_same_words(reading: Any) -> None:
    page = reading("/bundles/support-summarizer/v99", headers={"x-request-id": "r-1"})
    same = reading("/v1/bundles/support-summarizer/releases/v99", headers={"x-request-id": "r-1"}).json()
    assert page.status_code == same["status"] == 404
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for words in (same["detail"], same["hint"], "r-1", same["code"]):
        assert words in page.text
    assert page.headers["x-request-id"] == "r-1"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere", 404),
        ("/bundles/UPPER", 422),
        ("/bundles/a//b", 422),
        ("/?what=1", 422),
        ("/components/none/x", 422),
    ],
)
def test_whatever_is_wrong_with_an_address_is_said_on_a_page(reading: Any, path: str, status: int) -> None:
    answer = reading(path)
    assert answer.status_code == status
    assert '<div class="fault">' in answer.text
    assert 'class="brand"' in answer.text


def test_who_asks_for_json_gets_a_problem_document(reading: Any) -> None:
    answer = reading("/nowhere", headers={"accept": "application/json"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "no_such_route"
    assert reading("/v1/nowhere").headers["content-type"] == "application/problem+json"


def test_a_bug_is_a_page_too(memory: LocalRegistry, pages_of: Callable[..., Any], monkeypatch: Any) -> None:
    pages = pages_of(memory)

    def broken(**_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(type(memory), "bundles", lambda *_, **more: broken(**more))
    answer = pages.browser()("/")
    assert answer.status_code == 500
    assert "this is a bug in pinset" in answer.text
    assert "ZeroDivisionError" not in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_head_answers_as_get_without_a_body(reading: Any) -> None:
    for path, status in (("/", 200), ("/nowhere", 404)):
        answer = reading(path, "HEAD")
        assert (answer.status_code, answer.content) == (status, b"")
        assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_assets_are_kept_for_ever_under_their_digest_and_nowhere_else(reading: Any) -> None:
    found = set(re.findall(r'(?:href|src)="(/assets/[^"]+)"', reading("/").text))
    assert {one.rpartition(".")[2] for one in found} == {"css", "js", "svg"}
    for address in found:
        answer = reading(address)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        packed = reading(address, headers={"accept-encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.content == answer.content
    assert reading("/assets/base-000000000000.css").status_code == 404
    assert reading("/assets/base.css").status_code == 404


def test_a_list_of_a_thousand_bundles_is_sent_in_few_bytes(memory: LocalRegistry, pages_of: Callable[..., Any]) -> None:
    one = {
        "name": "", "owner": "", "description": "", "releases": 3, "newest": 3, "archived": False, "formerly": [], "names": [],
        "aliases": {"staging": 3, "production": 2}, "yanked": {}, "changed_at": "2026-01-02T03:04:05.123456Z",
        "since": {"staging": "2026-01-02T03:04:05.123456Z", "production": "2026-02-02T03:04:05.654321Z"},
    }  # fmt: skip
    from pinset.web.bundle_view import table_of
    from pinset.web.listing import bundle_rows

    bundles = [{**one, "name": f"team{number % 40}.bundle-{number}"} for number in range(1000)]
    look = pages_of(memory).browser()
    shell = look("/", headers={"accept-encoding": "gzip"})
    assert int(shell.headers["content-length"]) < 3_000
    html = render(
        "bundles.html",
        {
            "here": _here(),
            "found": {"items": bundles, "next": None},
            "table": table_of(bundles),
            "rows": bundle_rows,
            "wanted": {"q": "", "alias": "", "owner": "", "archived": ""},
        },
    )
    assert len(gzip.compress(html.encode(), 5)) < 40_000
    assert len(html) < 1_000_000


def _here() -> Any:
    from pinset.web.view import Here

    return Here(
        path="/", target="/", section="bundles", actor="ana", signed_in=True, audits=True, theme="", serial=1,
        now=1_800_000_000_000_000, note="", request_id="", token=lambda: "t",
    )  # fmt: skip


def test_every_template_is_whole() -> None:
    names = environment().list_templates()
    assert {"base.html", "bundles.html", "release.html", "error.html"} <= set(names)
    for name in names:
        environment().get_template(name)


@pytest.mark.parametrize(
    "said", [{}, {"url": "https://ci.example/1"}, {"url": "javascript:alert(1)"}, {"commit": "0" * 40}]
)
def test_a_source_may_say_as_little_as_it_likes(said: dict[str, Any]) -> None:
    text = str(environment().get_template("parts.html").module.source(said))
    assert ('href="https://ci.example/1"' in text) == (said.get("url") == "https://ci.example/1")
    assert 'href="javascript' not in text


@pytest.mark.parametrize(
    ("serve", "offered"),
    [("", None), ("production", None), ("canary staging production", ("staging", "production")), ("b a", ("b", "a"))],
)
def test_the_promotion_that_is_offered_for_review_is_one_that_there_is(serve: str, offered: Any) -> None:
    aliases = [{"alias": name, "version": 1} for name in serve.split()] + [{"alias": "gone", "version": None}]
    assert review_of(aliases_of(aliases, [])) == offered


def test_who_may_read_one_alias_sees_that_and_no_more(memory: LocalRegistry, pages_of: Callable[..., Any]) -> None:
    world.furnish(memory)
    token = memory.create_token(world.ANA, "app", can="read:support-summarizer@production")["token"]
    look = pages_of(memory).browser()
    look.http.headers["authorization"] = f"Bearer {token}"
    for page in ("/bundles/support-summarizer/production", "/bundles/support-summarizer/aliases/production"):
        answer = look(page)
        assert answer.status_code == 200
        assert not re.search(r'href="(/diff|[^"]*/v[0-9])', answer.text), "a link that leads nowhere"
    assert look("/bundles/support-summarizer/production/files/release.yaml").status_code == 200
    assert (
        'href="/bundles/support-summarizer/production/files/release.yaml"'
        in look("/bundles/support-summarizer/production").text
    )
    for path in ("/bundles/support-summarizer/staging", "/bundles/support-summarizer", "/bundles/hostile/v1", "/audit"):
        answer = look(path)
        assert answer.status_code == 403
        assert "3 releases" not in answer.text
    listed = look("/").text
    assert "hostile" not in listed
    assert "triage" not in listed
    assert 'href="/audit"' not in listed


def test_what_cannot_be_seen_takes_little_more_than_its_code_points() -> None:
    html = marking.plain("\u202e" * 1000 + "a\u200b").html
    assert html.count("<span") == 2
    assert len(html) < 9 * 1000


@given(st.text(max_size=300), st.sampled_from(["mustache", "jinja2", "f-string", "text"]))
def test_whatever_a_template_holds_only_marks_are_markup(text: str, style: str) -> None:
    html = str(marking.marked(text, style).html)
    assert {name for _, name in TAGS.findall(html)} <= {"span"}
    assert set(re.findall(r'<span class="([a-z]+)">', html)) <= {"var", "logic", "point"}
    bare = (
        re.sub(r"</?span[^>]*>", "", html)
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&#34;", '"')
        .replace("&#39;", "'")
        .replace("&amp;", "&")
    )
    shown = [[show.visible(part) for part in line.split("\t")] for line in text.replace("\r\n", "\n").split("\n")]
    if "{" not in text:
        assert bare == "\n".join("\t".join(parts) for parts in shown)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    ["type", "properties", "items", "anyOf", "$ref", "required", "enum", "additionalProperties", "a"]
                ),
                inner | st.sampled_from(["#", "#/properties/a", "#/a", "object", "array"]),
                max_size=6,
            )
        ),
        max_leaves=30,
    )
)
def test_no_schema_breaks_a_table(schema: Any) -> None:
    found, _ = rows(schema)
    assert len(found) <= 300


def test_a_nested_schema_is_a_row_each_with_its_depth() -> None:
    found, cut = rows(world.LOOKUP["function"]["parameters"])
    assert [(row.path, row.depth, row.type, row.required) for row in found] == [
        ("ticket_id", 0, "string", True),
        ("include", 0, "list of string", False),
        ("window", 0, "object", False),
        ("window.since", 1, "string", True),
        ("window.until", 1, "string or null", False),
        ("window.zone", 1, "string or integer", False),
    ]
    assert not cut
    assert found[1].values == ('"messages"', '"history"', '"customer"')


def test_a_schema_that_names_itself_ends() -> None:
    schema = {
        "properties": {"next": {"$ref": "#/$defs/node"}},
        "$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}}}},
    }
    found, _ = rows(schema)
    assert 3 < len(found) < 20


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "", "/a\nb", "/é", "\\\\evil"],
)
def test_nobody_is_sent_elsewhere(target: str) -> None:
    assert safe_target(target) == "/"


def test_what_the_pages_say_of_a_release_is_what_the_api_says(reading: Any) -> None:
    release = reading("/v1/bundles/support.triage-agent/releases/v1").json()
    text = reading("/bundles/support.triage-agent/v1").text
    assert release["digest"] in text
    for path in release["files"]:
        assert path in text
    for name in [*release["content"]["prompts"], *release["content"]["models"], *release["content"]["tools"]]:
        assert name in text
    assert json.dumps(release["content"]["configs"]["agent"]["nodes"][0])[1:-1] in text


def test_what_a_bundle_is_called_elsewhere_is_text_on_its_page(
    memory: LocalRegistry, pages_of: Callable[..., Any]
) -> None:
    memory.publish(world.ANA, world.summarizer("2025-03-01", "one"), spelled='<b>&"{}')
    memory.bundle_changes.set(world.ANA, "support-summarizer", also=["Movie Critic"])
    text = pages_of(memory).browser()("/bundles/support-summarizer").text
    assert "elsewhere &lt;b&gt;&amp;&#34;{}, Movie Critic" in text


def test_a_yanked_and_a_purged_release_say_so(memory: LocalRegistry, pages_of: Callable[..., Any]) -> None:
    memory.publish(world.ANA, world.summarizer("2025-03-01", "one"))
    memory.publish(world.ANA, world.summarizer("2025-03-02", "two"))
    memory.yank(Caller(actor="ana"), "support-summarizer@v1", reason="says <b>too much</b>")
    text = pages_of(memory).browser()("/bundles/support-summarizer/v1").text
    assert "Yanked" in text
    assert "says &lt;b&gt;too much&lt;/b&gt;" in text
