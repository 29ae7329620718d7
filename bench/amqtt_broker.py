"""`python -m bench.amqtt_broker PORT`: the Python broker amqtt, for everybody, keeping nothing."""

import asyncio
import logging
import sys

import uvloop
from amqtt.broker import Broker  # type: ignore[import-untyped]

_PLUGINS = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}


async def _serve(port: int) -> None:
    listeners = {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}}
    broker = Broker({"listeners": listeners, "plugins": _PLUGINS})
    await broker.start()
    print(f"amqtt is ready: mqtt://127.0.0.1:{port}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(int(sys.argv[1])))
