"""The platform's integration guide as a walk: every step is a real call, shown with its request and its answer.

A chapter is a module: `account` (management API: application, service packages, product, keys), `openapi` (log in and
read), `device` (a simulated device connects and is controlled), `rights` (renew, lose a right, get it back), `sdk`.
`talk` is what they share. Nothing waits for a time to pass: a step goes on when what it waits for is there, and fails
when it is not there in time.
"""

from .talk import GuideFailed
from .walk import run_demo

__all__ = ["GuideFailed", "run_demo"]
