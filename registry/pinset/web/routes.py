"""The pages' routes, all of them."""

from __future__ import annotations

from pinset.web import (
    assets,
    routes_alias,
    routes_audit,
    routes_bundles,
    routes_changes,
    routes_components,
    routes_diff,
    routes_live,
    routes_releases,
    routes_requests,
    routes_review,
    routes_signing,
)

ROUTERS = (
    assets.router,
    routes_signing.router,
    routes_live.router,
    routes_bundles.router,
    routes_diff.router,
    routes_components.router,
    routes_audit.router,
    routes_requests.router,
    routes_changes.router,
    routes_review.router,
    routes_alias.router,
    routes_releases.router,
)
"""In the order in which they are tried: `routes_releases` last, whose selectors fit many a path."""
