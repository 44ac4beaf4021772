"""list, status, releases, history, where-used: what there is, what serves it, and how it came so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pinset.domain import names
from pinset_cli import complete, described, output, waiting
from pinset_cli import options as o
from pinset_cli.locate import Options, opened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinset.domain.answers import AliasAnswer, BundleAnswer, ClientsAnswer, HistoryItem


def list_bundles(
    query: Annotated[str, typer.Argument(metavar="[PART OF A NAME]")] = "",
    uses: Annotated[
        str | None, typer.Option("--uses", metavar="KIND/NAME[@vN]", help="Whose served releases use it.")
    ] = None,
    alias: Annotated[str | None, typer.Option("--alias", metavar="A", help="That serve this alias.")] = None,
    owner: Annotated[str | None, typer.Option("--owner", metavar="WHO", help="Of this owner; '' for nobody's.")] = None,
    archived: Annotated[bool, typer.Option("--archived", help="Archived ones too.")] = False,
    at: o.At = None,
    cursor: o.Cursor = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=1000, help="At most so many.")] = 100,
    registry: o.Registry = None,
    as_json: o.Json = False,
    utc: o.Utc = False,
) -> None:
    """The bundles, and what their aliases serve since when.

    Example: pinset list --uses guardrails/pii-redact@v2
    """
    with opened(Options(registry)) as found:
        page = o.looking(found, at).bundles(
            query=query, uses=uses, alias=alias, owner=owner, archived=archived, cursor=cursor, limit=limit
        )
        asked = query or uses or alias or cursor or at or owner is not None
        hidden = (
            not asked and not page["items"] and not archived and bool(found.bundles(archived=True, limit=1)["items"])
        )
    if as_json:
        output.show_json(page)
        return
    head = ["BUNDLE", "OWNER", "NEWEST", "WHEN", "SERVED"]
    rows = [
        [
            f"{b['name']} (archived)" if b["archived"] else b["name"],
            output.on_one_line(b["owner"]) or None,
            f"v{b['newest']}",
            output.when(b["changed_at"], absolute=utc),
            _served(b, utc=utc),
        ]
        for b in page["items"]
    ]
    if all(row[1] is None for row in rows):  # where nobody says an owner there is none to look for
        rows, head = [[row[0], *row[2:]] for row in rows], [head[0], *head[2:]]
    there = "was there, or was like this" if at else "is like this"
    empty = f"no bundle {there}; all of them: pinset list" if asked else "no bundles yet: pinset publish DIR"
    if hidden:
        empty = "every bundle is archived: pinset list --archived"
    output.listed(rows, head, page["next"], empty, fold=True)


def status(
    name: o.Bundle, at: o.At = None, registry: o.Registry = None, as_json: o.Json = False, utc: o.Utc = False
) -> None:
    """A bundle at a glance: aliases, newest releases, last moves.

    Example: pinset status support-summarizer
    """
    with opened(Options(registry)) as found:
        looking = o.looking(found, at)
        bundle = looking.bundle(name)
        aliases = looking.aliases(name)["items"]
        releases = looking.releases(name, limit=5)["items"]
        moves = looking.history(name, limit=5)["items"]
        clients = found.clients(name)["items"] if at is None else []  # who runs what is known of now only
    if as_json:
        shown = {"bundle": bundle, "aliases": aliases, "clients": clients, "releases": releases, "history": moves}
        output.show_json(shown)
        return
    name = bundle["name"]
    output.say(f"{name}: {output.count(bundle['releases'], 'release')}, newest v{bundle['newest']}")
    described.show(bundle)
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
            verb = "serves" if at is None else "served"
            output.talk(output.safe(f"warning: {place} {verb} v{alias['version']}, which is yanked: {alias['yanked']}"))


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
    at: o.At = None,
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
        page = o.looking(found, at).releases(name, cursor=cursor, limit=limit)
    if as_json:
        output.show_json(page)
        return
    _releases(page["items"], utc=utc)
    if page["next"]:
        output.talk(output.safe(f"there are more: --cursor {page['next']}"))


def history(
    target: Annotated[list[str], typer.Argument(metavar="NAME[@ALIAS]", autocompletion=complete.moves)],
    at: o.At = None,
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
        page = o.looking(found, at).history(name, alias or None, cursor=cursor, limit=limit)
    if as_json:
        output.show_json(page)
        return
    if not page["items"]:
        output.advise(f"no moves yet: pinset promote {name}@v1 {alias or names.DEFAULT_ALIAS}")
        return
    _moves(page["items"], utc=utc, one=bool(alias), fold=True)
    if page["next"]:
        output.talk(output.safe(f"there are more: --cursor {page['next']}"))


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


def _served(bundle: BundleAnswer, *, utc: bool) -> str:
    """What each alias serves and since when: what is wrong first, for it is not cut off."""
    yanked, since = bundle["yanked"], bundle["since"]
    served = sorted(bundle["aliases"].items(), key=lambda item: item[0] not in yanked)
    return ", ".join(
        f"{alias} {output.serves(version, yanked=alias in yanked)} ({output.when(since[alias], absolute=utc)})"
        for alias, version in served
        if version
    )


def _releases(items: list[Any], *, utc: bool) -> None:
    rows = [
        (f"v{r['version']}", r["label"], output.when(r["published_at"], absolute=utc), _by(r), _note(r)) for r in items
    ]
    output.table(rows, ("VERSION", "LABEL", "WHEN", "BY", "NOTES"))


def _by(release: Mapping[str, Any]) -> str:
    """Who published, and for whom where that was a machine."""
    from pinset.domain.provenance import told_by

    return told_by(release["published_by"], release["source"])


def _note(release: Mapping[str, Any]) -> str:
    notes = [f"[{', '.join(release['aliases'])}]"] if release["aliases"] else []
    notes += [f"PURGED: {release['purged']['reason']}"] if release["purged"] is not None else []
    notes += [f"YANKED: {release['yanked']}"] if release["yanked"] is not None else []
    return " ".join([*notes, release["message"]]).strip()


def _moves(items: Sequence[HistoryItem], *, utc: bool, one: bool = False, fold: bool = False) -> None:
    """A table of moves. one: of one alias, which goes without saying. fold: as `output.table`."""
    from pinset.domain.provenance import is_machine, people

    rows = []
    for m in items:
        why = f"--again: {m['reason']}" if m["again"] else m["reason"]
        why = f"request {m['request']}: {why}" if m.get("request") else why
        why = f"GLASS BROKEN: {why}" if m.get("glass") else why
        when = output.when(m["at"], absolute=utc)
        move = f"{_v(m['from'])} -> {_v(m['to'])}{' PURGED' if m['purged'] else ''}"
        if m["action"] == "promote" and m["authors"] and is_machine(m["actor"], {}):
            why = f"written by {people(m['authors'])}" + (f": {why}" if why else "")
        place = () if one else (m["alias"],)
        rows.append((m["seq"], *place, m["action"], move, when, m["actor"], why))
    head = ("SEQ", *(() if one else ("ALIAS",)), "ACTION", "MOVE", "WHEN", "BY", "REASON")
    output.table(rows, head, fold=fold)


def _v(version: int | None) -> str:
    return f"v{version}" if version else "none"
