"""Tables and statements, the two database drivers, migrations, and secrets at rest.

One definition (SQLAlchemy Core) serves SQLite and PostgreSQL; the native drivers run the compiled text. Rooms above
hold `Query` and `Change` values and give them to a `Store`; SQL text exists only here.
"""

from . import end_user_tables as _end_user_tables  # noqa: F401 - its tables belong to the one metadata
from .data_directory import DataDirectory
from .errors import (
    DatabaseUnreachable,
    DataDirectoryError,
    DirectoryInUse,
    SchemaTooNew,
    SecretKeyError,
    StartError,
    StoreError,
    StoreUnavailable,
    UniqueViolation,
    WriteRefused,
)
from .statement import Change, Query, Rows, Store, Write
from .vault import Vault

__all__ = [
    "Change",
    "DataDirectory",
    "DataDirectoryError",
    "DatabaseUnreachable",
    "DirectoryInUse",
    "Query",
    "Rows",
    "SchemaTooNew",
    "SecretKeyError",
    "StartError",
    "Store",
    "StoreError",
    "StoreUnavailable",
    "UniqueViolation",
    "Vault",
    "Write",
    "WriteRefused",
]
