"""get, render, list, status, releases, show, history, diff, where-used: what somebody wants to see."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pinset_cli import complete, output, waiting
from pinset_cli import options as o
from pinset_cli.locate import Options, opened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinset.domain.answers import AliasAnswer, ClientsAnswer, HistoryItem, ReleaseAnswer
    from pinset.ports.registry import Registry

EXIT_NO = 1
DEFAULT_ALIAS = "production"


def get(
    target: Annotated[
        list[str],
        typer.Argument(metavar="REF", help="Without a selector: production.", autocompletion=complete.references),
    ],
    file: Annotated[str | None, typer.Option("--file", metavar="PATH", help="One file as it is.")] = None,
    registry: o.Registry = None,
    as_json: o.Json = False,
) -> None:
    """The release document, or one file of a release.

    Example: pinset get support-summarizer@production --file prompts/main.md
    """
    reference = o.reference(target)
    with opened(Options(registry)) as found:
        if file is None:
            document = found.release(reference)
            output.show_json(document)
            _warn_yanked(document)
            return
        text = found.file(reference, file)
    if as_json:
        output.show_json({"path": file, "text": text})
    else:
        output.show_text(text)


def render(
    target: o.Refs,
    prompt: Annotated[str, typer.Option("--prompt", "-p", help="Which prompt.")] = "default",
    var: Annotated[list[str] | None, typer.Option("--var", metavar="K=V", help="A variable.")] = None,
    variables: Annotated[
        Path | None, typer.Option("--vars", metavar="FILE", help="Variables as a JSON object.")
    ] = None,
    registry: o.Registry = None,
    as_json: o.Json = False,
) -> None:
    """A prompt with its variables filled in.

    Example: pinset render support-summarizer --var ticket="It crashes."
    """
    from pinset.domain.inputs import check_of
    from pinset.domain.rendering import messages_of
    from pinset.errors import InvalidInput, NotFound

    with opened(Options(registry)) as found:
        answer = found.release(o.reference(target))
    _warn_yanked(answer)
    prompts = answer["content"]["prompts"]
    if prompt not in prompts:
        raise NotFound(f"{answer['ref']} has no prompt {prompt}", hint="it has " + (", ".join(prompts) or "none"))
    values = _variables(var or [], variables)
    try:
        if "inputs" in prompts[prompt]:
            check_of(prompts[prompt]["inputs"])(values)
        filled, surplus = messages_of(prompts[prompt], values)
    except InvalidInput as error:
        needed = prompts[prompt].get("inputs", {}).get("properties", {})
        missing = [name for name in needed if name not in values]
        if not missing:
            raise
        example = " ".join(f"--var {name}=VALUE" for name in missing)
        hint = f"pinset render {' '.join(target)} {example}; or all of them: --vars FILE.json"
        raise InvalidInput(error.message, hint=hint, details=error.details) from error
    for name in surplus:
        output.talk(output.safe(f"warning: no variable takes {name}"))
    if as_json:
        output.show_json({"ref": answer["ref"], "prompt": prompt, "messages": filled})
        return
    for message in filled:
        if len(filled) > 1:
            output.say(f"--- {output.on_one_line(message.get('role'))}")
        content = message.get("content")
        output.show_text((content.rstrip("\n") if isinstance(content, str) else json.dumps(content)) + "\n")


def list_bundles(
    query: Annotated[str, typer.Argument(metavar="[PART OF A NAME]")] = "",
    uses: Annotated[
        str | None, typer.Option("--uses", metavar="KIND/NAME", help="Whose served releases use it.")
    ] = None,
    alias: Annotated[str | None, typer.Option("--alias", help="That have this alias.")] = None,
    cursor: o.Cursor = None,
    limit: o.Limit = 100,
    registry: o.Registry = None,
    as_json: o.Json = False,
    utc: o.Utc = False,
) -> None:
    """The bundles, and what their aliases serve.

    Example: pinset list --uses guardrails/pii-redact@v2
    """
    with opened(Options(registry)) as found:
        page = found.bundles(query=query, uses=uses, alias=alias, cursor=cursor, limit=limit)
    if as_json:
        output.show_json(page)
        return
    rows = [
        (
            b["name"],
            f"v{b['newest']}",
            output.when(b["changed_at"], absolute=utc),
            _served(b["aliases"], b["yanked"]),
        )
        for b in page["items"]
    ]
    chosen = query or uses or alias or cursor
    empty = "no bundle is like this; all of them: pinset list" if chosen else "no bundles yet: pinset publish DIR"
    output.listed(rows, ("BUNDLE", "NEWEST", "WHEN", "SERVED"), page["next"], empty)


def status(name: o.Bundle, registry: o.Registry = None, as_json: o.Json = False, utc: o.Utc = False) -> None:
    """A bundle at a glance: aliases, newest releases, last moves.

    Example: pinset status support-summarizer
    """
    with opened(Options(registry)) as found:
        bundle = found.bundle(name)
        aliases = found.aliases(name)["items"]
        releases = found.releases(name, limit=5)["items"]
        moves = found.history(name, limit=5)["items"]
        clients = found.clients(name)["items"]
    if as_json:
        shown = {"bundle": bundle, "aliases": aliases, "clients": clients, "releases": releases, "history": moves}
        output.show_json(shown)
        return
    output.say(f"{name}: {output.count(bundle['releases'], 'release')}, newest v{bundle['newest']}")
    if aliases:
        output.say()
        rows = [
            (a["alias"], output.serves(a["version"], yanked=a["yanked"] is not None), a["label"],
             output.when(a["moved_at"], absolute=utc), a["moved_by"])
            for a in aliases
        ]  # fmt: skip
        output.table(rows, ("ALIAS", "SERVES", "LABEL", "WHEN", "BY"))
        _adopted(aliases, clients)
    output.say()
    _releases(releases, utc=utc)
    if moves:
        output.say()
        _moves(moves, utc=utc)
    else:
        output.say()
        output.advise(f"no moves yet: pinset promote {name}@v{bundle['newest']} production")
    for alias in aliases:
        if alias["yanked"] is not None:
            place = f"{name}@{alias['alias']}"
            output.talk(output.safe(f"warning: {place} serves v{alias['version']}, which is yanked: {alias['yanked']}"))


def _adopted(aliases: Sequence[AliasAnswer], clients: Sequence[ClientsAnswer]) -> None:
    """Who runs what each alias serves; nothing where nobody is seen."""
    rows = [
        (a["alias"], output.serves(a["version"], yanked=False), waiting.sentence(clients, a["alias"], a["version"]))
        for a in aliases
    ]
    if clients:
        output.say()
        output.table(rows, ("ALIAS", "SERVES", "CLIENTS"))


def releases(
    name: o.Bundle,
    cursor: o.Cursor = None,
    limit: o.Limit = 100,
    registry: o.Registry = None,
    as_json: o.Json = False,
    utc: o.Utc = False,
) -> None:
    """The releases of a bundle, newest first.

    Example: pinset releases support-summarizer
    """
    with opened(Options(registry)) as found:
        page = found.releases(name, cursor=cursor, limit=limit)
    if as_json:
        output.show_json(page)
        return
    _releases(page["items"], utc=utc)
    if page["next"]:
        output.talk(output.safe(f"there are more: --cursor {page['next']}"))


def show(target: o.Refs, registry: o.Registry = None, as_json: o.Json = False) -> None:
    """A release: its author, its pins, and what serves it.

    Example: pinset show support-summarizer@v7
    """
    with opened(Options(registry)) as found:
        reference = o.reference(target)
        summary = found.summary(reference)
        document = found.release(summary["ref"])
    if as_json:
        output.show_json({**summary, "content": document["content"], "files": document["files"]})
        return
    facts = (
        ("release", summary["ref"] + (f" ({summary['label']})" if summary["label"] else "")),
        ("digest", summary["digest"]),
        ("commit", summary["commit"]),
        ("published", output.both(summary["published_at"])),
        ("by", summary["published_by"]),
        ("message", summary["message"]),
        ("source", summary["source"]),
        ("served by", ", ".join(summary["aliases"])),
        ("rollback to", f"v{summary['rollback_to']}" if summary["rollback_to"] else None),
        ("YANKED", summary["yanked"]),
        ("allowed", f"{', '.join(summary['allowed'])}: {summary['allow_reason']}" if summary["allowed"] else None),
    )
    for label, value in facts:
        if value:
            output.say(_fact(label, value))
    _parts(document["content"])
    if summary["yanked"] is not None and summary["aliases"]:
        places = ", ".join(f"{summary['bundle']}@{alias}" for alias in summary["aliases"])
        output.talk(output.safe(f"warning: {places} still {'serve' if len(summary['aliases']) > 1 else 'serves'} it"))


def history(
    target: Annotated[list[str], typer.Argument(metavar="NAME[@ALIAS]", autocompletion=complete.moves)],
    cursor: o.Cursor = None,
    limit: o.Limit = 100,
    registry: o.Registry = None,
    as_json: o.Json = False,
    utc: o.Utc = False,
) -> None:
    """The moves of an alias, or of all of a bundle, newest first.

    Example: pinset history support-summarizer@production
    """
    name, _, alias = o.reference(target).partition("@")
    with opened(Options(registry)) as found:
        page = found.history(name, alias or None, cursor=cursor, limit=limit)
    if as_json:
        output.show_json(page)
        return
    if not page["items"]:
        output.advise(f"no moves yet: pinset promote {name}@v1 {alias or DEFAULT_ALIAS}")
        return
    _moves(page["items"], utc=utc)
    if page["next"]:
        output.talk(output.safe(f"there are more: --cursor {page['next']}"))


def diff(
    sides: Annotated[list[str], typer.Argument(metavar="REF REF|SELECTOR|./DIR", autocompletion=complete.references)],
    style: Annotated[str, typer.Option("--format", help="text, json, markdown or html.")] = "text",
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 1 where anything changes.")] = False,
    registry: o.Registry = None,
    as_json: o.Json = False,
) -> None:
    """What changes between two releases, or to a working copy.

    Example: pinset diff support-summarizer@production staging
    """
    from pinset.domain import diff as compared
    from pinset.domain.references import is_working_copy
    from pinset.errors import InvalidInput

    if style not in ("text", "json", "markdown", "html"):
        raise InvalidInput(f"there is no format {style}", hint="one of text, json, markdown, html")
    if len(sides) not in (2, 3):
        raise InvalidInput("diff needs two sides", hint=f"write pinset diff {sides[0]} staging, or … ./DIR")
    _refuse_components(sides)
    old, new = o.reference(sides[:-1]), sides[-1]
    if "@" not in new and not is_working_copy(new):
        new = f"{old.partition('@')[0]}@{new}"
    with opened(Options(registry)) as found:
        was, before = _side(found, old)
        now, after = _side(found, new)
    comparison = compared.compare(before, after)
    if as_json or style == "json":
        output.show_json(compared.as_json(comparison, old=was, new=now))
    elif style == "markdown":
        output.say(compared.as_markdown(comparison, old=was, new=now).rstrip("\n"))
    elif style == "html":
        output.say(compared.as_html(comparison, old=was, new=now).rstrip("\n"))
    else:
        shown = compared.as_text(comparison, old=was, new=now, width=output.width(), colour=output.coloured())
        output.say(shown.rstrip("\n"))
    if exit_code and comparison.changes:
        raise typer.Exit(EXIT_NO)


def where_used(
    reference: Annotated[str, typer.Argument(metavar="KIND/NAME[@SELECTOR]")],
    cursor: o.Cursor = None,
    limit: o.Limit = 100,
    registry: o.Registry = None,
    as_json: o.Json = False,
) -> None:
    """The releases that hold a shared component, served ones first.

    Example: pinset where-used guardrails/pii-redact@v2
    """
    with opened(Options(registry)) as found:
        page = found.where_used(reference, cursor=cursor, limit=limit)
    if as_json:
        output.show_json(page)
        return
    rows = [(f"{u['bundle']}@v{u['version']}", u["component"], ", ".join(u["aliases"])) for u in page["items"]]
    output.listed(rows, ("RELEASE", "HOLDS", "SERVED BY"), page["next"], f"no release holds {reference}")


def _refuse_components(sides: list[str]) -> None:
    """Raises InvalidReference where a shared component is to be compared."""
    from pinset.domain.names import KINDS
    from pinset.errors import InvalidReference

    named = [side for side in sides if "/" in side and side.partition("/")[0] in KINDS]
    if not named:
        return
    key = named[0].partition("@")[0]
    both = [side if "/" in side else f"{key}@{side}" for side in sides]
    looks = "; ".join(f"pinset component show {side}" for side in both)
    raise InvalidReference(
        "components are not compared yet, only releases",
        hint=f"look at both: {looks}; or compare two releases that hold them: pinset where-used {key}",
    )


def _side(found: Registry, side: str) -> tuple[str, dict[str, Any]]:
    """One side of a comparison: what to call it, and its content."""
    from pinset.domain.findings import refuse
    from pinset.domain.references import is_working_copy, parse
    from pinset_cli.workcopy import read_bundle

    if is_working_copy(side):
        checked = found.check(read_bundle(Path(side).expanduser()))
        if checked["content"] is None:
            output.show_findings(checked["findings"])
            refuse(checked["findings"])
        return f"{side} (working copy)", checked["content"] or {}
    parse(side, default=None)
    document = found.release(side)
    alias = document["alias"]
    note = alias["name"] if alias else document["label"]
    return document["ref"] + (f" ({note})" if note else ""), document["content"]


def _variables(pairs: list[str], file: Path | None) -> dict[str, Any]:
    from pinset.domain.text import strict_json
    from pinset.errors import InvalidInput

    values: dict[str, Any] = {}
    if file is not None:
        try:
            values = strict_json.loads(file.read_text())
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise InvalidInput(f"{file} cannot be read: {why}", hint='write a JSON object: {"ticket": "…"}') from error
        if not isinstance(values, dict):
            raise InvalidInput(f"{file} does not hold a JSON object", hint='write {"ticket": "…"}')
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise InvalidInput(f"--var {pair} gives no value", hint=f"write --var {name}=VALUE")
        values[name] = value
    return values


def _warn_yanked(document: ReleaseAnswer) -> None:
    if document["yanked"] is None:
        return
    alias = document["alias"]
    place = f"{document['bundle']}@{alias['name']} serves {document['ref']}, which" if alias else document["ref"]
    output.talk(output.safe(f"warning: {place} is yanked: {document['yanked']}"))


def _served(aliases: Mapping[str, int | None], yanked: Mapping[str, str]) -> str:
    served = sorted(aliases.items(), key=lambda item: item[0] not in yanked)  # what is wrong is not cut off
    return ", ".join(
        f"{alias} {output.serves(version, yanked=alias in yanked)}" for alias, version in served if version
    )


def _releases(items: list[Any], *, utc: bool) -> None:
    rows = [
        (f"v{r['version']}", r["label"], output.when(r["published_at"], absolute=utc), r["published_by"], _note(r))
        for r in items
    ]
    output.table(rows, ("VERSION", "LABEL", "WHEN", "BY", "NOTES"))


def _note(release: Mapping[str, Any]) -> str:
    notes = [f"[{', '.join(release['aliases'])}]"] if release["aliases"] else []
    notes += [f"YANKED: {release['yanked']}"] if release["yanked"] is not None else []
    return " ".join([*notes, release["message"]]).strip()


def _moves(items: Sequence[HistoryItem], *, utc: bool) -> None:
    rows = []
    for m in items:
        why = f"--again: {m['reason']}" if m["again"] else m["reason"]
        when = output.when(m["at"], absolute=utc)
        move = f"{_v(m['from'])} -> {_v(m['to'])}"
        rows.append((m["seq"], m["alias"], m["action"], move, when, m["actor"], why))
    output.table(rows, ("SEQ", "ALIAS", "ACTION", "MOVE", "WHEN", "BY", "REASON"))


def _v(version: int | None) -> str:
    return f"v{version}" if version else "none"


def _fact(label: str, value: object) -> str:
    """A line of `show`; an author's further lines stand below the value."""
    return f"{label:12} {output.safe(value, indent=13)}"


def _parts(content: Mapping[str, Any]) -> None:
    for name, model in content["models"].items():
        pin = f" pinned to {model['pinned_version']}" if model.get("pinned_version") else ""
        output.say(_fact("model", f"{name}: {model['id']}{pin}"))
    for name, prompt in content["prompts"].items():
        inputs = ", ".join(prompt.get("inputs", {}).get("properties", {}))
        output.say(_fact("prompt", f"{name}: {prompt['format']}" + (f", takes {inputs}" if inputs else "")))
    for name, retrieval in content["retrieval"].items():
        index = retrieval.get("index", {})
        source = f"{index.get('name', index.get('uri', ''))} v{index.get('version', '-')}"
        output.say(_fact("retrieval", f"{name}: {source}"))
    for kind in ("tools", "guardrails", "configs"):
        if content[kind]:
            output.say(_fact(kind, ", ".join(content[kind])))
    for name, pin in sorted(content.get("components", {}).items()):
        output.say(_fact("component", f"{name}@v{pin['version']} ({pin['digest'][:19]})"))
