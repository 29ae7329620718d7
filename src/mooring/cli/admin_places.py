"""The table of `mooring admin …`; imports nothing that its help would wait for."""

from .places import Place

__all__ = ["HELP", "PLACES"]

HELP = "Administer a running Mooring over its management API."
_ADMIN = "mooring.cli.admin"

PLACES = {
    "login": Place(f"{_ADMIN}.login:login", "Log in and keep the token. A one-time password is changed on the way."),
    "logout": Place(f"{_ADMIN}.login:logout", "End the saved login's token and forget it."),
    "whoami": Place(f"{_ADMIN}.login:whoami", "Show who is calling, for which account, with which token."),
    "password": Place(
        f"{_ADMIN}.login:password", "Change the own password. Every own token ends; a saved login is renewed."
    ),
    "codes": Place(f"{_ADMIN}.codes:codes", "Codes of an authenticator app at the own login."),
    "overview": Place(
        f"{_ADMIN}.overview:overview",
        "Show the account at one glance: devices, messages, API calls, queues, what needs attention.",
    ),
    "account": Place(f"{_ADMIN}.people:account", "The account."),
    "administrator": Place(f"{_ADMIN}.people:administrator", "Members of the account."),
    "token": Place(f"{_ADMIN}.people:token", "Tokens of the management API."),
    "service": Place(f"{_ADMIN}.services:service", "Service packages of the account."),
    "app": Place(f"{_ADMIN}.assembled:app", "SaaS applications."),
    "product": Place(f"{_ADMIN}.products:product", "Products."),
    "gateway": Place(f"{_ADMIN}.gateways:gateway", "Gateways and their sub-devices."),
    "thing-model": Place(f"{_ADMIN}.thing_models:thing_model", "Thing models of products."),
    "device": Place(f"{_ADMIN}.assembled:device", "Devices."),
    "command": Place(f"{_ADMIN}.commands:commands", "Commands to devices, each with its timeline."),
    "virtual-device": Place(
        f"{_ADMIN}.virtual_devices:virtual_device", "The virtual device of a product: act as the device yourself."
    ),
    "queue": Place(f"{_ADMIN}.queues:queue", "Message queues of SaaS applications."),
    "subscription": Place(f"{_ADMIN}.subscriptions:subscription", "Subscriptions: which messages go into which queue."),
    "ca": Place(f"{_ADMIN}.ca_certificates:ca", "CA certificates that sign the certificates of devices."),
    "end-user-app": Place(f"{_ADMIN}.end_user_apps:end_user_app", "Apps with their user domains."),
    "end-user": Place(f"{_ADMIN}.end_users:end_user", "End users of Apps."),
    "binding": Place(f"{_ADMIN}.bindings:binding", "Devices that end users have bound."),
    "share": Place(f"{_ADMIN}.bindings:share", "Devices that end users share."),
    "audit": Place(f"{_ADMIN}.audit:audit", "Show what was done, newest first."),
}
