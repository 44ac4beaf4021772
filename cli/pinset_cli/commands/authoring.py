"""new, publish, pull and the shared components: what an author does."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pinset.errors import EXIT_ANSWER_IS_NO
from pinset_cli import complete, output
from pinset_cli import options as o
from pinset_cli.locate import Options, caller, opened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.answers import ComponentAnswer
    from pinset.ports.registry import Registry
    from pinset_cli.commands.keys import Signer

_STARTER = """\
release:
  feature: {name}
  # version: 2025-03-14            # a label of your own, if you like
  model:
    provider: vendor-x
    name: foundation-large
    pinned_version: "2025-02-01"   # replace by the model you use, pinned to a snapshot
    temperature: 0.2
  prompt:
    template: prompts/main.md
"""
_TEMPLATE = "Summarize this in three sentences:\n\n{{text}}\n"


def new(
    name: Annotated[str, typer.Argument(help="The bundle's name.")],
    directory: Annotated[Path | None, typer.Argument(help="Where; default: ./NAME")] = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Begin a bundle directory.

    Example: pinset new support-summarizer
    """
    from pinset.domain.names import bundle_name
    from pinset_cli.workcopy import begin

    bundle_name(name)
    target = directory or Path(name)
    files = {"release.yaml": _STARTER.format(name=name), "prompts/main.md": _TEMPLATE}
    begin(target, {} if dry_run else files)
    if as_json:
        output.show_json({"bundle": name, "directory": str(target), "files": sorted(files)})
        return
    output.talk(f"{'would make' if dry_run else 'made'} {' and '.join(str(target / path) for path in files)}")
    output.unchanged(dry_run=dry_run)
    if not dry_run:
        output.talk(f"next: edit them, then: pinset check {target}; pinset publish {target}")


