"""The pages' routes, all of them."""

from __future__ import annotations

from pinset.web import assets, routes_bundles, routes_diff, routes_signing

ROUTERS = (
    assets.router,
    routes_signing.router,
    routes_bundles.router,
    routes_diff.router,
)
"""In the order in which they are tried."""
