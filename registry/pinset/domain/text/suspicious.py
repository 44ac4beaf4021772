"""What a reviewer cannot see or should not publish: secrets, invisible characters, letters that look alike."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINE_LIMIT: Final = 10_000
"""Characters of a line that the detectors of detect-secrets look at; our own patterns look at all."""
_KEYS: Final = {
    "OpenAI key": r"sk-(?:(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{20,})",
    "Anthropic key": r"sk-ant-[A-Za-z0-9_-]{20,}",
    "OpenRouter key": r"sk-or-v1-[A-Za-z0-9]{32,}",
    "Langfuse key": r"[sp]k-lf-[0-9a-f-]{30,}",
    "Google API key": r"AIza[A-Za-z0-9_-]{35,}",
    "Hugging Face token": r"hf_[A-Za-z0-9]{30,}",
    "Groq key": r"gsk_[A-Za-z0-9]{40,}",
    "xAI key": r"xai-[A-Za-z0-9]{40,}",
    "Replicate token": r"r8_[A-Za-z0-9]{36,}",
    "Perplexity key": r"pplx-[A-Za-z0-9]{40,}",
    "LangSmith key": r"lsv2_(?:pt|sk)_[A-Za-z0-9_]{30,}",
    "GitHub token": r"(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})",
    "Pinset token": r"pst_[A-Za-z0-9]{6,24}_[A-Za-z0-9_-]{40,}",
}
# A key begins where no word goes on, or behind the \n of a text that is quoted in JSON. What it may begin with
# cannot stand inside it at such a place, so each run is read once however long it is.
_OWN: Final = {kind: re.compile(rf"(?:(?<![\w-])|(?<=\\[nrt])){pattern}", re.ASCII) for kind, pattern in _KEYS.items()}
_MARKS: Final = re.compile(r"sk-|pk-lf-|AIza|hf_|gsk_|xai-|r8_|pplx-|lsv2_|gh[pousr]_|github_pat_|pst_")
_WORTH: Final = re.compile(r"\S{16}|[=:]|(?i:key|passw|secret|token|credential)")
_PLACEHOLDER: Final = re.compile(
    r"[<>{}]|\$\w|\.\.\.|…|x{4}|X{4}|\*{3}|0{8}|(?i:your|example|placeholder|dummy|redacted|changeme|insert)"
)
_HIDDEN: Final = re.compile(
    "[\u200b-\u200f\u2060-\u2064\ufeff\u202a-\u202e\u2066-\u2069\u061c\u00ad\u115f\u1160\u3164\uffa0"
    "\U000e0000-\U000e007f\U000e0100-\U000e01ef\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
)
_FLAGS: Final = re.compile(
    "\U0001f3f4(?:" + "|".join("".join(chr(0xE0000 + ord(c)) for c in place) for place in ("gbeng", "gbsct", "gbwls"))
    + ")\U000e007f"
)  # fmt: skip
_JOINERS: Final = ("\u200c", "\u200d")
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
# Of the Greek letters only those that pass for Latin ones: μs, Δt and πr are written so on purpose.
_FOREIGN: Final = re.compile("[\u0400-\u052fΑΒΕΖΗΙΚΜΝΟΡΤΥΧαγικνορτυχϲϳ]")  # noqa: RUF001 - they are the point
_LATIN: Final = re.compile("[A-Za-z\u00c0-\u024f]")


@dataclass(frozen=True, slots=True)
class Hit:
    """A secret, or what may be one. The secret itself is not kept."""

    line: int
    kind: str
    certain: bool


@dataclass(frozen=True, slots=True)
class Hidden:
    """A character that does not show."""

    line: int
    codepoint: int
    name: str


def secrets(text: str) -> list[Hit]:
    """The secrets in a text, one a line and kind, in order. A placeholder is none."""
    own = list(_own_hits(text)) if _MARKS.search(text) else []
    found = {(hit.line, hit.kind): hit for hit in own}
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) <= _LINE_LIMIT and _WORTH.search(line):
            known = any((number, kind) in found for kind in _OWN)
            for kind, certain in _detected(line, known=known):
                hit = Hit(number, kind, certain)
                if certain or (number, kind) not in found:
                    found[number, kind] = hit
    return sorted(found.values(), key=lambda hit: (hit.line, hit.kind))


def _own_hits(text: str) -> Iterator[Hit]:
    starts = _line_starts(text)
    for kind, pattern in _OWN.items():
        for match in pattern.finditer(text):
            tail = match[0][-24:]
            mixed = any(c.isdigit() for c in tail) or not (tail.islower() or tail.isupper())
            if mixed and _varies(tail, 8) and not _PLACEHOLDER.search(match[0]):
                yield Hit(bisect_right(starts, match.start()), kind, certain=True)


def _detected(line: str, *, known: bool) -> Iterator[tuple[str, bool]]:
    """The kinds of secrets that detect-secrets sees in a line, and whether each is certain.

    known: a key was found here already, so that a word such as ``api_key`` before it says nothing new.
    """
    patterns, basic_auth, keyword = _detectors()
    before = known
    for detector in patterns:
        for value in detector.analyze_string(line):
            # The key of Amazon's own manuals is no secret, and whoever publishes it should still look once.
            plain = value.replace("EXAMPLE", "")
            if "PRIVATE KEY" in value or (_varies(plain, 8) and not _PLACEHOLDER.search(plain)):
                known = True
                yield detector.secret_type, plain == value
    for value in basic_auth.analyze_string(line):
        if _varies(value, 5) and not _PLACEHOLDER.search(value):
            known = True
            yield basic_auth.secret_type, _varies(value, 8)
    if not (before or known):
        for value in keyword.analyze_string(line):
            if len(value) >= 8 and _varies(value, 6) and not _PLACEHOLDER.search(value):
                yield keyword.secret_type, False


def invisible(text: str) -> list[Hidden]:
    """The characters of a text that do not show, in order; joiners where a script or an emoji needs them are none."""
    first = _HIDDEN.search(text)
    if first is None:
        return []
    starts = _line_starts(text)
    flags = {at for match in _FLAGS.finditer(text) for at in range(match.start(), match.end())}
    found = []
    for match in _HIDDEN.finditer(text, first.start()):
        at = match.start()
        if at not in flags and not _belongs(text, at):
            name = unicodedata.name(match[0], "a control character" if ord(match[0]) < 0xA0 else "unassigned")
            found.append(Hidden(bisect_right(starts, at), ord(match[0]), name))
    return found


def lookalikes(text: str) -> list[tuple[int, str]]:
    """The words that mix Latin with Cyrillic letters, or with Greek ones that pass for Latin; with their lines."""
    if not _FOREIGN.search(text):
        return []
    starts = _line_starts(text)
    return [
        (bisect_right(starts, match.start()), match[0])
        for match in _WORD.finditer(text)
        if not match[0].isascii() and _FOREIGN.search(match[0]) and _LATIN.search(match[0])
    ]


def _belongs(text: str, at: int) -> bool:
    """Whether a character does work here: joins emoji, shapes Arabic or Indic letters, selects an ideograph's form."""
    before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    if not before:
        return False
    if text[at] >= "\U000e0100":
        return unicodedata.name(before, "").startswith("CJK UNIFIED IDEOGRAPH")
    if text[at] not in _JOINERS:
        return False
    if text[at] == "\u200d" and after and unicodedata.category(after) == "So":
        return before == "\ufe0f" or unicodedata.category(before) in ("So", "Sk")
    return 0x0600 <= ord(before) <= 0x0DFF and before != "\u061c"


