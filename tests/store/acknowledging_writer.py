"""Writes rows to the SQLite file named as argument, many at once, and prints the id of each when it is acknowledged."""

import asyncio
import itertools
import sys
from pathlib import Path

from mooring.store import accounts
from mooring.store.sqlite import SqliteStore
from store.rows import account, administrator

WRITERS = 20


async def main() -> None:
    store = SqliteStore(Path(sys.argv[1]))
    numbers = itertools.count()

    async def write() -> None:
        while True:
            number = next(numbers)
            await store.write(
                accounts.ADD_ACCOUNT.of(account(number)), accounts.ADD_ADMINISTRATOR.of(administrator(number, number))
            )
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()

    await asyncio.gather(*(write() for _ in range(WRITERS)))


if __name__ == "__main__":
    asyncio.run(main())
