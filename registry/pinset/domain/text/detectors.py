"""Detectors of secrets: our own patterns for the keys of model providers, and those of detect-secrets.

Its classes are used bare: no settings, no entropy, nothing read, nothing verified. Several of their patterns need
time that grows with the square of a line, so they see lines in pieces and runs of blanks shortened.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PIECE: Final = 600
_OVERLAP: Final = 200
"""Characters that two pieces of a line share; a shorter secret is whole in one of them."""
_BLANKS: Final = re.compile(r"[ \t]{3,}")
_LONG_WORD: Final = re.compile(r"(?<!\w)\w{49,}+")
_EDGE: Final = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"
"""Where a key may begin: not inside a word, unless that is the ``\\n`` of a text quoted in JSON."""

# Each matches or fails at a prefix in one step, so a pass over the text is linear.
_OWN: Final = tuple(
    (kind, re.compile(_EDGE + pattern))
    for kind, pattern in (
        ("Anthropic key", r"sk-ant-[A-Za-z0-9_-]{24,}+"),
        ("OpenRouter key", r"sk-or-v1-[A-Za-z0-9]{32,}+"),
        ("Langfuse key", r"[sp]k-lf-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
        ("OpenAI key", r"sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{24,}+"),
        ("API key (sk-…)", r"sk-(?=[A-Za-z]*+[0-9])[A-Za-z0-9]{20,}+(?!-)"),
        ("Google API key", r"AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
        ("Hugging Face token", r"hf_[A-Za-z0-9]{30,}+"),
        ("Groq key", r"gsk_[A-Za-z0-9]{40,}+"),
        ("xAI key", r"xai-[A-Za-z0-9]{40,}+"),
        ("Replicate token", r"r8_[A-Za-z0-9]{30,}+"),
        ("Perplexity key", r"pplx-[A-Za-z0-9]{32,}+"),
        ("LangSmith key", r"lsv2_(?:pt|sk)_[0-9a-f]{32}(?:_[0-9a-f]{8,})?"),
        ("Pinecone key", r"pcsk_[A-Za-z0-9]{4,8}_[A-Za-z0-9]{40,}+"),
        ("Databricks token", r"dapi[0-9a-f]{32}(?![0-9a-f])"),
        ("GitLab token", r"gl(?:pat|dt|rt|ft|soat|imt|agent|oas|ptt|cbt|ffct)-[A-Za-z0-9_-]{20,}+"),
        ("GitHub token", r"(?:gh[pousr]_[A-Za-z0-9]{36,}+|github_pat_[A-Za-z0-9_]{40,}+)"),
        ("Pinset token", r"pst_[A-Za-z0-9]{2,32}_[A-Za-z0-9_-]{32,}+"),
        ("AWS access key", r"(?:A3T[A-Z0-9]|ABIA|ACCA|AKIA|ASIA)[0-9A-Z]{16}(?![A-Za-z0-9])"),
        ("JSON Web Token", r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}+\.eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{16,}+"),
    )
)
_MARKS: Final[Mapping[str, tuple[str, ...]]] = {
    "Anthropic key": ("sk-ant-",),
    "OpenRouter key": ("sk-or-v1-",),
    "Langfuse key": ("k-lf-",),
    "OpenAI key": ("sk-",),
    "API key (sk-…)": ("sk-",),
    "Google API key": ("AIza",),
    "Hugging Face token": ("hf_",),
    "Groq key": ("gsk_",),
    "xAI key": ("xai-",),
    "Replicate token": ("r8_",),
    "Perplexity key": ("pplx-",),
    "LangSmith key": ("lsv2_",),
    "Pinecone key": ("pcsk_",),
    "Databricks token": ("dapi",),
    "GitLab token": ("gl",),
    "GitHub token": ("gh", "github_pat_"),
    "Pinset token": ("pst_",),
    "AWS access key": ("A3T", "ABIA", "ACCA", "AKIA", "ASIA"),
    "JSON Web Token": ("eyJ",),
}
"""Text without which a pattern matches nothing: to look for that takes a hundredth of the time."""
_KEYWORDED: Final = re.compile(
    r"(?i:cohere|mistral|together|deepseek|fireworks|voyage|azure_openai|co)_?(?i:api_?)?(?i:key|token)"
    r"[\"']?[ \t]{0,4}[:=][ \t]{0,4}[\"']?(?P<body>[A-Za-z0-9-]{32,64})(?![A-Za-z0-9-])"
)
_PEM: Final = re.compile(r"-----BEGIN (?:[A-Z0-9]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_PEM_BODY: Final = re.compile(r"[A-Za-z0-9+/]{40}")
_PEM_NEAR: Final = 400
"""Characters after a private key's first line in which its body begins; without one it is only spoken of."""

