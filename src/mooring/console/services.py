"""The service market: what the account has activated, and which applications may use it."""

from mooring.platform.service_market import ServicePackage

from .html import Html, tag
from .page import Action, AnyRoute, Done, Form, Page, Shown, View
from .parts import action_button, badge, card, choice, dialog, empty, filters, form, link, moment, opens, select_field

__all__ = ["ABOUT", "ROUTES"]

ABOUT = {
    "product-and-device-management": "Products, thing models, devices, commands, latest data and history.",
    "message-subscription": "Queues and subscriptions, so that messages of devices come by AMQP.",
    "end-user-management": "User domains and end users of Apps.",
    "binding-management": "Which end users have bound which devices.",
}
"""What each package is for."""


async def _show_market(view: View) -> Shown:
    t = view.t
    wanted = {"true": True, "false": False}.get(view.query.get("active", ""))
    found = [
        package
        for package in view.platform.service_market.packages(view.account_id)
        if wanted in (None, package.activated_at is not None)
    ]
    bar = filters(view, choice(view, "active", t("Activated"), [("true", t("Yes")), ("false", t("No"))]))
    cards = tag.div(
        tag.div((_package(view, package) for package in found), class_="columns") if found else empty(t("None.")),
        id="listing",
    )
    return Shown(t("Service market"), (tag.section(bar, class_="card"), cards))


def _package(view: View, package: ServicePackage) -> Html:
    t = view.t
    path = {"package": package.package}
    name = t(package.name)
    holders = [app for app in view.platform.saas_apps.all(view.account_id) if package.package in app.packages]
    others = [app for app in view.platform.saas_apps.all(view.account_id) if package.package not in app.packages]
    identity = f"authorize-{package.package}"
    if package.activated_at is None:
        state = badge(t("Not activated"))
        label = t("Activate {name}", name=name)
        buttons: tuple[Html, ...] = (action_button(view, _ACTIVATE, t("Activate now"), path=path, label=label),)
    else:
        state = badge(t("Activated"), "good")
        buttons = (
            opens(view, _AUTHORIZE, identity, t("Authorize"), primary=True),
            action_button(
                view,
                _DEACTIVATE,
                t("Deactivate"),
                path=path,
                confirm=t("Every application's calls to {name} answer 91007 at once.", name=name),
                danger=True,
                label=t("Deactivate {name}", name=name),
            ),
        )
    apps = [(link(app.name, "/saas-apps/{app_id}", app_id=app.id), " ") for app in holders[:10]]
    return card(
        name,
        tag.p(t(ABOUT[package.package])),
        tag.p(badge(t("Free"), "info"), " ", state, " ", package.activated_at and moment(package.activated_at)),
        tag.p(tag.small(t("Prefixes")), " ", tag.code(", ".join(package.services))),
        tag.p(tag.small(t("Authorized to")), " ", apps or "–", len(holders) > 10 and f"… {len(holders)}"),
        tag.div(buttons, class_="buttons"),
        dialog(
            view,
            identity,
            f"{t('Authorize')}: {name}",
            form(
                view,
                _AUTHORIZE,
                select_field("app_id", t("SaaS application"), [(str(app.id), app.name) for app in others]),
                submit=t("Authorize"),
                path=path,
            )
            if others
            else tag.p(t("There is nothing free to choose from.")),
        )
        if package.activated_at is not None
        else None,
    )


async def _activate(view: View, form: Form) -> Done:
    package = await view.platform.service_market.activate(view.actor, view.path["package"])
    return Done(notice=view.t("{name} is activated.", name=view.t(package.name)))


async def _deactivate(view: View, form: Form) -> Done:
    package = await view.platform.service_market.deactivate(view.actor, view.path["package"])
    return Done(notice=view.t("{name} is deactivated.", name=view.t(package.name)))


async def _authorize(view: View, form: Form) -> Done:
    await view.platform.saas_apps.authorize_package(view.actor, form.number("app_id"), view.path["package"])
    return Done(notice=view.t("Saved."))


_ONE = "/services/{package}"
_ACTIVATE = Action(f"{_ONE}/activate", _activate)
_DEACTIVATE = Action(f"{_ONE}/deactivate", _deactivate)
_AUTHORIZE = Action(f"{_ONE}/authorize", _authorize)

ROUTES: tuple[AnyRoute, ...] = (Page("/services", _show_market), _ACTIVATE, _DEACTIVATE, _AUTHORIZE)
