"""token create, list, revoke, and whoami: who may do what over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pinset.domain import times
from pinset.domain.access import Verb, may, parse_grants
from pinset.domain.names import show
from pinset.errors import InvalidInput
from pinset_cli import options as o
from pinset_cli import output
from pinset_cli.locate import Options, caller, opened

if TYPE_CHECKING:
    from pinset.domain.answers import TokenAnswer
    from pinset.ports.registry import Registry

token = typer.Typer(help="Credentials.", no_args_is_help=True)


@token.command("create")
def token_create(
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Who or what will use it.")],
    can: Annotated[
        list[str],
        typer.Option("--can", metavar="GRANT", help="VERB or ROLE, with :BUNDLES or :BUNDLES@ALIASES; again for more."),
    ],
    expires: Annotated[str, typer.Option("--expires", metavar="TIME", help="Such as 90d, 12h, 30m or 2w.")] = "90d",
    person: Annotated[
        str | None, typer.Option("--person", metavar="WHO", help="Whose it is; by default the name's.")
    ] = None,
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Make a credential; its secret is shown this once.

    Roles: reader, author, promoter, approver, auditor, admin; and read, write. In patterns * stands for anything.

    Example: pinset token create --name ci --can read --can "promote:support-*@staging"
    """
    lifetime = _seconds(expires)
    chosen = Options(registry, as_json, dry_run)
    with opened(chosen) as found:
        first = _usable(found) == []
        answer = found.create_token(caller(chosen), name, can=" ".join(can), person=person, lifetime=lifetime)
    lost = f"the token {name} is made and its secret was not shown, so revoke it: pinset token revoke {name}"
    output.done(lost, written=not dry_run)
    if as_json:
        output.show_json(answer)
    elif "token" in answer:
        output.say(answer["token"])
    until = output.utc(answer["expires_at"]) if answer["expires_at"] else "it is revoked"
    if not as_json:
        whose = f" for {answer['person']}" if answer["person"] != name else ""
        output.talk(f"{name} {'could' if dry_run else 'can'} {answer['can']}{whose} until {until}")
        if not dry_run:
            output.talk("the secret is not shown again")
    if first:
        _say_first(name, answer["can"], until, dry_run=dry_run)
    if not as_json:
        output.unchanged(dry_run=dry_run)


@token.command("list")
def token_list(registry: o.Registry = None, as_json: o.Json = False, utc: o.Utc = False) -> None:
    """The credentials there are.

    Example: pinset token list
    """
    with opened(Options(registry)) as found:
        page = found.tokens()
    if as_json:
        output.show_json(page)
        return
    rows = []
    for t in page["items"]:
        used = output.when(t["last_used_at"], absolute=utc) if t["last_used_at"] else "never"
        first, *others = t["can"].split()  # a grant a line, so that each can be read whole
        ends = (t["expires_at"] or "never")[:10]
        rows.append((t["name"], t["person"], output.when(t["created_at"], absolute=utc), ends, used, _state(t), first))
        rows += [("", "", "", "", "", "", grant) for grant in others]
    output.listed(
        rows,
        ("NAME", "PERSON", "WHEN", "EXPIRES", "USED", "STATE", "CAN"),
        None,
        "no tokens yet: pinset token create --name me --can admin",
        fold=True,
    )


@token.command("revoke")
def token_revoke(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """End a credential.

    Example: pinset token revoke ci
    """
    chosen = Options(registry, as_json, dry_run)
    with opened(chosen) as found:
        usable = _usable(found)
        answer = found.revoke_token(caller(chosen), name)
        last = usable == [name] or (usable is None and _usable(found) == [])
    output.done(f"{name} is revoked", written=not dry_run)
    if as_json:
        output.show_json(answer)
    else:
        output.say(f"{name} {'would be' if dry_run else 'is'} revoked")
    if last:
        output.talk(
            f"warning: this {'is' if dry_run else 'was'} the last token: without one a server of this registry takes\n"
            "requests, writes too, from everybody on its machine; to close it again:"
        )
        output.advise("    pinset token create --name me --can admin")
    if not as_json:
        output.unchanged(dry_run=dry_run)


def whoami(registry: o.Registry = None, as_json: o.Json = False) -> None:
    """Who you are for the registry, and what you may do.

    Example: pinset whoami
    """
    chosen = Options(registry, as_json)
    with opened(chosen) as found:
        answer = found.whoami(caller(chosen))
    if as_json:
        output.show_json(answer)
        return
    until = output.utc(answer["expires_at"]) if answer["expires_at"] else "never"
    rows = [
        ("actor", answer["actor"]),
        ("person", answer["person"]),
        ("via", answer["via"] or "-"),
        ("can", answer["can"]),
        ("may", " ".join(answer["may"])),
        ("expires", until),
        ("registry", answer["registry"]),
    ]
    for name, value in rows:
        output.say(f"{name:<9} {output.safe(value)}")


def _seconds(text: str) -> int:
    """How long, of ``90`` (days), ``90d``, ``12h`` or ``2w``. Raises InvalidInput."""
    span = times.span(text.strip(), bare="d")
    if span is None:
        raise InvalidInput(f"{show(text)} is no time that a token lives", hint="say --expires 90d, or 12h, or 2w")
    return span // times.SECOND


def _usable(found: Registry) -> list[str] | None:
    """Names of the tokens that are neither revoked nor expired; None where one is damaged, so that nobody knows."""
    from pinset.errors import Integrity

    try:
        return [item["name"] for item in found.tokens()["items"] if _state(item) == "usable"]
    except Integrity:
        return None


def _state(item: TokenAnswer) -> str:
    if item["revoked_at"]:
        return "revoked"
    ended = item["expires_at"] and datetime.fromisoformat(item["expires_at"]) <= datetime.now(UTC)
    return "expired" if ended else "usable"


def _say_first(name: str, can: str, until: str, *, dry_run: bool) -> None:
    """What changes with the first token, which is easily overlooked."""
    be, refuse = ("would be", "would refuse") if dry_run else ("is", "now refuses")
    output.talk(
        f"warning: {name} {be} the first token: a server of this registry {refuse}\n"
        "everybody who brings none; callers bring theirs so: export PINSET_TOKEN=pst_…"
    )
    if not may(parse_grants(can), Verb.TOKENS):
        # Not advice(): over HTTP the command would be refused from here on.
        output.talk(
            f"warning: {name} {be} not admin: over HTTP nobody can make or revoke tokens then,\n"
            "only who has the registry's directory: pinset token create --name me --can admin"
        )
    output.talk(
        f"note: with no other token, after {until} a server takes\n"
        "requests without any again, writes too, from everybody on its machine"
    )
