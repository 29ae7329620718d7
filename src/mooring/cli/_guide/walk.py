"""The order of the chapters, around a running platform."""

import signal
from pathlib import Path
from types import FrameType

from rich.console import Console

from mooring.cli._process import UpFailed, running_platform

from . import account, device, openapi, rights, sdk
from .talk import GuideFailed, Talk

__all__ = ["run_demo"]


def run_demo(data: Path, http_port: int | None, *, once: bool) -> int:
    """Start, walk, and stay until Ctrl-C unless `once`. Returns the exit code."""
    console = Console()
    try:
        with running_platform(data, http_port) as demo:
            with Talk(console, demo) as talk:
                _walk(talk)
            sdk.print_summary(console, demo, data / "demo.json")
            if not once:
                console.print("[dim]Running. Ctrl-C stops it.[/dim]")
                _wait_for_signal()
    except UpFailed as error:
        return error.exit_code
    except GuideFailed as error:
        console.print("The walk failed:", style="bold red", end=" ")
        console.print(str(error), markup=False)
        return 1
    return 0


def _walk(talk: Talk) -> None:
    made = account.make_account(talk)
    openapi.read(talk, made)
    device.control(talk, made)
    rights.renew_and_lose(talk, made)
    sdk.use_sdk(talk)


def _wait_for_signal() -> None:
    """Until Ctrl-C or SIGTERM."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, stop)
    try:
        signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, previous)
