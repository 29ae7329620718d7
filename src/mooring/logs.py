"""Structured logs on standard error (structlog): JSON for machines, coloured text for people."""

import logging
import sys
from typing import Any, Literal

import structlog

__all__ = ["configure_logs"]

_SECRET_NAMES = ("password", "secret", "token", "authorization", "cookie")


def configure_logs(level: str, form: Literal["auto", "json", "console"]) -> None:
    """Set up logging for the process. `level` is the least level that is written."""
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _blank_secrets,
    ]
    # Plain tracebacks: the pretty ones print local variables, and those may be secrets.
    pretty = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    renderer: Any = pretty if console else structlog.processors.JSONRenderer()
    tail = [renderer] if console else [structlog.processors.format_exc_info, renderer]
    structlog.configure(
        processors=[*shared, *tail],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *tail],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING), force=True)
    # It warns with a traceback at every try while PostgreSQL is away; that it is away is told once by who needs it.
    logging.getLogger("asyncpg.pool").setLevel(logging.ERROR)


def _blank_secrets(_logger: object, _method: str, event: Any) -> Any:
    # A last line of defence: no caller may log a secret, and one that does under a telling name is stopped here.
    for name in event:
        if any(word in name.lower() for word in _SECRET_NAMES):
            event[name] = "****"
    return event
