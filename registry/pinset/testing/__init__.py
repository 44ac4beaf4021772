"""For the tests of applications: releases of working copies, and a client without registry, network, threads or cache.

    with fake_client({"support-summarizer": "./support-summarizer"}) as client:
        answer = my_feature(client, ticket="…")
        client.source.promote("support-summarizer", "./next")  # the switch: the next `get` gives it
        client.source.down()  # the outage: what is held stays, what is not raises

It takes what ``pinset[cli]`` installs. Nothing of it reads ``PINSET_…`` or writes a file.
"""

from __future__ import annotations

try:
    from pinset.testing.client import FakeClient, fake_client
    from pinset.testing.releases import release_of, working_copy
    from pinset.testing.source import FakeRegistry
except ImportError as error:
    raise ImportError("pinset.testing reads manifests: pip install 'pinset[cli]'") from error

__all__ = ["FakeClient", "FakeRegistry", "fake_client", "release_of", "working_copy"]
