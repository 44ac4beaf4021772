"""MLflow's registry of prompts: loads, searches and registrations, with its aliases as aliases of ours."""

import re
from typing import Final

from pinset.compat.mlflow import errors, passing, routes, searching, writes
from pinset.compat.protocol import Protocol

_API: Final = r"/api/2\.0/mlflow/"

for _others in (searching.router, writes.router, passing.router):  # the last takes whatever is left
    routes.router.routes += _others.routes

PROTOCOL: Final = Protocol(
    name="mlflow",
    router=routes.router,
    told=errors.told,
    reads=re.compile(
        rf"POST {_API}(?:registered-models/(?:get-latest-versions|set-tag)|model-versions/set-tag)"
        rf"|DELETE {_API}(?:registered-models|model-versions)/delete-tag"
    ),
    writes=re.compile(rf"POST {_API}model-versions/create"),
    posted={"/api/2.0/mlflow/registered-models/get-latest-versions": routes.latest_key},
)
