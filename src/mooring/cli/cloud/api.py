"""`mooring api`: any call of the OpenAPI, signed."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from mooring.cli.arguments import read_content
from mooring.cli.failure import Failure

from .command import runnable
from .session import Cloud

__all__ = ["api"]


class _Method(StrEnum):
    GET = "GET"
    POST = "POST"


def _api(
    cloud: Cloud,
    method: Annotated[_Method, typer.Argument(help="GET or POST.", case_sensitive=False)],
    path: Annotated[str, typer.Argument(help="Path of the operation; may have a query.", metavar="PATH")],
    query: Annotated[
        list[str] | None, typer.Option("--query", "-q", help="A parameter of the query.", metavar="NAME=VALUE")
    ] = None,
    data: Annotated[
        str | None, typer.Option("--data", "-d", help="The body as JSON, or @FILE, or - to read it.")
    ] = None,
) -> None:
    """Call any operation: log in, send, print the answer. A refusal is printed too, and its class is the exit code."""
    parameters = dict(_pair(text) for text in query or ())
    if method == _Method.GET:
        if data is not None:
            raise typer.BadParameter("GET has no body", param_hint="--data")
        body = _called(cloud.client.raw.get, path, params=parameters)
    else:
        body = _called(cloud.client.raw.post, path, json=None if data is None else _json(data), params=parameters)
    cloud.show(body, lambda: _print(body))


def _called(call: Any, path: str, **given: Any) -> Any:
    try:
        return call(path, **given)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="PATH") from None


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise typer.BadParameter(f"{text!r} is not of the form NAME=VALUE", param_hint="--query")
    return name, value


def _json(data: str) -> Any:
    import msgspec

    if data == "-":
        content = sys.stdin.buffer.read()
    else:
        content = read_content(Path(data[1:])) if data.startswith("@") else data.encode()
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Failure(f"the body is no JSON: {error}") from None


def _print(body: object) -> None:
    import msgspec

    typer.echo(msgspec.json.format(msgspec.json.encode(body), indent=2).decode())


api = runnable(_api)
