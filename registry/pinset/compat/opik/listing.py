"""What Opik's clients look through: prompts by a part of their names, and the versions of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pinset.compat import shelves
from pinset.compat.answering import called
from pinset.domain.access import Verb
from pinset.domain.exchange import opik
from pinset.domain.names import DEFAULT_ALIAS
from pinset.domain.text import strict_json
from pinset.errors import InvalidInput, NotFound, PermissionDenied, TooLarge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.compat.opik.bodies import Looked
    from pinset.domain import answers
    from pinset.services.local import LocalRegistry

SEARCHED: Final = 1000
"""Prompts, or versions, that one search reads."""
_FILTERS: Final = {
    "name": {"=", "contains", "starts_with"},
    "template_structure": {"="},
    "tags": {"contains"},
}
"""Fields that prompts are looked for by, with their operators."""


def prompts(registry: LocalRegistry, wanted: Looked) -> dict[str, Any]:
    """A page of prompts, by name. Raises TooLarge where too many are looked through, InvalidInput for what is not known."""
    filters = _filters(wanted.filters)
    if not wanted.name and not filters:
        total, shelf = registry.shelf(skip=wanted.skip, limit=wanted.size)
        told = [_prompt(registry, registry.bundle(one.name)) for one in shelf]
        return _page(wanted, total, told)
    found: list[dict[str, Any]] = []
    for at, (about, name) in enumerate(_named(registry, wanted.name)):
        if at == SEARCHED:
            raise TooLarge(f"more than {SEARCHED:,} prompts would be looked through", hint="name more of the prompt")
        one = _prompt(registry, about, name)
        if all(_holds(one, each) for each in filters):
            found.append(one)
    return _page(wanted, len(found), found[wanted.skip : wanted.skip + wanted.size])


def versions(registry: LocalRegistry, about: answers.BundleAnswer, name: str, wanted: Looked) -> dict[str, Any]:
    """A page of the versions of a bundle, newest first. name: of what its prompt's id is."""
    if _filters(wanted.filters):
        raise InvalidInput("versions are not filtered here", hint="leave filter_string out, or say search")
    registry.permit(Verb.READ, about["name"], "")
    numbers = [one["version"] for one in shelves.releases(registry, about["name"])]
    if not wanted.search:
        chosen = numbers[wanted.skip : wanted.skip + wanted.size]
        return _page(wanted, len(numbers), [version(registry, about["name"], name, number) for number in chosen])
    if len(numbers) > SEARCHED:
        raise TooLarge(f"more than {SEARCHED:,} versions would be looked through", hint="read them without search")
    all_of_them = [version(registry, about["name"], name, number) for number in numbers]
    text = wanted.search.casefold()
    found = [
        one for one in all_of_them if text in one["template"].casefold() or text in one["change_description"].casefold()
    ]
    return _page(wanted, len(found), found[wanted.skip : wanted.skip + wanted.size])


def version(registry: LocalRegistry, bundle: str, name: str, number: int) -> dict[str, Any]:
    """One version. Raises what reading it raises."""
    document = registry.release(f"{bundle}@v{number}")
    return opik.tell(document, name, shelves.serving(registry, bundle, number))


def meant_by(registry: LocalRegistry, text: str) -> tuple[answers.BundleAnswer, str]:
    """The bundle that an id of a prompt, or of a version, means, and the name that the id is of. Raises NotFound."""
    known = registry.describe()["id"]
    number = opik.version_in(text)
    for about in shelves.bundles(registry):
        for name in shelves.every_name(about):
            made = opik.prompt_id(known, name) if number is None else opik.version_id(known, name, number)
            if made == text.lower():
                return about, name
    raise NotFound("there is no prompt of that id", hint="ids are of this registry: read the prompt by its name")


def prompt(registry: LocalRegistry, about: answers.BundleAnswer, name: str) -> dict[str, Any]:
    """One prompt with its newest version."""
    newest = shelves.newest(registry, about["name"])
    told = (
        None if newest is None else opik.tell(newest, name, shelves.serving(registry, about["name"], newest["version"]))
    )
    return {**_prompt(registry, about, name), "latest_version": told}


def _named(registry: LocalRegistry, text: str) -> Iterator[tuple[answers.BundleAnswer, str]]:
    """The bundle of this very name, called so, then those of whose names the text is a part."""
    exact = ""
    if text:
        try:
            meant = called(registry, text)
            about = registry.bundle(meant.bundle)
        except (NotFound, PermissionDenied):
            pass
        else:
            if meant.prompt is None:
                exact = about["name"]
                yield about, text
    for about in shelves.bundles(registry, text):
        if about["name"] != exact:
            yield about, shelves.called_there(about)


def _prompt(registry: LocalRegistry, about: answers.BundleAnswer, name: str | None = None) -> dict[str, Any]:
    name = name or shelves.called_there(about)
    # Clients go on to read it by its name alone, and take that for what is said here.
    read = shelves.at(registry, about["name"], DEFAULT_ALIAS) or shelves.newest(registry, about["name"])
    return {
        "id": opik.prompt_id(registry.describe()["id"], name),
        "name": name,
        "description": about["description"],
        "template_structure": opik.structure_of(read) if read is not None else "text",
        "tags": opik.tags_of(read) if read is not None else [],
        "last_updated_at": about["changed_at"],
        "version_count": about["releases"],
    }


def _filters(text: str) -> list[dict[str, Any]]:
    """Conditions, all of which hold. Raises InvalidInput for those that are not known here."""
    if not text:
        return []
    try:
        found = strict_json.loads(text)
    except strict_json.StrictJsonError as error:
        raise InvalidInput(f"the filters are no JSON: {error.message}", hint=error.hint) from None
    for one in found or []:
        field = one.get("field") if isinstance(one, dict) else None
        if field not in _FILTERS or one.get("operator") not in _FILTERS[field] or not isinstance(one.get("value"), str):
            known = "; ".join(f"{key} {' or '.join(sorted(signs))}" for key, signs in _FILTERS.items())
            raise InvalidInput("that filter is not known here", hint=f"filter prompts by {known}")
    return list(found or [])


def _holds(one: dict[str, Any], wanted: dict[str, Any]) -> bool:
    value, text = one[wanted["field"]], wanted["value"]
    match wanted["operator"]:
        case "=":
            return bool(value == text)
        case "contains":
            return text in value
        case _:
            return bool(value.startswith(text))


def _page(wanted: Looked, total: int, told: list[dict[str, Any]]) -> dict[str, Any]:
    return {"page": wanted.page, "size": len(told), "total": total, "content": told, "sortableBy": []}
