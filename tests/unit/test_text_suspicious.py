from __future__ import annotations

import base64
import json
import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinset.domain.text import detectors, suspicious
from pinset.domain.text.suspicious import Hidden, Hit

_DICE = random.Random(7)


def made_up(length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    """Characters as random as a key's; made here, so that no file of ours holds what looks like one."""
    return "".join(_DICE.choice(alphabet) for _ in range(length))


HEX = "0123456789abcdef"
UUID = "-".join(made_up(length, HEX) for length in (8, 4, 4, 4, 12))
KEYS = {
    "API key (sk-…)": ["sk-" + made_up(48), "sk-" + made_up(32, HEX)],
    "OpenAI key": ["sk-proj-" + made_up(100), "sk-svcacct-" + made_up(60)],
    "Anthropic key": ["sk-ant-api03-" + made_up(93) + "-AA"],
    "OpenRouter key": ["sk-or-v1-" + made_up(64, HEX)],
    "Google API key": ["AIza" + made_up(35)],
    "Hugging Face token": ["hf_" + made_up(34, string.ascii_letters)],
    "Groq key": ["gsk_" + made_up(52)],
    "xAI key": ["xai-" + made_up(80)],
    "Replicate token": ["r8_" + made_up(37)],
    "Perplexity key": ["pplx-" + made_up(48)],
    "Langfuse key": ["sk-lf-" + UUID, "pk-lf-" + UUID],
    "LangSmith key": [f"lsv2_{kind}_{made_up(32, HEX)}_{made_up(10, HEX)}" for kind in ("pt", "sk")],
    "GitHub token": ["ghp_" + made_up(36), "github_pat_" + made_up(22) + "_" + made_up(59)],
    "GitLab token": ["glpat-" + made_up(20)],
    "Pinset token": ["pst_" + made_up(12) + "_" + made_up(43)],
}
CASES = [(kind, key) for kind, keys in KEYS.items() for key in keys]


@pytest.mark.parametrize(("kind", "key"), CASES, ids=[f"{kind.split()[0]} {at}" for at, (kind, _) in enumerate(CASES)])
@pytest.mark.parametrize(
    "frame", ["{}", "Use {} to call.", 'api_key="{}"', "Authorization: Bearer {}", "https://x.test/?key={}", "({})"]
)
def test_a_providers_key_is_one_certain_hit(kind: str, key: str, frame: str) -> None:
    text = "first\n" + frame.format(key) + "\nlast"
    assert suspicious.secrets(text) == [Hit(2, kind, certain=True)]


def test_a_key_behind_an_escaped_newline_is_found() -> None:
    key = "sk-ant-api03-" + made_up(90)
    assert suspicious.secrets(json.dumps({"text": f"the key:\n{key}"})) == [Hit(1, "Anthropic key", certain=True)]


@pytest.mark.parametrize(
    "text",
    ["sk-...", "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxx", "sk-proj-XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX", "${OPENAI_API_KEY}",
     "api_key = '${OPENAI_API_KEY}'", 'api_key = "<your key>"', "OPENAI_API_KEY=<your key>", "sk-your-api-key-goes-here-please",
     "sk-ant-api03-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "sk-proj-00000000000000000000000000000000", "hf_" + "ab" * 20,
     "AIza" + "*" * 35, "password: '********'", "sk-learn-based-classifier-for-documents", "ask-a-question-that-is-longer-than-that",
     "task-proj-and-some-more-words-after-it", "api_key = '{{ api_key }}'", "https://user:{password}@db.test/x",
     "https://user:<password>@db.test/x"],
)  # fmt: skip
def test_placeholders_and_plain_words_are_no_secrets(text: str) -> None:
    assert suspicious.secrets(f"Set it as {text} and go on.") == []
    assert suspicious.secrets(text) == []


@pytest.mark.parametrize(
    "text",
    ["AKIA" + made_up(16, string.ascii_uppercase + string.digits),
     "-----BEGIN RSA PRIVATE KEY-----\\n" + made_up(64), "-----BEGIN OPENSSH PRIVATE KEY-----\\n" + made_up(64),
     "xoxb-" + made_up(12, string.digits) + "-" + made_up(12, string.digits) + "-" + made_up(24),
     "sk_live_" + made_up(24),
     ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=")
              for part in (b'{"alg":"HS256","typ":"JWT"}', b'{"sub":"1234567890","name":"Ada"}', bytes(range(60, 92))))],
    ids=["aws", "rsa", "openssh", "slack", "stripe", "jwt"],
)  # fmt: skip
def test_what_detect_secrets_knows_by_pattern_is_certain(text: str) -> None:
    hits = suspicious.secrets(f"one\ntwo\nuse {text} here")
    assert [(hit.line, hit.certain) for hit in hits] == [(3, True)]


