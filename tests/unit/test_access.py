"""Who may do what: the whole table, from least to most."""

from __future__ import annotations

import pytest

from pinset.auth.access import permit
from pinset.errors import PermissionDenied
from pinset.ports.state import Scope

READ, WRITE, ADMIN = {"read"}, {"publish", "move", "yank"}, {"verify", "tokens"}
MAY = {Scope.READ: READ, Scope.WRITE: READ | WRITE, Scope.ADMIN: READ | WRITE | ADMIN}


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("verb", sorted(READ | WRITE | ADMIN))
def test_a_token_may_what_its_scope_includes_and_no_more(scope: Scope, verb: str) -> None:
    if verb in MAY[scope]:
        permit(scope, verb)
        return
    with pytest.raises(PermissionDenied) as caught:
        permit(scope, verb)
    needed = Scope.ADMIN if verb in ADMIN else Scope.WRITE
    assert needed in caught.value.hint, "who is refused is told what to ask for"


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("verb", ["launch", "", "READ", "Read"])
def test_a_verb_that_no_rule_names_is_denied_to_all(scope: Scope, verb: str) -> None:
    with pytest.raises(PermissionDenied):
        permit(scope, verb)
