"""Spans say which release was in use when they began: held against the SDK's own exporter."""

from __future__ import annotations

import asyncio
import contextvars
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes as conventions

from pinset.client.release import Release, Standing
from pinset.errors import NotFound
from pinset.ports.registry import Caller
from pinset.telemetry import ReleaseSpans, in_use, using

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.services.local import LocalRegistry


class Traced:
    """A tracer and what it exported."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(ReleaseSpans())
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = provider.get_tracer("test")

    def span(self, name: str, **attributes: Any) -> None:
        with self.tracer.start_as_current_span(name, attributes=attributes):
            pass

    def said(self) -> dict[str, dict[str, Any]]:
        return {span.name: dict(span.attributes or {}) for span in self.exporter.get_finished_spans()}


@pytest.fixture
def traced() -> Traced:
    return Traced()


@pytest.fixture
def release(memory: LocalRegistry, manifest: Callable[..., dict[str, str]]) -> Callable[[str], Release]:
    def make(bundle: str) -> Release:
        memory.publish(Caller(actor="ada"), manifest(bundle), alias="production")
        return Release(memory.sealed(bundle), Standing("fresh"))

    return make


def test_a_span_begun_in_the_block_says_its_release_and_others_say_nothing(
    traced: Traced, release: Callable[[str], Release]
) -> None:
    support = release("support")
    traced.span("before")
    with support.in_use() as same:
        assert same is support
        assert in_use() is support
        traced.span("inside")
    traced.span("after")
    said = traced.said()
    assert said["inside"] == support.attributes()
    assert said["before"] == said["after"] == {}
    assert in_use() is None


def test_of_nested_blocks_the_innermost_counts_and_an_error_ends_it(
    traced: Traced, release: Callable[[str], Release]
) -> None:
    outer, inner = release("outer"), release("inner")

    def fail() -> None:
        with using(inner):
            traced.span("in")
            raise ZeroDivisionError

    with using(outer):
        with pytest.raises(ZeroDivisionError):
            fail()
        traced.span("out")
    said = traced.said()
    assert (said["in"]["pinset.ref"], said["out"]["pinset.ref"]) == ("inner@v1", "outer@v1")


def test_tasks_keep_apart_and_hand_on_what_is_in_use(traced: Traced, release: Callable[[str], Release]) -> None:
    first, second = release("first"), release("second")

    async def work(one: Release, met: asyncio.Event, other: asyncio.Event) -> None:
        with one.in_use():
            met.set()
            await other.wait()
            await asyncio.to_thread(traced.span, f"{one.bundle} in a thread")
            traced.span(one.bundle)

    async def both() -> None:
        a, b = asyncio.Event(), asyncio.Event()
        await asyncio.gather(work(first, a, b), work(second, b, a))

    asyncio.run(both())
    assert {name: told["gen_ai.prompt.name"] for name, told in traced.said().items()} == {
        "first": "first",
        "second": "second",
        "first in a thread": "first",
        "second in a thread": "second",
    }


def test_a_thread_made_by_hand_begins_with_nothing(traced: Traced, release: Callable[[str], Release]) -> None:
    with release("support").in_use():
        thread = threading.Thread(target=traced.span, args=("apart",))
        thread.start()
        thread.join()
    assert traced.said()["apart"] == {}


def test_what_a_span_says_itself_stays(traced: Traced, release: Callable[[str], Release]) -> None:
    with release("support").in_use():
        traced.span("own", **{"gen_ai.prompt.name": "mine"})
    said = traced.said()["own"]
    assert (said["gen_ai.prompt.name"], said["pinset.ref"]) == ("mine", "support@v1")


def test_a_span_that_is_not_recorded_costs_nothing(release: Callable[[str], Release]) -> None:
    provider = TracerProvider(sampler=ALWAYS_OFF)
    provider.add_span_processor(ReleaseSpans())
    with release("support").in_use(), provider.get_tracer("test").start_as_current_span("off") as span:
        assert not span.is_recording()


def test_the_names_are_those_of_the_conventions(release: Callable[[str], Release]) -> None:
    said = release("support").attributes("default")
    assert said[conventions.GEN_AI_PROMPT_NAME] == "support"
    assert said[conventions.GEN_AI_REQUEST_MODEL] == "foundation-large"
    assert said[conventions.GEN_AI_PROVIDER_NAME] == "vendor-x"
    assert said["pinset.prompt"] == "default"
    assert {name for name in said if not name.startswith("pinset.")} == {
        conventions.GEN_AI_PROMPT_NAME,
        "gen_ai.prompt.version",
        conventions.GEN_AI_REQUEST_MODEL,
        conventions.GEN_AI_PROVIDER_NAME,
    }


def test_without_the_sdk_the_error_says_what_to_install() -> None:
    for module, lacking, extra in (("telemetry", "opentelemetry.sdk", "otel"), ("testing", "yaml", "cli")):
        program = f"import sys; sys.modules[{lacking!r}] = None; import pinset.{module}"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert f"pip install 'pinset[{extra}]'" in done.stderr


def test_the_model_is_told_only_of_a_prompt_that_was_named(release: Callable[[str], Release]) -> None:
    support = release("support")
    assert conventions.GEN_AI_REQUEST_MODEL not in support.attributes()
    with pytest.raises(NotFound):
        support.attributes("planner")


def test_a_block_that_is_left_elsewhere_than_it_was_entered_is_left_in_peace(release: Callable[[str], Release]) -> None:
    block = release("support").in_use()
    contextvars.copy_context().run(block.__enter__)
    assert in_use() is None
    contextvars.copy_context().run(block.__exit__, None, None, None)
    assert in_use() is None
