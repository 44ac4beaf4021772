"""What the catalog is asked, as statements, and how their rows become the port's records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import bindparam, exists, false, func, or_, select
from sqlalchemy.orm import aliased

from pinset.catalog import rows, spellings, tables
from pinset.domain import messages
from pinset.domain.records import ComponentRecord, MoveRecord, PurgeRecord, ReleaseRecord
from pinset.errors import Integrity
from pinset.ports.catalog import BundleRow, ComponentRow, MoveRow, ReleaseRow, Serving

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from sqlalchemy import Row, Select

    from pinset.domain.records import Record

    Purge = Callable[[int | None], PurgeRecord | None]

MOST: Final = 10
"""Rows: the most that are looked at for one that is wanted, or given for the beginning of a digest."""
_AT_ONCE: Final = 1000
"""Names in one statement."""
END: Final = "\uffff"
"""Comes after every character that a name or digest has."""

t: Any = tables
"""SQLModel types columns as the values they hold, and SQLAlchemy wants columns."""


_BUNDLE: Final = rows.ByPlace(t.Bundle)
_ALIAS: Final = rows.ByPlace(t.Alias)
_RELEASE: Final = rows.ByPlace(t.Release)
_YANKED: Final = _RELEASE.names.index("yanked")


def descending(column: Any) -> Any:
    """Highest first."""
    return column.desc()


def prefix(column: Any, text: str) -> tuple[Any, Any]:
    """Texts that begin so, as a range, which an index answers."""
    return column >= text, column < text + END


def fitting(column: Any, patterns: Sequence[str]) -> Any:
    """Texts that fit one of the patterns, in which ``*`` stands for any characters."""
    likes = [pattern.replace("/", "//").replace("_", "/_").replace("%", "/%").replace("*", "%") for pattern in patterns]
    return or_(false(), *(column.like(like, escape="/") for like in likes))


def containing(column: Any, text: str) -> Any:
    """Names that hold a text. One with NUL is in none, and no engine takes it for what it is."""
    return column.contains(text, autoescape=True) if "\0" not in text else false()


def whole(*parts: Any) -> Select[Any]:
    """Rows of tables with every column, under names that `part` knows; and further columns."""
    found: list[Any] = []
    for part in parts:
        held = getattr(part, "__table__", None)
        found += [part] if held is None else [c.label(f"{held.name}__{c.name}") for c in held.columns]
    return select(*found).select_from(parts[0])


def part(row: Row[Any], table: Any) -> dict[str, Any]:
    """What a row of `whole` holds of one table. Raises Integrity where it is not what was written."""
    held = row._asdict()
    values = {column.name: held[f"{table.__tablename__}__{column.name}"] for column in table.__table__.columns}
    return rows.sound(table, values)


def raw(commit: dict[str, Any]) -> str:
    """The bytes of a commit as text; '' where they are not known."""
    return f"{commit['head']}\n\n{commit['message']}" if commit["head"] else ""


def releases(*where: Any) -> Select[Any]:
    """Releases with the commit that each of them is."""
    return whole(t.Release, t.Commit).join(t.Commit, t.Commit.serial == t.Release.serial).where(*where)


def components(*where: Any) -> Select[Any]:
    """Versions of components with the commit that each of them is."""
    return whole(t.Component, t.Commit).join(t.Commit, t.Commit.serial == t.Component.serial).where(*where)


def moves(*where: Any, table: Any) -> Select[Any]:
    """Moves with the commit that each of them is. table: every move, or the newest of each alias."""
    return whole(table, t.Commit).join(t.Commit, t.Commit.serial == table.serial).where(*where)


def named(bundle: Any, wanted: Callable[[Any], Any]) -> Any:
    """Whether a bundle (its first name) has a name, of now or of before, of which something is so."""
    other = select(t.Name.name).where(t.Name.bundle == bundle, wanted(t.Name.name))
    return or_(wanted(bundle), exists(other))


def begun(serial: int) -> Any:
    """Whether a bundle had its first release at a serial. That one row is looked at, however many there are."""
    first = select(t.Release.serial).where(t.Release.bundle == t.Bundle.key).order_by(t.Release.version).limit(1)
    return first.scalar_subquery() <= serial


def served_then(alias: str, serial: int) -> Any:
    """Whether an alias of a bundle served something at a serial."""
    newest = select(t.Move.to_version).where(t.Move.bundle == t.Bundle.key, t.Move.alias == alias)
    newest = newest.where(t.Move.serial <= serial).order_by(descending(t.Move.serial)).limit(1)
    return newest.scalar_subquery().is_not(None)


def said_then(column: str, serial: int) -> Any:
    """What was said of a bundle at a serial; NULL where nothing had been."""
    found = select(getattr(t.Said, column)).where(t.Said.bundle == t.Bundle.key, t.Said.serial <= serial)
    return found.order_by(descending(t.Said.serial)).limit(1).scalar_subquery()


def bundles(
    *,
    query: str,
    alias: str | None,
    uses: tuple[str, str, int | None] | None,
    fits: Sequence[str] | None,
    after: str,
    at: int | None,
    owner: str | None,
    archived: bool,
) -> Select[Any]:
    """See `ports.catalog.CatalogReader.bundles`."""
    # By an alias the search runs along the alias's own index, and stops at the end of the page.
    name = t.Bundle.name if alias is None else t.Alias.shown
    wanted = whole(t.Bundle).where(name > after).order_by(name)
    if alias is not None:
        served = (t.Alias.bundle == t.Bundle.key) & (t.Alias.name == alias)
        wanted = wanted.join(t.Alias, served if at is not None else served & t.Alias.version.is_not(None))
    if at is not None:
        wanted = wanted.where(begun(at), *([served_then(alias, at)] if alias is not None else []))
    if query:
        wanted = wanted.where(named(t.Bundle.key, lambda one: containing(one, query)))
    if uses is not None:
        wanted = wanted.where(_serves(*uses))
    if fits is not None:
        wanted = wanted.where(named(t.Bundle.key, lambda one: fitting(one, fits)))
    if owner is not None:
        said = t.Bundle.owner if at is None else func.coalesce(said_then("owner", at), "")
        wanted = wanted.where(said == owner)
    if not archived:
        was = t.Bundle.archived if at is None else func.coalesce(said_then("archived", at), false())
        wanted = wanted.where(was == false())
    return wanted


def counted(wanted: Select[Any]) -> Select[Any]:
    """How many rows a search has."""
    return select(func.count()).select_from(wanted.order_by(None).subquery())


def numbers(bundles: Collection[str]) -> Select[Any]:
    """The versions of bundles, by their first names, rising."""
    wanted = select(t.Release.bundle, t.Release.version).where(t.Release.bundle.in_(sorted(bundles)))
    return wanted.order_by(t.Release.bundle, t.Release.version)


def _serves(kind: str, name: str, version: int | None) -> Any:
    """Whether an alias of the bundle serves a release that holds the component."""
    served = aliased(t.Alias)
    held = (
        select(t.Uses.bundle)
        .join(served, (served.bundle == t.Uses.bundle) & (served.version == t.Uses.version))
        .where(served.bundle == t.Bundle.key, t.Uses.key == f"{kind}/{name}")
    )
    return exists(held if version is None else held.where(t.Uses.component_version == version))


class Trail(NamedTuple):
    """A stretch of serials, both ends exclusive, and how much of it from which end."""

    after: int
    before: int | None
    oldest_first: bool
    limit: int


def trail(table: Any, asked: Trail, *where: Any) -> Select[Any]:
    """The commits that rows of a table are, by serial."""
    found = whole(t.Commit)
    if table is not t.Commit:
        found = found.join(table, table.serial == t.Commit.serial)
    found = found.where(table.serial > asked.after, *where).limit(asked.limit)
    if asked.before is not None:
        found = found.where(table.serial < asked.before)
    return found.order_by(table.serial if asked.oldest_first else descending(table.serial))


def chunks(names: Collection[str]) -> Iterator[list[str]]:
    """Names in lots that every engine takes as parameters of one statement."""
    given = sorted(names)
    return (given[start : start + _AT_ONCE] for start in range(0, len(given), _AT_ONCE))


def serving(row: Row[Any]) -> Serving:
    """A row of `SERVING`. Raises Integrity where it is damaged, or its release is not there."""
    values = tuple(row)
    bundle, alias, _, version, _, at = _ALIAS(values[: _ALIAS.width])
    release = values[_ALIAS.width :]
    yanked = None
    if version is not None:
        if release[0] is None:
            raise Integrity("the catalog lacks a release that is served", hint="run `pinset reindex`")
        yanked = _RELEASE(release)[_YANKED]
    return Serving(bundle, alias, version, at, yanked)


def bundle_row(row: Row[Any]) -> BundleRow:
    """A row of `bundles`. Raises Integrity where it is damaged."""
    values = dict(zip(_BUNDLE.names, _BUNDLE(tuple(row)), strict=True))
    return BundleRow(**{**values, "names": spellings.told(values["names"])})


def release_row(row: Row[Any], purge: Purge) -> ReleaseRow:
    """A row of `releases`. purge: the record of a serial. Raises Integrity where its commit is not this release."""
    held, commit = part(row, t.Release), part(row, t.Commit)
    record = messages.decode(commit["message"])
    if not isinstance(record, ReleaseRecord) or (record.bundle, record.version) != (held["bundle"], held["version"]):
        raise Integrity("the catalog takes another commit for a release", hint="run `pinset reindex`")
    return ReleaseRow(
        record=record, commit=commit["id"], yanked=held["yanked"], purged=purge(held["purged"]), raw=raw(commit)
    )


def component_row(row: Row[Any], purge: Purge) -> ComponentRow:
    """A row of `components`. purge: as for `release_row`. Raises Integrity where its commit is not of this component."""
    held, commit = part(row, t.Component), part(row, t.Commit)
    record = messages.decode(commit["message"])
    if not isinstance(record, ComponentRecord) or f"{record.kind}/{record.name}" != held["key"]:
        raise Integrity("the catalog takes another commit for a component", hint="run `pinset reindex`")
    return ComponentRow(record=record, commit=commit["id"], purged=purge(held["purged"]))


def move_row(row: Row[Any], table: Any) -> MoveRow:
    """A row of `moves` of the same table. Raises Integrity where its commit is not this move of this alias."""
    held, commit = part(row, table), part(row, t.Commit)
    record = messages.decode(commit["message"])
    newest = table is t.Alias
    told = (held["bundle"], held["name" if newest else "alias"], held["version" if newest else "to_version"])
    if not isinstance(record, MoveRecord) or (record.bundle, record.alias, record.to_version) != told:
        raise Integrity("the catalog takes another commit for a move", hint="run `pinset reindex`")
    return MoveRow(record=record, commit=commit["id"], raw=raw(commit))


def note_row(row: Row[Any]) -> tuple[str, Record]:
    """A note with its commit. Raises Integrity where its commit is none of this kind."""
    held, commit = part(row, t.Note), part(row, t.Commit)
    record = messages.decode(commit["message"])
    if messages.kind_of(record) != held["kind"]:
        raise Integrity("the catalog takes another commit for a note", hint="run `pinset reindex`")
    return commit["id"], record


# What every write and every fetch asks is made once: making a statement costs more than running it.

HEAD: Final = whole(t.Meta)
INTENT: Final = whole(t.IntentTable)
BUNDLE: Final = whole(t.Bundle).where(t.Bundle.key == bindparam("key"))
SPELLED: Final = whole(t.Spelling).where(t.Spelling.spelling == bindparam("spelling"))
RENAMED: Final = select(t.Name.name).limit(1)
_OF_NAMES: Final = select(t.Name.bundle).where(t.Name.name.in_(bindparam("names", expanding=True)))
NAMING: Final = (
    whole(t.Name, t.Bundle)
    .join(t.Bundle, t.Bundle.key == t.Name.bundle)
    .where(t.Name.bundle.in_(_OF_NAMES))
    .order_by(t.Name.serial, t.Name.name != t.Name.bundle)
)
SAID: Final = (
    whole(t.Said)
    .where(t.Said.bundle == bindparam("bundle"), t.Said.serial <= bindparam("at"))
    .order_by(descending(t.Said.serial))
    .limit(1)
)
_OF_BUNDLES: Final = t.Alias.bundle.in_(bindparam("bundles", expanding=True))
SERVING: Final = (
    select(*t.Alias.__table__.columns, *t.Release.__table__.columns)
    .select_from(t.Alias)
    .outerjoin(t.Release, (t.Release.bundle == t.Alias.bundle) & (t.Release.version == t.Alias.version))
    .where(_OF_BUNDLES)
    .order_by(t.Alias.bundle, t.Alias.name)
)
REF: Final = whole(t.Ref).where(t.Ref.name == bindparam("name"))
_OF_BUNDLE: Final = t.Release.bundle == bindparam("bundle")
RELEASE: Final = releases(_OF_BUNDLE, t.Release.version == bindparam("version"))
RELEASE_COUNT: Final = (
    select(func.count()).select_from(t.Release).where(_OF_BUNDLE, t.Release.version <= bindparam("version"))
)
RELEASE_BY_LABEL: Final = releases(_OF_BUNDLE, t.Release.label == bindparam("label"))
_WITHIN: Final = (t.Release.digest >= bindparam("first"), t.Release.digest < bindparam("end"))
RELEASES_BY_DIGEST: Final = releases(_OF_BUNDLE, *_WITHIN).order_by(t.Release.version).limit(MOST)
_OF_COMPONENT: Final = t.Component.key == bindparam("key")
COMPONENT: Final = components(_OF_COMPONENT, t.Component.version == bindparam("version"))
COMPONENT_BY_LABEL: Final = components(_OF_COMPONENT, t.Component.label == bindparam("label"))
ALIAS: Final = moves(t.Alias.bundle == bindparam("bundle"), t.Alias.name == bindparam("alias"), table=t.Alias)
_OF_ALIAS: Final = (t.Move.bundle == bindparam("bundle"), t.Move.alias == bindparam("alias"))
MOVE: Final = moves(*_OF_ALIAS, t.Move.seq == bindparam("seq"), table=t.Move)
BARS: Final = whole(t.Bar).where(t.Bar.bundle == bindparam("bundle"), t.Bar.alias == bindparam("alias"))
MANIFEST: Final = select(t.Manifest.text).where(t.Manifest.digest == bindparam("digest"))
TEXTS: Final = select(t.Text.sha256, t.Text.text).where(t.Text.sha256.in_(bindparam("hashes", expanding=True)))
COMMIT: Final = whole(t.Commit).where(t.Commit.serial == bindparam("serial"))
_COMMITS: Final = whole(t.Commit).order_by(t.Commit.serial)
AT: Final = _COMMITS.where(t.Commit.serial == bindparam("serial"))
OPERATION: Final = _COMMITS.where(t.Commit.operation == bindparam("operation"))
RECORDS: Final = _COMMITS.where(t.Commit.serial > bindparam("after")).limit(bindparam("limit"))
