"""thing-model …"""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from mooring.cli.arguments import read_content
from mooring.cli.failure import REFUSED, Failure
from mooring.cli.files import write_atomically
from mooring.cli.model_text import show_changes, show_verdict, show_warnings
from mooring.cli.screen import fields, footer, moment, say, table

from .command import Limit, Offset, Yes, command, confirm, group
from .session import Answer, Session, path_of

__all__ = ["import_draft", "release_draft", "thing_model"]

thing_model = group("Thing models of products.")

_ProductKey = Annotated[str, typer.Argument(help="ProductKey.")]
_File = Annotated[Path, typer.Argument(help="A JSON file; - is standard input.", metavar="FILE", allow_dash=True)]
_Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write the document to this file.")]
_Language = Annotated[str, typer.Argument(help="CN or EN.")]


@command(thing_model, "import")
def import_draft(session: Session, product_key: _ProductKey, file: _File) -> None:
    """Replace the draft by a document."""
    answer = session.put(_path(product_key, "draft"), read_content(file))
    session.show(answer, lambda: _draft_stored(answer.value))


@command(thing_model, "copy")
def _copy(
    session: Session,
    product_key: _ProductKey,
    source: Annotated[str, typer.Argument(help="ProductKey to copy from.")],
    version: Annotated[str | None, typer.Option(help="A release of it; the newest unless given.")] = None,
) -> None:
    """Replace the draft by a release of another product."""
    body = {"source_product_key": source, "version": version}
    answer = session.post(_path(product_key, "draft", "copy"), body)
    session.show(answer, lambda: _draft_stored(answer.value))


@command(thing_model, "draft")
def _draft(session: Session, product_key: _ProductKey, output: _Output = None) -> None:
    """Print the draft."""
    _document(session, session.get(_path(product_key, "draft")), output)


@command(thing_model, "discard")
def _discard(session: Session, product_key: _ProductKey, yes: Yes = False) -> None:
    """Drop the draft; the released model stays."""
    confirm(f"Drop the draft of {product_key}?", yes)
    answer = session.delete(_path(product_key, "draft"))
    session.show(answer, lambda: say(f"the draft of {product_key} was dropped"))


@command(thing_model, "validate")
def _validate(session: Session, product_key: _ProductKey, file: _File) -> None:
    """Check a document without storing it; the exit code is 1 when it has faults."""
    answer = session.post(_path(product_key, "validate"), read_content(file))
    verdict = answer.value
    session.show(answer, lambda: show_verdict(verdict))
    if not verdict["valid"]:
        raise typer.Exit(REFUSED)


@command(thing_model, "diff")
def _diff(session: Session, product_key: _ProductKey) -> None:
    """Show what the draft changes in the released model."""
    answer = session.get(_path(product_key, "difference"))
    session.show(answer, lambda: show_changes(answer.value["changes"], "Released", "Draft"))


@command(thing_model, "release")
def release_draft(session: Session, product_key: _ProductKey) -> None:
    """Make the draft the product's model at once."""
    answer = session.post(_path(product_key, "release"))
    version, new = answer.value["version"], answer.value["new"]
    session.show(answer, lambda: say(f"released {version}" if new else f"nothing differs; {version} stays"))


@command(thing_model, "releases")
def _releases(session: Session, product_key: _ProductKey, limit: Limit = 100, offset: Offset = 0) -> None:
    """List the releases."""
    answer = session.get(_path(product_key, "releases"), limit=limit, offset=offset)

    def readable() -> None:
        table(
            ("Version", "Released", ""),
            (
                (found["version"], moment(found["released_at"]), "current" if found["current"] else "")
                for found in answer.value["items"]
            ),
        )
        footer(answer.value, offset)

    session.show(answer, readable)


@command(thing_model, "export")
def _export(
    session: Session,
    product_key: _ProductKey,
    version: Annotated[str | None, typer.Option(help="A release; the newest unless given.")] = None,
    output: _Output = None,
) -> None:
    """Print a released model as the document that the OpenAPI exports."""
    rest = ("export",) if version is None else ("releases", version)
    _document(session, session.get(_path(product_key, *rest)), output)


@command(thing_model, "labels")
def _labels(session: Session, product_key: _ProductKey, language: _Language = "EN") -> None:
    """Show the names of the released model in a language."""
    answer = session.get(_path(product_key, "labels", language))
    session.show(answer, lambda: table(("Label", "Text"), answer.value["labels"].items()))


@command(thing_model, "set-labels")
def _set_labels(session: Session, product_key: _ProductKey, language: _Language, file: _File) -> None:
    """Translate names: a JSON file of labels and texts, or what `labels --json` printed."""
    labels = _labels_of(read_content(file))
    answer = session.put(_path(product_key, "labels", language), {"labels": labels})
    session.show(answer, lambda: say(f"{len(labels)} label(s) of {product_key} are set in {language}"))


def _path(product_key: str, *rest: str) -> str:
    return path_of("products", product_key, "thing-model", *rest)


def _labels_of(content: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Failure(f"the file is not a JSON object: {error}") from None
    inner = value.get("labels")
    return inner if isinstance(inner, dict) and len(value) == 1 else value


def _document(session: Session, answer: Answer, output: Path | None) -> None:
    pretty = msgspec.json.format(answer.text, indent=2)
    if output is not None:
        write_atomically(output, f"{pretty}\n".encode())
    session.show(answer, lambda: say(pretty if output is None else f"written to {output}"))


def _draft_stored(value: dict[str, Any]) -> None:
    counts = {kind: len(value["document"].get(kind, ())) for kind in ("properties", "services", "events")}
    fields(counts)
    show_warnings(value["warnings"])
