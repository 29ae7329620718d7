"""Why the platform refuses what an administrator asks.

PlatformError            `code` is stable and for programs, the text for people; `wire` is the platform's own number
├── Invalid              a field breaks a rule; `field` names it
├── Missing              what is named does not exist
├── Conflict             what exists or is going on stands against it
├── Denied               not with these credentials
└── LimitReached         a limit, named with its size
"""

__all__ = ["Conflict", "Denied", "Invalid", "LimitReached", "Missing", "PlatformError"]


class PlatformError(Exception):
    """Root of the platform's refusals. Nothing was changed when one is raised."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        field: str | None = None,
        wire: int | None = None,
        detail: object = None,
    ) -> None:
        self.code = code
        self.message = message
        self.field = field
        self.wire = wire
        self.detail = detail
        super().__init__(message)


class Invalid(PlatformError):
    """A field breaks a rule."""


class Missing(PlatformError):
    """What is named does not exist."""


class Conflict(PlatformError):
    """The present state stands against it."""


class Denied(PlatformError):
    """Not with these credentials."""


class LimitReached(PlatformError):
    """A limit would be passed."""
