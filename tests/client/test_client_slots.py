"""A name and what it means: by itself, without a thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_fakes import NAME

from pinset.client.release import Release, Standing
from pinset.client.slots import Slot

if TYPE_CHECKING:
    from client_fakes import Directory


def test_what_was_found_elsewhere_takes_no_ones_place(source: Directory) -> None:
    answer, slot = source.registry.sealed(f"{NAME}@production"), Slot(NAME, "production")
    found, fetched = Release(answer, Standing("disk")), Release(answer, Standing("fresh"))
    assert slot.offer(found, "1", "v7") is None, "it means something else now"
    assert slot.offer(found, "1", "production") is found
    assert slot.hold(fetched, "2") is found
    assert slot.offer(found, "1", "production") is fetched
    assert slot.tag == "2"
    slot.empty()
    assert (slot.release, slot.tag) == (None, None)


def test_a_copy_of_the_process_waits_for_nobody_who_is_not_there(source: Directory) -> None:
    slot = Slot(NAME, "production")
    slot.tried.set()
    slot._lock.acquire()
    slot.forked()
    assert not slot.tried.is_set(), "its own first try is to come"
    slot.hold(Release(source.registry.sealed(NAME), Standing("fresh")), None)
    slot.forked()
    assert slot.tried.is_set()


def test_a_pin_changes_what_a_name_means_and_not_what_it_is() -> None:
    slot = Slot(NAME, "production")
    assert (slot.name, slot.fixed) == ("support@production", False)
    slot.pinned("v7")
    assert (slot.name, slot.asked, slot.fixed, slot.turned) == ("support@v7", "production", True, False)
    slot.pinned(None)
    assert slot.name == "support@production"
