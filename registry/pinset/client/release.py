"""A release as an application holds it: verified once, never changed, whole."""

from __future__ import annotations

import copy
from functools import cached_property
from time import monotonic
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

from pinset.client import shapes
from pinset.client.prompts import Prompt, compiled
from pinset.client.shape import refuse_answer, refuse_content
from pinset.client.using import using
from pinset.domain import sealed
from pinset.domain.document import content_of
from pinset.domain.names import show
from pinset.errors import Integrity, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from pinset.domain.inputs import Check

Origin = Literal["fresh", "stale", "disk", "snapshot", "default", "pin", "working copy"]
"""Where a release comes from: the registry, and confirmed by its last answer; the registry, whose last answers failed;
this machine's cache; a snapshot shipped with the application; the default in its code; a pin set by hand; author's files that nobody has published."""
DEFAULT: Final = "default"
"""The part that is meant where none is named."""


class Standing:
    """What is known of a release besides what it is: shared by all who hold it, changed by one assignment each."""

    __slots__ = ("confirmed", "source")

    def __init__(self, source: Origin, age: float = 0.0) -> None:
        self.source: Origin = source
        self.confirmed = monotonic() - age


class Release:
    """One published state of a bundle, every byte of it checked against its digest."""

    def __init__(self, answer: Mapping[str, Any], standing: Standing) -> None:
        """Verify a sealed form. Raises Integrity, UnknownFormat.

        answer: as ``?form=sealed`` gives it.
        """
        refuse_answer(answer)
        try:
            form = sealed.Sealed(answer["manifest"], dict(answer["files"]))
            sealed.verify(form, answer["digest"])
            named = sealed.parse(form.manifest)["bundle"]
            alias = answer["alias"]
            self.ref: str = answer["ref"]
            self.bundle: str = answer["bundle"]
            self.version: int = answer["version"]
            self.label: str | None = answer["label"]
            self.digest: str = answer["digest"]
            self.serial: int = answer["serial"]
            self.registry: str = answer["registry"]
            self.epoch: int = answer["epoch"]
            self.yanked: str | None = answer.get("yanked")
            self.alias: str | None = alias["name"] if alias else None
            self.seq: int | None = alias["seq"] if alias else None
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise Integrity(f"that is no sealed release: {error!r}", hint="is it a registry's answer?") from error
        self.renamed: str | None = answer.get("renamed")
        if named != self.bundle and named not in answer.get("names", ()):
            raise Integrity(f"the release is of {show(str(named))}, not of {show(self.bundle)}", hint="ask again")
        self._form = form
        self._answer = answer
        self._standing = standing
        self._checks: dict[str, Check | None] = {}
        self.content: Mapping[str, Any] = MappingProxyType(content_of(form))
        refuse_content(self.content)

    @property
    def source(self) -> Origin:
        """Where it comes from."""
        return self._standing.source

    @property
    def provenance(self) -> Mapping[str, Any]:
        """From where it was published: ``repository``, ``commit``, ``path``, ``authors``, ``url`` and more, as far as it was said.

        ``text`` alone where it was said in words. A claim of whoever published, and no part of the digest.
        """
        said = self._answer.get("source")
        if isinstance(said, str):
            return MappingProxyType({"text": said})
        return MappingProxyType(dict(said)) if isinstance(said, dict) else MappingProxyType({})

    @property
    def age(self) -> float:
        """Seconds since it was last known to be what its name means. A snapshot's counts from when it was loaded."""
        return monotonic() - self._standing.confirmed

    @property
    def files(self) -> Mapping[str, str]:
        """Every file by path, as it was published."""
        return self._form.files

    @property
    def prompts(self) -> Mapping[str, Any]:
        """The prompts' data by name; `prompt` gives one to be filled in."""
        return self._part("prompts")

    @property
    def models(self) -> Mapping[str, Any]:
        """The models by name: ``id``, ``provider``, ``name``, ``pinned_version``, ``params``."""
        return self._part("models")

    @property
    def model(self) -> Mapping[str, Any]:
        """The model ``default``. Raises NotFound where the release has none."""
        return self._one("models", DEFAULT)

    @property
    def tools(self) -> Mapping[str, Any]:
        """The tools by name: ``name``, ``description``, ``parameters``."""
        return self._part("tools")

    @property
    def retrieval(self) -> Mapping[str, Any]:
        """What is retrieved by name: ``index``, ``embedding_model``, ``top_k``, ``variable``."""
        return self._part("retrieval")

    @property
    def guardrails(self) -> Mapping[str, Any]:
        """The guardrails by name: ``version``, ``digest``, ``config``."""
        return self._part("guardrails")

    @property
    def configs(self) -> Mapping[str, Any]:
        """The configs by name: JSON values or texts."""
        return self._part("configs")

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the author noted; no model sees it."""
        return self._part("metadata")

    def prompt(self, name: str = DEFAULT) -> Prompt:
        """A prompt to be filled in. Raises NotFound."""
        data = self._one("prompts", name)
        return Prompt(name, data, self.ref, None if data.get("inputs_inferred") else self._check_of(name, data))

    def render(self, /, **values: Any) -> str:
        """The text of the prompt ``default`` filled in. Raises as `Prompt.render`."""
        return self.prompt().render(**values)

    @cached_property
    def variables(self) -> frozenset[str]:
        """Every variable that some prompt of it must be given."""
        return frozenset(name for prompt in self.prompts for name in self.prompt(prompt).variables)

    def tools_of(self, prompt: str = DEFAULT) -> Sequence[Mapping[str, Any]]:
        """The tools that a prompt may call: those it names, else all of the release."""
        named = self._one("prompts", prompt).get("tools")
        return [self._one("tools", name) for name in (self.tools if named is None else named)]

    def model_of(self, prompt: str = DEFAULT) -> Mapping[str, Any]:
        """The model that answers a prompt: the one it names, else ``default``. Raises NotFound."""
        return self._one("models", self._one("prompts", prompt).get("model", DEFAULT))

    def for_openai(self, prompt: str = DEFAULT, /, **values: Any) -> dict[str, Any]:
        """Arguments for ``client.chat.completions.create(**…)`` of OpenAI's client and all that are like it.

        Raises as `Prompt.messages`, and NotFound where the release has no model for the prompt.
        """
        return shapes.openai(self, prompt, values)

    def for_litellm(self, prompt: str = DEFAULT, /, **values: Any) -> dict[str, Any]:
        """Arguments for ``litellm.completion(**…)``. Raises as `for_openai`."""
        return shapes.litellm(self, prompt, values)

    def for_anthropic(self, prompt: str = DEFAULT, /, **values: Any) -> dict[str, Any]:
        """Arguments for ``client.messages.create(**…)`` of Anthropic's client.

        Raises as `for_openai`, and InvalidInput for a model without ``max_tokens``.
        """
        return shapes.anthropic(self, prompt, values)

    def attributes(self, prompt: str | None = None) -> dict[str, str | int]:
        """What a trace says of it, for OpenTelemetry: names of the GenAI conventions where there are some.

        prompt: for the span of one model's call, the prompt that it answers; then the model is told too. Raises
        NotFound for a prompt that the release has not.
        """
        told: dict[str, str | int] = {
            "gen_ai.prompt.name": self.bundle,
            "gen_ai.prompt.version": f"v{self.version}",
            "pinset.ref": self.ref,
            "pinset.digest": self.digest,
            "pinset.source": self.source,
        }
        if self.label is not None:
            told["pinset.label"] = self.label
        if self.alias is not None and self.seq is not None:
            told |= {"pinset.alias": self.alias, "pinset.seq": self.seq}
        return told if prompt is None else told | self._attributes_of(prompt)

    def in_use(self) -> AbstractContextManager[Release]:
        """A block whose work uses this release: `pinset.telemetry.ReleaseSpans` says so on each span begun in it."""
        return using(self)

    def sealed(self) -> dict[str, Any]:
        """The sealed form as the registry gives it: what a snapshot and the cache hold."""
        return copy.deepcopy(dict(self._answer))

    def __repr__(self) -> str:
        served = f", {self.alias}" if self.alias else ""
        return f"<Release {self.ref}{served}, {self.source}>"

    def _attributes_of(self, prompt: str) -> dict[str, str | int]:
        told: dict[str, str | int] = {"pinset.prompt": prompt}
        if self._one("prompts", prompt).get("model", DEFAULT) in self.models:
            model = self.model_of(prompt)
            named = (("gen_ai.request.model", "id"), ("gen_ai.provider.name", "provider"))
            told |= {name: str(model[key]) for name, key in named if model.get(key)}
        return told

    def _check_of(self, name: str, data: Mapping[str, Any]) -> Check | None:
        if name not in self._checks:
            self._checks[name] = compiled(data.get("inputs"))
        return self._checks[name]

    def _part(self, kind: str) -> Mapping[str, Any]:
        return self.content[kind]  # type: ignore[no-any-return] # the document's shape

    def _one(self, kind: str, name: str) -> Mapping[str, Any]:
        found = self.content[kind]
        if name not in found:
            there = ", ".join(map(show, found)) or "none"
            raise NotFound(f"{self.ref} has no {kind[:-1]} {show(name)}", hint=f"it has {there}")
        return found[name]  # type: ignore[no-any-return] # the document's shape


def standing_of(release: Release) -> Standing:
    """What a client knows of a release besides what it is: it tells by it what it learns."""
    return release._standing  # noqa: SLF001 - this module's own
