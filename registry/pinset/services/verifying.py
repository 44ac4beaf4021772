"""Verify: prove every digest and chain against git, and the catalog against both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinset.domain import names
from pinset.domain.access import Verb, permit
from pinset.domain.messages import decode
from pinset.domain.proof import Fact, Proof
from pinset.domain.records import MAIN_REF, PURGES_REF, ComponentRecord, ReleaseRecord
from pinset.errors import Integrity, PinsetError, Purged
from pinset.services import foreign, keyrings, reading, recovering

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pinset.domain import answers
    from pinset.domain.answers.keys import ForeignAnswer
    from pinset.domain.audit_chain import Chain
    from pinset.domain.records import Record
    from pinset.ports.catalog import CatalogReader
    from pinset.ports.progress import Progress
    from pinset.ports.state import State
    from pinset.ports.store import Damage, Store, StoredCommit
    from pinset.services.session import Context

_SHOWN = 100
_REINDEX = "run `pinset reindex`"


def verify(
    context: Context,
    bundle: str | None = None,
    progress: Progress | None = None,
    *,
    gently: bool = False,
    unsigned: bool = False,
    seen: Callable[[], Chain] | None = None,
) -> answers.VerifyAnswer:
    """What is wrong in git, in the chains between the commits, and in the catalog.

    The whole registry is proven, for the chains run through all of it; ``bundle`` picks whose problems are said.
    gently: programs that are run give way to all others. unsigned: a commit without a signature is accepted. seen: makes
    what is told each commit, by its serial.
    """
    permit(context.grants, Verb.VERIFY)
    if bundle is not None:
        with reading.view(context) as reader:
            reading.need_bundle(reader, names.bundle_name(bundle))
    proof, problems = _verified(context, progress, gently=gently, unsigned=unsigned, seen=seen)
    problems += _state_problems(context)
    problems += [_damage(one) for one in context.store.key_problems()]
    if context.store.unswept:
        problems.append({"where": "repository", "what": "still has bytes that were purged", "hint": "run `pinset gc`"})
    if bundle is not None:
        problems = [p for p in problems if f"/{bundle} " in p["where"] or f"/{bundle}/" in p["where"]]
    return {
        "ok": not problems,
        "commits": proof.commits,
        "releases": proof.releases,
        "moves": proof.moves,
        "texts": proof.texts,
        "signed": proof.keyring.signed,
        "problems": problems[:_SHOWN],
    }


def _verified(
    context: Context,
    progress: Progress | None,
    *,
    gently: bool,
    unsigned: bool,
    seen: Callable[[], Chain] | None,
) -> tuple[Proof, list[dict[str, str]]]:
    """The proof of one moment, and what is wrong in the store and in the catalog."""
    while True:
        known, refs, problems = None, {}, []
        with context.store.exclusive():
            try:
                known, refs = _settled_catalog(context), dict(context.store.refs())
            except Integrity as error:
                problems = [_problem("repository", error)]
        # From here on writers go on: what was there at that moment is proven.
        at = refs
        moved: list[ForeignAnswer] = []
        proof, found = _examine(context.store, refs, progress, gently=gently, unsigned=unsigned, seen=seen)
        if known is not None and dict(known[1]) != refs and (found or proof.serial <= known[0]):
            # Somebody moved a branch: what the registry wrote itself is proven all the same.
            moved, refs = foreign.differences(context.store, known[1], refs), dict(known[1])
            again, found = _examine(context.store, refs, progress, gently=gently, unsigned=unsigned, seen=seen)
            proof = again if not found else proof
        problems += [{"where": f"{one['ref']} ", "what": foreign.told(one), "hint": foreign.HINT} for one in moved]
        problems += found
        if not problems or (moved and not found):
            problems += _catalog_problems(context, known, refs, (proof.serial, proof.commit), progress)
        if not problems or not _purged_since(context.store, at):
            return proof, problems


def _purged_since(store: Store, refs: Mapping[str, str]) -> bool:
    """Whether what was proven was purged meanwhile, which removes it from under whoever reads it."""
    try:
        return refs != {} and store.ref(PURGES_REF) != refs.get(PURGES_REF)
    except PinsetError:
        return False


def prove(store: Store, progress: Progress | None = None) -> None:
    """Prove a repository alone, such as a copy. Raises Integrity naming what is wrong first."""
    _, problems = _examine(store, dict(store.refs()), progress)
    if problems:
        first = problems[0]
        raise Integrity(f"the repository is damaged: {first['where'].strip()}: {first['what']}", hint=first["hint"])


def prove_clone(store: Store, clone: Path) -> None:
    """Prove the copy of a clone. Raises Integrity: for what is damaged, and for what lacks commits in between."""
    try:
        prove(store)
    except Integrity as error:
        raise Integrity(
            f"the clone {clone} does not hold a whole registry: {error.message}",
            hint="make a new clone while nothing is written: git clone --mirror URL CLONE",
            details={**error.details, "reason": "not_whole"},
        ) from error


def prove_state(state: State) -> None:
    """Prove a state alone. Raises Integrity naming what is wrong first."""
    for first in state.check():
        raise Integrity(f"{first.where}: {first.what}", hint=first.hint or _way_out())


def refuse_damage(found: Sequence[Damage]) -> None:
    """Raises Integrity naming the first damage there is."""
    if found:
        raise Integrity(
            f"the repository is damaged: {found[0].where} {found[0].what}", hint=found[0].hint or _way_out()
        )


def _examine(
    store: Store,
    refs: Mapping[str, str],
    progress: Progress | None,
    *,
    gently: bool = False,
    unsigned: bool = False,
    seen: Callable[[], Chain] | None = None,
) -> tuple[Proof, list[dict[str, str]]]:
    """The proof and all problems of a repository."""
    proof = Proof(keyrings.keyring_of(store, unsigned=unsigned))
    problems: list[dict[str, str]] = []
    chain = seen() if seen else None
    try:
        for stored in store.scan(refs=refs, progress=progress):
            fact = _fact(stored)
            proof.add(fact)
            if chain is not None:
                chain.add(fact)
        proof.finish()
        if chain is not None:
            chain.whole = True
    except PinsetError as error:
        problems.append(_problem("repository", error))
    problems += [{"where": where, "what": what, "hint": _way_out()} for where, what in proof.problems]
    if (end := proof.keyring.foreign_end()) is not None:
        problems.append({"where": MAIN_REF, "what": end, "hint": _way_out()})
    problems += [
        {"where": damage.where, "what": damage.what, "hint": damage.hint or _way_out()}
        for damage in store.check(progress=progress, gently=gently)
    ]
    return proof, problems


def _fact(stored: StoredCommit) -> Fact:
    return Fact(
        ref=stored.ref,
        commit=stored.commit,
        tree=stored.tree,
        parents=stored.parents,
        record=decode(stored.message),
        files=stored.files,
        raw=stored.raw,
    )


def _settled_catalog(context: Context) -> tuple[int, Mapping[str, str]] | None:
    """The serial and the refs of the catalog, with no write half done; None where there is none that can be used."""
    if not context.catalog.usable():
        return None
    with recovering.settled(context) as writer:
        return writer.head().serial, dict(writer.refs())


def _catalog_problems(
    context: Context,
    catalog: tuple[int, Mapping[str, str]] | None,
    refs: Mapping[str, str],
    git: tuple[int, str],
    progress: Progress | None,
) -> list[dict[str, str]]:
    hint, last = _REINDEX, git[0]
    if catalog is None:
        return [{"where": "catalog", "what": "is missing, damaged or of another format", "hint": hint}]
    serial, known = catalog
    problems: list[dict[str, str]] = []
    # What the catalog knows was shown: where git ends before it, git has lost it, and a rebuild would too.
    way_out = hint if last >= serial else _way_out()
    try:
        context.catalog.examine()
    except PinsetError as error:
        problems.append(_problem("catalog", error))
    for ref in sorted(set(known) | set(refs)):
        if known.get(ref) != refs.get(ref):
            what = f"git has {refs.get(ref) or 'nothing'}, the catalog {known.get(ref) or 'nothing'}"
            problems.append({"where": f"catalog {ref} ", "what": what, "hint": way_out})
    try:
        problems += _row_problems(context, git, progress)
    except PinsetError as error:
        problems.append(_problem("catalog", error))
    return problems


def _row_problems(context: Context, git: tuple[int, str], progress: Progress | None) -> Iterator[dict[str, str]]:
    """What is wrong with the catalog's commits, their texts, and the rows that are made of them.

    git: the last commit that was proven, and its serial. Each commit names the one before, so where that one is the
    catalog's too, all before it are.
    """
    hint, read = _REINDEX, 0
    with context.catalog.again(lambda ref, commit: context.store.read(ref, commit).files) as again:
        # A view of its own for each batch: one that is held for long keeps SQLite's log growing.
        while (taken := again.take())[0] or taken[1]:
            batch, wrong = taken
            yield from ({"where": f"catalog {where} ", "what": what, "hint": hint} for where, what in wrong)
            with context.catalog.reading() as reader:
                for commit, record in batch:
                    if record.stamp.serial == git[0] and commit != git[1]:
                        what = f"git has {git[1]}, the catalog {commit}"
                        yield {"where": f"catalog write {git[0]} ", "what": what, "hint": hint}
                    yield from _text_problems(reader, record, hint)
            read += len(batch)
            if progress is not None:
                progress.step("catalog", read)
        for where, what in again.differences():
            yield {"where": f"catalog {where} ", "what": what, "hint": hint}


def _state_problems(context: Context) -> list[dict[str, str]]:
    try:
        found = context.state.check()
    except PinsetError as error:
        return [_problem("state", error)]
    return [_damage(one) for one in found]


def _damage(one: Damage) -> dict[str, str]:
    return {"where": one.where, "what": one.what, "hint": one.hint or _way_out()}


def _text_problems(reader: CatalogReader, record: Record, hint: str) -> list[dict[str, str]]:
    try:
        if isinstance(record, ReleaseRecord):
            reader.sealed_release(record.bundle, record.version)
        elif isinstance(record, ComponentRecord):
            reader.sealed_component(record.kind, record.name, record.version)
    except Purged:
        return []
    except PinsetError as error:
        return [{"where": f"catalog {record.ref} ", "what": error.message, "hint": hint}]
    return []


def _problem(where: str, error: PinsetError) -> dict[str, str]:
    return {"where": where, "what": error.message, "hint": error.hint or _way_out()}


def _way_out() -> str:
    return "restore a backup (pinset restore), or clone a healthy copy; undamaged releases go on being served"
