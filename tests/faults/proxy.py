"""A TCP proxy that can go silent: what a cut cable looks like, where no FIN and no RST ever comes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

__all__ = ["SilentProxy", "proxied"]


class SilentProxy:
    """Passes bytes on to a port until `cut`; from then on both sides hear nothing, and their connections stay.

    `cut_answers` holds back only what the port says.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._there, self._back = asyncio.Event(), asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.mend()

    def cut(self) -> None:
        """Nothing passes any more."""
        self._there.clear()
        self._back.clear()

    def cut_answers(self) -> None:
        """What the port says does not pass any more."""
        self._back.clear()

    def mend(self) -> None:
        """What was held back passes now, and everything after it."""
        self._there.set()
        self._back.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, target = await asyncio.open_connection("127.0.0.1", self._target)
        for source, sink, passing in ((reader, target, self._there), (answers, writer, self._back)):
            task = asyncio.create_task(self._pass(source, sink, passing))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, passing: asyncio.Event) -> None:
        try:
            while data := await source.read(65536):
                await passing.wait()
                sink.write(data)
                await sink.drain()
            await passing.wait()
        except ConnectionError:
            pass
        finally:
            sink.close()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def proxied(target: int) -> AsyncIterator[SilentProxy]:
    """A proxy in front of a port of this machine."""
    proxy = SilentProxy(target)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
