"""Why a benchmark stops."""

__all__ = ["BenchFailed"]


class BenchFailed(Exception):
    """Nothing was measured, or what was measured does not count; the text says why and what to do."""
