"""Request bodies about keys and signatures."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from pinset.wire.requests import Reason  # noqa: TC001 - pydantic reads the annotations


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class KeyRequest(_Request):
    """A public key to make known, as OpenSSH writes it. purpose: author or evidence. person: whose it is."""

    name: Annotated[str, Field(max_length=64)]
    key: Annotated[str, Field(max_length=1000)]
    purpose: Annotated[str, Field(max_length=64)]
    person: Annotated[str, Field(max_length=200)]
    reason: Reason = ""


class RetireRequest(_Request):
    """Why a key counts no more. compromised: what it signed before counts no more either."""

    compromised: bool = False
    reason: Reason = ""


class SignatureRequest(_Request):
    """An author's signature of a release, as ``ssh-keygen -Y sign -n pinset`` makes it."""

    signature: Annotated[str, Field(max_length=4000)]
