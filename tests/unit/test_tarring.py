"""Exports as tars: the same content is the same bytes, and nothing that no export holds is let in."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING, Any, Final

import pytest

from pinset import bootstrap
from pinset.domain import sealed
from pinset.errors import Integrity, UnknownFormat
from pinset.importing import tarring
from pinset.importing.engine import Wanted, run
from pinset.importing.exporting import export
from pinset.importing.sources.tar import TarSource
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from pinset.services.local import LocalRegistry

ME = Caller(actor="ada")
SECRET: Final = "AKIA" + "IOSFODNN7EXAMPLQ"


def manifest(bundle: str, words: str, more: str = "") -> dict[str, str]:
    model = "  model: {name: m, pinned_version: '1'}\n"
    return {
        "release.yaml": f"release:\n  feature: {bundle}\n{model}  prompt: {{template: p.md}}\n{more}",
        "p.md": words,
    }


@pytest.fixture
def full(memory: LocalRegistry) -> LocalRegistry:
    """A registry with all that an export has: parts that lean on parts, gaps, names of before, yanks, a purge."""
    memory.publish_component(ME, "prompts", "tone", {"tone.md": "Be kind.\n"}, label="2025-01-01")
    memory.publish_component(ME, "prompts", "a-base", {"a.md": "Hello. {{> prompts/tone@v1}}\n"}, message="leans")
    memory.publish_component(ME, "prompts", "tone", {"tone.md": "Be kinder.\n"})
    source = {"repository": "https://example.com/x", "authors": ["Ada <ada@example.com>"]}
    memory.publish(ME, manifest("support", "Hi. {{> prompts/a-base@v1}}\n"), source=source, message="first")
    memory.publish(
        ME, manifest("support", "Two. {{> prompts/tone@2025-01-01}}\n"), label="2025-02-02", alias="production"
    )
    memory.publish(ME, manifest("support", "Three.\n", "  rollback_to: v2\n"), number=7, alias="staging")
    memory.publish(ME, manifest("support", "Three.\n", "  rollback_to: v2\n"), label="2025-03-03")
    memory.publish(ME, manifest("support", f"{SECRET}\n"), allow=["secret"], message="a key for tests")
    memory.publish(ME, manifest("old", "One.\n"), alias="production")
    memory.publish(ME, manifest("old", "Two.\n"))
    memory.bundle_changes.rename(ME, "old", "new", reason="renamed")
    memory.publish(ME, manifest("new", "Three.\n"), alias="staging")
    memory.bundle_changes.set(ME, "new", owner="us", description="what it is for", also=["New One"])
    memory.publish(ME, manifest("gone", "Gone.\n"))
    memory.publish(ME, manifest("gone", "Stays.\n", "  metadata: {a: b}\n"))
    memory.purges.purge(ME, "gone@v1", all_files=True, reason="a name in it")
    memory.yank(ME, "new@v2", reason="it was wrong")
    memory.bundle_changes.archive(ME, "gone", reason="over")
    return memory


@pytest.fixture
def empty() -> Any:
    made = bootstrap.memory_registry()
    yield made
    made.close()


def tar_of(registry: LocalRegistry, bundles: Any = None) -> bytes:
    stream = io.BytesIO()
    export(registry, stream, bundles)
    return stream.getvalue()


def content(registry: LocalRegistry) -> dict[str, Any]:
    """Every version by its reference, with what an import must keep; and what is said of bundles."""
    found: dict[str, Any] = {}
    for bundle in registry.bundles(archived=True)["items"]:
        found[bundle["name"]] = {k: v for k, v in bundle.items() if k not in ("since", "changed_at", "releases")}
        for one in registry.releases(bundle["name"])["items"]:
            if one["purged"] is None:
                told = ("digest", "label", "message", "rollback_to", "aliases", "allowed")
                found[one["ref"]] = {**{key: one[key] for key in told}, "yanked": bool(one["yanked"])}  # type: ignore[literal-required]
        if bundle["yanked"]:
            found[bundle["name"]]["yanked"] = sorted(bundle["yanked"])
    for part in registry.components()["items"]:
        for version in registry.component_versions(part["kind"], part["name"])["items"]:
            found[version["ref"]] = (version["digest"], version["label"], version["message"])
    return found


def test_a_registry_exported_and_imported_has_identical_digests(full: LocalRegistry, empty: LocalRegistry) -> None:
    tar = tar_of(full)
    assert tar == tar_of(full)
    wanted = Wanted(allow=("secret",), message="a key for tests")
    report = run(empty, ME, TarSource(io.BytesIO(tar)), wanted)
    assert (report.versions, report.aliases, report.status) == ({"created": 12}, {"promote": 4}, 0)
    assert content(empty) == content(full)
    assert empty.verify()["ok"]
    assert empty.spelled("New One") == empty.bundle("old")["name"] == "new"
    source: Any = empty.summary("support@v1")["source"]
    assert (source["repository"], source["by"]) == ("https://example.com/x", "ada")
    assert source["at"] == full.summary("support@v1")["published_at"] < empty.summary("support@v1")["published_at"]
    before = empty.describe()["serial"]
    again = run(empty, ME, TarSource(io.BytesIO(tar)), wanted)
    assert (again.versions, again.aliases) == ({"already": 12}, {"none": 4})
    assert empty.describe()["serial"] == before
    assert [name for name, _ in names(tar_of(empty))] == [name for name, _ in names(tar)]


def test_a_dry_run_says_what_the_import_then_does(full: LocalRegistry, empty: LocalRegistry) -> None:
    """Also of what leans on shared components that are not there yet."""
    tar = tar_of(full)
    for wanted in (Wanted(), Wanted(allow=("secret",), message="a key for tests")):
        before = empty.describe()["serial"]
        tried = run(empty, Caller(actor="ada", dry_run=True), TarSource(io.BytesIO(tar)), wanted)
        assert empty.describe()["serial"] == before
        done = run(empty, ME, TarSource(io.BytesIO(tar)), wanted)
        assert (tried.versions, tried.status) == (done.versions, done.status)
        assert tried.aliases == done.aliases


def test_the_checks_hold_for_what_comes_sealed(full: LocalRegistry, empty: LocalRegistry) -> None:
    report = run(empty, ME, TarSource(io.BytesIO(tar_of(full))))
    assert (report.versions["refused"], report.status) == (1, 5)
    assert SECRET not in str(report.as_json())
    assert [one["version"] for one in empty.releases("support")["items"]] == [8, 7, 2, 1]


def test_an_export_renames_no_bundle_that_did_not_come_from_there(full: LocalRegistry, empty: LocalRegistry) -> None:
    """A tar says what it likes of names that its bundles once had."""
    theirs = empty.publish(ME, manifest("old", "Of somebody else.\n"))
    full.bundle_changes.rename(ME, "new", "third", reason="again")
    full.publish(ME, manifest("third", "Four.\n"))
    tar = tar_of(full, ["third"])
    report = run(empty, ME, TarSource(io.BytesIO(tar)))
    assert (empty.bundle("old")["name"], empty.bundle("old")["formerly"]) == ("old", [])
    assert report.versions["conflict"] >= 1
    assert empty.summary("old@v1")["digest"] == theirs["digest"]


def test_a_name_that_was_given_here_stays(full: LocalRegistry, empty: LocalRegistry) -> None:
    wanted = Wanted(allow=("secret",), message="a key for tests")
    run(empty, ME, TarSource(io.BytesIO(tar_of(full))), wanted)
    empty.bundle_changes.rename(ME, "support", "helpdesk", reason="ours")
    full.publish(ME, manifest("support", "New.\n"))
    report = run(empty, ME, TarSource(io.BytesIO(tar_of(full))), wanted)
    assert (report.versions["created"], report.status) == (1, 0)
    assert (empty.bundle("support")["name"], empty.verify()["ok"]) == ("helpdesk", True)


def test_bundles_that_are_chosen_bring_their_components_along(full: LocalRegistry, empty: LocalRegistry) -> None:
    full.publish_component(ME, "prompts", "other", {"o.md": "x\n"})
    tar = tar_of(full, ["support"])
    folders = {name.rpartition("/")[0].rpartition("/")[0] for name, _ in names(tar)} - {""}
    assert folders == {"components/prompts/tone", "components/prompts/a-base", "releases/support"}
    assert run(empty, ME, TarSource(io.BytesIO(tar))).versions["created"] == 7


def names(tar: bytes) -> list[tuple[str, bytes]]:
    return [(one.name, one.data) for one in tarring.read(io.BytesIO(tar))]


def packed(entries: list[tuple[str, bytes]]) -> bytes:
    stream = io.BytesIO()
    tar = tarring.Writer(stream)
    for name, data in entries:
        tar.add(name, data)
    tar.close()
    return stream.getvalue()


@pytest.fixture
def small(memory: LocalRegistry) -> list[tuple[str, bytes]]:
    """The entries of an export of two releases."""
    memory.publish(ME, manifest("a", "One.\n"), alias="production")
    memory.publish(ME, manifest("b", "Two.\n"))
    return names(tar_of(memory))


def refused(data: bytes) -> Integrity:
    registry = bootstrap.memory_registry()
    try:
        with pytest.raises(Integrity) as caught:
            run(registry, ME, TarSource(io.BytesIO(data)))
        assert caught.value.hint
        return caught.value
    finally:
        registry.close()


def changed(entries: list[tuple[str, bytes]], at: int, data: bytes) -> list[tuple[str, bytes]]:
    return [(name, data if n == at else old) for n, (name, old) in enumerate(entries)]


def claims(entries: list[tuple[str, bytes]], **other: Any) -> list[tuple[str, bytes]]:
    return changed(entries, 1, json.dumps({**json.loads(entries[1][1]), **other}).encode())


Change = "Callable[[list[tuple[str, bytes]]], list[tuple[str, bytes]]]"


@pytest.mark.parametrize(
    ("change", "entry"),
    [
        pytest.param(lambda e: e[:-1], "end.json", id="cut off between entries"),
        pytest.param(lambda e: e[1:], "releases/a/v1/version.json", id="no beginning"),
        pytest.param(lambda e: [*e, e[1]], "releases/a/v1/version.json", id="more after the end"),
        pytest.param(lambda e: [*e[:-1], *e[1:6], e[-1]], "releases/a/v1", id="a version twice"),
        pytest.param(lambda e: [*e[:2], e[1], *e[2:]], "releases/a/v1/version.json", id="an entry twice"),
        pytest.param(lambda e: [e[0], *e[5:-1], *e[1:5], e[-1]], "releases/a/v1", id="out of order"),
        pytest.param(lambda e: changed(e, 3, b"Other.\n"), "releases/a/v1/", id="bytes of another text"),
        pytest.param(lambda e: [*e[:3], *e[4:]], "releases/a/v1/", id="a text is missing"),
        pytest.param(lambda e: changed(e, 2, b"{}"), "releases/a/v1/manifest.json", id="another manifest"),
        pytest.param(lambda e: changed(e, 3, b"\xff\xfe"), "releases/a/v1/", id="no text"),
        pytest.param(lambda e: changed(e, 1, b"{"), "releases/a/v1/version.json", id="no JSON"),
        pytest.param(lambda e: changed(e, 1, b"[]"), "releases/a/v1/version.json", id="no object"),
        pytest.param(lambda e: claims(e, message="\ud800"), "releases/a/v1/version.json", id="half of a character"),
        pytest.param(lambda e: changed(e, 1, b"{}"), "releases/a/v1/version.json", id="no claims"),
        pytest.param(lambda e: claims(e, published_at="then"), "releases/a/v1/version.json", id="no time"),
        pytest.param(lambda e: claims(e, digest="sha256:00"), "releases/a/v1/manifest.json", id="another digest"),
        pytest.param(lambda e: changed(e, -1 % len(e), b'{"components": 0, "releases": 3}'), "end.json", id="too few"),
        pytest.param(lambda e: [e[0], ("releases/A/v1/version.json", b"{}"), e[-1]], "releases/A/v1", id="no name"),
        pytest.param(lambda e: [e[0], ("elsewhere/x", b"{}"), e[-1]], "elsewhere", id="no place"),
        pytest.param(lambda e: [*e[:2], ("releases/a/v1/more.txt", b""), *e[2:]], "releases/a/v1/more.txt", id="more"),
    ],
)
def test_an_export_that_is_damaged_is_refused_with_the_entry(small: Any, change: Any, entry: str) -> None:
    error = refused(packed(change(small)))
    assert error.details["entry"].startswith(entry)


def test_one_of_a_newer_program_says_so(small: Any) -> None:
    assert isinstance(refused(packed(changed(small, 0, b'{"format": 2}'))), UnknownFormat)


def hostile(**head: Any) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=head.pop("format", tarfile.USTAR_FORMAT)) as tar:
        info = tarfile.TarInfo(head.pop("name", "export.json"))
        for key, value in head.items():
            setattr(info, key, value)
        tar.addfile(info, io.BytesIO(b"x" * min(info.size, 100)) if info.size <= 100 else None)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (hostile(name="../../etc/passwd"), "its name is none"),
        (hostile(name="/etc/passwd"), "its name is none"),
        (hostile(name="a/../b"), "its name is none"),
        (hostile(name="a b"), "its name is none"),
        (hostile(type=tarfile.SYMTYPE, linkname="/etc"), "a symbolic link"),
        (hostile(type=tarfile.LNKTYPE, linkname="x"), "a link"),
        (hostile(type=tarfile.CHRTYPE), "a device"),
        (hostile(type=tarfile.DIRTYPE), "a directory"),
        (hostile(type=tarfile.FIFOTYPE), "a pipe"),
        (hostile(size=tarring.LIMIT + 1), "it is larger"),
        (hostile(size=1 << 40, format=tarfile.GNU_FORMAT), "it is larger"),
        (hostile(name="x" * 300, format=tarfile.PAX_FORMAT), "that no export has"),
        (hostile(name="x" * 300, format=tarfile.GNU_FORMAT), "that no export has"),
        (b"x" * 1000, "its head is damaged"),
        (b"\x1f\x8b" + b"x" * 1000, "its head is damaged"),
        (hostile(size=100)[:700], ""),
        (b"", "ends before it"),
        (hostile(size=100)[:560], "ends before it"),
    ],
)
def test_a_tar_that_no_export_is_is_refused_by_its_head(data: bytes, why: str) -> None:
    assert why in refused(data).message


def test_too_much_for_one_version_is_refused_before_it_is_held(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pinset.domain.exchange.archive.TEXTS", 200)
    assert "that many texts" in refused(packed(small)).message


def test_a_manifest_that_lists_no_files_is_refused(small: Any) -> None:
    text = '{"format":1,"bundle":"a","files":{"p.md":{"sha256":{}}}}'
    entries = claims(small, digest=sealed.digest_of(text))
    assert refused(packed(changed(entries, 2, text.encode()))).details["entry"].startswith("releases/a/v1/")
