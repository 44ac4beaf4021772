"""A review as a comment on a pull request: complete, within the forge's limit, and with nothing in it that acts."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinset.domain.diff import as_json, as_markdown, compare
from pinset.domain.diff.forges import code, fenced, html, plain
from pinset.domain.review.comment import GITHUB, LEAST, MARKER, Reviewed, comment

markdown_it = pytest.importorskip("markdown_it", reason="markdown-it-py is not installed")
PARSER = markdown_it.MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
TAGS = {
    "h3",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "strong",
    "em",
    "code",
    "pre",
    "p",
    "ul",
    "li",
    "details",
    "summary",
}
ACTS = re.compile(
    r"[@#!~%&]\w|www\.|https?:|//|\b[0-9a-f]{7,40}\b|\b[A-Z]+-\d|:\w+:|\$\w|\]\(|</?\w|\w@\w", re.IGNORECASE
)
"""What GitHub and GitLab make something of in text that is no code."""
HOSTILE = [
    "@octocat @here",
    "fixes #123, GH-7, org/repo#9, !4, ~bug, %3, &5, JIRA-12",
    "https://evil.example www.evil.example mail@evil.example",
    "![x](https://evil.example/p.png) [click](javascript:alert(1))",
    "<script>alert(1)</script><img src=x onerror=alert(1)></details></summary><!-- pinset-review -->",
    "```\n</details>\n@octocat\n```",
    "~~~~\n````````diff\n# heading\n| a | b |\n| --- | --- |",
    "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef :tada: $x$ `code` \\` **bold**",
    "\u202eesrever\u200b\x1b[31m\x00\u2028\r\n> quote\n- list\n1. one\n\n\n    indented",
    "</code></pre></td>|||",
]


def content(text: str = "Be kind.\n", **more: Any) -> dict[str, Any]:
    return {"prompts": {"default": {"format": "text", "template": text}}, **more}


def review(old: dict[str, Any], new: dict[str, Any], **more: Any) -> Any:
    """A review as a registry answers it, of two contents."""
    changes = as_json(compare(old, new), old="support@v7 (production)", new="support (working copy)")
    answer = {
        "bundle": "support",
        "source": None,
        "alias": "production",
        "from": 7,
        "to": None,
        "from_ref": "support@v7 (production)",
        "to_ref": "support (working copy)",
        "is_new": False,
        "is_readable": True,
        "can": True,
        "diff": changes,
        "gates": None,
        "evidence": [],
        "evidence_more": False,
        "requests": [],
        "findings": [],
        "lacks": [],
        "lacks_left_out": 0,
        "base": None,
        "candidate": None,
        "serving": None,
        "notes": [],
        "command": None,
        "then": [],
    }
    return {**answer, **more}


def told(text: str) -> dict[str, Any]:
    """Everything besides the comparison that holds words of authors, with a text of theirs."""
    since = {
        "version": 7,
        "label": None,
        "at": "2026-01-02T03:04:05.000000Z",
        "by": text,
        "reason": text,
        "message": text,
        "published_by": text,
    }
    lack = {
        "kind": "lacks",
        "component": "config",
        "name": text,
        "path": text,
        "line": 3,
        "candidate_line": 3,
        "added": [text],
        "removed": [text],
        "left_out": 0,
        "base": None,
        "serves": None,
        "candidate": None,
        "since": since,
        "sentence": text,
    }
    gate = {"name": text, "rule": 1, "wants": text, "found": text, "passed": False, "can_close": True, "at": None}
    return {
        "notes": [text],
        "lacks": [lack, {**lack, "line": None, "base": text, "serves": {text: text}}],
        "findings": [{"code": "secret", "severity": "error", "file": text, "line": 3, "message": text, "hint": text}],
        "gates": {"gates": [gate]},
        "evidence": [{"suite": text, "passed": False, "score": text, "person": text}],
        "requests": [{"number": 3, "person": text}],
        "command": f"pinset promote support@v8 production -m {text!r}",
        "then": [text],
    }


class Seen(HTMLParser):
    """The rendered page: its tags, and its text outside of code."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.bare: list[str] = []
        self.comments: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        assert not attrs or {name for name, _ in attrs} <= {"class", "style"}, (tag, attrs)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        if not {"code", "pre"} & set(self.open):
            self.bare.append(data)


def seen(text: str) -> Seen:
    """The comment as a forge's parser reads it; whatever it opens it closes."""
    page = Seen()
    page.feed(PARSER.render(text))
    assert page.open == []
    assert page.tags <= TAGS
    assert page.comments == [" pinset-review "]
    assert not ACTS.search(" ".join(page.bare)), ACTS.search(" ".join(page.bare))
    return page


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_of_an_author_acts(text: str) -> None:
    old = content(
        "Be kind.\n", tools={text: {"name": text, "description": text}}, configs={"agent": {text: text, "n": {text: 1}}}
    )
    new = content(
        f"Be kind.\n{text}\n",
        configs={"agent": {text: f"{text} more", "n": {text: 2}}, text: text},
        guardrails={text: {"kind": text}},
    )
    found = comment([Reviewed(review(old, new, **told(text)), f"./{text}")])
    page = seen(found)
    assert {"details", "summary", "table"} <= page.tags
    assert found.startswith(MARKER)


_TOKENS = st.lists(
    st.sampled_from(
        [
            *"`*_[]()<>#@!|~&:/\\\"'$- \n\r\t",
            "```",
            "a",
            "0",
            "www.",
            "http://x",
            "<!--",
            "-->",
            "</details>",
            "\u202e",
            "é",
            "😀",
        ]
    ),
    max_size=12,
)


