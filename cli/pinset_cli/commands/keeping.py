"""init, serve, verify, reindex, gc, backup, restore: what whoever keeps a registry does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pinset.errors import EXIT_ANSWER_IS_NO
from pinset_cli import collecting, complete, output
from pinset_cli import options as o
from pinset_cli.locate import Options, directory, named, opened
from pinset_cli.progress import progress


def init(
    where: Annotated[Path, typer.Argument(metavar="[DIR]", help="Made as DIR/.pinset/.")] = Path(),
    clone: Annotated[
        Path | None,
        typer.Option("--from", metavar="CLONE", help="With the history of a git clone of a registry's repository.git."),
    ] = None,
    as_json: o.Json = False,
) -> None:
    """Make a registry.

    Example: pinset init
    """
    from pinset.bootstrap import FOLDER, create_registry

    target = where / FOLDER
    if clone is not None:
        _init_from(clone, target, as_json=as_json)
        return
    answer = create_registry(target)
    output.done(f"a registry is made in {target}")
    if as_json:
        output.show_json(answer)
    else:
        output.say(f"made a registry in {target} (id {answer['id']})")
        output.talk("next: pinset new NAME; pinset publish NAME; pinset promote NAME@v1 production")


def _init_from(clone: Path, target: Path, *, as_json: bool) -> None:
    from pinset.bootstrap import clone_registry

    answer = clone_registry(clone, target)
    output.done(f"the registry is made in {target}")
    if as_json:
        output.show_json(answer)
        return
    output.say(f"made {answer['id']} in {target}, epoch {answer['epoch']}, serial {answer['serial']}")
    output.talk("tokens are not in git, so it has none: until you make one, only this machine is served")
    output.advise("    pinset token create --name me --can admin")


def serve(
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535)] = 7467,
    workers: Annotated[int, typer.Option("--workers", min=1, max=64)] = 1,
    scrub: Annotated[
        float,
        typer.Option("--scrub", metavar="HOURS", min=0, max=8760, help="Prove the registry every so often; 0: never."),
    ] = 24,
    log: Annotated[
        str, typer.Option("--log", metavar="text|json", help="What a line of the log on stderr is.")
    ] = "text",
    log_requests: Annotated[bool, typer.Option("--log-requests", help="Log a line for each request.")] = False,
    no_pages: Annotated[bool, typer.Option("--no-pages", help="The API alone, without pages for browsers.")] = False,
    no_git: Annotated[bool, typer.Option("--no-git", help="Nothing for git clone and git fetch.")] = False,
    make: Annotated[bool, typer.Option("--init", help="Make the registry where there is none.")] = False,
    closed: Annotated[
        bool, typer.Option("--closed", help="Let nobody in without a token, not even while there is none.")
    ] = False,
    registry: o.Registry = None,
) -> None:
    """Serve the registry over HTTP.

    The API, pages for browsers, and the history for git clone.

    Example: pinset serve --port 7467
    """
    from pinset.bootstrap import serve_registry

    home = _place(Options(registry), make=make)
    collecting.as_usual()
    serve_registry(
        home,
        host=host,
        port=port,
        workers=workers,
        talk=output.talk,
        scrub_hours=scrub,
        log=log,
        log_requests=log_requests,
        pages=not no_pages,
        git=not no_git,
        closed=closed,
        make=make,
    )


def _place(chosen: Options, *, make: bool) -> Path:
    """The registry's directory. make: or where one is to be made."""
    from pinset.errors import NoRegistry

    try:
        return directory(chosen, "serve")
    except NoRegistry:
        if not make:
            raise
    return named(chosen) or Path()


def verify(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Only problems of this bundle.", autocompletion=complete.bundles),
    ] = None,
    signatures: Annotated[
        bool, typer.Option("--signatures", help="Say how many commits are signed; they are proven in any case.")
    ] = False,
    registry: o.Registry = None,
    as_json: o.Json = False,
) -> None:
    """Prove every digest, chain and signature against git.

    Exits 1 where something is wrong.

    Example: pinset verify
    """
    with opened(Options(registry)) as found:
        answer = found.verify(name)
    if as_json:
        output.show_json(answer)
    else:
        for hint in dict.fromkeys(problem["hint"] for problem in answer["problems"]):
            for problem in answer["problems"]:
                if problem["hint"] == hint:
                    output.talk(output.safe(f"{problem['where'].strip()}: {problem['what']}"))
            output.advise(f"    {hint}")
        counted = {
            "commit": answer["commits"],
            "release": answer["releases"],
            "move": answer["moves"],
            "text": answer["texts"],
        }
        counts = ", ".join(output.count(number, what) for what, number in counted.items())
        output.say(f"{'all is well' if answer['ok'] else 'DAMAGED'}: {counts}")
        if signatures:
            output.say(f"signed by the registry: {answer['signed']} of {output.count(answer['commits'], 'commit')}")
    if not answer["ok"]:
        raise typer.Exit(EXIT_ANSWER_IS_NO)


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
    output.show_json({"commits": count}) if as_json else output.say(
        f"the catalog holds {output.count(count, 'commit')}"
    )


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
    output.done(f"the backup is in {made}")
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
    output.done(f"the registry is restored into {target / FOLDER}")
    if as_json:
        output.show_json(answer)
        return
    output.say(f"restored {answer['id']} into {target / FOLDER}, epoch {answer['epoch']}, serial {answer['serial']}")
