"""Working copies: what is read, what is refused, and that nothing is overwritten."""

from __future__ import annotations

import errno
import json
import os
from typing import TYPE_CHECKING

import pytest

from pinset import bootstrap
from pinset.domain.checks.texts import FILES_LIMIT, RELEASE_LIMIT, TEXT_LIMIT
from pinset.errors import InvalidInput, InvalidName, NotFound, TooLarge
from pinset_cli.main import main
from pinset_cli.workcopy import read_bundle

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = "release:\n  feature: support\n  prompt: {template: prompts/main.md}\n"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    directory = tmp_path / "support"
    (directory / "prompts").mkdir(parents=True)
    (directory / "release.yaml").write_text(MANIFEST)
    (directory / "prompts" / "main.md").write_bytes("Grüße\r\n".encode())
    return directory


def test_files_are_read_byte_for_byte_and_hidden_ones_are_not(bundle: Path) -> None:
    for hidden in (
        ".env",
        ".git/config",
        ".pinset/x",
        "prompts/.swp",
        "__pycache__/x",
        "components/a",
        "manifest.json",
    ):
        path = bundle / hidden
        path.parent.mkdir(exist_ok=True)
        path.write_text("secret")
    assert read_bundle(bundle) == {"release.yaml": MANIFEST, "prompts/main.md": "Grüße\r\n"}


def test_a_directory_without_manifest_is_not_found(tmp_path: Path) -> None:
    for directory in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(NotFound):
            read_bundle(directory)


