"""import: what other tools, files and registries hold, as releases here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup

SOURCES: Final[Mapping[str, str]] = {
    "dir": "Files: dotprompt, Prompty, promptfoo, plain templates, bundle directories.",
    "git": "The history of a path in a git repository.",
    "langfuse": "Every prompt of a Langfuse project: --from URL, or a file.",
    "langsmith": "Prompts of LangSmith: every commit, and its tags.",
    "mlflow": "Prompts of MLflow's registry: a server, or a file.",
    "opik": "Prompts of an Opik workspace: --from URL, or an export.",
    "phoenix": "Prompts of a Phoenix server: --from URL, or a file.",
    "tar": "An export of a registry: pinset export --to tar.",
}
"""Sources by name, each a module of `pinset_cli.commands.imports`, with its line in the list."""
_PLAIN: Final[Mapping[str, Any]] = {"rich_markup_mode": None, "pretty_exceptions_enable": False}


class _Commands(Mapping[str, Any]):
    """Every command by its name; its module is imported when it is looked up."""

    def __getitem__(self, name: str) -> Any:
        if name not in SOURCES:
            raise KeyError(name)
        module = import_module(f"pinset_cli.commands.imports.{name}")
        holder = typer.Typer(add_completion=False, **_PLAIN)
        holder.command(name)(module.command)
        return typer.main.get_command(holder)

    def __iter__(self) -> Iterator[str]:
        return iter(SOURCES)

    def __len__(self) -> int:
        return len(SOURCES)


class _Sources(TyperGroup):
    """The commands of `SOURCES`."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = _Commands()  # type: ignore[assignment]  # click adds commands to its own, and nobody asks it to

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Typer's own
        """Names, in the order of the list."""
        return list(SOURCES)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - Typer's own
        """Names and lines; no command is made for it."""
        with formatter.section("Sources"):
            formatter.write_dl(list(SOURCES.items()))


taking = typer.Typer(
    cls=_Sources,
    help="What other tools, files and registries hold, as releases.\n\nOnce, however often it is run: what is here already is not taken again.",
    no_args_is_help=True,
)


@taking.callback()
def _taking() -> None:
    """A group, also while it has no command of its own."""
