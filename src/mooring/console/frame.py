"""What is around every page: head, top bar, menu, title."""

from collections.abc import Callable, Iterable

from .assets import asset
from .html import Child, Html, tag, trusted
from .menu import MENU
from .page import Shown, View, address
from .parts import hidden
from .refusals import Refusal
from .texts import LANGUAGES, translate_refusal

__all__ = ["THEMES", "document", "failure", "on_menu"]

THEMES = {"auto": "Auto", "light": "Light", "dark": "Dark"}
_DOCTYPE = trusted("<!doctype html>")
_menu: list[tuple[str, list[tuple[str, str]]]] = []


def on_menu(answered: Callable[[str], bool]) -> None:
    """Keep the pages of the menu that are answered."""
    _menu[:] = [
        (heading, [(text, path) for text, path in pages if answered(path)])
        for heading, pages in MENU
        if any(answered(path) for _, path in pages)
    ]


def document(view: View, shown: Shown) -> str:
    """A whole page."""
    crumbs = shown.crumbs and tag.nav(
        tag.ol(tag.li(tag.a(text, href=address(path))) for text, path in shown.crumbs),
        class_="crumbs",
        aria_label=view.t("Breadcrumb"),
    )
    main = tag.main(
        crumbs or None,
        tag.div(tag.h1(shown.title), tag.div(shown.actions, class_="buttons"), class_="title"),
        shown.body,
        id="main",
        tabindex=-1,
    )
    signed_in = view.caller is not None
    body = tag.body(
        tag.a(view.t("Skip to the content"), href="#main", class_="skip"),
        _top_bar(view, signed_in),
        tag.div(signed_in and _side(view), main, class_="page" if signed_in else "page alone"),
        tag.div(id="notices", role="status", aria_live="polite"),
        _dialogs(view),
    )
    return _DOCTYPE + tag.html(
        _head(view, shown), body, lang="zh-CN" if view.language == "CN" else "en", data_theme=view.theme
    )


def failure(view: View, refusal: Refusal) -> str:
    """A page that could not be shown."""
    titles = {403: "Not allowed", 404: "Not found", 503: "Not available"}
    title = view.t(titles.get(refusal.status, "Something went wrong"))
    body = tag.section(
        tag.p(translate_refusal(view.language, refusal.message)),
        tag.p(tag.a(view.t("To the start page"), href=address("/"))),
        class_="card",
    )
    return document(view, Shown(title, body))


def _head(view: View, shown: Shown) -> Html:
    return tag.head(
        tag.meta(charset="utf-8"),
        tag.title(f"{shown.title} · Mooring"),
        tag.meta(name="viewport", content="width=device-width, initial-scale=1"),
        tag.meta(name="csrf", content=view.csrf),
        tag.link(rel="icon", href=asset("mooring.svg"), type="image/svg+xml"),
        tag.link(rel="stylesheet", href=asset("console.css")),
        (tag.script(src=asset(name), defer=True) for name in ("console.js", *shown.scripts)),
    )


def _top_bar(view: View, signed_in: bool) -> Html:
    return tag.header(
        signed_in
        and tag.button(
            tag.span("☰", aria_hidden="true"),
            type="button",
            class_="quiet menu-button",
            data_menu=True,
            aria_label=view.t("Menu"),
            aria_expanded="false",
            aria_controls="menu",
        ),
        tag.a(_logo(), "Mooring", href=address("/"), class_="brand"),
        tag.div(_preferences(view), signed_in and _account(view), class_="top-right"),
        class_="top",
    )


def _logo() -> Html:
    return tag.img(src=asset("mooring.svg"), alt="", width=26, height=26)


def _preferences(view: View) -> Html:
    return tag.form(
        hidden("csrf", view.csrf),
        _chooser("language", view.t("Language"), LANGUAGES.items(), view.language),
        _chooser("theme", view.t("Theme"), ((key, view.t(text)) for key, text in THEMES.items()), view.theme),
        tag.noscript(tag.button(view.t("Apply"), type="submit", class_="small")),
        method="post",
        action=address("/preferences"),
        class_="preferences",
        data_at_once=True,
    )


def _chooser(name: str, label: str, options: Iterable[tuple[str, str]], value: str) -> Html:
    chosen = [tag.option(text, value=key, selected=key == value) for key, text in options]
    return tag.select(chosen, name=name, aria_label=label)


def _account(view: View) -> Html:
    return tag.details(
        tag.summary(view.identity.administrator.email, class_="button quiet"),
        tag.div(
            tag.p(view.t(view.identity.administrator.role.value)),
            tag.a(view.t("My account"), href=address("/me")),
            tag.form(
                hidden("csrf", view.csrf),
                tag.button(view.t("Log out"), type="submit", class_="quiet"),
                method="post",
                action=address("/logout"),
            ),
            class_="pop",
        ),
        class_="account",
    )


def _side(view: View) -> Html:
    def entry(text: str, path: str) -> Html:
        here = view.here == path or (path != "/" and view.here.startswith(f"{path}/"))
        return tag.li(tag.a(view.t(text), href=address(path), aria_current=here and "page"))

    return tag.nav(
        (
            (heading and tag.h2(view.t(heading)), tag.ul(entry(text, path) for text, path in pages))
            for heading, pages in _menu
        ),
        class_="side",
        id="menu",
        aria_label=view.t("Menu"),
    )


def _dialogs(view: View) -> Child:
    """Boxes that the script fills: a question before something is done, and what an action showed."""
    question = tag.dialog(
        tag.header(tag.h2(view.t("Are you sure?"), id="question-title")),
        tag.p(id="question-text"),
        tag.div(
            tag.button(view.t("Cancel"), type="button", data_close=True),
            tag.button(view.t("Confirm"), type="button", class_="danger", id="question-yes"),
            class_="buttons end",
        ),
        id="question",
        aria_labelledby="question-title",
        aria_describedby="question-text",
    )
    result = tag.dialog(
        tag.header(
            tag.h2(id="result-title"),
            tag.button("×", type="button", class_="quiet", data_close=True, aria_label=view.t("Close")),
        ),
        tag.div(id="result-body"),
        id="result",
        aria_labelledby="result-title",
    )
    return question, result
