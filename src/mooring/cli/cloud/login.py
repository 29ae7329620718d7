"""`mooring login` and `mooring profile …`: which clouds there are, and with which keys."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mooring.cli.arguments import read_content
from mooring.cli.asking import ask_line
from mooring.cli.failure import Failure
from mooring.cli.screen import fields, say, table
from mooring.cli.shared import group

from .command import command, runnable
from .session import Cloud, spoken_here

if TYPE_CHECKING:
    from mooring.client.profiles import Profile, Profiles, Secret

__all__ = ["login", "profile"]

profile = group("Saved clouds: address and key under a name.")

_Name = Annotated[str | None, typer.Argument(help="Name of a profile; the default one unless given.", metavar="NAME")]


def _login(
    cloud: Cloud,
    name: Annotated[str, typer.Option(help="Name to save it under.")] = "default",
    base_url: Annotated[
        str | None, typer.Option(help="Address of the OpenAPI, such as https://iot.example.com.")
    ] = None,
    region: Annotated[str | None, typer.Option(help="A known cloud instead: eu, cn or local.")] = None,
    access_key: Annotated[str | None, typer.Option(help="AccessKey; asked for when not given.")] = None,
    secret_stdin: Annotated[
        bool, typer.Option("--secret-stdin", help="Read the AccessSecret from standard input.", show_default=False)
    ] = False,
    secret_env: Annotated[
        str | None,
        typer.Option(help="Do not save the AccessSecret, but the variable that it is in.", metavar="VARIABLE"),
    ] = None,
    secret_file: Annotated[
        Path | None, typer.Option(help="Do not save the AccessSecret, but the file that it is in.", metavar="FILE")
    ] = None,
    demo_file: Annotated[
        Path | None, typer.Option(help="Take everything from the demo.json of `mooring up --demo`.", metavar="FILE")
    ] = None,
    amqp_url: Annotated[
        str | None, typer.Option(help="Where queues are consumed, when it is not what they say.")
    ] = None,
    language: Annotated[str | None, typer.Option(help="Language of texts, CN or EN.")] = None,
    check: Annotated[bool, typer.Option(help="Log in once before saving.")] = True,
) -> None:
    """Save a cloud and a key for it. The AccessSecret is typed, or comes from a file, a variable or standard input.

    With --demo-file `mooring admin` is logged in too, unless it is at another server.
    """
    from mooring.client import Client
    from mooring.client.profiles import Profile, load_profiles, profiles_path, save_profiles

    saved = load_profiles()
    given: dict[str, Any] = {"base_url": base_url, "region": region, "amqp_url": amqp_url, "language": language}
    if demo_file is not None:
        found = _of_demo(demo_file)
        given["base_url"] = base_url or found["base_url"]
        given["amqp_url"] = amqp_url or found.get("amqp", {}).get("url")
        key, secret = found["access_key"], found["access_secret"]
    else:
        key = access_key or ask_line("AccessKey:")
        secret = _secret(secret_stdin, secret_env, secret_file)
    made = Profile(access_key=key, access_secret=secret, **given)
    changed = saved.with_profile(name, made)  # raises for a wrong name before anything is sent
    if check:
        from .asking_transport import AskingTransport

        transport = AskingTransport(made.language or spoken_here(), verify=not made.url.startswith("http://"))
        with Client(made.access_key, made.secret(), base_url=made.url, transport=transport) as client:
            client.login()
    save_profiles(changed)
    if demo_file is not None:
        _keep_management(found.get("manage"))
    value = {"profile": name, "base_url": made.url, "access_key": key, "default": changed.default == name}
    cloud.show(value, lambda: _saved(name, made, changed, profiles_path()))


@command(profile, "list")
def _list(cloud: Cloud) -> None:
    """List the saved clouds; * marks the default."""
    from mooring.client.profiles import load_profiles

    profiles = load_profiles()
    value = [_plain(profiles, name) for name in profiles]

    def readable() -> None:
        if not value:
            say("no cloud is saved; run: mooring login")
            return
        rows = (("*" if row["default"] else "", row["name"], row["base_url"], row["access_key"]) for row in value)
        table(("", "Name", "Address", "AccessKey"), rows)

    cloud.show(value, readable)


@command(profile, "show")
def _show(cloud: Cloud, name: _Name = None) -> None:
    """Show a saved cloud without its secret."""
    from mooring.client.profiles import load_profiles

    profiles = load_profiles()
    wanted = profiles.get(name)
    value = _plain(profiles, next(each for each in profiles if profiles.named[each] is wanted))
    cloud.show(value, lambda: fields({label.replace("_", " "): shown for label, shown in value.items()}))


@command(profile, "use")
def _use(cloud: Cloud, name: Annotated[str, typer.Argument(help="Name of a profile.")]) -> None:
    """Make a saved cloud the default."""
    from mooring.client.profiles import load_profiles, save_profiles

    save_profiles(load_profiles().with_default(name))
    cloud.show({"default": name}, lambda: say(f"{name} is the default"))


@command(profile, "remove")
def _remove(cloud: Cloud, name: Annotated[str, typer.Argument(help="Name of a profile.")]) -> None:
    """Forget a saved cloud."""
    from mooring.client.profiles import load_profiles, save_profiles

    save_profiles(load_profiles().without(name))
    cloud.show({"removed": name}, lambda: say(f"{name} was removed"))


def _secret(from_stdin: bool, variable: str | None, file: Path | None) -> "Secret":
    from mooring.client.profiles import FromEnvironment, FromFile

    if from_stdin + (variable is not None) + (file is not None) > 1:
        raise typer.BadParameter("give one of --secret-stdin, --secret-env and --secret-file")
    if variable is not None:
        return FromEnvironment(variable)
    if file is not None:
        return FromFile(str(file.expanduser().absolute()))
    if from_stdin:
        line = sys.stdin.readline().strip()
        if not line:
            raise Failure("--secret-stdin: there is no line for it on standard input")
        return line
    typed: str = typer.prompt("AccessSecret", hide_input=True, err=True)
    return typed.strip()


def _of_demo(file: Path) -> dict[str, Any]:
    import msgspec

    try:
        found = msgspec.json.decode(read_content(file), type=dict[str, Any])
        if all(isinstance(found[name], str) for name in ("base_url", "access_key", "access_secret")):
            return found
    except (msgspec.DecodeError, KeyError):
        pass
    raise Failure(f"{file} is not the demo.json of a demo")


def _keep_management(manage: Any) -> None:
    """Log in at the demo's management API too, unless there is a login for another."""
    from mooring.cli.admin.saved_login import SavedLogin, load_login, save_login

    match manage:
        case {"url": str(url), "token": str(token)}:
            present = load_login()
            if present is not None and present.url != url:
                typer.echo(f"mooring admin stays logged in at {present.url}", err=True)
                return
            save_login(SavedLogin(url, str(manage.get("email", "demo")), token, None))
            typer.echo(f"mooring admin and mooring trigger are logged in at {url}", err=True)


def _plain(profiles: "Profiles", name: str) -> dict[str, Any]:
    from mooring.client.profiles import FromEnvironment, FromFile

    found = profiles.named[name]
    match found.access_secret:
        case FromEnvironment(env=variable):
            secret = f"in the variable {variable}"
        case FromFile(file=file):
            secret = f"in the file {file}"
        case _:
            secret = "saved"
    return {
        "name": name,
        "base_url": found.url,
        "access_key": found.access_key,
        "access_secret": secret,
        "amqp_url": found.amqp_url,
        "language": found.language,
        "default": profiles.default == name,
    }


def _saved(name: str, made: "Profile", profiles: "Profiles", path: Path) -> None:
    say(f"{made.url} is saved as {name} in {path}")
    if profiles.default != name:
        say(f"the default is {profiles.default or 'none'}; mooring profile use {name} changes that")


login = runnable(_login)
