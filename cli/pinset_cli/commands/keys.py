"""keys, sign, repair: who signs, and what nobody signed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pinset_cli import options as o
from pinset_cli import output
from pinset_cli.locate import Options, caller, directory, opened
from pinset_cli.progress import progress

if TYPE_CHECKING:
    from pinset.domain.answers.keys import KeyChange, SignedAnswer
    from pinset.ports.registry import Registry

keys = typer.Typer(help="Keys that sign commits and releases.", invoke_without_command=True)


@keys.callback()
def _list(context: typer.Context, registry: o.Registry = None, as_json: o.Json = False, utc: o.Utc = False) -> None:
    """The keys that the registry knows, each with its fingerprint.

    Example: pinset keys
    """
    if context.invoked_subcommand is None:
        keys_list(registry, as_json, utc)


@keys.command("list")
def keys_list(registry: o.Registry = None, as_json: o.Json = False, utc: o.Utc = False) -> None:
    """The keys that the registry knows, each with its fingerprint.

    Example: pinset keys list
    """
    with opened(Options(registry)) as found:
        answer = found.keys.all()
    if as_json:
        output.show_json(answer)
        return
    rows = [
        (key["name"], key["purpose"], key["person"], output.when(key["since"], absolute=utc), key["state"], key["fingerprint"])
        for key in answer["items"]
    ]  # fmt: skip
    output.listed(
        rows,
        ("NAME", "PURPOSE", "PERSON", "SINCE", "STATE", "FINGERPRINT"),
        None,
        "no keys yet: pinset keys create",
        fold=True,
    )
    if answer["items"] and answer["unsigned"]:
        output.advise("the registry signs nothing yet: pinset keys create")


@keys.command("show")
def keys_show(registry: o.Registry = None, as_json: o.Json = False) -> None:
    """The keys as git reads them, in a file allowed_signers.

    Example: pinset keys show > allowed_signers
    """
    with opened(Options(registry)) as found:
        answer = found.keys.all()
    if as_json:
        output.show_json({"allowed_signers": answer["allowed_signers"]})
    elif answer["allowed_signers"]:
        output.say(answer["allowed_signers"].removesuffix("\n"))
    else:
        output.advise("no keys yet: pinset keys create")


@keys.command("add")
def keys_add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the key is called from now on.")],
    file: Annotated[Path, typer.Argument(metavar="FILE.pub", help="The public key.")],
    person: Annotated[str, typer.Option("--person", metavar="P", help="Whose it is.")],
    purpose: Annotated[
        str, typer.Option("--purpose", metavar="author|evidence", help="What it signs: releases, or results.")
    ] = "author",
    message: o.Message = "",
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Make an author's public key known.

    Example: pinset keys add ana-laptop ~/.ssh/id_ed25519.pub --person ana
    """
    public = _read(file)
    chosen = Options(registry, as_json, dry_run)
    with opened(chosen) as found:
        answer = found.keys.add(caller(chosen), name, public, purpose=purpose, person=person, reason=message)
    _told(answer, "is added", "was there already", as_json=as_json, dry_run=dry_run)


@keys.command("retire")
def keys_retire(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    compromised: Annotated[
        bool, typer.Option("--compromised", help="What it signed before counts no more either.")
    ] = False,
    message: o.Message = "",
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Let a key count no more; what it signed before counts on.

    Example: pinset keys retire ana-laptop -m "a new machine"
    """
    chosen = Options(registry, as_json, dry_run)
    with opened(chosen) as found:
        answer = found.keys.retire(caller(chosen), name, compromised=compromised, reason=message)
    _told(
        answer, f"is {answer['key']['state']}", f"was {answer['key']['state']} before", as_json=as_json, dry_run=dry_run
    )


@keys.command("create")
def keys_create(registry: o.Registry = None, as_json: o.Json = False, dry_run: o.DryRun = False) -> None:
    """Let a registry that was made without keys sign from now on.

    Example: pinset keys create
    """
    answer = _near(Options(registry, as_json, dry_run), "keys create")
    _told(answer, "signs from now on", "signs already", as_json=as_json, dry_run=dry_run)


@keys.command("rotate")
def keys_rotate(
    prepare: Annotated[
        bool, typer.Option("--prepare", help="Only make the next key and show it, for clients that pin keys.")
    ] = False,
    message: o.Message = "",
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Let the registry sign with a new key. What the old one signed counts on; then retire it.

    Example: pinset keys rotate -m "once a year"
    """
    chosen = Options(registry, as_json, dry_run)
    if prepare:
        _prepare(chosen)
        return
    answer = _near(chosen, "keys rotate", reason=message)
    _told(answer, "signs from now on", "signs already", as_json=as_json, dry_run=dry_run)
    if not as_json and not dry_run:
        output.talk("clients that pin keys take nothing that it signs before they know it: pinset keys show")
        output.talk("the key before counts on until it is retired: pinset keys retire NAME")


def sign(
    target: o.Refs,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="KEYFILE", help="Your private Ed25519 key, as ssh-keygen makes it.")
    ] = None,
    statement: Annotated[
        bool, typer.Option("--statement", help="Only print what is to be signed, for ssh-keygen -Y sign -n pinset.")
    ] = False,
    signature: Annotated[
        str | None, typer.Option("--signature", metavar="FILE|-", help="What ssh-keygen -Y sign made of it.")
    ] = None,
    registry: o.Registry = None,
    as_json: o.Json = False,
    dry_run: o.DryRun = False,
) -> None:
    """Sign a release as its author.

    The registry knows the public half of the key: pinset keys add.

    Example: pinset sign support-summarizer@v7 --key ~/.ssh/id_ed25519
    """
    from pinset.errors import InvalidInput

    if (key is not None) + statement + (signature is not None) != 1:
        raise InvalidInput(
            "this needs one of --key, --statement and --signature", hint="pinset sign REF --key ~/.ssh/id_ed25519"
        )
    signer = Signer(key) if key is not None else None
    given = None if signature is None else sys.stdin.read() if signature == "-" else _read(Path(signature))
    chosen, reference = Options(registry, as_json, dry_run), o.reference(target)
    with opened(chosen) as found:
        if statement:
            said = _statement(found, reference).decode()
            output.show_json({"statement": said}) if as_json else output.say(said.removesuffix("\n"))
            return
        made = signer.made(found, reference) if signer is not None else given or ""
        answer = found.keys.sign(caller(chosen), reference, made)
    output.done(f"{answer['ref']} is signed", written=answer["operation"])
    if as_json:
        output.show_json(answer)
        return
    state = "was signed before" if not answer["changed"] else "would be signed" if dry_run else "is signed"
    output.say(output.safe(f"{answer['ref']} {state} with {answer['key']} ({answer['person']})"))
    output.unchanged(dry_run=dry_run)