_PLACEHOLDER: Final = re.compile(
    r"[<>{}$]|\.\.\.|…|x{4}|\*{3}|_{3}|0{8}|your|example|placeholder|dummy|redacted|change.?me|replace", re.IGNORECASE
)
_VARIETY: Final = 8
"""Different characters that a secret's end has at least."""
_LONG: Final = re.compile(r"[A-Za-z0-9_+/=.-]{16,}")
_TAIL: Final = 24
"""Characters of that end; what comes before them may be the same in every key of a provider."""


def hide_keys(text: str) -> str:
    """Text with each key of a provider that its own pattern knows replaced by what it is: ``[OpenAI key]``."""
    for kind, pattern in _OWN:
        text = pattern.sub(f"[{kind}]", text)
    return text


@dataclass(frozen=True, slots=True)
class _Foreign:
    """One class of detect-secrets. mark: lower-case text without which it finds nothing."""

    module: str
    name: str
    marks: tuple[str, ...]
    certain: bool = True


_FOREIGN: Final = (
    _Foreign("aws", "AWSKeyDetector", ("aws",)),
    _Foreign("azure_storage_key", "AzureStorageKeyDetector", ("accountkey=",)),
    _Foreign("discord", "DiscordBotTokenDetector", ("discord",)),
    _Foreign("mailchimp", "MailchimpDetector", ("-us",)),
    _Foreign("npm", "NpmDetector", (":_authtoken=",)),
    _Foreign("pypi_token", "PypiTokenDetector", ("pypi-",)),
    _Foreign("sendgrid", "SendGridDetector", ("sg.",)),
    _Foreign("slack", "SlackDetector", ("xox", "hooks.slack.com")),
    _Foreign("square_oauth", "SquareOAuthDetector", ("sq0csp-",)),
    _Foreign("stripe", "StripeDetector", ("k_live_",)),
    # These also meet text that is no secret: addresses in manuals, digests, words.
    _Foreign("basic_auth", "BasicAuthDetector", ("://",), certain=False),
    _Foreign("cloudant", "CloudantDetector", ("cl",), certain=False),
    _Foreign("ibm_cloud_iam", "IbmCloudIamDetector", ("key", "pwd", "pass", "token"), certain=False),
    _Foreign("ibm_cos_hmac", "IbmCosHmacDetector", ("secret",), certain=False),
    _Foreign("softlayer", "SoftlayerDetector", ("sl", "softlayer"), certain=False),
    _Foreign("telegram_token", "TelegramBotTokenDetector", ("telegram", "bot"), certain=False),
    _Foreign("twilio", "TwilioKeyDetector", ("twilio",), certain=False),
    _Foreign("keyword", "KeywordDetector", ("key", "pass", "pwd", "secret", "contrase"), certain=False),
)


def certain(text: str) -> Iterator[tuple[int, str]]:
    """Offsets and kinds of what is a secret unless it was made up."""
    for kind, pattern in _OWN:
        if not any(mark in text for mark in _MARKS[kind]):
            continue
        for match in pattern.finditer(text):
            if _random(match[0], letters=True):
                yield match.start(), kind
    lowered = text.lower()
    for match in _KEYWORDED.finditer(text) if "key" in lowered or "token" in lowered else ():
        if _random(match["body"]):
            yield match.start("body"), "provider's API key"
    for match in _PEM.finditer(text):
        if _PEM_BODY.search(text, match.end(), match.end() + _PEM_NEAR):
            yield match.start(), "Private Key"
    yield from _foreign(text, certain=True)


