"""The engine of every import: versions from a source become releases, each once, however often it is run.

It keeps nothing but one batch, the aliases that wait for it, and counters. What is published is what tells it, when it
is run again after it was cut off, where it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pinset.domain.exchange import own
from pinset.domain.exchange.incoming import THERE, Resumable
from pinset.domain.exchange.spelling import spelling_text
from pinset.domain.globs import fits
from pinset.domain.names import is_alias, is_bundle_name
from pinset.errors import InvalidInput, InvalidName, NotFound, PermissionDenied, PinsetError
from pinset.importing.batch import Batch
from pinset.importing.bundles import Bundles
from pinset.importing.naming import Naming, refuse_other_spelling
from pinset.importing.report import Report
from pinset.importing.serving import Aliases
from pinset.importing.trying import Trial
from pinset.ports.imports import Version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pinset.domain.answers.imports import ImportedAnswer
    from pinset.domain.exchange.incoming import About, Incoming, Source
    from pinset.ports.progress import Progress
    from pinset.ports.registry import Caller, Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What of a source is to come in, and how.

    into: see `importing.naming.Naming`. only: patterns of names there, with ``*``; none for everything. allow: codes of
    judgements that ``message`` gives the reason for. aliases: whether they are to serve what they serve there.
    """

    into: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    message: str = ""
    aliases: bool = True


@dataclass(slots=True)
class _Name:
    """One name of a source. serves: by alias the version here, None where that did not come in.

    came: any version of it came in now. about, yanks: of what comes out of a registry, and is to be so here.
    """

    bundle: str
    serves: dict[str, int | None] = field(default_factory=dict)
    about: About | None = None
    yanks: list[tuple[int, str]] = field(default_factory=list)
    came: bool = False


