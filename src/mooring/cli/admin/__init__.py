"""`mooring admin`: the management API on the command line.

It speaks HTTP to a running Mooring and never touches a database. Exit codes: 0 done, 1 refused, 2 wrong usage,
3 the server cannot be reached, 4 not logged in. A command's module is imported when it is wanted, and slow imports
happen inside functions, so that commands start quickly.
"""

from mooring.cli.lazy import lazy_group
from mooring.cli.places import Place

__all__ = ["admin"]

admin = lazy_group(
    "admin",
    "Administer a running Mooring over its management API.",
    {
        "login": Place(
            f"{__name__}.login:login", "Log in and keep the token. A one-time password is changed on the way."
        ),
        "logout": Place(f"{__name__}.login:logout", "End the saved login's token and forget it."),
        "whoami": Place(f"{__name__}.login:whoami", "Show who is calling, for which account, with which token."),
        "password": Place(
            f"{__name__}.login:password", "Change the own password. Every own token ends; a saved login is renewed."
        ),
        "codes": Place(f"{__name__}.codes:codes", "Codes of an authenticator app at the own login."),
        "overview": Place(
            f"{__name__}.overview:overview",
            "Show the account at one glance: devices, messages, API calls, queues, what needs attention.",
        ),
        "account": Place(f"{__name__}.people:account", "The account."),
        "administrator": Place(f"{__name__}.people:administrator", "Members of the account."),
        "token": Place(f"{__name__}.people:token", "Tokens of the management API."),
        "service": Place(f"{__name__}.services:service", "Service packages of the account."),
        "app": Place(f"{__name__}.assembled:app", "SaaS applications."),
        "product": Place(f"{__name__}.products:product", "Products."),
        "gateway": Place(f"{__name__}.gateways:gateway", "Gateways and their sub-devices."),
        "thing-model": Place(f"{__name__}.thing_models:thing_model", "Thing models of products."),
        "device": Place(f"{__name__}.assembled:device", "Devices."),
        "command": Place(f"{__name__}.commands:commands", "Commands to devices, each with its timeline."),
        "virtual-device": Place(
            f"{__name__}.virtual_devices:virtual_device", "The virtual device of a product: act as the device yourself."
        ),
        "queue": Place(f"{__name__}.queues:queue", "Message queues of SaaS applications."),
        "subscription": Place(
            f"{__name__}.subscriptions:subscription", "Subscriptions: which messages go into which queue."
        ),
        "ca": Place(f"{__name__}.ca_certificates:ca", "CA certificates that sign the certificates of devices."),
        "end-user-app": Place(f"{__name__}.end_user_apps:end_user_app", "Apps with their user domains."),
        "end-user": Place(f"{__name__}.end_users:end_user", "End users of Apps."),
        "binding": Place(f"{__name__}.bindings:binding", "Devices that end users have bound."),
        "share": Place(f"{__name__}.bindings:share", "Devices that end users share."),
        "audit": Place(f"{__name__}.audit:audit", "Show what was done, newest first."),
    },
)
