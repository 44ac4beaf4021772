"""The pages: what people look at in a browser, rendered here, without a build step and readable without JavaScript.

They are routes of the same application as the API, so that every request passes the same guard, limits and rights. What
differs is around them: `pinset.web.site` turns a session's cookie into a credential and every failure into a page.
"""

from pinset.web.site import Site, with_pages

__all__ = ["Site", "with_pages"]
