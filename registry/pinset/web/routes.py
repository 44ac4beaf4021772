"""The pages' routes, all of them."""

from __future__ import annotations

from pinset.web import (
    assets,
    routes_alias,
    routes_bundles,
    routes_diff,
    routes_requests,
    routes_review,
    routes_signing,
)

ROUTERS = (
    assets.router,
    routes_signing.router,
    routes_bundles.router,
    routes_diff.router,
    routes_review.router,
    routes_alias.router,
    routes_requests.router,
)
"""In the order in which they are tried."""