class Engine:
    """One import. The report is current whenever it is cut off."""

    def __init__(
        self,
        registry: Registry,
        caller: Caller,
        source: Source,
        wanted: Wanted,
        *,
        keep: Callable[[Mapping[str, Any]], None] | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._registry, self._caller, self._source, self._wanted = registry, caller, source, wanted
        self._progress = progress
        self._naming = Naming(wanted.into)
        self.report = Report(source.system, caller.dry_run, keep or (lambda _item: None))
        self._aliases = Aliases(registry, caller, self.report)
        self._bundles = Bundles(registry, caller, self.report)
        self._batch, self._trial = Batch(), Trial()
        self._names: dict[str, _Name] = {}
        """Those whose versions are not all in."""
        self._there: tuple[str, dict[int, int]] = ("", {})
        """A bundle, and its versions by what they are elsewhere."""

    def run(self) -> Report:
        """Take in all of it. Raises what the source and the registry raise; what was held by then is in."""
        if isinstance(self._source, Resumable):
            self._source.resume(self._knows)
        total, seen, current = self._source.count(), 0, ""
        try:
            for one in self._versions():
                seen += 1
                if one.name != current:
                    self._finish(but=one.name)
                    current = one.name
                    self.report.names += 1
                self._take(one)
                if self._progress is not None:
                    self._progress.step("versions", seen, total)
        except PinsetError:
            self._flush()
            raise
        self._flush()
        self._finish()
        if self._progress is not None:
            self._progress.step("versions", seen, seen)
        return self.report

    def _versions(self) -> Iterator[Incoming]:
        for one in self._source.versions():
            if not self._wanted.only or any(fits(pattern, one.name) for pattern in self._wanted.only):
                yield one
            else:
                self.report.versions["left"] += 1

    def _take(self, one: Incoming) -> None:
        """Hold one version for the next write, or tell why it cannot come in."""
        try:
            bundle = self._place(one)
            name = self._names.setdefault(one.name, _Name(bundle))
            name.bundle, name.about = bundle, one.about
            for alias in one.aliases if self._wanted.aliases else ():
                if is_alias(alias):
                    name.serves[alias] = None
                else:
                    self._lost(one, f"alias {alias}", "no alias can be called so here")
            if one.taken is THERE:
                self.report.versions["already"] += 1
                self._serve(one, self._known_in(bundle).get(_key(one.origin)))
                return
            if one.problem is not None:
                raise one.problem
            version = self._version(one, bundle)
        except InvalidInput as error:
            self._refused(one, "refused", error.message, error.hint)
            return
        except PinsetError as error:
            self._refused(one, "conflict", error.message, error.hint)
            return
        for lost in one.taken.lost:
            self._lost(one, lost.what, lost.why)
        if not self._batch.has_room(version):
            self._flush()
        self._batch.add(one, version)

    def _place(self, one: Incoming) -> str:
        """The bundle or shared component that a version is of. One out of a registry may want its bundle renamed first."""
        if one.digest is None:
            bundle = self._naming.bundle(one.name)
            if one.name not in self._names and not self._naming.is_chosen(one.name):
                refuse_other_spelling(self._registry, bundle, one.name)
            return bundle
        if one.about is None:
            return one.name
        called, new = self._bundles.here(one)
        if new is None:
            return called
        self._flush()
        return self._bundles.rename(one.name, called, new)

    def _version(self, one: Incoming, bundle: str) -> Version:
        """A version as it is published. Raises InvalidInput."""
        own.check_texts(one.label, *one.taken.files, *one.taken.files.values())
        message, cut = own.message_of(one.message)
        if cut:
            self._lost(one, "message", "it is too long, and its end is left out")
        return Version(
            name=bundle,
            files=one.taken.files if one.digest is not None else own.of_bundle(one.taken.files, bundle),
            digest=one.digest,
            number=one.number,
            label=one.label,
            message=message,
            source=own.source_of(self._source.system, one),
            spelled=self._spelled(one) if one.digest is None else None,
        )

    def _spelled(self, one: Incoming) -> str | None:
        """What the bundle is to be found by too. What could be a bundle's name is no spelling of another."""
        if is_bundle_name(one.name):
            return None
        try:
            return spelling_text(one.name)
        except InvalidName as error:
            self._lost(one, "name", f"it is no other name of the bundle here: {error.message}")
            return None

    def _flush(self) -> None:
        """Publish what is held, in one write."""
        held = self._batch.take()
        if not held:
            return
        try:
            self._publish(held)
        except PermissionDenied:  # of one of the bundles, and nothing is in: each for itself
            for name in dict.fromkeys(version.name for _, version in held):
                of_it = [(one, version) for one, version in held if version.name == name]
                try:
                    self._publish(of_it)
                except PermissionDenied as error:
                    for one, _ in of_it:
                        self._refused(one, "refused", error.message, error.hint)

    def _publish(self, held: Sequence[tuple[Incoming, Version]]) -> None:
        """One write, and what became of each. Raises what the registry raises."""
        versions = [version for _, version in held]
        wanted = self._wanted
        answer = self._registry.imports.take(self._caller, versions, message=wanted.message, allow=wanted.allow)
        for (one, _), item in zip(held, answer["items"], strict=True):
            self._told(one, item)

    def _told(self, one: Incoming, item: ImportedAnswer) -> None:
        """Count and tell what became of a version."""
        if self._caller.dry_run:
            item = self._trial.judged(item)
        outcome, problem = item["outcome"], item["problem"]
        if problem is not None:
            self._refused(one, outcome, problem["message"], problem["hint"], findings=item["findings"] or None)
            return
        self.report.versions[outcome] += 1
        for finding in item["findings"] if outcome == "created" else ():
            where = f"{finding['file']}: " if finding["file"] else ""
            self.report.tell(
                "warning", one.name, f"{where}{finding['message']}", origin=one.origin, code=finding["code"]
            )
        self._serve(one, item["version"])
        if outcome == "created":
            name = self._names[one.name]
            name.came = True
            if one.yanked is not None and item["version"] is not None:
                name.yanks.append((item["version"], one.yanked))

    def _serve(self, one: Incoming, version: int | None) -> None:
        """Note which version here the aliases of a version are to serve."""
        serves = self._names[one.name].serves
        serves |= {alias: version for alias in one.aliases if alias in serves}

    def _finish(self, *, but: str = "") -> None:
        """Move the aliases of the names that are in, all but one; while some are held they wait."""
        waiting = {one.name for one, _ in self._batch.held} | {but}
        for name in [name for name in self._names if name not in waiting]:
            found = self._names.pop(name)
            if found.serves:
                self._aliases.move(found.bundle, found.serves)
            for version, why in found.yanks:
                self._bundles.yank(name, found.bundle, version, why)
            if found.came and found.about is not None:
                self._bundles.finish(name, found.bundle, found.about)

    def _refused(self, one: Incoming, outcome: str, why: str, hint: str, **more: Any) -> None:
        self.report.versions[outcome] += 1
        self.report.tell(outcome, one.name, why, hint=hint, origin=one.origin, **more)

    def _lost(self, one: Incoming, what: str, why: str) -> None:
        self.report.tell("lost", one.name, why, what=what, origin=one.origin)

    def _knows(self, name: str, origin: str) -> bool:
        """Whether a version is here already, for a source that can leave it out."""
        try:
            return _key(origin) in self._known_in(self._naming.bundle(name))
        except PinsetError:
            return False

    def _known_in(self, bundle: str) -> dict[int, int]:
        """The versions of a bundle that came in, by what they are elsewhere. Asked for one bundle after another."""
        if self._there[0] != bundle:
            self._there = bundle, dict(self._read(bundle))
        return self._there[1]

    def _read(self, bundle: str) -> Iterator[tuple[int, int]]:
        cursor = None
        while True:
            try:
                page = self._registry.releases(bundle, cursor=cursor, limit=500)
            except NotFound:
                return
            for item in page["items"]:
                source = item["source"]
                if isinstance(source, dict) and "origin" in source:
                    yield hash(source["origin"]), item["version"]
            cursor = page["next"]
            if cursor is None:
                return


def _key(origin: str) -> int:
    """What a version is elsewhere, as a number: there may be very many."""
    return hash(own.origin_of(origin))


def run(registry: Registry, caller: Caller, source: Source, wanted: Wanted | None = None) -> Report:
    """Take in all of a source: see `Engine`."""
    return Engine(registry, caller, source, wanted or Wanted()).run()
