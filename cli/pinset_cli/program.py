"""The commands there are. They are listed as plain data, and a command's module is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperGroup

from pinset.errors import InvalidInput
from pinset_cli import locate, output
from pinset_cli import options as o


class Listed(NamedTuple):
    """What a command is, in a function, or a group of commands; and its line in the list of all."""

    module: str
    attribute: str
    line: str


COMMANDS: Final[Mapping[str, Listed]] = {
    "init": Listed("keeping", "init", "Make a registry."),
    "serve": Listed("keeping", "serve", "Serve the registry over HTTP."),
    "new": Listed("authoring", "new", "Begin a bundle directory."),
    "check": Listed("checking", "check", "Validate bundle directories without publishing them."),
    "publish": Listed("authoring", "publish", "Publish a release; prints NAME@vN."),
    "pull": Listed("authoring", "pull", "The author's files of a release, in a new directory."),
    "review": Listed("reviewing", "review", "What a promotion or a directory would change."),
    "promote": Listed("moving", "promote", "Make an alias serve a release."),
    "can": Listed("policies", "can", "Whether something may be done now, without doing it."),
    "bump": Listed("bumping", "bump", "Bring a component's new version to all that hold an older one."),
    "change": Listed("changing", "change", "What was done over many bundles under one name."),
    "rollback": Listed("moving", "rollback", "Undo: make an alias serve what it served before."),
    "get": Listed("reading", "get", "The release document, or one file of a release."),
    "render": Listed("reading", "render", "A prompt with its variables filled in."),
    "list": Listed("looking", "list_bundles", "The bundles, and what their aliases serve since when."),
    "bundle": Listed("bundles", "bundle", "Who owns a bundle, what it is called, and whether it is in use."),
    "status": Listed("looking", "status", "A bundle at a glance: aliases, newest releases, last moves."),
    "releases": Listed("looking", "releases", "The releases of a bundle, newest first."),
    "show": Listed("reading", "show", "A release: its author, its pins, and what serves it."),
    "history": Listed("looking", "history", "The moves of an alias, or of all of a bundle, newest first."),
    "watch": Listed("watching", "watch", "What happens in the registry, as it happens."),
    "diff": Listed("comparing", "diff", "What changes between two releases, or to a working copy."),
    "blame": Listed("blaming", "blame", "What brought each line of a file, when, and who."),
    "search": Listed("searching", "search", "Names, and what prompts and every other text say."),
    "where-used": Listed("looking", "where_used", "The releases that hold a shared component, served ones first."),
    "sign": Listed("keys", "sign", "Sign a release as its author."),
    "yank": Listed("yanking", "yank", "Refuse a release to new moves."),
    "unyank": Listed("yanking", "unyank", "Take a yank back."),
    "purge": Listed("purging", "purge", "Remove content for good, from every release and the history."),
    "request": Listed("requests", "request", "What waits for the approval of others."),
    "evidence": Listed("evidence", "evidence", "What evaluations say of releases."),
    "audit": Listed("audit", "audit", "Everything done, tried and refused, newest first."),
    "verify": Listed("keeping", "verify", "Prove every digest, chain and signature against git."),
    "reindex": Listed("keeping", "reindex", "Rebuild the catalog from git alone."),
    "repair": Listed("keys", "repair", "Put aside what somebody else moved in the repository."),
    "gc": Listed("keeping", "gc", "Repack the repository, beside readers and writers."),
    "backup": Listed("keeping", "backup", "Copy the repository and the state of one moment."),
    "restore": Listed("keeping", "restore", "Make a registry from a backup. It begins a new epoch."),
    "export": Listed("exporting", "export", "Releases in a form that others read."),
    "import": Listed("importing", "taking", "What other tools, files and registries hold, as releases."),
    "component": Listed("authoring", "component", "Shared components."),
    "alias": Listed("moving", "alias", "The aliases of a bundle."),
    "policy": Listed("policies", "policy", "Who may make an alias serve what, on what evidence and when."),
    "token": Listed("tokens", "token", "Credentials."),
    "keys": Listed("keys", "keys", "Keys that sign commits and releases."),
    "whoami": Listed("tokens", "whoami", "Who you are for the registry, and what you may do."),
}
GROUPS: Final[Mapping[str, str]] = {
    "A registry": "init serve",
    "Releases": "new check publish pull component bundle sign",
    "What aliases serve": "review promote rollback can alias yank unyank",
    "Many bundles at once": "bump change",
    "In and out": "import export",
    "Looking": "list status releases show history diff blame get render search where-used watch",
    "What production wants": "policy evidence request",
    "Who may what, and who did what": "whoami token keys audit",
    "Keeping a registry": "verify reindex repair gc backup restore purge",
}
"""The commands as the list of all shows them, by what one wants to do."""
_WITHOUT_REGISTRY: Final = ("init", "new", "restore")
_PLAIN: Final[Mapping[str, Any]] = {"rich_markup_mode": None, "pretty_exceptions_enable": False}


class _Commands(Mapping[str, Any]):
    """Every command by its name, made when it is looked up."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = _made(name, COMMANDS[name])
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)

    def __contains__(self, name: object) -> bool:
        return name in COMMANDS


class _Program(TyperGroup):
    """All commands of `COMMANDS`."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = _Commands()  # type: ignore[assignment]  # click adds commands to its own, and nobody asks it to

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Typer's own
        """Names, in the order of the list."""
        return list(COMMANDS)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - Typer's own
        """Names and lines, in groups; no command is made for it."""
        longest = max(map(len, COMMANDS))
        for title, names in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl(
                    [(name.ljust(longest), COMMANDS[name].line) for name in names.split() if name in COMMANDS]
                )


def _made(name: str, listed: Listed) -> Any:
    found = getattr(import_module(f"pinset_cli.commands.{listed.module}"), listed.attribute)
    holder = typer.Typer(add_completion=False, **_PLAIN)
    if not isinstance(found, typer.Typer):
        holder.command(name)(found)
        return typer.main.get_command(holder)
    holder.add_typer(found, name=name)
    group: Any = typer.main.get_command(holder)
    return group.commands[name]


app = typer.Typer(
    name="pinset",
    cls=_Program,
    help="Versions coherent releases of LLM features, and moves aliases such as production over them.",
    no_args_is_help=False,
    **_PLAIN,
)


@app.callback(invoke_without_command=True)
def _top(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Show the version and exit."),
    registry: o.Registry = None,
) -> None:
    command = context.invoked_subcommand
    if registry is not None and command in _WITHOUT_REGISTRY:
        raise InvalidInput(f"{command} takes no --registry", hint=f"see pinset {command} --help")
    locate.name_first(registry)
    if version:
        from pinset.version import VERSION

        output.say(f"pinset {VERSION}")
        raise typer.Exit
    if command is None:
        output.say(context.get_help())


def top() -> Any:
    """The whole command line, as Typer runs it."""
    return typer.main.get_command(app)
