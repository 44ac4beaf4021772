"""OFREP, OpenFeature's remote evaluation: releases as flags, one or all, and a stream that says when to ask again."""

import re
from typing import Final

from pinset.compat.ofrep import bodies, errors, routes
from pinset.compat.protocol import Protocol

PROTOCOL: Final = Protocol(
    name="ofrep",
    router=routes.router,
    told=errors.told,
    reads=re.compile(r"POST /ofrep/v1/evaluate/flags(?:/.*)?"),
    posted={"/ofrep/v1/evaluate/flags/": bodies.means},
)
