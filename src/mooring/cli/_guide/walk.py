"""The order of the chapters, around a running platform."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console

from mooring.cli._process import UpFailed, running_platform

from . import account, device, openapi, rights, sdk
from .talk import GuideFailed, Talk

__all__ = ["run_demo"]


def run_demo(data: Path, http_port: int | None, *, once: bool, as_json: bool) -> int:
    """Start, walk, and stay until Ctrl-C or SIGTERM unless `once`. Returns the exit code: 1 when the walk failed or was
    interrupted. With `as_json` demo.json goes to standard output on one line, and everything else to standard error."""
    console = Console(stderr=as_json)
    done = False
    try:
        with _sigterm_as_interrupt(), running_platform(data, http_port) as demo:
            with Talk(console, demo) as talk:
                _walk(talk)
            done = True
            if as_json:
                print(json.dumps(demo), flush=True)
            else:
                sdk.print_summary(console, demo, data / "demo.json")
            if not once:
                console.print("[dim]Running. Ctrl-C stops it.[/dim]")
                signal.pause()
    except UpFailed as error:
        return error.exit_code
    except GuideFailed as error:
        console.print("The walk failed:", style="bold red", end=" ")
        console.print(str(error), markup=False)
        return 1
    except KeyboardInterrupt:
        return 0 if done else 1
    return 0


@contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    """While the block runs SIGTERM does what Ctrl-C does, so that the processes it started are ended, too."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _walk(talk: Talk) -> None:
    made = account.make_account(talk)
    openapi.read(talk, made)
    device.control(talk, made)
    rights.renew_and_lose(talk, made)
    sdk.use_sdk(talk)
