"""The SaaS OpenAPI v2 over HTTP: one module per service prefix.

This room translates: bytes of a request into calls of the platform, its answers into the envelopes of
contract/openapi.yaml. It decides nothing. Operations whose data is in the directory touch no SQL.
"""

from .app import OpenApi
from .metrics import OpenApiMetrics
from .operation import Operation
from .operations import OPERATIONS

__all__ = ["OPERATIONS", "OpenApi", "OpenApiMetrics", "Operation"]
