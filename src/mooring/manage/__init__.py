"""The management API: what the console and the command line use, over HTTP with JSON.

A door: it translates requests into calls of the platform and decides nothing. `endpoint` says what an endpoint is,
one module per resource declares its own, `app` puts them together, `document` describes them as OpenAPI 3.1.
"""

from .app import create_manage

__all__ = ["create_manage"]