def publish(
    directories: Annotated[list[Path] | None, typer.Argument(help="Bundle directories; default: .")] = None,
    message: o.Message = "",
    alias: Annotated[
        str | None, typer.Option("--alias", metavar="A", help="Promote it too, in the same write.")
    ] = None,
    label: o.Label = None,
    number: o.Number = None,
    source: Annotated[
        list[str] | None,
        typer.Option("--source", metavar="KEY=VALUE", help="Where it comes from, besides what git and CI say."),
    ] = None,
    no_source: Annotated[bool, typer.Option("--no-source", help="Do not ask git and CI where it comes from.")] = False,
    allow: o.Allow = None,
    sign: Annotated[
        Path | None, typer.Option("--sign", metavar="KEYFILE", help="Sign it too, with your private key.")
    ] = None,
    base: Annotated[
        str | None,
        typer.Option("--from", metavar="REF", help="Make it from this release.", autocompletion=complete.references),
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="With --from: another value in the manifest."),
    ] = None,
    added: Annotated[
        list[str] | None, typer.Option("--add", metavar="PATH=VALUE", help="With --from: a new entry in the manifest.")
    ] = None,
    unset: Annotated[
        list[str] | None, typer.Option("--unset", metavar="PATH", help="With --from: an entry that goes.")
    ] = None,
    file: Annotated[
        list[str] | None, typer.Option("--file", metavar="PATH=FILE", help="With --from: another file (- for stdin).")
    ] = None,
    change: o.Change = None,
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Publish a release; prints NAME@vN.

    With --from it is made from another release: what --set, --add, --unset and --file name changes, all other text stays.

    Exits 1 where the promotion of --alias became a request; the release is published all the same.

    Example: pinset publish ./support-summarizer --alias staging -m "shorter answers"
    """
    from pinset_cli import deriving, provenance
    from pinset_cli.workcopy import read_bundle

    chosen = Options(registry, as_json, dry_run, change)
    said = provenance.given(source or [])
    edits = deriving.edits(base, directories, values, added, unset, file)
    if base is not None:
        origin = {} if no_source else provenance.of_run()
        deriving.publish(
            base,
            edits,
            chosen,
            message=message,
            label=label,
            alias=alias,
            source={**origin, **said} or None,
            number=number,
            allow=allow or (),
            sign=sign,
        )
        return
    read = [(directory, read_bundle(directory)) for directory in directories or [Path()]]
    published: list[dict[str, Any]] = []
    signer = _signer(sign) if sign is not None else None
    with opened(chosen) as found:
        if signer is not None:
            signer.need_known(found)
        for directory, files in read:
            origin = (
                {} if no_source else provenance.detect(directory, files, since=partial(_published_from, found, files))
            )
            answer = found.publish(
                caller(chosen),
                files,
                message=message,
                label=label,
                alias=alias,
                source={**origin, **said} or None,
                number=number,
                allow=allow or (),
            )
            published.append({**answer})
            output.done(f"{answer['ref']} is published", written=answer["operation"])
            if signer is not None and not dry_run:
                published[-1]["signature"] = signer.sign(found, chosen, answer["ref"])
            if not as_json:
                deriving.say_published(published[-1], allow or (), dry_run=dry_run)
    if not as_json:
        output.unchanged(dry_run=dry_run)
    if as_json:
        output.show_json(published[0] if len(published) == 1 else {"items": published, "next": None})
    if any(answer["move"] and answer["move"]["action"] == "request" for answer in published):
        raise typer.Exit(EXIT_ANSWER_IS_NO)


def _signer(key: Path) -> Signer:
    from pinset_cli.commands.keys import Signer

    return Signer(key)


def pull(
    target: Annotated[
        list[str],
        typer.Argument(metavar="REF DIR", help="A release, and a new directory.", autocompletion=complete.references),
    ],
    at: o.At = None,
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """The author's files of a release, in a new directory.

    Publishing them again changes nothing.

    Example: pinset pull support-summarizer@production ./support-summarizer
    """
    from pinset.domain import names, sealed
    from pinset.errors import InvalidInput
    from pinset_cli.workcopy import write_tree

    if len(target) < 2:
        raise InvalidInput("pull needs a release and a directory", hint=f"pinset pull {target[0]} ./DIR")
    directory = Path(target[-1])
    with opened(Options(registry)) as found:
        answer = o.looking(found, at).sealed(o.reference(target[:-1]))
    # A server's word is not taken for it: neither for the bytes nor for where they go.
    sealed.verify(sealed.Sealed(answer["manifest"], answer["files"]), answer["digest"])
    files = {names.file_path(path): text for path, text in answer["files"].items()}
    files = {path: text for path, text in files.items() if path.split("/")[0] != sealed.COMPONENTS}
    written = not dry_run and write_tree(directory, files)
    if as_json:
        output.show_json({"ref": answer["ref"], "directory": str(directory), "files": sorted(files)})
        return
    there = "is" if len(files) == 1 else "are"
    state = "would be" if dry_run else there if written else f"{there} already"
    output.talk(output.safe(f"{output.count(len(files), 'file')} of {answer['ref']} {state} in {directory}"))
    output.unchanged(dry_run=dry_run)


component = typer.Typer(help="Shared components.", no_args_is_help=True)


@component.command("publish")
def component_publish(
    name: Annotated[str, typer.Argument(metavar="KIND/NAME")],
    path: Annotated[Path, typer.Argument(metavar="FILE|DIR")],
    message: o.Message = "",
    label: o.Label = None,
    number: o.Number = None,
    allow: o.Allow = None,
    change: o.Change = None,
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Publish a version of a shared component; prints KIND/NAME@vN.

    Example: pinset component publish prompts/house-tone house-tone.md
    """
    from pinset_cli.workcopy import read_component

    kind, key = _component(name)
    chosen = Options(registry, as_json, dry_run, change)
    files = read_component(path)
    with opened(chosen) as found:
        answer = found.publish_component(
            caller(chosen), kind, key, files, message=message, label=label, number=number, allow=allow or ()
        )
    output.done(f"{answer['ref']} is published", written=answer.get("operation"))
    if as_json:
        output.show_json(answer)
        return
    output.show_findings(answer.get("findings", []), allow or ())
    output.say(output.on_one_line(answer["ref"]))
    if not answer.get("created"):
        output.talk("nothing new: this content is there already")
    output.unchanged(dry_run=dry_run)


