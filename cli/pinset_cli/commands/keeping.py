"""init, serve, tokens, verify, reindex, gc, backup, restore: what whoever keeps a registry does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pinset_cli import options as o
from pinset_cli import output
from pinset_cli.locate import Options, caller, directory, opened
from pinset_cli.progress import progress

EXIT_NO = 1


def init(
    where: Annotated[Path, typer.Argument(metavar="[DIR]", help="Made as DIR/.pinset/.")] = Path(),
    as_json: o.Json = False,
) -> None:
    """Make a registry.

    Example: pinset init
    """
    from pinset.bootstrap import FOLDER, create_registry

    target = where / FOLDER
    answer = create_registry(target)
    if as_json:
        output.show_json(answer)
    else:
        output.say(f"made a registry in {target} (id {answer['id']})")
        output.talk("next: pinset new NAME; pinset publish NAME; pinset promote NAME@v1 production")


def serve(
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535)] = 7467,
    workers: Annotated[int, typer.Option("--workers", min=1, max=64)] = 1,
    registry: o.Registry = None,
) -> None:
    """Serve the registry over HTTP.

    Example: pinset serve --port 7467
    """
    from pinset.bootstrap import serve_registry

    home = directory(Options(registry), "serve")
    serve_registry(home, host=host, port=port, workers=workers, talk=output.talk)


def verify(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Only problems of this bundle.")] = None,
    registry: o.Registry = None,
    as_json: o.Json = False,
) -> None:
    """Prove every digest and chain against git; exit 1 where something is wrong.

    Example: pinset verify
    """
    with opened(Options(registry)) as found:
        answer = found.verify(name)
    if as_json:
        output.show_json(answer)
    else:
        for problem in answer["problems"]:
            output.talk(output.safe(f"{problem['where']}: {problem['what']}"))
            output.talk(output.safe(f"    {problem['hint']}"))
        counts = f"{answer['commits']} commits, {answer['releases']} releases, {answer['moves']} moves"
        output.say(f"{'all is well' if answer['ok'] else 'DAMAGED'}: {counts}, {answer['texts']} texts")
    if not answer["ok"]:
        raise typer.Exit(EXIT_NO)


def reindex(registry: o.Registry = None, as_json: o.Json = False) -> None:
    """Rebuild the catalog from git alone.

    Example: pinset reindex
    """
    from pinset.bootstrap import local_registry

    found = local_registry(directory(Options(registry), "reindex"), progress=progress())
    try:
        count = found.reindex(progress())
    finally:
        found.close()
    output.show_json({"commits": count}) if as_json else output.say(f"the catalog holds {count} commits")


def gc(registry: o.Registry = None, as_json: o.Json = False) -> None:
    """Repack the repository, beside readers and writers.

    Example: pinset gc
    """
    from pinset.bootstrap import local_registry

    found = local_registry(directory(Options(registry), "gc"))
    try:
        found.gc(progress())
    finally:
        found.close()
    output.show_json({"packed": True}) if as_json else output.say("the repository is packed")


def backup(
    target: Annotated[Path, typer.Argument(metavar="DIR", help="A new directory.")],
    registry: o.Registry = None,
    as_json: o.Json = False,
) -> None:
    """Copy the repository and the state of one moment.

    Example: pinset backup /backups/2025-03-14
    """
    from pinset.bootstrap import backup_registry

    made = backup_registry(directory(Options(registry), "backup"), target, progress=progress())
    output.show_json({"directory": str(made)}) if as_json else output.say(f"the backup is in {made}")


def restore(
    source: Annotated[Path, typer.Argument(metavar="BACKUP")],
    target: Annotated[Path, typer.Argument(metavar="[DIR]", help="Made as DIR/.pinset/.")] = Path(),
    as_json: o.Json = False,
) -> None:
    """Make a registry from a backup. It begins a new epoch.

    Example: pinset restore /backups/2025-03-14 /srv/registry
    """
    from pinset.bootstrap import FOLDER, restore_registry

    answer = restore_registry(source, target / FOLDER)
    if as_json:
        output.show_json(answer)
        return
    output.say(f"restored {answer['id']} into {target / FOLDER}, epoch {answer['epoch']}, serial {answer['serial']}")


token = typer.Typer(help="Credentials.", no_args_is_help=True)


@token.command("create")
def token_create(
    name: Annotated[str, typer.Option("--name", help="Who or what will use it.")],
    can: Annotated[str, typer.Option("--can", metavar="read|write|admin", help="What it may do.")],
    expires: Annotated[int, typer.Option("--expires", metavar="DAYS", help="1 to 3650.")] = 90,
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Make a credential; its secret is shown this once.

    Example: pinset token create --name ci --can write
    """
    chosen = Options(registry, as_json, dry_run)
    with opened(chosen) as found:
        answer = found.create_token(caller(chosen), name, can=can, expires_in_days=expires)
    if as_json:
        output.show_json(answer)
        return
    output.say(answer.get("token", "(dry run)"))
    output.talk(f"{name} can {can} until {answer['expires_at']}; the secret is not shown again")


@token.command("list")
def token_list(registry: o.Registry = None, as_json: o.Json = False) -> None:
    """The credentials there are.

    Example: pinset token list
    """
    with opened(Options(registry)) as found:
        page = found.tokens()
    if as_json:
        output.show_json(page)
        return
    rows = [
        (t["name"], t["can"], output.ago(t["created_at"]), (t["expires_at"] or "never")[:10],
         output.ago(t["last_used_at"]) if t["last_used_at"] else "never", "revoked" if t["revoked_at"] else "")
        for t in page["items"]
    ]  # fmt: skip
    output.listed(
        rows, ("NAME", "CAN", "MADE", "EXPIRES", "USED", ""), None, "pinset token create --name ci --can write"
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
        answer = found.revoke_token(caller(chosen), name)
    if as_json:
        output.show_json(answer)
    else:
        output.say(f"{name} {'would be' if dry_run else 'is'} revoked")
