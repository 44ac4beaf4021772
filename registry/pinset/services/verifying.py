"""Verify: prove every digest and chain against git, and the catalog against both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinset.domain import names
from pinset.domain.messages import decode
from pinset.domain.proof import Fact, Proof
from pinset.domain.records import ComponentRecord, ReleaseRecord
from pinset.errors import Integrity, PinsetError
from pinset.services import reading, session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinset.domain import answers
    from pinset.domain.records import Record
    from pinset.ports.catalog import CatalogReader
    from pinset.ports.progress import Progress
    from pinset.ports.store import Damage, Store
    from pinset.services.session import Context

_SHOWN = 100


def verify(context: Context, bundle: str | None = None, progress: Progress | None = None) -> answers.VerifyAnswer:
    """What is wrong in git, in the chains between the commits, and in the catalog.

    The whole registry is proven, for the chains run through all of it; ``bundle`` picks whose problems are said.
    """
    if bundle is not None:
        with reading.view(context) as reader:
            reading.need_bundle(reader, names.bundle_name(bundle))
    with context.store.exclusive():
        proof, refs, problems = _examine(context.store, progress)
        if not problems:
            problems = _catalog_problems(context, refs) + _state_problems(context)
    if bundle is not None:
        problems = [p for p in problems if f"/{bundle} " in p["where"] or f"/{bundle}/" in p["where"]]
    return {
        "ok": not problems,
        "commits": proof.commits,
        "releases": proof.releases,
        "moves": proof.moves,
        "texts": proof.texts,
        "problems": problems[:_SHOWN],
    }


def prove(store: Store, progress: Progress | None = None) -> None:
    """Prove a repository alone, such as a copy. Raises Integrity naming what is wrong first."""
    _, _, problems = _examine(store, progress)
    if problems:
        first = problems[0]
        raise Integrity(f"the repository is damaged: {first['where']}{first['what']}", hint=first["hint"])


def refuse_damage(found: Sequence[Damage]) -> None:
    """Raises Integrity naming the first damage there is."""
    if found:
        raise Integrity(
            f"the repository is damaged: {found[0].where} {found[0].what}", hint=found[0].hint or _way_out()
        )


def _examine(store: Store, progress: Progress | None) -> tuple[Proof, dict[str, str], list[dict[str, str]]]:
    """The proof, the refs and all problems of a repository."""
    proof = Proof()
    problems: list[dict[str, str]] = []
    refs: dict[str, str] = {}
    try:
        refs = dict(store.refs())
        for fact in _facts(store, progress):
            proof.add(fact)
    except PinsetError as error:
        problems.append({"where": "repository", "what": error.message, "hint": error.hint or _way_out()})
    problems += [{"where": where, "what": what, "hint": _way_out()} for where, what in proof.problems]
    problems += [
        {"where": damage.where, "what": damage.what, "hint": damage.hint or _way_out()}
        for damage in store.check(progress=progress)
    ]
    return proof, refs, problems


def _facts(store: Store, progress: Progress | None) -> list[Fact]:
    facts = [
        Fact(
            ref=stored.ref,
            commit=stored.commit,
            tree=stored.tree,
            parents=stored.parents,
            record=decode(stored.message),
            files=stored.files,
        )
        for stored in store.scan(progress=progress)
    ]
    return sorted(facts, key=lambda fact: fact.record.stamp.serial)


def _catalog_problems(context: Context, refs: dict[str, str]) -> list[dict[str, str]]:
    hint = "run `pinset reindex`"
    if not context.catalog.usable():
        return [{"where": "catalog", "what": "is missing, damaged or of another format", "hint": hint}]
    with context.catalog.writing() as writer:
        session.repair(context, writer)
    problems: list[dict[str, str]] = []
    with context.catalog.reading() as reader:
        known = reader.refs()
        for ref in sorted(set(known) | set(refs)):
            if known.get(ref) != refs.get(ref):
                what = f"git has {refs.get(ref) or 'nothing'}, the catalog {known.get(ref) or 'nothing'}"
                problems.append({"where": f"catalog {ref} ", "what": what, "hint": hint})
        after = 0
        while batch := reader.records(after=after, limit=500):
            for _, record in batch:
                after = record.stamp.serial
                problems += _text_problems(reader, record, hint)
    return problems


def _state_problems(context: Context) -> list[dict[str, str]]:
    try:
        context.state.tokens()
    except PinsetError as error:
        return [{"where": "state", "what": error.message, "hint": error.hint}]
    return []


def _text_problems(reader: CatalogReader, record: Record, hint: str) -> list[dict[str, str]]:
    try:
        if isinstance(record, ReleaseRecord):
            reader.sealed_release(record.bundle, record.version)
        elif isinstance(record, ComponentRecord):
            reader.sealed_component(record.kind, record.name, record.version)
    except PinsetError as error:
        return [{"where": f"catalog {record.ref} ", "what": error.message, "hint": hint}]
    return []


def _way_out() -> str:
    return "restore a backup (pinset restore), or clone a healthy copy; undamaged releases go on being served"
