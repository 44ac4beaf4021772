"""What each change of a tool's parameters does, row by row, with the reason.

Two are concerned. The model writes calls: a call that was right (in the examples of a prompt, in a talk that goes on, in
another client's code) breaks where its values are taken away. The application answers calls: its code breaks where values come
that it has never seen. A member that nobody described is nobody's: code takes members by name and leaves the others.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import pytest

from pinset.domain.diff import compare
from pinset.domain.diff.schemas import schema_diff


class Row(NamedTuple):
    """One change and what it has to be called."""

    id: str
    old: Any
    new: Any
    impact: str
    why: str


TEXT: Final = {"type": "string"}
INT: Final = {"type": "integer"}
NULL: Final = {"type": "null"}
UNIT: Final = {"enum": ["c", "f"]}


def obj(*required: str, extra: Any = None, **properties: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        found["required"] = list(required)
    return found if extra is None else {**found, "additionalProperties": extra}


def p(schema: Any, *required: str) -> dict[str, Any]:
    """The parameters of a tool that takes one, ``x``."""
    return obj(*required, x=schema)


def many(schema: Any) -> dict[str, Any]:
    return {"type": "array", "items": schema}


def refers(definition: Any, name: str = "thing", **more: Any) -> dict[str, Any]:
    return {**p({"$ref": f"#/$defs/{name}", **more}), "$defs": {name: definition}}


def tree(leaf: Any) -> dict[str, Any]:
    node = {"type": "object", "properties": {"value": leaf, "left": {"$ref": "#/$defs/node"}}}
    return {**p({"$ref": "#/$defs/node"}), "$defs": {"node": node}}


CAT: Final = obj("kind", kind={"const": "cat"}, lives=INT)
DOG: Final = obj("kind", kind={"const": "dog"}, tricks=many(TEXT))
FISH: Final = obj("kind", kind={"const": "fish"})
IF: Final = {"if": obj("kind", kind={"const": "a"}), "then": {"required": ["n"]}}

ROWS: Final = [
    # Which parameters there are.
    Row("required-added", obj(q=TEXT), obj("lang", q=TEXT, lang=TEXT), "breaking",
        "a call without it was right and is refused now"),
    Row("optional-added", obj(q=TEXT), obj(q=TEXT, lang=TEXT), "behaviour",
        "old calls stay right, and code that takes members by name does not meet it; the model may pass it"),
    Row("optional-added-to-closed", obj(q=TEXT, extra=False), obj(q=TEXT, lang=TEXT, extra=False), "behaviour",
        "as above: the application's schema grows with it, old calls stay right"),
    Row("optional-becomes-required", obj(q=TEXT), obj("q", q=TEXT), "breaking", "calls without q were right"),
    Row("required-becomes-optional", obj("q", q=TEXT), obj(q=TEXT), "breaking",
        "the application reads q without asking whether it is there"),
    Row("optional-removed-from-open", obj(q=TEXT, n=INT), obj(q=TEXT), "behaviour",
        "calls that still pass n are allowed, and code that has to do without n could always have to"),
    Row("optional-removed-from-closed", obj(q=TEXT, n=INT, extra=False), obj(q=TEXT, extra=False), "breaking",
        "calls that pass n were right and are refused"),
    Row("required-removed", obj("q", "n", q=TEXT, n=INT), obj("q", q=TEXT), "breaking",
        "the application relies on n, and the model no longer passes it"),
    Row("renamed", obj("query", query=TEXT), obj("q", q=TEXT), "breaking", "calls pass query, the tool wants q"),
    Row("optional-renamed", obj(query={**TEXT, "maxLength": 9}), obj(q={**TEXT, "maxLength": 9}), "behaviour",
        "nobody had to pass it and nobody has to now, but what the model passes no longer reaches the code that reads it: "
        "said as renamed"),
    Row("required-without-a-description", obj(q=TEXT), obj("z", q=TEXT), "breaking", "it is required, described or not"),
    Row("reordered-required", obj("a", "b", a=TEXT, b=TEXT), obj("b", "a", a=TEXT, b=TEXT), "cosmetic",
        "required is a set: the same calls are right, and nothing is said in other words"),
    # Types.
    Row("type-narrowed", p({"type": ["string", "null"]}), p(TEXT), "breaking", "null was right and is refused"),
    Row("type-narrowed-to-integer", p({"type": "number"}), p(INT), "breaking", "1.5 was right and is refused"),
    Row("type-changed", p(TEXT), p(INT), "breaking", "every call that passes it is wrong now"),
    Row("type-widened", p(TEXT), p({"type": ["string", "integer"]}), "breaking",
        "the application takes a text and gets a number: code that answers has to change"),
    Row("type-widened-to-number", p(INT), p({"type": "number"}), "breaking", "the application may count with 1.5 now"),
    Row("type-removed", p(TEXT), p({}), "breaking", "anything may come where the application takes a text"),
    Row("type-added", p({}), p(TEXT), "breaking", "any value was right, only texts are now"),
    Row("type-in-a-list", p(TEXT), p({"type": ["string"]}), "behaviour",
        "the same values; the model reads other words, which is more than cosmetic and less than breaking"),
    Row("nullable", p(TEXT), p({**TEXT, "nullable": True}), "breaking",
        "JSON Schema does not know it, providers do: whether null comes cannot be known"),
    # Values.
    Row("enum-value-removed", p({"enum": ["a", "b", "c"]}), p({"enum": ["a", "b"]}), "breaking", "c was right"),
    Row("enum-value-added", p({"enum": ["a", "b"]}), p({"enum": ["a", "b", "c"]}), "breaking",
        "the application knows a and b, and the model may write c at once"),
    Row("enum-reordered", p({"enum": ["a", "b"]}), p({"enum": ["b", "a"]}), "behaviour",
        "the same values, read in another order by the model"),
    Row("enum-added", p(TEXT), p({**TEXT, "enum": ["a", "b"]}), "breaking", "any text was right"),
    Row("enum-dropped", p({**TEXT, "enum": ["a", "b"]}), p(TEXT), "breaking", "any text may come now"),
    Row("enum-of-one-is-const", p({"enum": ["a"]}), p({"const": "a"}), "behaviour", "one value both times, in other words"),
    Row("const-changed", p({"const": "v1"}), p({"const": "v2"}), "breaking", "what was right is wrong, and the other way round"),
    Row("enum-within-boolean", p({"type": "boolean"}), p({"enum": [True, False]}), "behaviour", "the same two values"),
    # Limits.
    Row("minimum-raised", p({**INT, "minimum": 1}), p({**INT, "minimum": 2}), "breaking", "1 was right"),
    Row("maximum-raised", p({**INT, "maximum": 10}), p({**INT, "maximum": 99}), "breaking",
        "the application was promised 10 at most, and may have a table of that size"),
    Row("bounds-said-otherwise", p({**INT, "minimum": 1}), p({**INT, "exclusiveMinimum": 0}), "behaviour",
        "of integers the two say the same"),
    Row("max-length-lowered", p({**TEXT, "maxLength": 99}), p({**TEXT, "maxLength": 9}), "breaking", "longer texts were right"),
    Row("max-length-raised", p({**TEXT, "maxLength": 9}), p({**TEXT, "maxLength": 99}), "breaking",
        "the application may keep it in a column of 9"),
    Row("max-length-implied", p({"enum": ["a", "b"]}), p({"enum": ["a", "b"], "maxLength": 1}), "behaviour",
        "the listed values are no longer than that anyway"),
    Row("pattern-added", p(TEXT), p({**TEXT, "pattern": "^[A-Z]+$"}), "breaking", "small letters were right"),
    Row("pattern-changed", p({**TEXT, "pattern": "^a+$"}), p({**TEXT, "pattern": "^a*$"}), "breaking",
        "which texts two patterns share is not decided here, so it is taken as breaking"),
    Row("format-added", p(TEXT), p({**TEXT, "format": "date"}), "breaking",
        "some check formats and some do not: whether other texts are still right cannot be known"),
    Row("multiple-of-coarser", p({**INT, "multipleOf": 5}), p({**INT, "multipleOf": 10}), "breaking", "5 was right"),
    Row("limit-of-another-type", p(TEXT), p({**TEXT, "maximum": 3}), "behaviour", "a text has no maximum: it says nothing"),
    # Words.
    Row("description-changed", p({**TEXT, "description": "Old."}), p({**TEXT, "description": "New."}), "behaviour",
        "the same calls; the model reads it and may call otherwise"),
    Row("title-added", p(TEXT), p({**TEXT, "title": "X"}), "behaviour", "the model reads it"),
    Row("default-changed", p({**INT, "default": 1}), p({**INT, "default": 2}), "behaviour",
        "no value is refused or new; the model reads what is meant where it passes none"),
    Row("examples-changed", p({**TEXT, "examples": ["a"]}), p({**TEXT, "examples": ["b"]}), "behaviour", "the model reads them"),
    Row("property-called-description", obj(description=TEXT), obj(description=INT), "breaking",
        "a parameter of that name is no description"),
    # Objects in objects.
    Row("nested-required-added", p(obj(a=TEXT)), p(obj("a", a=TEXT)), "breaking", "{x: {}} was right"),
    Row("nested-optional-added", p(obj(a=TEXT)), p(obj(a=TEXT, b=INT)), "behaviour", "as at the top, a level below"),
    Row("nested-type-narrowed", p(obj(a=obj(b={"type": ["integer", "null"]}))), p(obj(a=obj(b=INT))), "breaking",
        "null was right two levels below"),
    Row("nested-enum-value-removed", p(obj(unit=UNIT)), p(obj(unit={"enum": ["c"]})), "breaking", "f was right"),
    Row("nested-description", p(obj(a=TEXT)), p(obj(a={**TEXT, "description": "A."})), "behaviour", "the model reads it"),
    Row("flattened", p(obj(a=TEXT), "x"), obj("a", a=TEXT), "breaking", "calls pass x, the tool wants a"),
    # Members that are not described.
    Row("closed", obj(q=TEXT), obj(q=TEXT, extra=False), "breaking", "calls that pass more were right"),
    Row("opened", obj(q=TEXT, extra=False), obj(q=TEXT), "behaviour",
        "no call is refused, and code that takes q by name leaves the rest"),
    Row("open-said-aloud", obj(q=TEXT), obj(q=TEXT, extra=True), "behaviour",
        "open is the default: the same calls, but the model reads that it may add some"),
    Row("map-values-narrowed", obj(extra={"type": ["string", "integer"]}), obj(extra=TEXT), "breaking", "numbers were right"),
    Row("map-values-widened", obj(extra=TEXT), obj(extra={"type": ["string", "integer"]}), "breaking",
        "the application goes through all members and takes texts"),
    Row("map-becomes-anything", obj(extra=TEXT), obj(), "breaking", "members of any type come to who goes through texts"),
    Row("map-becomes-closed", obj(extra=TEXT), obj(extra=False), "breaking", "every member was right, none is now"),
    Row("named-out-of-a-map", obj(extra=TEXT), obj(a=INT, extra=TEXT), "breaking", "a was a text, as all members were"),
    Row("named-out-of-a-map-alike", obj(extra=TEXT), obj(a=TEXT, extra=TEXT), "behaviour", "a is a text as before, and named now"),
    Row("pattern-properties-changed", {**obj(), "patternProperties": {"^x-": TEXT}},
        {**obj(), "patternProperties": {"^x-": INT}}, "breaking", "x-a was a text"),
    Row("pattern-properties-added", obj(), {**obj(), "patternProperties": {"^x-": TEXT}}, "breaking",
        "members x-… of any type were let through"),
    Row("added-beside-a-pattern", {**obj(), "patternProperties": {"^x-": INT}},
        {**obj(q=TEXT), "patternProperties": {"^x-": INT}}, "behaviour", "q is none of the x-…, and optional"),
    Row("added-under-a-pattern", {**obj(), "patternProperties": {"^x-": INT}},
        {**obj(**{"x-a": TEXT}), "patternProperties": {"^x-": INT}}, "breaking", "x-a was a number and would be both now"),
    Row("property-names", obj(extra=TEXT), {**obj(extra=TEXT), "propertyNames": {"maxLength": 3}}, "breaking",
        "members with longer names were right"),
    Row("min-properties", obj(a=TEXT, b=TEXT), {**obj(a=TEXT, b=TEXT), "minProperties": 1}, "breaking", "{} was right"),
    Row("min-properties-implied", obj("a", a=TEXT), {**obj("a", a=TEXT), "minProperties": 1}, "behaviour",
        "with a there is always one"),
    Row("dependent-required", obj(a=TEXT, b=TEXT), {**obj(a=TEXT, b=TEXT), "dependentRequired": {"a": ["b"]}}, "breaking",
        "a without b was right"),
    Row("dependent-on-what-is-always-there", obj("b", a=TEXT, b=TEXT),
        {**obj("b", a=TEXT, b=TEXT), "dependentRequired": {"a": ["b"]}}, "behaviour", "b is always there"),
    # Arrays.
    Row("items-narrowed", p(many({"type": ["string", "integer"]})), p(many(TEXT)), "breaking", "[1] was right"),
    Row("items-widened", p(many(TEXT)), p(many({})), "breaking", "the application goes through texts and meets anything"),
    Row("items-required-added", p(many(obj(a=TEXT))), p(many(obj("a", a=TEXT))), "breaking", "[{}] was right"),
    Row("items-optional-added", p(many(obj(a=TEXT))), p(many(obj(a=TEXT, b=INT))), "behaviour", "code that takes a goes on"),
    Row("one-becomes-a-list", p(TEXT), p(many(TEXT)), "breaking", "calls pass a text, the application takes one"),
    Row("max-items-lowered", p({**many(TEXT), "maxItems": 9}), p({**many(TEXT), "maxItems": 2}), "breaking", "three were right"),
    Row("min-items-lowered", p({**many(TEXT), "minItems": 1}), p({**many(TEXT), "minItems": 0}), "breaking",
        "the application takes the first, and there may be none"),
    Row("unique-items", p(many(TEXT)), p({**many(TEXT), "uniqueItems": True}), "breaking", "the same twice was right"),
    Row("prefix-item-added", p({"type": "array", "prefixItems": [TEXT]}), p({"type": "array", "prefixItems": [TEXT, INT]}),
        "breaking", "the second could be anything"),
    Row("items-as-a-tuple", p({**many(INT), "maxItems": 2}),
        p({"type": "array", "prefixItems": [INT, INT], "items": False, "maxItems": 2}), "behaviour", "up to two numbers, both times"),
    Row("contains-added", p(many(INT)), p({**many(INT), "contains": {"const": 1}}), "breaking", "[2] was right"),
    # anyOf, oneOf, allOf, not, if.
    Row("branch-removed", p({"anyOf": [TEXT, INT]}), p({"anyOf": [TEXT]}), "breaking", "numbers were right"),
    Row("branch-added", p({"anyOf": [TEXT]}), p({"anyOf": [TEXT, INT]}), "breaking", "the application gets a number"),
    Row("branches-reordered", p({"anyOf": [CAT, DOG, FISH]}), p({"anyOf": [FISH, CAT, DOG]}), "behaviour",
        "branches are matched by what they say: the same values, in another order before the model"),
    Row("branch-narrowed", p({"anyOf": [CAT, DOG]}), p({"anyOf": [DOG, {**CAT, "required": ["kind", "lives"]}]}), "breaking",
        "a cat without lives was right; and no other branch takes a cat"),
    Row("branch-optional-added", p({"anyOf": [CAT, DOG]}),
        p({"anyOf": [obj("kind", kind={"const": "cat"}, lives=INT, name=TEXT), DOG]}), "behaviour",
        "a cat may have a name: code that takes cats by kind and lives goes on"),
    Row("branch-within-another", p({"anyOf": [{"type": "number"}, INT]}), p({"anyOf": [{"type": "number"}]}), "behaviour",
        "an integer is a number: nothing is refused"),
    Row("types-as-branches", p({"type": ["string", "null"]}), p({"anyOf": [TEXT, NULL]}), "behaviour", "the same values"),
    Row("made-optional-by-null", p({"anyOf": [TEXT, NULL]}), p({"anyOf": [TEXT]}), "breaking", "null was right"),
    Row("null-added", p(TEXT), p({"anyOf": [TEXT, NULL]}), "breaking", "the application takes a text and gets null"),
    Row("any-becomes-one-apart", p({"anyOf": [CAT, DOG]}), p({"oneOf": [CAT, DOG]}), "behaviour",
        "no animal is both, so at least one and exactly one are the same"),
    Row("any-becomes-one-overlapping", p({"anyOf": [obj(a=TEXT), obj(b=TEXT)]}), p({"oneOf": [obj(a=TEXT), obj(b=TEXT)]}),
        "breaking", "what fits both branches was right and is refused"),
    Row("one-of-branch-added-apart", p({"oneOf": [CAT, DOG]}), p({"oneOf": [CAT, DOG, FISH]}), "breaking",
        "no cat or dog is refused, but fish come to code that knows none"),
    Row("one-of-description", p({"oneOf": [CAT, DOG]}), p({"oneOf": [CAT, {**DOG, "description": "Barks."}]}), "behaviour",
        "the model reads it, and the branches are as far apart as before"),
    Row("all-of-added", p(TEXT), p({"allOf": [TEXT, {"maxLength": 3}]}), "breaking", "longer texts were right"),
    Row("all-of-merged", p({"allOf": [obj("a", a=TEXT), obj("b", b=INT)]}), p(obj("a", "b", a=TEXT, b=INT)), "cosmetic",
        "all of both is both: the same values, taken together"),
    Row("not-added", p(TEXT), p({**TEXT, "not": {"const": ""}}), "breaking", "the empty text was right"),
    Row("not-narrowed", p({**TEXT, "not": {"enum": ["a", "b"]}}), p({**TEXT, "not": {"enum": ["a"]}}), "breaking",
        "less is excluded: b comes to code that never met it"),
    Row("condition-added", obj(kind=TEXT, n=INT), {**obj(kind=TEXT, n=INT), **IF}, "breaking", "kind a without n was right"),
    Row("condition-without-end", obj(kind=TEXT), {**obj(kind=TEXT), "if": {"required": ["kind"]}}, "behaviour",
        "an if without then and else refuses nothing"),
    Row("false", p(TEXT), p(False), "breaking", "no value is right any more"),
    Row("true", p(TEXT), p(True), "breaking", "anything may come"),
    # References.
    Row("definition-narrowed", refers({"type": ["string", "null"]}), refers(TEXT), "breaking", "null was right, by reference"),
    Row("definition-renamed", refers(obj("a", a=TEXT), "old"), refers(obj("a", a=TEXT), "new"), "cosmetic",
        "what it says is the same, whatever it is called"),
    Row("reference-inlined", refers(obj("a", a=TEXT)), p(obj("a", a=TEXT)), "cosmetic", "the same words in another place"),
    Row("reference-with-a-description", refers(TEXT), refers(TEXT, description="A thing."), "behaviour", "the model reads it"),
    Row("definition-description", refers(TEXT), refers({**TEXT, "description": "A thing."}), "behaviour", "the model reads it"),
    Row("recursive-same", tree(INT), {**tree(INT), "$comment": "A tree."}, "behaviour",
        "a definition that holds itself is followed until it repeats; the comment is sent, too"),
    Row("recursive-leaf-widened", tree(INT), tree({"type": "number"}), "breaking", "somewhere in the tree there may be 1.5"),
    Row("recursive-unrolled", tree(INT), {**p({"$ref": "#/$defs/other"}), "$defs": {
        "other": {"type": "object", "properties": {"value": INT, "left": {"$ref": "#/$defs/again"}}},
        "again": {"type": "object", "properties": {"value": INT, "left": {"$ref": "#/$defs/other"}}}}}, "cosmetic",
        "two definitions that take turns describe the same trees"),
    Row("draft-changed", {**p(TEXT), "$schema": "http://json-schema.org/draft-07/schema#"},
        {**p(TEXT), "$schema": "https://json-schema.org/draft/2020-12/schema"}, "behaviour",
        "nothing in it is read differently by the two drafts"),
    Row("draft-changed-under-references", {**refers(TEXT, maxLength=3), "$schema": "http://json-schema.org/draft-07/schema#"},
        {**refers(TEXT, maxLength=3), "$schema": "https://json-schema.org/draft/2020-12/schema"}, "breaking",
        "draft 7 ignores what stands beside a reference: it cannot be known by whom it is read"),
    Row("another-dialects-types", p({"type": "STRING"}), p({"type": "INTEGER"}), "breaking",
        "some providers write types so; what JSON Schema does not know is never called compatible"),
    Row("another-dialects-object", {"type": "OBJECT", "properties": {"x": TEXT}}, {"type": "OBJECT", "properties": {"x": TEXT},
        "required": ["x"]}, "breaking", "a required parameter is one in every dialect"),
    Row("format-of-numbers", p({**INT, "format": "int64"}), p({**INT, "format": "int32"}), "breaking",
        "formats of numbers narrow for those who know them"),
    Row("format-of-text-on-numbers", p({**INT, "format": "date"}), p(INT), "behaviour", "a date is a text: no number was refused by it"),
    Row("unknown-keyword", p(TEXT), p({**TEXT, "x-secret": True}), "behaviour", "whoever knows it reads it; no value changes"),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=[row.id for row in ROWS])
def test_a_change_of_parameters_weighs_what_it_does(row: Row) -> None:
    found = schema_diff(row.old, row.new, "parameters", "parameters")
    impacts = [change.impact.value for change in found]
    assert next(x for x in ("breaking", "behaviour", "cosmetic") if x in impacts) == row.impact, (row.why, found)
    assert all(change.reason and "\n" not in change.reason for change in found)


def test_the_table_is_long_and_each_row_has_its_reason() -> None:
    assert len({row.id for row in ROWS}) == len(ROWS) >= 60
    assert all(row.why for row in ROWS)


def tool(name: str = "find", **other: Any) -> dict[str, Any]:
    return {"name": name, "description": "Find a ticket.", "parameters": obj("q", q=TEXT), **other}


TOOLS: Final = [
    Row("removed", {"find": tool()}, {}, "breaking", "calls to it have no answer"),
    Row("added", {}, {"find": tool()}, "behaviour", "the model may call it; nothing that was right is wrong"),
    Row("renamed", {"find": tool()}, {"seek": tool("seek")}, "breaking", "calls come under a name that nobody answers"),
    Row("name-changed", {"find": tool()}, {"find": tool("seek")}, "breaking", "the same, under the release's own name for it"),
    Row("description", {"find": tool()}, {"find": tool(description="Look.")}, "behaviour", "the model reads it"),
    Row("strict-on", {"find": tool()}, {"find": tool(strict=True)}, "behaviour", "the provider holds the model to it: calls get better"),
    Row("strict-off", {"find": tool(strict=True)}, {"find": tool()}, "breaking",
        "the application relied on calls that follow the schema, and nothing holds the model to it"),
    Row("result-required-added", {"find": tool(output=obj(a=TEXT))}, {"find": tool(output=obj("a", a=TEXT))}, "breaking",
        "the application's answers may lack it, and clients check them"),
    Row("result-optional-added", {"find": tool(output=obj(a=TEXT))}, {"find": tool(output=obj(a=TEXT, b=INT))}, "behaviour",
        "answers stay right, and the model may read more"),
    Row("result-widened", {"find": tool(output=obj(a=TEXT))}, {"find": tool(output=obj(a={}))}, "behaviour",
        "the application may answer more than before; it is the model that reads it"),
    Row("annotations", {"find": tool(annotations={"readOnlyHint": True})}, {"find": tool(annotations={"readOnlyHint": False})},
        "behaviour", "clients decide by it whether to ask a person"),
]  # fmt: skip


@pytest.mark.parametrize("row", TOOLS, ids=[row.id for row in TOOLS])
def test_a_change_of_tools_weighs_what_it_does(row: Row) -> None:
    found = compare({"tools": row.old}, {"tools": row.new})
    assert found.verdict == row.impact, (row.why, found.changes)


def test_a_renamed_tool_is_said_as_renamed_and_compared_with_what_it_was() -> None:
    new = {"seek": {**tool("seek"), "description": "Find a ticket now."}}
    found = compare({"tools": {"find": tool()}}, {"tools": new}).changes
    assert [(c.name, c.path, c.old, c.new, c.impact.value) for c in found] == [
        ("seek", "name", "find", "seek", "breaking"),
        ("seek", "description", "Find a ticket.", "Find a ticket now.", "behaviour"),
    ]


def test_two_tools_that_could_both_be_the_renamed_one_are_told_apart_by_nobody() -> None:
    found = compare({"tools": {"find": tool()}}, {"tools": {"seek": tool("seek"), "look": tool("look")}}).changes
    assert sorted((c.name, c.kind) for c in found) == [("find", "removed"), ("look", "added"), ("seek", "added")]


def test_a_renamed_parameter_is_said_to_look_renamed() -> None:
    found = schema_diff(obj(query=TEXT), obj(text=TEXT), "parameters", "p")
    assert ["looks renamed to text" in found[0].reason, "looks renamed from query" in found[1].reason] == [True, True]


def test_words_of_an_older_draft_are_equal_or_not_known() -> None:
    def pair(second: Any, **more: Any) -> dict[str, Any]:
        return p({"type": "array", "items": [TEXT, second], **more})

    assert schema_diff(pair(INT), pair(TEXT), "parameters", "p")[0].impact.value == "breaking"
    (words,) = schema_diff(pair(INT), pair(INT, description="Two."), "parameters", "p")
    assert (words.path, words.impact.value) == ("p.x.description", "behaviour")


@pytest.mark.parametrize(
    "broken", [7, [], {"properties": 3}, {"required": "q"}, {"anyOf": {}}, {"type": 3}, {"enum": {}}]
)
def test_what_is_no_schema_breaks_nothing_here_and_is_not_called_compatible(broken: Any) -> None:
    found = [schema_diff(*sides, "parameters", "p") for sides in ((p(TEXT), p(broken)), (p(broken), p(TEXT)))]
    assert all(any(change.impact.value == "breaking" for change in changes) for changes in found)


def test_what_cannot_be_decided_says_so() -> None:
    old, new = p({**TEXT, "pattern": "^a+$"}), p({**TEXT, "pattern": "^a*$"})
    (change,) = schema_diff(old, new, "parameters", "p")
    assert "cannot be decided" in change.reason


def test_a_definition_used_in_many_places_is_told_once_and_where_it_stands() -> None:
    def twice(definition: Any) -> dict[str, Any]:
        ref = {"$ref": "#/$defs/unit"}
        return {**obj(a=ref, b=ref, c=many(ref)), "$defs": {"unit": definition}}

    found = schema_diff(twice({"enum": ["c", "f"]}), twice({"enum": ["c"]}), "parameters", "p")
    assert [(c.path, c.impact.value) for c in found] == [("p.$defs.unit.enum", "breaking")]


@pytest.mark.parametrize(
    ("place", "old", "new", "impact"),
    [
        ("inputs", obj(a=TEXT), obj("a", a=TEXT), "breaking"),
        ("inputs", obj("a", a=TEXT), obj(a=TEXT), "behaviour"),
        ("inputs", obj(a=UNIT), obj(a={"enum": ["c", "f", "k"]}), "behaviour"),
        ("inputs", obj(a=UNIT), obj(a={"enum": ["c"]}), "breaking"),
        ("inputs", obj(a=TEXT), obj(a={**TEXT, "description": "A."}), "cosmetic"),
        ("inputs", obj(a=TEXT), obj(a=TEXT, b=TEXT), "behaviour"),
        ("inputs", obj(a={"anyOf": [TEXT, INT]}), obj(a={"anyOf": [INT]}), "breaking"),
        ("output", obj(a=TEXT), obj("a", a=TEXT), "behaviour"),
        ("output", obj("a", a=TEXT), obj(a=TEXT), "breaking"),
        ("output", obj(a=UNIT), obj(a={"enum": ["c", "f", "k"]}), "breaking"),
        ("output", obj(a=UNIT), obj(a={"enum": ["c"]}), "behaviour"),
        ("output", obj(a=TEXT, extra=False), obj(a=TEXT, b=INT, extra=False), "behaviour"),
        ("output", obj(a=TEXT, extra=False), obj(a=TEXT), "behaviour"),
        ("output", obj(a=many(TEXT)), obj(a=many({"type": ["string", "null"]})), "breaking"),
        ("output", obj(a=TEXT), obj(a={**TEXT, "description": "A."}), "behaviour"),
    ],
)
def test_the_same_edit_weighs_by_who_writes_and_who_reads(place: Any, old: Any, new: Any, impact: str) -> None:
    found = [change.impact.value for change in schema_diff(old, new, place, "s")]
    assert next(x for x in ("breaking", "behaviour", "cosmetic") if x in found) == impact