@component.command("list")
def component_list(
    kind: Annotated[str | None, typer.Option("--kind", metavar="KIND", help="Only of this kind.")] = None,
    cursor: o.Cursor = None,
    limit: o.Limit = 100,
    registry: o.Registry = None,
    as_json: o.Json = False,
    utc: o.Utc = False,
) -> None:
    """The newest version of every shared component.

    Example: pinset component list --kind guardrails
    """
    with opened(Options(registry)) as found:
        page = found.components(kind=kind, cursor=cursor, limit=limit)
    if as_json:
        output.show_json(page)
        return
    rows = [
        (c["ref"], c["label"], output.when(c["published_at"], absolute=utc), c["published_by"], _words(c))
        for c in page["items"]
    ]
    output.listed(
        rows,
        ("COMPONENT", "LABEL", "WHEN", "BY", "MESSAGE"),
        page["next"],
        f"no components{f' of the kind {kind}' if kind else ''} yet: pinset component publish {kind or 'KIND'}/NAME FILE",
    )


@component.command("show")
def component_show(
    reference: Annotated[str, typer.Argument(metavar="KIND/NAME[@SELECTOR]")],
    registry: o.Registry = None,
    as_json: o.Json = False,
) -> None:
    """One component, and the versions there are.

    Without a selector: its newest version.

    Example: pinset component show prompts/summarizer@v7
    """
    name, _, selector = reference.partition("@")
    kind, key = _component(name)
    with opened(Options(registry)) as found:
        answer = found.component(kind, key, selector or "latest")
        versions = found.component_versions(kind, key, limit=10)["items"] if not selector else []
    if as_json:
        output.show_json(answer)
        return
    facts = (
        ("component", answer["ref"] + (f" ({answer['label']})" if answer["label"] else "")),
        ("digest", answer["digest"]),
        ("published", output.both(answer["published_at"])),
        ("by", answer["published_by"]),
        ("message", answer["message"]),
    )
    for name_of, value in facts:
        if value:
            output.say(f"{name_of:12} {output.safe(value, indent=13)}")
    for path, text in sorted(answer.get("files", {}).items()):
        output.say(f"\n--- {output.on_one_line(path)}")
        output.show_text(text if text.endswith("\n") else text + "\n")
    if len(versions) > 1:
        output.say(
            "\nversions: "
            + ", ".join(
                f"v{v['version']}" + (f" ({v['label']})" if v["label"] else "") + (" PURGED" if v["purged"] else "")
                for v in versions
            )
        )


def _words(component: ComponentAnswer) -> str:
    """What a list says of a version: its message, and that it was purged."""
    gone = component["purged"]
    return f"PURGED: {gone['reason']} {component['message']}".rstrip() if gone else component["message"]


def _component(name: str) -> tuple[str, str]:
    from pinset.domain.names import component_kind, component_name
    from pinset.errors import InvalidReference

    kind, slash, key = name.partition("/")
    if not slash:
        raise InvalidReference(f"{name} does not say its kind", hint=f"write prompts/{name}, tools/{name}, …")
    return component_kind(kind), component_name(key)


def _published_from(found: Registry, files: Mapping[str, str]) -> str | None:
    """The commit that the newest release of a bundle was published from, where that is known."""
    from pinset.domain.manifest import draft
    from pinset.errors import PinsetError

    name = draft.read(files).bundle
    try:
        releases = found.releases(name, limit=1)["items"] if name else []
    except PinsetError:  # a first release, or a registry that publish will complain about
        return None
    source = releases[0]["source"] if releases else None
    return source.get("commit") if isinstance(source, dict) else None