def test_a_private_key_that_is_only_spoken_of_is_none() -> None:
    assert suspicious.secrets("Refuse files with -----BEGIN RSA PRIVATE KEY----- in them.") == []


def test_a_password_in_an_address_is_suspected() -> None:
    (hit,) = suspicious.secrets("postgres://app:" + made_up(16) + "@db.test:5432/app")
    assert not hit.certain


def test_a_password_after_its_word_is_suspected() -> None:
    (hit,) = suspicious.secrets('x\npassword = "tr0ub4dor&3-horse"')
    assert (hit.line, hit.certain) == (2, False)


def test_a_certain_hit_makes_the_word_before_it_say_nothing_new() -> None:
    assert len(suspicious.secrets('secret_key = "sk-proj-' + made_up(60) + '"')) == 1


def test_one_hit_for_a_line_and_kind_in_order_of_lines() -> None:
    first, second = "sk-" + made_up(48), "hf_" + made_up(34)
    hits = suspicious.secrets(f"{second}\n{first} {first} {second}")
    assert hits == [
        Hit(1, "Hugging Face token", certain=True),
        Hit(2, "API key (sk-…)", certain=True),
        Hit(2, "Hugging Face token", certain=True),
    ]


@pytest.mark.parametrize(("kind", "key"), CASES, ids=[f"{kind.split()[0]} {at}" for at, (kind, _) in enumerate(CASES)])
def test_a_hit_does_not_hold_the_secret(kind: str, key: str) -> None:
    shown = repr(suspicious.secrets(f"password = '{key}'"))
    assert kind in shown
    assert key not in shown
    assert key[8:20] not in shown


def test_keys_on_lines_of_any_length_are_found() -> None:
    key = "sk-proj-" + made_up(80)
    assert suspicious.secrets("word " * 50_000 + key + " word" * 50_000) == [Hit(1, "OpenAI key", certain=True)]


