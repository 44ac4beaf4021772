"""What is built and installed: all that the program needs at run time, nothing else, and it serves from there."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import sysconfig
import tarfile
import urllib.request
import venv
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT: Final = Path(__file__).parents[2]
FOLDERS: Final = {"pinset": ROOT / "registry" / "pinset", "pinset_cli": ROOT / "cli" / "pinset_cli"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the wheel and the source distribution, made without network."""
    target = tmp_path_factory.mktemp("dist")
    script = "import sys; from hatchling.build import build_wheel, build_sdist; build_wheel(sys.argv[1]); build_sdist(sys.argv[1])"
    subprocess.run([sys.executable, "-c", script, str(target)], cwd=ROOT, check=True, capture_output=True, timeout=120)
    return target


def sources() -> set[str]:
    """Every file of the two packages, as a wheel names it."""
    return {
        f"{name}/{path.relative_to(folder).as_posix()}"
        for name, folder in FOLDERS.items()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_the_packages_whole_and_nothing_else(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == sources()
    for what in ("pinset/web/templates/", "pinset/web/assets/", "pinset/catalog/migrations/", "pinset/py.typed"):
        assert any(name.startswith(what) for name in names), what


def test_the_source_distribution_holds_what_builds_tests_and_documents_it(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    assert {f"registry/{name}" for name in sources() if name.startswith("pinset/")} <= names
    assert {name.partition("/")[0] for name in names} == {
        "registry", "cli", "schemas", "examples", "tests", "packaging", "pyproject.toml", "requirements.lock", "Makefile",
        "README.md", "CHANGELOG.md", "LICENSE", "PKG-INFO", "Containerfile", "compose.yaml", "action.yml",
        ".dockerignore", ".gitignore", ".pre-commit-hooks.yaml",
    }  # fmt: skip
    assert not [name for name in names if "__pycache__" in name or "/.venv" in name or name.endswith(".pyc")]


def test_what_is_installed_serves(built: Path, tmp_path: Path, manifest: Callable[..., dict[str, str]]) -> None:
    (wheel,) = built.glob("*.whl")
    place = tmp_path / "venv"
    venv.create(place, symlinks=True)
    library = place / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    # The locked dependencies are those of the environment that tests run in; what it knows of Pinset itself stays out.
    borrowed = tmp_path / "borrowed"
    borrowed.mkdir()
    for one in Path(sysconfig.get_path("purelib")).iterdir():
        if "pinset" not in one.name and "editable" not in one.name and one.suffix != ".pth":
            (borrowed / one.name).symlink_to(one)
    (library / "borrowed.pth").write_text(f"{borrowed}\n")
    pip = [sys.executable, "-m", "pip", "--python", str(place / "bin" / "python"), "install", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--no-compile", "--quiet", str(wheel)], check=True, timeout=120)

    bundle = tmp_path / "support"
    bundle.mkdir()
    (bundle / "release.yaml").write_text(manifest()["release.yaml"])
    pinset = str(place / "bin" / "pinset")
    environment = {
        "PATH": f"{place}/bin:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "PINSET_REGISTRY": str(tmp_path / "home"),
    }
    with subprocess.Popen(
        [pinset, "serve", "--init", "--port", "0"], env=environment, cwd=tmp_path, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    ) as server:  # fmt: skip
        try:
            assert server.stdout is not None
            said = [server.stdout.readline()]
            while " on http://" not in said[-1]:
                assert said[-1], "".join(said)
                said.append(server.stdout.readline())
            url = said[-1].split(" on ")[1].split()[0]
            subprocess.run([pinset, "publish", str(bundle), "--alias", "production"], env=environment, check=True, timeout=60,
                           capture_output=True)  # fmt: skip
            with urllib.request.urlopen(f"{url}/v1/bundles/support/aliases/production", timeout=30) as answer:
                assert json.load(answer)["version"] == 1
            with urllib.request.urlopen(f"{url}/", timeout=30) as page:
                assert b"support" in page.read()
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=60)
    assert [one.name for one in (tmp_path / "home").iterdir()] == [".pinset"]
