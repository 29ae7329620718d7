"""`mooring device run`: simulated devices from the command line."""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

if TYPE_CHECKING:
    import ssl

    from mooring.device import Fleet, GatewayOf, Happening, Scenario

__all__ = ["run"]

EXIT_NEVER_CONNECTED = 1
EXIT_WRONG_INPUT = 2
MAX_DEVICES = 10_000
_DEVICE_KEY = re.compile(r"[A-Za-z0-9]{4,32}")
_DIGITS = 4  # of the numbers behind --prefix


class _Refusal(Exception):
    """What was typed or given cannot be used."""


class _Target(NamedTuple):
    """The product, and the cloud it is in."""

    product_key: str
    product_secret: str
    host: str
    port: int | None
    device_secrets: Mapping[str, str]


def run(
    product: Annotated[str | None, typer.Option(help="Product key (with --demo-file also the product's name).")] = None,
    secret_file: Annotated[
        Path | None,
        typer.Option(help="File of the product secret; else MOORING_PRODUCT_SECRET, else it is asked for."),
    ] = None,
    demo_file: Annotated[
        Path | None, typer.Option(help="demo.json of `mooring up --demo`: takes product, secret and address from it.")
    ] = None,
    tsl: Annotated[
        str | None, typer.Option(help="Thing model: a file, or the name of a sample such as smart-plug.")
    ] = None,
    device_key: Annotated[list[str] | None, typer.Option(help="Key of a device; may be given several times.")] = None,
    count: Annotated[
        int | None, typer.Option(min=1, max=MAX_DEVICES, help="That many devices, keys made from --prefix.")
    ] = None,
    prefix: Annotated[str, typer.Option(help="Beginning of the keys of --count.")] = "SIM",
    host: Annotated[str | None, typer.Option(help="MQTT server (default 127.0.0.1).")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Its port (default 1883, with TLS 8883).")] = None,
    tls: Annotated[bool, typer.Option("--tls", help="Use TLS and verify the certificate.")] = False,
    ca: Annotated[Path | None, typer.Option(help="Trust the certificates of this PEM file (implies --tls).")] = None,
    gateway: Annotated[
        str | None, typer.Option(help="Key of a gateway: the devices are its sub-devices, on its connection.")
    ] = None,
    gateway_product: Annotated[
        str | None, typer.Option(help="Product key of the gateway (with --demo-file also the product's name).")
    ] = None,
    gateway_secret_file: Annotated[
        Path | None,
        typer.Option(help="File of its product secret; else MOORING_GATEWAY_SECRET, else it is asked for."),
    ] = None,
    scenario: Annotated[Path | None, typer.Option(help="What the devices do (TOML).")] = None,
    interval: Annotated[float | None, typer.Option(help="Seconds between reports (default 10).")] = None,
    seed: Annotated[str | None, typer.Option(help="The same seed gives the same values.")] = None,
    secrets_dir: Annotated[Path, typer.Option(help="Where device secrets are kept, a file for each device.")] = Path(
        "mooring-devices"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Simulate devices until Ctrl-C or SIGTERM; one line for everything that happens.

    Exit code 0 after a stop, 1 when no device ever connected, 2 when something given is wrong.
    """
    from mooring.device import DeviceError, ScenarioError

    try:
        target = _target(product, secret_file, demo_file, host, port, tls=tls or ca is not None)
        carrier = _gateway(gateway, gateway_product, gateway_secret_file, demo_file)
        keys = _device_keys(device_key or [], count, prefix, target)
        fleet = _fleet(target, keys, tsl, scenario, interval, seed, carrier)
        raise typer.Exit(_simulate(fleet, _context(ca, tls=tls), secrets_dir, as_json=as_json))
    except ScenarioError as error:
        typer.echo(f"mooring: scenario: {error}", err=True)
    except (_Refusal, DeviceError) as error:
        typer.echo(f"mooring: {error}", err=True)
    raise typer.Exit(EXIT_WRONG_INPUT)


# What was given


def _target(
    product: str | None,
    secret_file: Path | None,
    demo_file: Path | None,
    host: str | None,
    port: int | None,
    *,
    tls: bool,
) -> _Target:
    if demo_file is not None:
        return _demo_target(demo_file, product, host, port, tls=tls)
    if product is None:
        raise _Refusal("give --product, or --demo-file")
    secret = _secret("MOORING_PRODUCT_SECRET", "Product secret", secret_file)
    return _Target(product, secret, host or "127.0.0.1", port, {})


def _demo_target(path: Path, product: str | None, host: str | None, port: int | None, *, tls: bool) -> _Target:
    document = _json_file(path, "demo file")
    products = document.get("products", [])
    chosen = [item for item in products if product in (None, item["product_key"], item["name"])]
    modelled = [item for item in chosen if item["data_format"] == 3] or chosen
    if not modelled:
        names = ", ".join(item["name"] for item in products)
        raise _Refusal(f"{path} has no such product; it has {names or 'none'}")
    mqtt = document.get("mqtt", {})
    if host is None and not mqtt:
        raise _Refusal(f"{path} names no MQTT server: give --host")
    secrets = {item["device_key"]: item["device_secret"] for item in modelled[0].get("devices", [])}
    return _Target(
        modelled[0]["product_key"],
        modelled[0]["product_secret"],
        host or mqtt["host"],
        port if port is not None or tls else mqtt.get("port"),
        {key: found for key, found in secrets.items() if found},
    )


def _secret(variable: str, prompt: str, file: Path | None) -> str:
    """A secret from a file, a variable, or the person in front; never from an argument, which others can read."""
    if file is not None:
        return _text_file(file, "secret file").strip()
    given = os.environ.get(variable)
    if given is not None:
        return given
    typed: str = typer.prompt(prompt, hide_input=True, err=True)
    return typed


def _gateway(
    key: str | None, product: str | None, secret_file: Path | None, demo_file: Path | None
) -> "GatewayOf | None":
    from mooring.device import GatewayOf

    if key is None:
        if product is not None:
            raise _Refusal("--gateway-product goes with --gateway, the key of the gateway")
        return None
    if not _DEVICE_KEY.fullmatch(key):
        raise _Refusal(f"{key!r} is no device key: 4 to 32 letters and digits")
    if product is None:
        raise _Refusal("--gateway goes with --gateway-product, the product of the gateway")
    if demo_file is not None:
        for found in _json_file(demo_file, "demo file").get("products", []):
            if product in (found["product_key"], found["name"]):
                return GatewayOf(found["product_key"], found["product_secret"], key)
    secret = _secret("MOORING_GATEWAY_SECRET", "Product secret of the gateway", secret_file)
    return GatewayOf(product, secret, key)


def _device_keys(keys: list[str], count: int | None, prefix: str, target: _Target) -> list[str]:
    made = [f"{prefix}{number:0{_DIGITS}}" for number in range(1, (count or 0) + 1)]
    wanted = list(dict.fromkeys([*keys, *made])) or list(target.device_secrets) or [f"{prefix}{1:0{_DIGITS}}"]
    for key in wanted:
        if not _DEVICE_KEY.fullmatch(key):
            raise _Refusal(f"{key!r} is no device key: 4 to 32 letters and digits")
    return wanted


def _fleet(
    target: _Target,
    keys: list[str],
    tsl: str | None,
    scenario_file: Path | None,
    interval: float | None,
    seed: str | None,
    gateway: "GatewayOf | None",
) -> "Fleet":
    import secrets

    from mooring.device import Fleet

    return Fleet(
        target.product_key,
        target.product_secret,
        keys,
        target.host,
        target.port,
        model=None if tsl is None else _model(tsl),
        scenario=_scenario(scenario_file, interval),
        seed=secrets.token_hex(8) if seed is None else seed,
        device_secrets=target.device_secrets,
        gateway=gateway,
    )


def _model(source: str) -> dict[str, Any]:
    from mooring.demo import sample_models
    from mooring.thingmodel import check

    document = _json_file(sample_models().get(source) or Path(source), "thing model")
    checked = check(document)
    if checked.document is None:
        faults = "; ".join(f"{fault.path}: {fault.message}" for fault in checked.faults[:5])
        raise _Refusal(f"{source} is no valid thing model: {faults}")
    return {"profile": document["profile"], **checked.document}


def _scenario(path: Path | None, interval: float | None) -> "Scenario":
    import msgspec

    from mooring.device import Scenario, read_scenario

    found = Scenario() if path is None else read_scenario(_text_file(path, "scenario"))
    if interval is None:
        return found
    if not 0 < interval <= 1e9:
        raise _Refusal("--interval is above 0")
    return msgspec.structs.replace(found, report=msgspec.structs.replace(found.report, interval=interval))


def _context(ca: Path | None, *, tls: bool) -> "ssl.SSLContext | bool":
    import ssl

    if ca is None:
        return tls
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise _Refusal(f"{ca} holds no certificates: {getattr(error, 'strerror', None) or error}") from None


def _text_file(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise _Refusal(f"{what} {path}: {error.strerror}") from None
    except UnicodeError:
        raise _Refusal(f"{what} {path} is not UTF-8 text") from None


def _json_file(path: Path, what: str) -> dict[str, Any]:
    import msgspec

    try:
        return msgspec.json.decode(_text_file(path, what), type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise _Refusal(f"{what} {path}: {error}") from None


# The run


def _simulate(fleet: "Fleet", tls: "ssl.SSLContext | bool", secrets_dir: Path, *, as_json: bool) -> int:
    import asyncio

    import msgspec
    import uvloop

    from mooring.device import Simulator

    show = _JsonLines() if as_json else _Lines()
    simulator = Simulator(msgspec.structs.replace(fleet, tls=tls, secrets_dir=secrets_dir), show)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_stopped(simulator.run()))
    return 0 if simulator.ever_connected else EXIT_NEVER_CONNECTED


async def _until_stopped(work: Any) -> None:
    """Run until done, or until the first SIGINT or SIGTERM."""
    import asyncio
    import contextlib
    import signal

    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await task
    except BaseExceptionGroup as group:
        # Every device may have met the same trouble; the first is enough to mend it.
        raise group.exceptions[0] from None
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _plain(value: object) -> object:
    """A value as it is shown: bytes as hex text, in whatever they are."""
    match value:
        case bytes():
            return value.hex()
        case list():
            return [_plain(member) for member in value]
        case Mapping():
            return {code: _plain(member) for code, member in value.items()}
    return value


class _JsonLines:
    """One JSON object a line."""

    def __init__(self) -> None:
        import msgspec

        self._encoder = msgspec.json.Encoder(decimal_format="number")

    def __call__(self, happening: "Happening") -> None:
        line = {
            "at_ms": happening.at_ms,
            "device_key": happening.device_key,
            "what": happening.kind.value,
            **({"text": happening.text} if happening.text else {}),
            **({"code": happening.code} if happening.code else {}),
            **({"advice": happening.advice} if happening.advice else {}),
            **({"values": _plain(happening.values)} if happening.values else {}),
        }
        sys.stdout.write(self._encoder.encode(line).decode() + "\n")
        sys.stdout.flush()


_STYLES = {
    "authenticated": "green",
    "connected": "bold green",
    "disconnected": "yellow",
    "refused": "bold red",
    "failed": "red",
    "offline": "yellow",
    "notice": "yellow",
    "written": "cyan",
    "service": "cyan",
    "event": "magenta",
}
"""How the kinds of happenings are shown."""


class _Lines:
    """Lines for people: time, device, what happened."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(markup=False, emoji=False, highlight=False, soft_wrap=True)

    def __call__(self, happening: "Happening") -> None:
        from datetime import UTC, datetime

        from rich.text import Text

        at = datetime.fromtimestamp(happening.at_ms / 1000, UTC)
        kind = happening.kind.value
        line = Text(f"{at:%H:%M:%S}Z ", style="dim")
        line.append(f"{happening.device_key}  ", style="bold")
        line.append(f"{kind:<13} ", style=_STYLES.get(kind, ""))
        parts = [
            *([str(happening.code)] if happening.code else []),
            *([happening.text] if happening.text else []),
            *(f"{code}={_brief(_plain(value))}" for code, value in happening.values.items()),
        ]
        line.append(" ".join(parts))
        if happening.advice:
            line.append(f". {happening.advice}", style="italic")
        self._console.print(line)
        sys.stdout.flush()


def _brief(value: object) -> str:
    import msgspec

    if isinstance(value, str):
        return value
    return msgspec.json.Encoder(decimal_format="number").encode(value).decode()