def test_links_are_never_followed(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("secret")
    for link, target in (
        (bundle / "a.md", tmp_path / "secret.md"),
        (bundle / "b", tmp_path),
        (bundle / "c", bundle / "gone"),
    ):
        link.symlink_to(target)
        with pytest.raises(InvalidName, match="symbolic link"):
            read_bundle(bundle)
        link.unlink()


def test_a_manifest_that_is_a_link_is_refused(bundle: Path, tmp_path: Path) -> None:
    (bundle / "release.yaml").rename(tmp_path / "elsewhere.yaml")
    (bundle / "release.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    with pytest.raises(InvalidName):
        read_bundle(bundle)


def test_what_the_manifest_names_must_be_text(bundle: Path) -> None:
    (bundle / "prompts" / "main.md").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidInput, match=r"prompts/main\.md is not UTF-8"):
        read_bundle(bundle)


def test_what_the_manifest_does_not_name_is_left_out_and_that_is_said(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (bundle / "logo.png").write_bytes(b"\x89PNG\xff")
    (bundle / "log.txt").write_bytes(b"x" * (TEXT_LIMIT + 1))
    assert set(read_bundle(bundle)) == {"release.yaml", "prompts/main.md"}
    told = capsys.readouterr().err
    assert "left out: logo.png" in told
    assert "left out: log.txt" in told


def test_a_text_may_have_its_limit_and_no_byte_more(bundle: Path) -> None:
    (bundle / "prompts" / "main.md").write_bytes(b"x" * TEXT_LIMIT)
    read_bundle(bundle)
    (bundle / "prompts" / "main.md").write_bytes(b"x" * (TEXT_LIMIT + 1))
    with pytest.raises(TooLarge):
        read_bundle(bundle)


def test_too_many_files_and_too_much_text_are_refused(bundle: Path) -> None:
    for n in range(FILES_LIMIT):
        (bundle / f"{n}.md").write_text("")
    with pytest.raises(TooLarge, match="files"):
        read_bundle(bundle)
    for n in range(FILES_LIMIT):
        (bundle / f"{n}.md").unlink()
    for n in range(RELEASE_LIMIT // TEXT_LIMIT):
        (bundle / f"{n}.md").write_bytes(b"x" * TEXT_LIMIT)
    with pytest.raises(TooLarge, match="bytes"):
        read_bundle(bundle)


def test_new_makes_a_bundle_that_passes_check_and_overwrites_nothing(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "work" / "support"
    assert main(["new", "support", str(target)]) == 0
    assert main(["check", str(target), "--registry", str(home), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["findings"] == []
    (target / "release.yaml").write_text("mine")
    assert main(["new", "support", str(target)]) == 4
    assert (target / "release.yaml").read_text() == "mine"


def test_new_leaves_alone_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    assert main(["new", "support", str(tmp_path), "--dry-run"]) == 0
    assert not (tmp_path / "release.yaml").exists()
    assert main(["new", "support", str(tmp_path)]) == 0
    assert (tmp_path / "README.md").read_text() == "mine"


def test_pull_gives_the_authors_files_alone_and_twice_the_same(home: Path, bundle: Path, tmp_path: Path) -> None:
    where = ["--registry", str(home)]
    (tmp_path / "tone.md").write_text("Be kind.\n")
    assert main(["component", "publish", "prompts/tone", str(tmp_path / "tone.md"), *where]) == 0
    (bundle / "prompts" / "main.md").write_text("{{> prompts/tone@v1}}\n{{text}}\n")
    (bundle / "release.yaml").write_text(MANIFEST + "  model: {name: m, pinned_version: '1'}\n")
    assert main(["publish", str(bundle), *where]) == 0
    target = tmp_path / "out"
    assert main(["pull", "support@v1", str(target), *where]) == 0
    assert main(["pull", "support", "v1", str(target), *where]) == 0
    assert read_bundle(target) == read_bundle(bundle)
    assert {path.name for path in target.iterdir()} == {"release.yaml", "prompts"}
    (target / "notes.md").write_text("mine")
    assert main(["pull", "support@v1", str(target), *where]) == 4
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".out")] == []


class Hostile:
    """A server whose sealed form is not what its digest says, or names a place outside."""

    def __init__(self, files: dict[str, str], digest: str | None = None) -> None:
        from pinset.domain import sealed

        manifest = json.dumps({"format": sealed.FORMAT, "files": sealed.listing(files)})
        self._answer = {"ref": "support@v1", "manifest": manifest, "files": files}
        self._answer["digest"] = digest or sealed.digest_of(manifest)

    def sealed(self, _reference: str) -> dict[str, object]:
        return self._answer

    def close(self) -> None:
        """Nothing is held."""


def test_pull_takes_no_servers_word_for_bytes_or_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for registry, status in (
        (Hostile({"../evil.md": "x"}), 2),
        (Hostile({str(tmp_path / "evil.md"): "x"}), 2),
        (Hostile({".git/hooks/post-commit": "x"}), 2),
        (Hostile({"release.yaml": "x"}, "sha256:" + "0" * 64), 7),
    ):
        monkeypatch.setattr(bootstrap, "open_registry", lambda *_a, answer=registry, **_n: answer)
        assert main(["pull", "support@v1", str(tmp_path / "out"), "--registry", "http://h"]) == status
        assert not (tmp_path / "out").exists()
    assert not (tmp_path / "evil.md").exists()


def test_pull_onto_what_is_not_a_directory_is_a_conflict(
    home: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--registry", str(home)]
    assert main(["publish", str(bundle), *where]) == 0
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for target in ("file", "link", "file/below"):
        assert main(["pull", "support@v1", str(tmp_path / target), *where]) == 4
        assert "hint: name a new directory\n" in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


def test_a_full_disk_is_told_from_permissions(
    home: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    where = ["--registry", str(home)]
    assert main(["publish", str(bundle), *where]) == 0

    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("pinset_cli.workcopy._write", full)
    assert main(["pull", "support@v1", str(tmp_path / "out"), *where]) == 8
    assert "hint: free space on the disk\n" in capsys.readouterr().err


def test_a_component_that_is_a_link_names_the_file_itself(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tone.md").write_text("Be kind.")
    (tmp_path / "link.md").symlink_to("tone.md")
    assert main(["component", "publish", "prompts/tone", str(tmp_path / "link.md"), "--registry", str(home)]) == 2
    assert f"hint: name the file itself: {tmp_path / 'tone.md'}\n" in capsys.readouterr().err