def _varies(value: str, least: int) -> bool:
    """Whether a value has as many different characters as a secret has."""
    return len(set(value)) >= least


def _line_starts(text: str) -> list[int]:
    """Where each line begins; bisected, it tells a position's line without counting from the top again."""
    return [0, *(match.end() for match in re.finditer("\n", text))]


@cache
def _detectors() -> tuple[tuple[Any, ...], Any, Any]:
    """The detectors of detect-secrets: those that go by a pattern, the one of URLs, the one that goes by a word before.

    None that goes by entropy, for prose is full of it; none of OpenAI and GitHub, for our own patterns know more.
    """
    from detect_secrets.plugins import (  # noqa: PLC0415 - 100 ms that only a check needs
        artifactory, aws, azure_storage_key, basic_auth, cloudant, discord, gitlab_token, jwt, keyword, mailchimp, npm,
        private_key, pypi_token, sendgrid, slack, square_oauth, stripe, telegram_token, twilio,
    )  # fmt: skip

    classes = (
        artifactory.ArtifactoryDetector, aws.AWSKeyDetector, azure_storage_key.AzureStorageKeyDetector,
        cloudant.CloudantDetector, discord.DiscordBotTokenDetector, gitlab_token.GitLabTokenDetector,
        jwt.JwtTokenDetector, mailchimp.MailchimpDetector, npm.NpmDetector, private_key.PrivateKeyDetector,
        pypi_token.PypiTokenDetector, sendgrid.SendGridDetector, slack.SlackDetector, square_oauth.SquareOAuthDetector,
        stripe.StripeDetector, telegram_token.TelegramBotTokenDetector, twilio.TwilioKeyDetector,
    )  # fmt: skip
    return tuple(one() for one in classes), basic_auth.BasicAuthDetector(), keyword.KeywordDetector()