def repair(registry: o.Registry = None, as_json: o.Json = False, dry_run: o.DryRun = False) -> None:
    """Put aside what somebody else moved in the repository.

    Every branch is put back to the registry's own last commit; what was there is kept under refs/quarantine.

    Example: pinset repair
    """
    from pinset.bootstrap import local_registry

    found = local_registry(directory(Options(registry), "repair"), settle=False, progress=progress())
    try:
        aside = found.foreign() if dry_run else found.repair()
    finally:
        found.close()
    if as_json:
        output.show_json({"items": aside, "next": None})
        return
    for one in aside:
        what = f"{one['found'][:12]} ({one['says']})" if one["found"] else "it was deleted"
        kept = f"; kept as {one['kept']}" if one["kept"] else ""
        back = f"back at {one['own'][:12]}" if one["own"] else "gone"
        output.say(output.safe(f"{one['ref']}: {what}; {back}{kept}"))
    if not aside:
        output.say("nothing to repair: every branch is where the registry left it")
    output.unchanged(dry_run=dry_run)


class Signer:
    """Signs releases with the private key of a file. Raises InvalidInput."""

    def __init__(self, path: Path) -> None:
        from pinset.signing import load_private

        self._key = load_private(_read(path))

    def need_known(self, found: Registry) -> None:
        """Raises Untrusted where the registry would refuse what the key signs."""
        from pinset.domain.keys import fingerprint
        from pinset.errors import Untrusted

        public, known = self._key.public, found.keys.all()["items"]
        if not any((key["public"], key["purpose"], key["state"]) == (public, "author", "active") for key in known):
            raise Untrusted(
                f"the registry knows no active author's key {fingerprint(public)}",
                hint="whoever keeps the registry adds it: pinset keys add NAME KEYFILE.pub --person YOU",
            )

    def sign(self, found: Registry, chosen: Options, reference: str) -> SignedAnswer:
        """Sign a release and record that."""
        return found.keys.sign(caller(chosen), reference, self.made(found, reference))

    def made(self, found: Registry, reference: str) -> str:
        """The signature of a release."""
        from pinset.domain.keys import STATEMENTS

        return self._key.sign(_statement(found, reference), STATEMENTS)


def _statement(found: Registry, reference: str) -> bytes:
    """What an author signs about a release: by the first name of its bundle, which no renaming changes."""
    from pinset.domain.references import parse
    from pinset.signing import statement

    summary = found.summary(str(parse(reference, default=None)))
    bundle = summary.get("first_name", summary["bundle"])
    return statement(registry=found.describe()["id"], bundle=bundle, digest=summary["digest"])


def _near(chosen: Options, verb: str, *, reason: str = "") -> KeyChange:
    from pinset.bootstrap import local_registry

    found = local_registry(directory(chosen, verb), progress=progress())
    try:
        if verb == "keys create":
            return found.keys.create(caller(chosen))
        return found.keys.rotate(caller(chosen), reason=reason)
    finally:
        found.close()


def _prepare(chosen: Options) -> None:
    from pinset.bootstrap import local_registry

    found = local_registry(directory(chosen, "keys rotate"), progress=progress())
    try:
        public = found.keys.prepare(caller(chosen))
    finally:
        found.close()
    if chosen.as_json:
        output.show_json({"public": public or None})
    elif public:
        output.say(public)
        output.talk("give it to clients that pin keys, then: pinset keys rotate")
    output.unchanged(dry_run=chosen.dry_run)


def _told(answer: KeyChange, done: str, before: str, *, as_json: bool, dry_run: bool) -> None:
    key = answer["key"]
    output.done(f"the key {key['name']} {done}", written=answer["operation"])
    if as_json:
        output.show_json(answer)
        return
    if dry_run and answer["changed"]:
        output.say(f"the key {key['name']}: {done}")
    else:
        output.say(f"the key {key['name']} ({key['fingerprint']}) {done if answer['changed'] else before}")
    output.unchanged(dry_run=dry_run)


def _read(path: Path) -> str:
    from pinset.errors import InvalidInput

    try:
        return path.expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise InvalidInput(
            f"{path} cannot be read: {why}", hint="make a key: ssh-keygen -t ed25519 -f KEYFILE"
        ) from error
