"""One look at a page: who looks, and what their forms and cookies are bound to. It is left in the request's scope."""

from __future__ import annotations

import base64
import hmac
import os
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pinset.errors import ForeignOrigin
from pinset.web.sessions import SESSION, THEME, VISIT, cookie, cookie_of, cookies_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Scope

    from pinset.signing.sealing import Vault
    from pinset.web.sessions import Session, Sessions

KEY: Final = "pinset.visit"
NOTE: Final = "pinset-note"
"""What a change has done, told once on the page that follows."""
THEMES: Final = ("light", "dark")
_VISIT: Final = re.compile(r"[A-Za-z0-9_-]{22}")
_MARK: Final = 32
_NOTE_LENGTH: Final = 600


@dataclass(slots=True)
class Visit:
    """One request for a page. ended: it came with a session's cookie that is no longer good.

    binding: what its forms are bound to: the session, or of who is not signed in a number that their browser keeps.
    """

    scope: Scope
    vault: Vault
    session: Session | None
    ended: bool
    theme: str
    note: str
    binding: str
    is_new: bool
    cookies: Mapping[str, str] = field(repr=False)
    setting: list[bytes] = field(default_factory=list)

    @classmethod
    def of(cls, scope: Scope, sessions: Sessions, vault: Vault) -> Visit:
        """Read the cookies of a request."""
        found = cookies_of(scope["headers"])
        sealed, number, theme = (cookie_of(scope, found, name) for name in (SESSION, VISIT, THEME))
        session = sessions.open(sealed) if sealed else None
        known = bool(_VISIT.fullmatch(number))
        note = cookie_of(scope, found, NOTE)
        return cls(
            scope=scope,
            vault=vault,
            session=session,
            ended=bool(sealed) and session is None,
            theme=theme if theme in THEMES else "",
            note=(vault.open(note, "note") or b"").decode() if note else "",
            binding=session.id if session else number if known else secrets.token_urlsafe(16),
            is_new=session is None and not known,
            cookies=found,
        )

    def cookie(self, name: str) -> str:
        """A cookie of the request; '' where it is not there."""
        return cookie_of(self.scope, self.cookies, name)

    def token(self) -> str:
        """What a form carries to show that it is ours; another text each time, so that a compressed page tells nothing."""
        if self.is_new:
            self.is_new = False
            self.set(VISIT, self.binding, None)
        mark, mask = self.vault.marks(self.binding.encode(), "form")[0], os.urandom(_MARK)
        return base64.urlsafe_b64encode(mask + _masked(mark, mask)).decode()

    def check(self, token: str, origin: str | None, site: str | None, host: str) -> None:
        """Raises ForeignOrigin for a form that is not ours. origin, site: its Origin and Sec-Fetch-Site."""
        same = origin is None or origin.lower() == f"{self.scope['scheme']}://{host.lower()}"
        if not same or site not in (None, "same-origin") or not self._is_ours(token):
            raise ForeignOrigin(
                "the form was not sent from a page of this registry, or you have signed in or out since",
                hint="go back, load the page again, and send it from there",
            )

    def tell(self, note: str) -> None:
        """Have a sentence told once, on the page that follows."""
        self.set(NOTE, self.vault.seal(note[:_NOTE_LENGTH].encode(), "note"), 60)

    def take_note(self) -> str:
        """The sentence to be told, this once."""
        note, self.note = self.note, ""
        if note:
            self.set(NOTE, "", 0)
        return note

    def set(self, name: str, value: str, seconds: int | None) -> None:
        """Have a cookie set with the answer."""
        self.setting.append(cookie(self.scope, name, value, seconds))

    def _is_ours(self, token: str) -> bool:
        try:
            data = base64.urlsafe_b64decode(token.encode("ascii"))
        except ValueError:
            return False
        if len(data) != 2 * _MARK:
            return False
        mark = _masked(data[_MARK:], data[:_MARK])
        return any(hmac.compare_digest(mark, one) for one in self.vault.marks(self.binding.encode(), "form"))


def _masked(data: bytes, mask: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(data, mask, strict=True))
