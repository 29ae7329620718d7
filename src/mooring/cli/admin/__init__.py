"""`mooring admin`: the management API on the command line.

It speaks HTTP to a running Mooring and never touches a database. Exit codes: 0 done, 1 refused, 2 wrong usage,
3 the server cannot be reached, 4 not logged in. Slow imports happen inside functions, so that help stays quick.
"""

import typer

from . import (
    app_activity,
    audit,
    bindings,
    ca_certificates,
    commands,
    device_logs,
    device_trace,
    devices,
    end_user_apps,
    end_users,
    gateways,
    login,
    people,
    products,
    queues,
    saas_apps,
    services,
    subscriptions,
    thing_models,
    virtual_devices,
)

__all__ = ["app"]

app = typer.Typer(
    name="admin",
    help="Administer a running Mooring over its management API.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
login.register(app)
app_activity.register(saas_apps.saas_app)
for name, group in (
    ("account", people.account),
    ("administrator", people.administrator),
    ("token", people.token),
    ("service", services.service),
    ("app", saas_apps.saas_app),
    ("product", products.product),
    ("gateway", gateways.gateway),
    ("thing-model", thing_models.thing_model),
    ("device", devices.device),
    ("command", commands.commands),
    ("virtual-device", virtual_devices.virtual_device),
    ("queue", queues.queue),
    ("subscription", subscriptions.subscription),
    ("ca", ca_certificates.ca),
    ("end-user-app", end_user_apps.end_user_app),
    ("end-user", end_users.end_user),
    ("binding", bindings.binding),
    ("share", bindings.share),
):
    app.add_typer(group, name=name)
for module in (device_logs, commands, device_trace):
    module.register(devices.device)
audit.register(app)
