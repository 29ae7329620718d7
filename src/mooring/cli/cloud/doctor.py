"""`mooring doctor`: what stands between this machine and a cloud, one check after the other, and how to mend each."""

from collections.abc import Iterator
from typing import Annotated

import typer

from mooring.cli.failure import REFUSED

from .checks import Finding, State, address, clock, packages, products, profile, signature
from .checks_of_doors import amqp, mqtt
from .command import runnable
from .session import Cloud

__all__ = ["doctor"]

_STYLES = {State.OK: "green", State.WARNING: "yellow", State.FAILED: "bold red", State.SKIPPED: "dim"}


def _doctor(
    cloud: Cloud,
    product: Annotated[str | None, typer.Option(help="Check the authorization of this product.", metavar="KEY")] = None,
    queue: Annotated[
        str | None, typer.Option(help="Check this queue; otherwise the first one.", metavar="NAME")
    ] = None,
    mqtt_address: Annotated[
        str | None,
        typer.Option(
            "--mqtt",
            help="Where devices connect; otherwise port 1883 beside an http:// address.",
            metavar="HOST[:PORT]",
        ),
    ] = None,
) -> None:
    """Check address, clock, signature, packages, products, AMQP and MQTT, and say how to mend what fails.

    The exit code is 1 when something failed. Nothing is changed anywhere.
    """
    found: list[Finding] = []
    for finding in _findings(cloud, product, queue, mqtt_address):
        found.append(finding)
        if not cloud.as_json:
            _show(finding)
    cloud.show([finding.plain() for finding in found], lambda: None)
    if any(finding.state is State.FAILED for finding in found):
        raise typer.Exit(REFUSED)


def _findings(cloud: Cloud, product: str | None, queue: str | None, mqtt_address: str | None) -> Iterator[Finding]:
    known = profile(cloud)
    yield known
    if known.state is State.FAILED:
        return
    reached = address(cloud.profile.url)
    yield reached
    if reached.state is not State.FAILED:
        yield clock(cloud.profile.url)
        signed = signature(cloud)
        yield signed
        if signed.state is not State.FAILED:
            yield from packages(cloud)
            yield products(cloud, product)
            yield amqp(cloud, queue)
    yield mqtt(cloud.profile.url, mqtt_address)


def _show(finding: Finding) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(markup=False, emoji=False, highlight=False)
    text = Text(finding.found)
    if finding.mend:
        text.append(f"\n{finding.mend}", style="italic")
    line = Table.grid(padding=(0, 2, 0, 0))
    line.add_column(width=7)
    line.add_column(width=9)
    line.add_column(overflow="fold")
    line.add_row(Text(finding.state.value, style=_STYLES[finding.state]), Text(finding.check, style="bold"), text)
    console.print(line)


doctor = runnable(_doctor)