def masked(text: str) -> str:
    """The text without its long words that vary as secrets do."""
    return _LONG.sub(lambda match: "…" if _random(match[0], letters=True) else match[0], text)


def suspected(text: str) -> Iterator[tuple[int, str]]:
    """Offsets and kinds of what may be a secret."""
    yield from _foreign(text, certain=False)


def _foreign(text: str, *, certain: bool) -> Iterator[tuple[int, str]]:
    lowered = text.lower()
    wanted = [
        one for one in _FOREIGN if one.certain is certain and any(mark in lowered for mark in one.marks)
    ]  # most texts have none of the marks, and are done here
    if not wanted:
        return
    for offset, piece in _pieces(text):
        low = piece.lower()
        for one in wanted:
            if any(mark in low for mark in one.marks):
                detector = _detector(one)
                if any(_fits(value, one) for value in _values(one, detector, piece)):
                    yield offset, detector.secret_type


def _values(one: _Foreign, detector: Any, piece: str) -> Iterator[str]:
    """What a detector finds. Its own search gives of some tokens only the prefix, so its patterns are asked."""
    if one.name == "KeywordDetector":
        yield from detector.analyze_string(_shortened(piece))
        return
    group = 1 if one.name == "BasicAuthDetector" else 0
    for pattern in detector.denylist:
        for match in pattern.finditer(piece):
            yield match[group]


def _fits(value: str, one: _Foreign) -> bool:
    if one.name == "SlackDetector":
        return _random(value.rpartition("/")[2] if "/" in value else value)
    return _random(value) if one.name not in ("BasicAuthDetector", "KeywordDetector") else _passwordlike(value)


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a text with their offsets; long ones in overlapping pieces, runs of blanks shortened."""
    offset = 0
    for line in text.split("\n"):
        for start in range(0, max(len(line) - _OVERLAP, 1), _PIECE - _OVERLAP):
            yield offset + start, _BLANKS.sub("  ", line[start : start + _PIECE])
        offset += len(line) + 1


def _shortened(piece: str) -> str:
    """A piece whose longest words lack their middle: one word such as secretsecretsecret… costs the detector most."""
    return _LONG_WORD.sub(lambda match: match[0][:24] + match[0][-24:], piece)


def _random(value: str, *, letters: bool = False) -> bool:
    """Whether a value varies as a secret does; placeholders such as ``sk-xxxx`` and alphabets do not.

    letters: letters of both cases are enough, as in the tokens of some providers; else there is a digit.
    """
    tail = value[-_TAIL:]
    if _PLACEHOLDER.search(value) or len(set(tail)) < _VARIETY or not any(c.isalpha() for c in value):
        return False
    if not any(c.isdigit() for c in value) and (not letters or tail.islower() or tail.isupper()):
        return False
    steps = sum(ord(b) - ord(a) == 1 for a, b in pairwise(value))
    return steps * 2 < len(value)


def _passwordlike(value: str) -> bool:
    """Whether a value behind a word such as password may be one: not prose, not a name, not a placeholder."""
    if len(value) < 6 or any(c.isspace() for c in value) or _PLACEHOLDER.search(value):
        return False
    if re.fullmatch(r"[a-z_.-]+|[A-Z_.-]+|[A-Z]?[a-z]+|(?:os|process|env|self|config)\..*|%.*", value):
        return False
    return len(set(value)) >= 5


@cache
def _detector(one: _Foreign) -> Any:
    # An import of its own for each: together they take a tenth of a second, and most texts need none.
    return getattr(importlib.import_module(f"detect_secrets.plugins.{one.module}"), one.name)()
