"""`mooring tsl …`: thing model documents, on this machine and in a cloud."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from mooring.cli.admin.command import command as admin_command
from mooring.cli.admin.session import Session
from mooring.cli.admin.thing_models import import_draft, release_draft
from mooring.cli.arguments import read_content
from mooring.cli.failure import REFUSED, Failure
from mooring.cli.files import write_atomically
from mooring.cli.model_text import show_changes, show_verdict
from mooring.cli.screen import say
from mooring.cli.shared import group

from .command import command
from .session import Cloud

__all__ = ["tsl"]

tsl = group("Thing models (TSL): check and compare documents, export and import them.")

_PRODUCT_KEY = re.compile(r"[A-Za-z0-9]{4,32}")
_File = Annotated[Path, typer.Argument(help="A JSON file; - is standard input.", metavar="FILE", allow_dash=True)]
_SIDE = "A JSON file, - for standard input, or the ProductKey of a released model."
_Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write the document to this file.")]


@command(tsl, "validate")
def _validate(cloud: Cloud, file: _File) -> None:
    """Check a document against every rule, on this machine; the exit code is 1 when it has faults."""
    import msgspec

    from mooring.thingmodel import check

    checked = check(_decoded(file))
    faults, warnings = msgspec.to_builtins(checked.faults), msgspec.to_builtins(checked.warnings)
    verdict = {"valid": not faults, "faults": faults, "warnings": warnings}
    cloud.show(verdict, lambda: show_verdict(verdict))
    if faults:
        raise typer.Exit(REFUSED)


@command(tsl, "diff")
def _diff(
    cloud: Cloud,
    old: Annotated[str, typer.Argument(help=_SIDE, metavar="OLD")],
    new: Annotated[str, typer.Argument(help=_SIDE, metavar="NEW")],
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with 1 when something differs.", show_default=False)
    ] = False,
) -> None:
    """Show what changes from one model to another, feature by feature."""
    import msgspec

    from mooring.thingmodel import compare

    difference = compare(_model(cloud, old), _model(cloud, new))
    value = msgspec.to_builtins(difference)
    cloud.show(value, lambda: show_changes(value["changes"], "Old", "New"))
    if exit_code and not difference.empty:
        raise typer.Exit(REFUSED)


@command(tsl, "export")
def _export(
    cloud: Cloud,
    product_key: Annotated[str, typer.Argument(help="ProductKey.", metavar="PRODUCT")],
    output: _Output = None,
    language: Annotated[str | None, typer.Option(help="Language of names, CN or EN.")] = None,
) -> None:
    """Print the released model of a product."""
    import msgspec

    document = cloud.client.thing_models.export(product_key, language=language).raw
    pretty = msgspec.json.format(msgspec.json.encode(document), indent=2)
    if output is not None:
        write_atomically(output, pretty + b"\n")
    cloud.show(document, lambda: say(pretty.decode() if output is None else f"written to {output}"))


@admin_command(tsl, "import")
def _import(
    session: Session,
    product_key: Annotated[str, typer.Argument(help="ProductKey.", metavar="PRODUCT")],
    file: _File,
    release: Annotated[
        bool, typer.Option("--release", help="Make it the product's model at once.", show_default=False)
    ] = False,
) -> None:
    """Replace the draft of a product of a Mooring, over its management API; the OpenAPI has no such call."""
    import_draft(session, product_key, file)
    if release:
        release_draft(session, product_key)


def _model(cloud: Cloud, side: str) -> Any:
    """The document of one side. Raises Failure, MooringError."""
    from mooring.thingmodel import check

    if side != "-" and not Path(side).exists() and _PRODUCT_KEY.fullmatch(side):
        document: Any = cloud.client.thing_models.export(side).raw
    else:
        document = _decoded(Path(side))
    checked = check(document)
    if checked.document is None:
        first = checked.faults[0]
        raise Failure(f"{side} is no valid thing model, see mooring tsl validate: {first.path}: {first.message}")
    return checked.document


def _decoded(file: Path) -> Any:
    import msgspec

    try:
        return msgspec.json.decode(read_content(file))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Failure(f"{file} is no JSON: {error}") from None
