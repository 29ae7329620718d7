"""Refusals are in the language of the reader, who is a newcomer that reads English unless something says otherwise."""

import pytest

from cli.person import Demo, Person

CHINESE, ENGLISH = "产品不存在", "Product not found"


@pytest.mark.parametrize(
    ("words", "locale", "text"),
    [
        ((), {}, ENGLISH),
        ((), {"LANG": "de_DE.UTF-8"}, ENGLISH),
        ((), {"LANG": "zh_CN.UTF-8"}, CHINESE),
        ((), {"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, ENGLISH),
        (("--language", "CN"), {}, CHINESE),
        (("--language", "EN"), {"LANG": "zh_CN.UTF-8"}, ENGLISH),
    ],
)
def test_a_refusal_is_in_the_language_asked_for(
    person: Person, words: tuple[str, ...], locale: dict[str, str], text: str
) -> None:
    # The contract has no `language` for this operation.
    variables = {"LANG": "C.UTF-8", "LC_ALL": "", "LC_MESSAGES": "", **locale}
    assert text in person.run("product", "show", "p00000", *words, code=6, **variables).err


def test_the_profile_says_the_language_and_the_option_another(person: Person, demo: Demo) -> None:
    person.run("login", "--name", "cn", "--demo-file", demo.file, "--no-check", "--language", "CN")
    shown = ("product", "show", "p00000", "--profile", "cn")
    assert CHINESE in person.run(*shown, code=6).err
    assert ENGLISH in person.run(*shown, "--language", "EN", code=6).err


def test_a_login_that_is_refused_says_so_in_english(stranger: Person, demo: Demo) -> None:
    url = demo.document["base_url"]
    run = stranger.run(
        "login", "--base-url", url, "--access-key", "nobody", "--secret-stdin", text="secret\n", code=4, LANG="C.UTF-8"
    )
    assert "AccessKey" in run.err
    assert run.err.isascii()
