"""`mooring admin`: the management API on the command line.

It speaks HTTP to a running Mooring and never touches a database. Exit codes: 0 done, 1 refused, 2 wrong usage,
3 the server cannot be reached, 4 not logged in. A command's module is imported when it is wanted, and slow imports
happen inside functions, so that commands start quickly.
"""

from mooring.cli.admin_places import HELP, PLACES
from mooring.cli.lazy import lazy_group

__all__ = ["admin"]

admin = lazy_group("admin", HELP, PLACES)
