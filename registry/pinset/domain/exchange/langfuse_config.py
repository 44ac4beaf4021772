"""Langfuse's ``config``, read: which of it is the model, its parameters, tools, the answer's form, and parts of ours."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.exchange import chat
from pinset.domain.exchange.incoming import Lost
from pinset.domain.exchange.langfuse import KINDS, OWN
from pinset.domain.text import tool_shapes

if TYPE_CHECKING:
    from collections.abc import Mapping

_PIN: Final = "pinned_version"


@dataclass(slots=True)
class Said:
    """What a config says. parts: by kind, whole. model, params: None and empty where it names none.

    about: what our own answer said of the prompt, ``{}`` where the config is not one that we answered. tools: by name,
    None where it says nothing of them; others: tools that the prompt does not use. output: the answer's schema.
    whole: the config is one that we answered, perhaps changed since: what is not in it is not meant to be there.
    lost: what has no place; kept: what is there, though not as it is meant.
    """

    parts: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] | None = None
    params: dict[str, Any] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    tools: dict[str, Any] | None = None
    others: dict[str, Any] = field(default_factory=dict)
    output: Any = None
    whole: bool = False
    lost: list[Lost] = field(default_factory=list)
    kept: list[Lost] = field(default_factory=list)

    def keep(self, what: str, why: str) -> None:
        """Note what is there, though not as it is meant."""
        self.kept.append(Lost(what=what, why=why))

    def lose(self, what: str, why: str) -> None:
        """Note what has no place."""
        self.lost.append(Lost(what=what, why=why))


def read(config: Any, known: tuple[str, ...] = ()) -> Said:
    """What a config says. known: the kinds of parts that the release which is there told under keys of their own."""
    said = Said()
    if config is None:
        return said
    if not isinstance(config, dict):
        said.parts["configs"] = {OWN: deepcopy(config)}
        said.keep("config", f"it is no object: it is kept whole, as the config {OWN}")
        return said
    flat: dict[str, Any] = deepcopy(config)
    ours = flat.get("release")
    if isinstance(ours, dict) and isinstance(ours.get("parts"), list):
        del flat["release"]
        said.whole = True
        known = tuple(kind for kind in KINDS if kind in ours["parts"])
    else:
        ours = {}
    for kind in known:
        if isinstance(flat.get(kind), dict):
            said.parts[kind] = flat.pop(kind)
    _tools(said, flat, ours)
    said.output = chat.output_of(flat)
    _model(said, flat, ours)
    if isinstance(ours.get("prompt"), dict):
        said.about = dict(ours["prompt"])
    return said


def _model(said: Said, flat: dict[str, Any], ours: Mapping[str, Any]) -> None:
    """The model by its exact text; what we answered of it holds while the text is the same."""
    name = flat.pop("model", None)
    if name is not None and (not isinstance(name, str) or not name.strip()):
        said.lose("config.model", "it is no text")
        name = None
    pin = flat.pop(_PIN, None) if name is not None else None
    said.params = {**flat, **(ours["parameters"] if isinstance(ours.get("parameters"), dict) else {})}
    if name is None:
        return
    before = ours.get("model")
    if isinstance(before, dict) and name == (before.get("id") or before.get("name")):
        said.model = {key: one for key, one in before.items() if key != "params"}
    else:
        said.model = {"id": name, "name": name, "provider": None, _PIN: None}
    if isinstance(pin, str):
        said.model[_PIN] = pin


def _tools(said: Said, flat: dict[str, Any], ours: Mapping[str, Any]) -> None:
    """Tools as a call takes them. A value that is no list of any is a parameter."""
    details = ours["tool_details"] if isinstance(ours.get("tool_details"), dict) else {}
    if isinstance(ours.get("tools"), dict):
        said.others = dict(ours["tools"])
    if not isinstance(flat.get("tools"), list):
        said.tools = {} if said.whole and "tools" not in flat else None
        return
    said.tools = {}
    for at, tool in enumerate(flat.pop("tools")):
        try:
            shaped = tool_shapes.normalise(tool)
        except tool_shapes.ToolShapeError as error:
            said.lose(f"config.tools[{at}]", f"{error.message}; {error.hint}")
            continue
        more = details.get(shaped["name"])
        said.tools[shaped["name"]] = {**shaped, **(more if isinstance(more, dict) else {})}
