"""What can go wrong between Mooring and its database.

StoreError                raised itself when a value fits no column: whoever gave it must check it first
├── StoreUnavailable      the database does not answer, or could not commit
├── UniqueViolation       a value that must be unique is taken
├── WriteRefused          a guarded write did not touch the rows it must touch
└── StartError            the store cannot be opened; carries the exit code of `mooring up`
    ├── DataDirectoryError
    ├── DirectoryInUse
    ├── DatabaseUnreachable
    ├── SchemaTooNew
    └── SecretKeyError    the secret key is missing, malformed, readable by others or not the one used before
"""

__all__ = [
    "DataDirectoryError",
    "DatabaseUnreachable",
    "DirectoryInUse",
    "SchemaTooNew",
    "SecretKeyError",
    "StartError",
    "StoreError",
    "StoreUnavailable",
    "UniqueViolation",
    "WriteRefused",
]


class StoreError(Exception):
    """Root of everything the store raises."""


class StoreUnavailable(StoreError):
    """The database did not answer or did not commit; nothing of the write happened."""


class UniqueViolation(StoreError):
    """A unique value is taken; `table` and `columns` name which."""

    def __init__(self, table: str, columns: tuple[str, ...]) -> None:
        self.table = table
        self.columns = columns
        super().__init__(f"{table}: {', '.join(columns)} must be unique")


class WriteRefused(StoreError):
    """A guarded write found other rows than it must; `guard` is the name the caller gave it."""

    def __init__(self, guard: str) -> None:
        self.guard = guard
        super().__init__(guard)


class StartError(StoreError):
    """The store cannot be opened. `exit_code` is what `mooring up` ends with."""

    exit_code = 1


class DataDirectoryError(StartError):
    """The data directory cannot be made, read or written."""

    exit_code = 11


class DatabaseUnreachable(StartError):
    """The database URL is wrong, or nothing usable answers there."""

    exit_code = 12


class SchemaTooNew(StartError):
    """The database was written by a newer Mooring."""

    exit_code = 13


class SecretKeyError(StartError):
    """The secret key is missing, malformed, readable by others, or not the one the data was sealed with."""

    exit_code = 14


class DirectoryInUse(StartError):
    """Another process holds the data directory."""

    exit_code = 15
