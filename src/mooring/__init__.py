"""Mooring: an open, self-hosted IoT cloud for systems and devices of the Acceleronix / QuecCloud platform."""

__version__ = "0.1.0"

__all__ = ["__version__"]
