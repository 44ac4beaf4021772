"""The catalog's tables. Everything in them can be made again from git, so they are rebuilt, never migrated."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Index, MetaData
from sqlmodel import Field, SQLModel

CATALOG_FORMAT: Final = 9
"""Raised by whoever changes a table: a catalog of another format is rebuilt."""
CATALOG: Final = MetaData()


class _Table(SQLModel):
    metadata = CATALOG
    # Rows are read and written as SQL has them: what would validate them is made when it is asked for, which is never.
    model_config = {"defer_build": True}


class _Summed(_Table):
    """A row that carries a sum of its values: see ``catalog.sums``."""

    sum: int = Field(sa_type=BigInteger)


class Meta(_Summed, table=True):
    """One row: which registry this is, and the newest visible write."""

    __tablename__ = "meta"
    id: int = Field(primary_key=True)
    format: int
    registry_id: str
    epoch: int
    serial: int = Field(sa_type=BigInteger)
    commit: str
    at: int = Field(sa_type=BigInteger)


class IntentTable(_Summed, table=True):
    """At most one row: the write that is moving refs now, as JSON."""

    __tablename__ = "intent"
    id: int = Field(primary_key=True)
    body: str


class Commit(_Summed, table=True):
    """Every commit: its message, from which its record is read, and what is before that, with the signature."""

    __tablename__ = "commits"
    serial: int = Field(primary_key=True, sa_type=BigInteger)
    id: str = Field(index=True)
    ref: str = Field(index=True)
    operation: str = Field(index=True)
    head: str
    message: str


class Ref(_Summed, table=True):
    """Where every ref is, as far as the catalog knows."""

    __tablename__ = "refs"
    name: str = Field(primary_key=True)
    commit: str


class Bundle(_Summed, table=True):
    """Bundles with what a list shows. key: the first name, by which all other tables know it. name: of now.

    names: its spellings, a JSON text; '' for none.
    """

    __tablename__ = "bundle"
    __table_args__ = (Index("bundle_owner", "owner", "name"),)
    key: str = Field(primary_key=True)
    name: str = Field(index=True)
    releases: int
    newest: int
    changed_at: int = Field(sa_type=BigInteger)
    names: str = ""
    owner: str = ""
    description: str = ""
    archived: bool = False


class Name(_Summed, table=True):
    """Every name of the bundles that were renamed. serial: of the record that gave it; of the first name, of the first renaming."""

    __tablename__ = "bundle_name"
    name: str = Field(primary_key=True)
    bundle: str = Field(index=True)
    serial: int = Field(sa_type=BigInteger)


class Spelling(_Summed, table=True):
    """How other tools spell a bundle now. bundle: its first name."""

    __tablename__ = "bundle_spelling"
    spelling: str = Field(primary_key=True)
    bundle: str


class Said(_Summed, table=True):
    """What was said of a bundle from a serial on. names: as the bundle's."""

    __tablename__ = "bundle_said"
    bundle: str = Field(primary_key=True)
    serial: int = Field(primary_key=True, sa_type=BigInteger)
    names: str
    owner: str
    description: str
    archived: bool


class Release(_Summed, table=True):
    """Releases; the record itself is in the commit's message. purged: the serial of the purge."""

    __tablename__ = "release"
    __table_args__ = (
        Index("release_label", "bundle", "label", unique=True),
        Index("release_digest", "bundle", "digest"),
        Index("release_purged", "bundle", "purged"),
        Index("release_serial", "bundle", "serial"),
    )
    bundle: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    label: str | None
    digest: str
    serial: int = Field(sa_type=BigInteger)
    yanked: str | None = None
    purged: int | None = Field(default=None, sa_type=BigInteger)


class Component(_Summed, table=True):
    """Versions of shared components. ``newest`` marks one version of each. purged: the serial of the purge."""

    __tablename__ = "component"
    __table_args__ = (
        Index("component_label", "key", "label", unique=True),
        Index("component_digest", "key", "digest"),
        Index("component_newest", "newest", "key"),
    )
    key: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    label: str | None
    digest: str
    serial: int = Field(sa_type=BigInteger)
    newest: bool = True
    purged: int | None = Field(default=None, sa_type=BigInteger)


class PurgedText(_Summed, table=True):
    """Texts that releases were purged for, by their SHA-256: the texts themselves are nowhere any more."""

    __tablename__ = "purged_text"
    sha256: str = Field(primary_key=True)
    serial: int = Field(sa_type=BigInteger)


class Manifest(_Table, table=True):
    """Sealed manifests by digest, of releases and components."""

    __tablename__ = "manifest"
    digest: str = Field(primary_key=True)
    text: str


class Text(_Table, table=True):
    """Every text once, by its SHA-256."""

    __tablename__ = "text"
    sha256: str = Field(primary_key=True)
    text: str


class Alias(_Summed, table=True):
    """The newest move of every alias. shown: what its bundle is called. at: when it moved."""

    __tablename__ = "alias"
    __table_args__ = (Index("alias_served", "name", "shown"),)
    bundle: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    shown: str
    version: int | None
    serial: int = Field(sa_type=BigInteger)
    at: int = Field(sa_type=BigInteger)


class Move(_Summed, table=True):
    """Every move; the record itself is in the commit's message."""

    __tablename__ = "move"
    __table_args__ = (
        Index("move_bundle", "bundle", "serial"),
        Index("move_alias", "bundle", "alias", "serial"),
        Index("move_served", "bundle", "alias", "to_version", "seq"),
    )
    bundle: str = Field(primary_key=True)
    alias: str = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    to_version: int | None
    serial: int = Field(sa_type=BigInteger)


class Bar(_Summed, table=True):
    """Versions barred from an alias now."""

    __tablename__ = "bar"
    bundle: str = Field(primary_key=True)
    alias: str = Field(primary_key=True)
    version: int = Field(primary_key=True)


class Uses(_Summed, table=True):
    """Which release holds which version of which component."""

    __tablename__ = "uses"
    __table_args__ = (Index("uses_component", "key", "component_version"),)
    bundle: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    key: str = Field(primary_key=True)
    component_version: int


class Passage(_Summed, table=True):
    """What can be searched: each text of a place once. Its words are in the engine's own index: see ``catalog.passages``.

    key: a bundle, or ``kind/name``. path: '' for the label and message of a version. version: the oldest that holds it.
    """

    __tablename__ = "passage"
    key: str = Field(primary_key=True)
    path: str = Field(primary_key=True)
    sha256: str = Field(primary_key=True)
    version: int
    id: int = Field(sa_type=BigInteger, unique=True)


class Note(_Summed, table=True):
    """What was recorded about the registry ('' as bundle) or about a bundle's releases; the rest is in the message.

    kind: the record's, as its message calls it. number: of a policy, a request, or the request a decision is about.
    """

    __tablename__ = "note"
    __table_args__ = (
        Index("note_bundle", "bundle", "kind", "serial"),
        Index("note_kind", "kind", "number", "serial"),
        Index("note_serial", "bundle", "serial"),
        Index("note_version", "bundle", "version", "kind", "serial"),
    )
    serial: int = Field(primary_key=True, sa_type=BigInteger)
    bundle: str
    kind: str
    version: int | None
    number: int | None


class Changed(_Summed, table=True):
    """Commits that say what they were written under together with others.

    about: a bundle, a shared component (``kind/name``), or '' for what is about the registry.
    """

    __tablename__ = "changed"
    __table_args__ = (Index("changed_name", "name", "about", "serial"),)
    serial: int = Field(primary_key=True, sa_type=BigInteger)
    name: str
    about: str
