"""Serving a registry: what the supervisor does, and what each of its workers is."""

from __future__ import annotations

import gc
import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pinset.bootstrap.making import create_registry
from pinset.bootstrap.opening import (
    FOLDER,
    REPOSITORY,
    SystemClock,
    find_directory,
    local_registry,
)
from pinset.errors import InvalidInput, NoRegistry, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pinset.auth.identity import Identity
    from pinset.config import Config, Issuer

_SERVED = "PINSET_SERVED_DIRECTORY"
_SCRUB_HOURS = "PINSET_SERVED_SCRUB_HOURS"
_WORKERS = "PINSET_SERVED_WORKERS"
_LOG = "PINSET_SERVED_LOG"
_LOG_REQUESTS = "PINSET_SERVED_LOG_REQUESTS"
_PAGES = "PINSET_SERVED_PAGES"
_CLOSED = "PINSET_SERVED_CLOSED"
_GIT = "PINSET_SERVED_GIT"
_CONFIG = "PINSET_SERVED_CONFIG"
"""How the workers that uvicorn starts learn what they serve, how often they scrub it, how many they are, what they log,
whether everybody needs a credential, whether it can be cloned, and what `config.toml` said when the server started: one that
takes another's place later must not differ from the rest."""


def serve_registry(
    directory: Path,
    *,
    host: str,
    port: int,
    workers: int,
    talk: Callable[[str], None],
    scrub_hours: float = 24.0,
    log: str = "text",
    log_requests: bool = False,
    pages: bool = True,
    closed: bool = False,
    make: bool = False,
    git: bool = True,
) -> None:
    """Serve a registry over HTTP until interrupted. talk: is told where. scrub_hours: between two scrubs, 0 for none.

    pages, git: with pages for browsers, and for those who clone it, unless its ``config.toml`` says otherwise. closed: nobody
    is let in without a credential, this machine neither, even while there is none. make: the registry where there is none;
    one that is damaged is never made anew.
    log: what a line on stderr is, ``text`` or ``json``; with json all are, and talk is told nothing. log_requests: a
    line for each request. Raises InvalidInput without the server's packages, and for another log, InvalidConfig for a
    ``config.toml`` with mistakes.
    """
    if any(find_spec(package) is None for package in ("fastapi", "uvicorn")):
        raise InvalidInput("serving needs packages that are not installed", hint="pip install 'pinset[server]'")
    from pinset import config
    from pinset.api import logs, server

    if log not in logs.FORMATS:
        raise InvalidInput(f"there is no log {log}", hint=f"one of {', '.join(logs.FORMATS)}")
    say = talk if log == "text" else logs.said
    logs.configure(log)
    home = _made(directory, say) if make else find_directory(directory)
    text = config.text_in(home)
    chosen = config.parse(text, str(home / config.FILE))
    if chosen.oidc and find_spec("joserfc") is None:
        raise InvalidInput("[[oidc]] needs a package that is not installed", hint="pip install 'pinset[server]'")
    registry = local_registry(home)
    try:
        listening = server.listen(registry, host, port, closed=closed or bool(chosen.oidc))
    finally:
        registry.close()
    os.environ[_SERVED] = str(home)
    os.environ[_SCRUB_HOURS] = str(scrub_hours)
    os.environ[_WORKERS] = str(workers)
    os.environ[_CONFIG] = text
    os.environ[_PAGES] = _page_keys(home) if pages and chosen.pages.enabled else ""
    os.environ[_CLOSED] = "1" if closed else ""
    os.environ[_GIT] = "1" if git and chosen.git.enabled else ""
    os.environ[_LOG], os.environ[_LOG_REQUESTS] = log, "1" if log_requests else ""
    try:
        server.run(
            "pinset.bootstrap:application",
            listening,
            workers=workers,
            proxies=chosen.limits.proxies,
            ready=lambda address: say(f"serving {home} on {address} (ctrl-c stops it)"),
        )
    finally:
        listening.close()


def _made(directory: Path, say: Callable[[str], None]) -> Path:
    """The registry's own directory, with a new registry where there is none. Raises what `create_registry` raises."""
    try:
        return find_directory(directory)
    except NoRegistry:
        home = directory if directory.name == FOLDER else directory / FOLDER
        answer = create_registry(home)
        say(f"made a registry in {home} (id {answer['id']})")
        return home


def application() -> Any:
    """The application of one worker of `serve_registry`. It closes its registry when the worker ends."""
    from pinset import config
    from pinset.api import logs
    from pinset.api.app import create_app
    from pinset.api.server import end_with_parent, give_way
    from pinset.api.settings import Settings
    from pinset.catalog.scrubs import FileScrubs
    from pinset.compat import with_compat
    from pinset.gitstore.upload import Uploads

    end_with_parent()
    give_way()
    home = Path(os.environ[_SERVED])
    logs.configure(os.environ[_LOG])
    chosen = config.parse(os.environ[_CONFIG])
    settings = Settings.of(
        chosen.limits,
        scrub_hours=float(os.environ[_SCRUB_HOURS]),
        workers=int(os.environ[_WORKERS]),
        log_requests=bool(os.environ[_LOG_REQUESTS]),
        closed=bool(os.environ[_CLOSED]),
        git=chosen.git,
    )
    registry = local_registry(home, serving=True)
    registry.prepare()
    scrubs = FileScrubs(home)
    others = _issuers(chosen.oidc) if chosen.oidc else None
    app = create_app(
        registry,
        settings=settings,
        scrubs=scrubs,
        clock=SystemClock(),
        at_end=registry.close,
        others=others,
        uploads=Uploads(home / REPOSITORY) if os.environ[_GIT] else None,
    )
    paged = _with_pages(app, home, chosen) if os.environ[_PAGES] else app
    served = with_compat(paged, app, chosen.compat)
    gc.freeze()  # what was made by now stays: no answer waits while the collector looks through all of it
    return served


def _page_keys(home: Path) -> str:
    """Where workers find what they seal sessions with: the file in the registry's directory, else a key for this server."""
    from pinset.auth import secrets

    try:
        secrets.ready(home, SystemClock().now())
    except Unavailable:
        # A directory that cannot be written to is still served; its sessions end with the server.
        return secrets.made()
    return secrets.FILE


def _with_pages(app: Any, home: Path, chosen: Config) -> Any:
    from pinset.auth import secrets
    from pinset.signing.sealing import Vault
    from pinset.web import with_pages

    where = os.environ[_PAGES]
    keys = secrets.keys(home) if where == secrets.FILE else (bytes.fromhex(where),)
    return with_pages(app, vault=Vault(keys), chosen=chosen.pages, issuers=chosen.oidc)


def _issuers(chosen: Sequence[Issuer]) -> Callable[[str], Identity]:
    """Who sends a token of one of the issuers."""
    from pinset.auth.issuers import Issuers

    return Issuers(chosen, wall=SystemClock().now).identify