@pytest.mark.parametrize(
    "piece",
    ["secret", "secret ", "password'", "sk-", "sk-proj-", "pst_a_", "://", "eyJ.", "AccountKey=", " ", "aws", 'key="'],
)
def test_repetition_neither_hangs_nor_hits(piece: str) -> None:
    line = (piece * (9_990 // len(piece)))[:9_990] + "\n"
    assert [hit for hit in suspicious.secrets(line * 10) if hit.certain] == []
    assert [hit for hit in suspicious.secrets(piece * (500_000 // len(piece))) if hit.certain] == []


@given(st.text(max_size=300))
def test_any_text_can_be_searched(text: str) -> None:
    lines = text.count("\n") + 1
    assert all(1 <= hit.line <= lines for hit in suspicious.secrets(text))
    assert all(1 <= hidden.line <= lines for hidden in suspicious.invisible(text))
    assert all(1 <= line <= lines and word in text for line, word in suspicious.lookalikes(text))


@pytest.mark.parametrize(
    "code",
    [0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2060, 0x2064, 0xFEFF, 0x202A, 0x202E, 0x2066, 0x2069, 0x061C, 0x00AD,
     0x115F, 0x1160, 0x3164, 0xFFA0, 0xE0001, 0xE0041, 0xE007F, 0xE0100, 0xE01EF, 0x00, 0x08, 0x0B, 0x0C, 0x1B, 0x7F, 0x85, 0x9F],
)  # fmt: skip
def test_characters_that_do_not_show_are_found_with_line_and_name(code: int) -> None:
    (hidden,) = suspicious.invisible(f"plain\nno{chr(code)}te")
    assert (hidden.line, hidden.codepoint) == (2, code)
    assert hidden.name
    assert suspicious.invisible(chr(code))
    assert suspicious.invisible("x" + chr(code))


def test_the_name_is_that_of_unicode() -> None:
    assert suspicious.invisible("a\u200bb") == [Hidden(1, 0x200B, "ZERO WIDTH SPACE")]


@pytest.mark.parametrize(
    "text",
    ["a\tb\r\nc", "\U0001f469\u200d\U0001f4bb", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\u2764\ufe0f\u200d\U0001f525",
     "\U0001f469\U0001f3fd\u200d\U0001f52c", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0915\u094d\u200d\u0937",
     "\u0d9a\u0dca\u200d\u0dbb", "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "\u845b\U000e0100",
     "caf\u00e9 \u00a0 \u2014 \u201cquoted\u201d"],
)  # fmt: skip
def test_characters_that_do_work_where_they_stand_are_no_hits(text: str) -> None:
    assert suspicious.invisible(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "\U0001f600\U000e0041",
        "\U0001f600\U000e0101",
        "\U0001f3f4\U000e0041\U000e007f",
        "a\u200d\U0001f4bb",
        "\U0001f469\u200da",
        "\u0645\u200c\u200c\u062e",
    ],
)
def test_the_exceptions_hide_nothing_else(text: str) -> None:
    assert suspicious.invisible(text)


@pytest.mark.parametrize("word", ["p\u0430ypal", "\u0430dmin", "\u0421ompany", "p\u03b1yment", "n\u03bfte"])
def test_words_of_mixed_scripts_are_found(word: str) -> None:
    assert suspicious.lookalikes(f"fine\nthe {word}!") == [(2, word)]


@pytest.mark.parametrize(
    "text", ["plain", "привет мир", "καλημέρα κόσμε", "API привет", "caf\u00e9", "5 μs and Δt", "\u0430_b", "ελ-en"]
)
def test_words_of_one_script_are_fine(text: str) -> None:
    assert suspicious.lookalikes(text) == []


@pytest.mark.parametrize(
    "word", ["COHERE_API_KEY", "mistral_api_key", "co_api_key", "azure_openai_key", "togetherToken"]
)
@pytest.mark.parametrize("sign", ["=", ": ", '": "'])
def test_a_key_of_no_shape_of_its_own_is_known_by_its_word(word: str, sign: str) -> None:
    assert [(hit.line, hit.certain) for hit in suspicious.secrets(f"a\n{word}{sign}{made_up(40)}\n")] == [(2, True)]
    assert suspicious.secrets(f"{word}{sign}{'a' * 40}") == []


def test_an_address_that_lets_anyone_post_is_a_secret() -> None:
    hook = "https://hooks.slack.com/services/T" + made_up(8, string.digits) + "/B" + made_up(8, string.digits) + "/"
    assert [hit.certain for hit in suspicious.secrets(hook + made_up(24))] == [True]
    assert suspicious.secrets(hook + "X" * 24) == []


@pytest.mark.parametrize("password", ["Tr0ub4", "abc123", "PassWord1", "aB-cD-eF"])
def test_a_short_password_is_suspected_too(password: str) -> None:
    assert [hit.certain for hit in suspicious.secrets(f'password = "{password}"')] == [False]


@pytest.mark.parametrize(
    "value", ["ab1cd", "lowercase_name", "UPPER_CASE", "Capital", "os.environ", "%s%d99", "aaaa11", "two words 7"]
)
def test_a_name_or_a_word_behind_password_is_none(value: str) -> None:
    assert suspicious.secrets(f'password = "{value}"') == []


@pytest.mark.parametrize("text", ["\u2764\ufe0f", "1\ufe0f\u20e3", "\u8fba\U000e0100", "\u2229\ufe00", "\u8fba\ufe00"])
def test_a_sign_that_chooses_a_shape_may_stand_behind_what_it_shapes(text: str) -> None:
    assert suspicious.invisible(f"a {text} b") == []


@pytest.mark.parametrize(
    "text", ["a\ufe0f", "1\ufe0fx", "\ufe0f", "a\ufe00", "\ufe00", "a\U000e0100", "1\ufe0f", "\u200d", "a\u200db"]
)
def test_a_sign_that_shapes_nothing_is_found(text: str) -> None:
    assert len(suspicious.invisible(text)) == 1


def test_joined_emoji_are_one_sign_and_a_flag_of_tags_another() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    heart = "\u2764\ufe0f\u200d\U0001f525"
    scotland = "\U0001f3f4" + "".join(chr(0xE0000 + ord(c)) for c in "gbsct") + "\U000e007f"
    assert suspicious.invisible(f"{family} {heart} {scotland}") == []
    hidden = suspicious.invisible(f"{scotland}\nx" + "".join(chr(0xE0000 + ord(c)) for c in "hi"))
    assert [(one.line, one.codepoint) for one in hidden] == [(2, 0xE0068), (2, 0xE0069)]


def test_each_of_our_patterns_says_what_no_text_that_it_matches_lacks() -> None:
    assert {kind for kind, _ in detectors._OWN} == detectors._MARKS.keys()
    assert all(
        any(mark in pattern.pattern or mark[:2] in pattern.pattern for mark in detectors._MARKS[kind])
        for kind, pattern in detectors._OWN
    )
