"""Working copies: a pin makes a name mean author's files, read again as they change, whatever the registry does."""

from __future__ import annotations

import logging
import shutil
import threading
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from client_fakes import ME, NAME, UNREACHABLE, Directory, until

from pinset import bootstrap
from pinset.client import keeper, local
from pinset.client.client import Client
from pinset.client.pins import parse_pins
from pinset.errors import ChecksFailed, InvalidInput, InvalidManifest, NotFound, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pinset.client.release import Release

QUICKSTART = Path(__file__).parents[2] / "examples" / "01-quickstart"
PLAIN = """\
release:
  feature: support
  prompt: {template: main.md}
"""
SHARED = """\
release:
  feature: support
  prompt: {template_ref: prompts/summarizer@v1}
"""


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory ``support``, below the current one, pinned, and looked at often."""
    place = tmp_path / "work" / "support"
    place.mkdir(parents=True)
    (place.parent / ".git").mkdir()
    (place / "release.yaml").write_text(PLAIN)
    (place / "main.md").write_text("Summarize {{ticket}}.")
    monkeypatch.chdir(place.parent)
    monkeypatch.setenv("PINSET_PIN", "support=./support")
    monkeypatch.setattr(keeper, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(local, "opener", lambda: bootstrap.working_copy)
    return place


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Client]]:
    clients: list[Client] = []

    def client(*where: Any, **more: Any) -> Client:
        made = Client(*where, **{"cache": tmp_path / "cache", "poll": 0.02, **more})
        clients.append(made)
        return made

    yield client
    for one in clients:
        one.close()


class Changes:
    """What `on_change` told."""

    def __init__(self, client: Client, name: str = NAME) -> None:
        self.seen: list[Release] = []
        self._more = threading.Condition()
        client.on_change(name, self._told)

    def _told(self, new: Release, before: Release | None) -> None:
        with self._more:
            self.seen.append(new)
            self._more.notify_all()

    def wait(self, count: int) -> Release:
        with self._more:
            assert self._more.wait_for(lambda: len(self.seen) >= count, timeout=20)
            return self.seen[count - 1]


def test_a_pinned_directory_is_what_the_name_means(
    copy: Path, make: Callable[..., Client], caplog: pytest.LogCaptureFixture
) -> None:
    release = make().get(NAME)
    assert release.render(ticket="4711") == "Summarize 4711."
    assert (release.source, release.version, release.label, release.alias) == ("working copy", 0, None, None)
    assert release.ref == "support@./support"
    assert release.digest == release_digest(copy)
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert any("support is the working copy in ./support" in line for line in said)


def release_digest(copy: Path) -> str:
    """What a registry would call it."""
    registry = bootstrap.memory_registry()
    try:
        texts = {path.name: path.read_text() for path in copy.iterdir()}
        return registry.publish(ME, texts)["digest"]
    finally:
        registry.close()


def test_every_selector_of_the_bundle_means_it_and_other_bundles_do_not(
    copy: Path, make: Callable[..., Client]
) -> None:
    client = make()
    assert client.get("support@staging").source == "working copy"
    assert client.get("support@v7").source == "working copy"
    with pytest.raises(Unavailable, match="no registry is named"):
        client.get("other")


def test_it_is_read_again_when_a_file_changes(copy: Path, make: Callable[..., Client]) -> None:
    client = make()
    changes = Changes(client)
    first = client.get(NAME)
    assert changes.wait(1) is first
    (copy / "main.md").write_text("Sum up {{ticket}}.")
    assert changes.wait(2).render(ticket="x") == "Sum up x."
    assert client.get(NAME) is changes.seen[1]
    assert first.render(ticket="x") == "Summarize x.", "what was given never changes"
    assert changes.seen[0].digest != changes.seen[1].digest


def test_a_copy_that_does_not_change_is_not_read_again(
    copy: Path, make: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pinset.working import files

    reads = []
    real = files.read_bundle
    monkeypatch.setattr(files, "read_bundle", lambda place: reads.append(place) or real(place))
    client = make()
    client.get(NAME)
    until(lambda: client.counts["confirmed"] >= 5)
    assert len(reads) == 1


def test_a_broken_manifest_keeps_the_last_good_one_and_is_told_once_with_file_and_line(
    copy: Path, make: Callable[..., Client], caplog: pytest.LogCaptureFixture
) -> None:
    client = make()
    changes = Changes(client)
    good = client.get(NAME)
    (copy / "release.yaml").write_text(PLAIN + "  tols: []\n")
    until(lambda: client.counts["failed"])
    confirmed = client.counts["confirmed"]
    assert client.get(NAME) is good
    (copy / "release.yaml").write_text(PLAIN + "  metadata: {mended: yes}\n")
    changes.wait(2)
    told = [record.getMessage() for record in caplog.records if "tols" in record.getMessage()]
    assert len(told) == 1
    assert "support@./support: release.yaml:4: " in told[0]
    assert client.counts["confirmed"] >= confirmed


def test_a_copy_that_is_broken_at_first_raises_and_is_there_when_mended(
    copy: Path, make: Callable[..., Client]
) -> None:
    (copy / "main.md").write_text("{{ticket")
    client = make()
    changes = Changes(client)
    with pytest.raises(InvalidManifest) as caught:
        client.get(NAME, default={"never": "taken"})
    assert any(finding["file"] == "main.md" for finding in caught.value.details["findings"])
    (copy / "main.md").write_text("{{ticket}}")
    changes.wait(1)
    assert client.get(NAME).render(ticket="x") == "x"


def test_a_manifest_of_another_bundle_is_refused(copy: Path, make: Callable[..., Client]) -> None:
    (copy / "release.yaml").write_text(PLAIN.replace("support", "billing"))
    with pytest.raises(InvalidManifest) as caught:
        make().get(NAME)
    assert "it was to be published as support" in caught.value.details["findings"][0]["message"]


def test_a_directory_that_is_not_there_raises(
    copy: Path, make: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PINSET_PIN", "support=./nothing")
    with pytest.raises(NotFound, match="no directory"):
        make().get(NAME)


def test_a_working_copy_goes_on_while_the_registry_is_down(copy: Path, make: Callable[..., Client]) -> None:
    client = make("http://127.0.0.1:9")
    changes = Changes(client)
    with pytest.raises(Unavailable):
        client.get("other")
    client.get(NAME)
    for count in (2, 3):
        (copy / "main.md").write_text(f"{count} {{{{ticket}}}}")
        assert changes.wait(count).render(ticket="x") == f"{count} x"


def test_nothing_of_a_working_copy_is_kept_on_disk(copy: Path, make: Callable[..., Client], tmp_path: Path) -> None:
    client = make()
    client.get(NAME)
    until(lambda: client.counts["confirmed"] >= 2)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_without_what_reads_them_the_error_says_what_to_install(
    copy: Path, make: Callable[..., Client], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("PINSET_PIN", f"support={copy}")
    looks: list[object] = []
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **asked: looks.append(asked) or ())
    monkeypatch.setattr(keeper, "LOOK_SECONDS", 0.001)
    client = make()
    with pytest.raises(InvalidInput) as caught:
        client.get(NAME)
    assert "pip install 'pinset[cli]'" in caught.value.hint
    until(lambda: len(looks) >= 5)
    assert sum("pinset[cli]" in record.getMessage() for record in caplog.records) == 1


def test_what_is_installed_beside_opens_it(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    points = declared["project"]["entry-points"]["pinset.sources"]
    installed = [EntryPoint(name, value, "pinset.sources") for name, value in points.items()]
    monkeypatch.setattr(
        "importlib.metadata.entry_points", lambda *, group, name: [one for one in installed if one.name == name]
    )
    assert local.opener() is bootstrap.working_copy


def test_a_pin_names_a_directory_by_a_path_and_nothing_else() -> None:
    pins = parse_pins("a=./x, b=../y\nc=/z # not d\ne=~/w,f=.,g@v8")
    assert pins == {"a": "./x", "b": "../y", "c": "/z", "e": "~/w", "f": ".", "g": "v8"}
    for wrong in ("support=dir", "support=", "support@staging=./x", "Support=./x"):
        with pytest.raises(InvalidInput):
            parse_pins(wrong)


def test_a_file_of_pins_turns_a_name_to_a_working_copy_and_back(
    copy: Path, make: Callable[..., Client], source: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pins = tmp_path / "pins"
    pins.write_text("support@v1")
    monkeypatch.setenv("PINSET_PIN", f"@{pins}")
    client = make(source=source)
    assert (client.get(NAME).source, client.get(NAME).version) == ("pin", 1)
    pins.write_text("support=./support  # mine")
    until(lambda: client.get(NAME).source == "working copy")
    pins.write_text("")
    until(lambda: client.get(NAME).source == "fresh")
    source.fails = UNREACHABLE
    until(lambda: client.get(NAME).source == "stale")
    pins.write_text("support=./support")
    until(lambda: client.get(NAME).source == "working copy")


# -- shared components -------------------------------------------------------------------------------------------


def published(registry: Any) -> None:
    registry.publish_component(ME, "prompts", "house-tone", {"house-tone.md": "Be kind."})
    texts = {"summarizer.md": "{{> prompts/house-tone@v1}} Of the registry: {{ticket}}"}
    registry.publish_component(ME, "prompts", "summarizer", texts)


@pytest.fixture
def registered(home: Path) -> Path:
    registry = bootstrap.local_registry(home)
    published(registry)
    registry.close()
    return home


def beside(copy: Path) -> Path:
    """A folder of components beside the copy, laid out as the first example has it."""
    folder = copy.parent / "components"
    folder.mkdir()
    (folder / "house-tone.md").write_text("Be nice.")
    (folder / "summarizer.md").write_text("{{> prompts/house-tone@v1}} Of the folder: {{ticket}}")
    return folder


def test_components_come_from_a_registrys_directory(copy: Path, make: Callable[..., Client], registered: Path) -> None:
    (copy / "release.yaml").write_text(SHARED)
    beside(copy)
    (copy / "main.md").unlink()
    assert make(str(registered)).get(NAME).render(ticket="x") == "Be kind. Of the registry: x"


def test_components_come_from_a_registry_that_is_served(
    copy: Path, make: Callable[..., Client], registered: Path, served: str
) -> None:
    (copy / "release.yaml").write_text(SHARED)
    client = make(served)
    release = client.get(NAME)
    assert release.render(ticket="x") == "Be kind. Of the registry: x"
    assert release.content["components"]["prompts/house-tone"]["version"] == 1


def test_components_come_from_the_folder_when_the_registry_is_away_or_lacks_them(
    copy: Path, make: Callable[..., Client], home: Path
) -> None:
    (copy / "release.yaml").write_text(SHARED)
    folder = beside(copy)
    for registry in ((), ("http://127.0.0.1:9",), (str(home),)):
        assert make(*registry).get(NAME).render(ticket="x") == "Be nice. Of the folder: x"
    client = make()
    changes = Changes(client)
    client.get(NAME)
    (folder / "house-tone.md").write_text("Be brief.")
    assert changes.wait(2).render(ticket="x") == "Be brief. Of the folder: x"


def test_components_that_are_nowhere_are_all_named_with_the_ways_out(copy: Path, make: Callable[..., Client]) -> None:
    (copy / "release.yaml").write_text(SHARED + "  retrieval: {index: kb@2025-03-10}\n")
    with pytest.raises(ChecksFailed) as caught:
        make("http://127.0.0.1:9").get(NAME)
    assert "prompts/summarizer@v1, indexes/kb@2025-03-10" in caught.value.message
    assert "cannot be reached" in caught.value.message
    assert "components/prompts/summarizer" in caught.value.hint


def test_what_was_missing_is_found_once_it_is_published(
    copy: Path, make: Callable[..., Client], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pinset.working import copy as working

    monkeypatch.setattr(working, "AGAIN_SECONDS", 0.01)
    (copy / "release.yaml").write_text(SHARED)
    client = make(str(home))
    changes = Changes(client)
    with pytest.raises(ChecksFailed):
        client.get(NAME)
    registry = bootstrap.local_registry(home)
    published(registry)
    registry.close()
    assert changes.wait(1).render(ticket="x") == "Be kind. Of the registry: x"


def test_the_first_example_is_a_working_copy_as_it_stands(
    copy: Path, make: Callable[..., Client], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copytree(QUICKSTART, tmp_path / "example")
    monkeypatch.setenv("PINSET_PIN", f"support-summarizer={tmp_path}/example/support-summarizer")
    release = make().get("support-summarizer")
    assert "Be plain and friendly." in release.render(ticket="a", context="b")
    assert release.guardrails["pii-redact"]["config"]["entities"] == ["email", "phone", "credit_card"]
    assert release.retrieval["default"]["index"]["dimensions"] == 1024
