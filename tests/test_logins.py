"""Failed logins: a stranger's lock out nobody who has logged in before, and who has may guess no other's password."""

import pytest

from playground.logins import TOGETHER
from tests.test_gatekeeper import Page

TUNNEL = {"host": "abc.gradio.live", "peer": "127.0.0.1"}
FORM = {"content_type": "application/x-www-form-urlencoded"}


def log_in(page, user="ada", password="right", cookie="", form="", **more):
    body = form or f"username={user}&password={password}"
    headers = {"cookie": cookie} if cookie else {}
    return page.ask("/login", "POST", body=body.encode(), **{**FORM, **headers, **more})


def entered(page, user="ada", **more):
    """The cookies of a browser from which a user has logged in."""
    browser = page.ask("/", **more).headers["set-cookie"].partition(";")[0]
    done = log_in(page, user, cookie=browser, **more)
    assert done.status == 200
    assert "HttpOnly" in done.headers["set-cookie"]
    return f"{browser}; {done.headers['set-cookie'].partition(';')[0]}"


def locked(page, **more):
    """Somebody fails until the page answers no more."""
    codes = [log_in(page, password="wrong", **more).status for _ in range(10)]
    assert codes[-1] == 429
    return codes.count(400)


def test_a_strangers_failures_do_not_lock_out_who_was_here_before():
    page = Page(changes="logins=3")
    ada = entered(page)
    assert locked(page) == 3
    assert log_in(page, cookie=ada).status == 200
    assert log_in(page).status == 429


def test_who_was_here_before_has_as_many_tries_as_anybody_and_costs_others_none():
    page = Page(changes="logins=3")
    ada = entered(page)
    assert locked(page, cookie=ada) == 3
    assert log_in(page, "alan").status == 200


@pytest.mark.parametrize("form", [
    "username=alan&password=wrong", "username=ada&username=alan&password=wrong",
    "password=wrong&username=ada&username=%61lan", "username=ada&password=wrong&username=+alan"])
def test_who_was_here_before_guesses_no_other_users_password(form):
    page = Page(changes="logins=3")
    ada = entered(page)
    locked(page)
    assert log_in(page, form=form, cookie=ada).status == 429


def test_many_browsers_of_one_user_guess_no_more_than_one():
    page, tried = Page(changes="logins=3"), 0
    browsers = [entered(page) for _ in range(5)]
    for browser in browsers * 2:
        tried += log_in(page, "alan", "wrong", browser).status == 400
    assert tried == 3


@pytest.mark.parametrize("how", ["forged", "another browser's", "without a browser"])
def test_a_cookie_that_was_not_given_opens_nothing(how):
    page = Page(changes="logins=3")
    browser, entry = entered(page).split("; ")
    other = page.ask("/").headers["set-cookie"].partition(";")[0]
    cookie = {"forged": f"{browser}; {page.door.cookies.device}=AAAAAAAAAAAAAAAAAAAAAA",
              "another browser's": f"{other}; {entry}", "without a browser": entry}[how]
    locked(page)
    assert log_in(page, cookie=cookie).status == 429


def test_a_login_that_fails_gives_no_cookie():
    page = Page()
    browser = page.ask("/").headers["set-cookie"].partition(";")[0]
    assert "set-cookie" not in log_in(page, password="wrong", cookie=browser).headers
    assert "set-cookie" not in log_in(page).headers  # a script


def test_the_name_in_a_multipart_form_is_read_as_well():
    page = Page(changes="logins=3")
    ada = entered(page)
    locked(page)
    parts = "".join(f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
                    for name, value in (("username", "ada"), ("password", "right")))
    kind = {"content_type": "multipart/form-data; boundary=x"}
    assert log_in(page, form=f"{parts}--x--\r\n", cookie=ada, **kind).status == 200
    assert log_in(page, form=parts.replace("ada", "alan") + "--x--\r\n", cookie=ada, **kind).status == 429


@pytest.mark.parametrize(("kind", "form"), [
    ("multipart/form-data", "right"), ("multipart/form-data; boundary=x", "--x\r\nright"),
    ("application/json", "right"),
    ("application/x-www-form-urlencoded", "username=%ff&right"),
    ("multipart/form-data; boundary=x; charset=nonsense",
     '--x\r\nContent-Disposition: form-data; name="username"\r\n\r\nright\r\n--x--\r\n')])
def test_what_is_no_login_form_is_left_to_the_page(kind, form):
    assert log_in(Page(), form=form, content_type=kind).status == 200


def tunnelled(changes):
    page = Page(changes=changes)
    page.door.shared = TUNNEL["host"]
    return page


def test_one_strangers_failures_through_the_tunnel_lock_out_nobody_else():
    page = tunnelled("logins=3")
    assert locked(page, x_forwarded_for="6.6.6.6", **TUNNEL) == 3
    assert log_in(page, x_forwarded_for="1.1.1.1", **TUNNEL).status == 200


def test_made_up_addresses_in_the_tunnel_count_together():
    page = tunnelled("logins=1")
    ada = entered(page, **TUNNEL)
    codes = [log_in(page, password="wrong", x_forwarded_for=f"6.6.6.{n}", **TUNNEL).status
             for n in range(TOGETHER + 5)]
    assert codes == [400] * TOGETHER + [429] * 5
    assert log_in(page, x_forwarded_for="1.1.1.1", **TUNNEL).status == 429  # what remains
    assert log_in(page, cookie=ada, x_forwarded_for="1.1.1.1", **TUNNEL).status == 200
    assert log_in(page).status == 200  # not through the tunnel


def test_what_the_common_count_refuses_costs_the_address_nothing():
    page = tunnelled("logins=2")
    for n in range(2 * TOGETHER):
        log_in(page, password="wrong", x_forwarded_for=f"6.6.6.{n}", **TUNNEL)
    for _ in range(5):
        assert log_in(page, x_forwarded_for="1.1.1.1", **TUNNEL).status == 429
    page.now += 4
    assert log_in(page, x_forwarded_for="1.1.1.1", **TUNNEL).status == 200