@settings(max_examples=25)
@given(_TOKENS.map("".join), _TOKENS.map("".join), st.integers(LEAST, 4_000))
def test_whatever_is_written_stays_inert_and_whole_at_any_limit(name: str, text: str, limit: int) -> None:
    old = content("Be kind.\n", configs={name: {"a": text}})
    new = content(f"{text}\nBe kind.\n{text}", configs={name: {"a": f"x{text}", name: [text]}})
    found = comment([Reviewed(review(old, new, **told(text)), name)] * 3, limit=limit)
    seen(found)
    assert len(found.encode("utf-16-le")) // 2 <= limit


def test_a_comment_says_first_what_matters() -> None:
    old = content(
        models={"default": {"id": "m", "params": {"temperature": 0.2}}},
        tools={"search": {"name": "search"}, "gone": {"name": "gone"}},
    )
    new = content(
        "Be kind.\nBe short.\n",
        models={"default": {"id": "m", "params": {"temperature": 0.4}}},
        tools={"search": {"name": "search", "description": "Find."}},
    )
    found = comment([Reviewed(review(old, new, **told("why"), is_new=False))])
    lines = found.splitlines()
    assert lines[0] == MARKER
    assert lines[5].startswith("| `support` | **breaking** | 1 | `params.temperature` ")
    assert "| 2 changes | same | 1 error |" in lines[5]
    assert found.index("breaking: tool `gone` removed") < found.index("<details>")
    assert "+ Be short." in found
    assert found.rstrip().endswith("- why")


def test_one_comment_has_a_row_for_every_bundle() -> None:
    changed, same = review(content(), content("x")), {**review(content(), content()), "bundle": "other"}
    new = {**review({}, content()), "bundle": "fresh", "is_new": True, "from": None}
    wrong = {**review(content(), content()), "bundle": "", "is_readable": False, **told("no such file")}
    found = comment([Reviewed(changed, "a"), Reviewed(same, "b"), Reviewed(new, "c"), Reviewed(wrong, "d/e")])
    verdicts = re.findall(r"^\| `([^`]+)` \| \*\*([^*]+)\*\*", found, re.MULTILINE)
    assert verdicts == [
        ("d/e", "cannot be read"),
        ("support", "behaviour"),
        ("fresh", "new bundle"),
        ("other", "none"),
    ]
    assert found.count(MARKER) == 1
    assert "`d/e/no such file:3`" in found
    seen(found)


@pytest.mark.parametrize("limit", [LEAST, 10_000, GITHUB])
def test_what_does_not_fit_is_said_and_nothing_is_left_open(limit: int) -> None:
    long = "".join(f"Rule {n}: `never` promise <b>{n}</b>.\n" for n in range(1_500))
    configs = {f"c{n}": {"rules": long} for n in range(3)}
    one = Reviewed(review(content(), content(long, configs=configs)), "./support")
    found = comment([one], limit=limit)
    assert len(found) <= limit
    assert "**Not all is shown:**" in found
    assert "pinset diff support@production ./support" in found
    seen(found)
    small = review(content(), content("Be short.\n"))
    many = comment([Reviewed({**small, "bundle": f"b{n}"}) for n in range(1_000)], limit=limit)
    assert len(many) <= limit
    assert re.search(r"and \d+ more bundles", many)
    seen(many)


def test_what_fits_is_shown_whole() -> None:
    found = comment([Reviewed(review(content(), content("Be short.\n")))])
    assert "Not all is shown" not in found
    assert "more line" not in found


def test_signs_beyond_the_first_plane_count_twice() -> None:
    found = comment([Reviewed(review(content(), content("😀" * 50 + "\n" + "😀\n" * 6_000)))], limit=20_000)
    assert len(found.encode("utf-16-le")) // 2 <= 20_000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ""),
        ("params.top_p", "`params.top_p`"),
        ("a|b", "<code>a&#124;b</code>"),
        ("a`b", "``a`b``"),
        ("`", "`` ` ``"),
        (" a ", "`  a  `"),
        ("a\n/merge", "`a\\u{000A}/merge`"),
    ],
)
def test_a_text_stands_as_code_that_can_be_read_as_it_was_written(text: str, said: str) -> None:
    assert code(text) == said
    assert html(text).count("<code>") == bool(text)


def test_a_sentence_is_code_only_where_it_could_act() -> None:
    for tame in ("another model answers", "max_tokens is less: 5.3 % fewer"):
        assert plain(tame) == tame
    for wild in ("see GH-7", "x@y", "deadbeef", ":x:", "a _b_", "$x", "at:x", " a"):
        assert plain(wild).startswith("`")
    assert [plain(text) for text in ("- a", "1. a", "---", "+5 tokens")] == ["\\- a", "1\\. a", "\\---", "+5 tokens"]
    assert fenced(["a", "`````"])[0] == "``````"


@pytest.mark.parametrize("text", ["/merge", "a\n/close\nb", "```\n/merge\n```", "~~~\n/label ~x"])
def test_no_line_begins_with_an_order_to_the_forge(text: str) -> None:
    old, new = content("Be kind.\n"), content(f"{text}\n{text}", configs={text: text, "b": {"c": text}})
    pages = [
        comment([Reviewed(review(old, new, **told(text)), text)]),
        as_markdown(compare(old, new), old=text, new=text),
    ]
    assert not [line for page in pages for line in page.splitlines() if re.match(r"[/>~:]", line.lstrip())]
