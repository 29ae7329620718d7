"""Databases for the tests of the store."""

from hypothesis import settings

from store.quick_databases import (
    database,
    fresh_postgres_url,
    migrated_postgres_url,
    migrated_sqlite,
    postgres_url,
)

__all__ = ["database", "fresh_postgres_url", "migrated_postgres_url", "migrated_sqlite", "postgres_url"]

settings.register_profile("mooring", deadline=None)  # a machine that is busy elsewhere is no fault of the code
settings.load_profile("mooring")
