"""The protocols of other tools: an application that fetches its prompt from another registry points its client here.

Each folder speaks one protocol, with the same files in it: ``routes`` (what is asked), ``errors`` (how a failure is told
there), and where there is such: ``bodies`` (what is sent), ``listing`` (what is looked through), ``writes`` (what is
changed, under the one policy of `compat.writing`), ``passing`` (what goes to another server, by `compat.upstream`).
What a release is there is in `pinset.domain.exchange`. They are routes of the same application as the API, so that every
request passes the same guard, limits, rights and figures.
"""

from pinset.compat.mounting import Compat, with_compat

__all__ = ["Compat", "with_compat"]
