"""The audit log: who did what to what, when and from where."""

from mooring.platform.ledger import AuditEntry, AuditFilter

from .html import Child, tag
from .older import PERIODS, before, log_table, period_ms
from .page import AnyRoute, Page, Shown, View
from .parts import Column, badge, choice, empty, filters, json_block, moment, search

__all__ = ["KINDS", "ROUTES"]

_ROWS = 20
KINDS = {
    "account": "Account",
    "administrator": "Members",
    "app": "SaaS application",
    "binding": "Binding",
    "ca_certificate": "CA certificates",
    "command": "Commands",
    "device": "Device",
    "end_user": "End users",
    "end_user_app": "App",
    "package": "Service",
    "product": "Product",
    "queue": "Queue",
    "share": "Share",
    "subscription": "Subscription",
    "thing_model": "Thing model",
    "token": "Token",
}
"""English names of what an action was done to."""


async def _show_audit(view: View) -> Shown:
    t = view.t
    asked = view.query
    chosen = AuditFilter(
        actor=asked.get("actor", "").strip()[:100],
        action=asked.get("action", "").strip()[:100],
        target_kind=asked.get("kind", ""),
        target=asked.get("target", "").strip()[:100],
        since=period_ms(view, view.platform.clock.now_ms()),
    )
    found = await view.platform.ledger.entries(view.account_id, chosen, before_id=before(view), rows=_ROWS + 1)
    shown = found[:_ROWS]
    kinds = sorted((t(text), value) for value, text in KINDS.items())
    bar = filters(
        view,
        choice(view, "period", t("Period"), [(value, t(text)) for value, text in PERIODS.items()]),
        choice(view, "kind", t("Type"), [(value, text) for text, value in kinds]),
        search(view, "action", t("Action")),
        search(view, "target", t("Target")),
        search(view, "actor", t("Who")),
    )
    columns: list[Column[AuditEntry]] = [
        Column(t("Time"), lambda entry: moment(entry.at)),
        Column(t("Who"), lambda entry: entry.actor),
        Column(t("Address"), lambda entry: entry.address),
        Column(t("Action"), lambda entry: tag.code(entry.action)),
        Column(
            t("Target"), lambda entry: (badge(t(KINDS.get(entry.target_kind, entry.target_kind))), " ", entry.target)
        ),
        Column(t("Detail"), lambda entry: _detail(view, entry)),
    ]
    rows = log_table(
        view,
        columns,
        shown,
        t("Audit log"),
        next_before=shown[-1].id if len(found) > len(shown) else None,
        nothing=empty(t("No entry matches.")),
    )
    kept = tag.p(t("Entries are kept for {days} days.", days=view.platform.limits.audit_days), class_="soft")
    return Shown(t("Audit log"), tag.section(bar, rows, kept, class_="card"))


def _detail(view: View, entry: AuditEntry) -> Child:
    if not entry.detail:
        return None
    return tag.details(tag.summary(view.t("Show")), json_block(entry.detail, view.t("Detail"), view))


ROUTES: tuple[AnyRoute, ...] = (Page("/audit", _show_audit),)
