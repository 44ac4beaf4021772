"""OpenTelemetry: every span that is started while a release is in use says which one that was.

It takes what ``pinset[otel]`` installs; nothing else of Pinset imports it.

    provider.add_span_processor(ReleaseSpans())
    with release.in_use():
        …  # spans of any library: gen_ai.prompt.name, gen_ai.prompt.version, pinset.ref, pinset.digest, …
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinset.client.using import in_use, using

try:
    from opentelemetry.sdk.trace import SpanProcessor
except ImportError as error:
    raise ImportError("pinset.telemetry needs OpenTelemetry's SDK: pip install 'pinset[otel]'") from error

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import Span

__all__ = ["ReleaseSpans", "in_use", "using"]


class ReleaseSpans(SpanProcessor):
    """Writes `Release.attributes` of the release in use on each span as it starts. What the span says itself stays."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002 - the SDK's signature
        """Called by the SDK on the thread that starts the span."""
        release = in_use()
        if release is None or not span.is_recording():
            return
        said = span.attributes or {}
        span.set_attributes({name: value for name, value in release.attributes().items() if name not in said})
