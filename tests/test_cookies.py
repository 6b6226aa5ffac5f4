"""The page's own cookies: only what this process issued counts, and other pages on the machine keep theirs."""

import pytest

from playground.cookies import Cookies
from tests.test_gatekeeper import JOIN, Page


def sent(page, value):
    return {"cookie": f"{page.door.cookies.session}={value}"}


def test_the_cookie_of_a_page_makes_a_visitor():
    page = Page(changes="joins=1")
    given = page.ask("/").headers["set-cookie"].partition(";")[0]
    assert [page.ask(JOIN, "POST", cookie=given).status for _ in range(2)] == [200, 429]
    assert "set-cookie" not in page.ask("/", cookie=f"a=b; {given}; c=d").headers


@pytest.mark.parametrize("value", ["", "ada", "a" * 22, "a" * 44, "A" * 128])
def test_an_invented_cookie_is_none(value):
    page = Page(changes="joins=3")
    assert "set-cookie" in page.ask("/", **sent(page, value)).headers
    body = b'{"session_hash": "s"}'
    tries = [page.ask(JOIN, "POST", body=body, **sent(page, f"{value}{number}")).status for number in range(4)]
    assert tries == [200, 200, 200, 429]  # a script: its session's share


def test_a_cookie_of_another_process_is_replaced_with_the_next_page():
    old, new = Page(), Page()
    given = old.ask("/").headers["set-cookie"].partition(";")[0]
    value = given.partition("=")[2]
    for cookie in ({"cookie": given}, sent(new, value)):
        assert "set-cookie" in new.ask("/", **cookie).headers
    assert new.door.cookies.session != old.door.cookies.session


def test_a_page_that_stayed_open_over_a_restart_goes_on():
    """Its session counts as a script's; once another tab has brought a new cookie, it still answers."""
    page = Page()
    join = {"path": JOIN, "method": "POST", "body": b'{"session_hash": "s"}'}
    assert page.ask(**join, **sent(page, "stale")).status == 200
    assert page.ask("/gradio_api/queue/data?session_hash=s", **sent(page, "stale")).status == 200
    given = page.ask("/", **sent(page, "stale")).headers["set-cookie"].partition(";")[0]
    assert page.ask(**join, cookie=given).status == 200
    assert page.ask("/gradio_api/queue/data?session_hash=s", cookie=given).status == 200


def test_a_mark_is_of_its_browser_its_user_and_its_kind():
    cookies = Cookies()
    entry = cookies.entry("ada", "x")
    assert cookies.has_entered(entry, "ada", "x")
    for other in (("eve", "x"), ("ada", "y"), ("", "x"), ("ada", "")):
        assert not cookies.has_entered(entry, *other)
    assert not cookies.has_entered(cookies.signed("ada")[-22:], "ada", "x")
    assert not Cookies().has_entered(entry, "ada", "x")
