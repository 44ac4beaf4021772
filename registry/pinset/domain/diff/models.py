"""What changes in a model: which one answers, and how it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pinset.domain.diff.paths import PathChange, join, path_diff, same
from pinset.domain.diff.schemas import schema_diff
from pinset.domain.diff.weighed import Weight, as_number, behaviour, breaking, change, mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pinset.domain.diff.budget import Budget
    from pinset.domain.diff.model import Change

_LENGTHS: Final = frozenset(
    {"max_tokens", "max_output_tokens", "max_completion_tokens", "maxOutputTokens", "num_predict"}
)
_FORMS: Final = frozenset(
    {
        "response_format", "output_format", "response_mime_type", "responseMimeType", "response_schema", "responseSchema",
        "response_json_schema", "responseJsonSchema",
    }
)  # fmt: skip
"""What providers call the form of the answer, beside ``text.format`` and ``output_config.format``."""
_SPREADS: Final = frozenset({"temperature", "top_p", "top_k", "topP", "topK", "min_p"})
_REASONS: Final[Mapping[str, str]] = {
    "id": "another model answers",
    "provider": "another provider answers",
    "name": "another model answers",
    "stop": "answers end elsewhere",
    "stop_sequences": "answers end elsewhere",
    "tool_choice": "whether the model calls tools, and which, is told otherwise",
    "seed": "answers are drawn anew: what was repeatable is another answer",
    "reasoning_effort": "the model thinks longer or shorter before it answers",
    "reasoning": "the model thinks longer or shorter before it answers",
    "thinking": "the model thinks longer or shorter before it answers",
}
_CAPABILITIES: Final[Mapping[str, str]] = {
    "logprobs": "answers carry no probabilities any more",
    "top_logprobs": "answers carry fewer probabilities",
    "modalities": "answers no longer come in every form they did",
    "echo": "answers no longer repeat what was asked",
}


def compare_model(name: str, old: Any, new: Any, budget: Budget) -> Iterator[Change]:
    """A model that both sides have."""
    before, after = mapping(old), mapping(new)
    forms = [mapping(mapping(side.get("params")).get("response_format")) for side in (before, after)]
    schemas = [_schema(form) for form in forms]
    inside = None not in schemas
    if inside:
        where = "params.response_format.json_schema.schema"
        for found in schema_diff(schemas[0], schemas[1], "output", where, budget):
            yield change("model", name, found, Weight(found.impact, found.reason))
        before, after = _without_schema(before), _without_schema(after)
    for one in _split(path_diff(before, after, "", budget)):
        yield change("model", name, one, _weight(one))


def _split(found: list[PathChange]) -> Iterator[PathChange]:
    """The parameters one by one, also where one side has none."""
    for one in found:
        if one.path == "params" and (one.old is None or one.new is None):
            for key, value in sorted(mapping(one.old or one.new).items()):
                old, new = (value, None) if one.new is None else (None, value)
                yield PathChange(join("params", key), one.kind, old, new)
        else:
            yield one


def _weight(found: PathChange) -> Weight:
    head, _, rest = found.path.partition(".")
    if head == "pinned_version":
        return behaviour(_pin(found))
    if head != "params":
        return behaviour(_REASONS.get(head, "part of the model"))
    key = rest.partition(".")[0].partition("[")[0]
    return _parameter(key, rest, found)


def _pin(found: PathChange) -> str:
    if found.new is None:
        return "no longer pinned: what answers may change at any time, without a release"
    return "another snapshot of the model answers" if found.old is not None else "the model is pinned to a snapshot now"


def _parameter(key: str, path: str, found: PathChange) -> Weight:
    if key in _FORMS or path.startswith(("text.format", "output_config.format")):
        return _format(path, found)
    if key == "parallel_tool_calls" and found.old is False:
        return breaking("one answer may hold several calls: the application has to answer all of them")
    if key == "stream":
        return breaking("answers arrive in another way: whole, or piece by piece")
    if key in _CAPABILITIES and _less(found):
        return breaking(f"{_CAPABILITIES[key]}: whoever reads them finds none")
    measured = _measured(key, as_number(found.old), as_number(found.new))
    return behaviour(measured or _REASONS.get(key, "the model is called with other parameters"))


def _measured(key: str, old: float | None, new: float | None) -> str:
    """What a number more or less does; '' for numbers of which that is not known."""
    fewer = old is not None and new is not None and new < old
    if key in _LENGTHS:
        cut = fewer or (old is None and new is not None)
        return "answers may be cut off sooner" if cut else "answers may be longer, and cost more"
    if key in _SPREADS and old is not None and new is not None:
        return "answers vary less" if fewer else "answers vary more"
    return ""


def _format(path: str, found: PathChange) -> Weight:
    if path.endswith((".name", ".description")):
        return behaviour("the model reads it")
    if path.endswith(".strict") and found.old is not True:
        return behaviour("the provider holds the model to the schema")
    if path.endswith(".strict"):
        return breaking("nothing holds the model to the schema any more: answers may differ from it")
    return breaking("the answer has another form")


def _less(found: PathChange) -> bool:
    """Whether something that was asked for is not, or less of it."""
    if found.kind == "removed" or found.new in (False, None, 0):
        return bool(found.old)
    old, new = as_number(found.old), as_number(found.new)
    if old is not None and new is not None:
        return new < old
    return isinstance(found.old, list) and any(all(not same(x, y) for y in found.new or ()) for x in found.old)


def _schema(form: dict[str, Any]) -> Any:
    schema = mapping(form.get("json_schema")).get("schema")
    return schema if isinstance(schema, dict) else None


def _without_schema(model: dict[str, Any]) -> dict[str, Any]:
    params, form = model["params"], model["params"]["response_format"]
    inner = {key: value for key, value in form["json_schema"].items() if key != "schema"}
    return {**model, "params": {**params, "response_format": {**form, "json_schema": inner}}}
