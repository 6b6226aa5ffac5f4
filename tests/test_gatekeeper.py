"""The gatekeeper before a page that only tells what reached it: who is let in, what is taken off, what is refused."""

import asyncio
import contextlib
import json
import re
from dataclasses import replace
from types import SimpleNamespace

import pytest

from playground import access, settings, throttle
from playground.body import Held, TooMuch
from playground.gatekeeper import Gatekeeper
from playground.visits import Door

JOIN, UPLOAD = "/gradio_api/queue/join", "/gradio_api/upload"


async def told(scope, receive, send):
    """A page that reads the body and answers with what it saw; it fails a login, and makes 400 of a broken body."""
    status, body = 200, b""
    try:
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
    except Exception:
        status = 400
    if scope["path"] == "/login" and b"right" not in body:
        status = 400
    seen = {"headers": {name.decode(): value.decode() for name, value in scope["headers"]}, "scheme": scope["scheme"],
            "body": body.decode("latin-1"), "query": scope["query_string"].decode()}
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(seen).encode()})


class Page:
    """The guarded page and its clock; ask() is one request of one client."""

    def __init__(self, mode="class", changes="", **door):
        self.now = 0.0
        self.door = Door(mode, access.limits(mode, changes), **door)
        self.app = Gatekeeper(told, self.door, clock=lambda: self.now)
        self.web = None  # Gradio's web app

    def ask(self, path="/", method="GET", *, body=b"", parts=None, peer="1.2.3.4", host="x.org", stall=False,
            **headers):
        parts = [body] if parts is None else parts
        sent = [{"type": "http.request", "body": part, "more_body": number < len(parts) - 1}
                for number, part in enumerate(parts)]
        path, _, query = path.partition("?")
        names = {"host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if "cookie" in names:  # a test writes the browser's name, as if the page had issued it
            names["cookie"] = re.sub(r"playground-session=([\w-]*)", self.issued, names["cookie"])
        scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "client": (peer, 1),
                 "scheme": "http", "headers": [(name.encode(), value.encode()) for name, value in names.items()],
                 "app": self.web}
        got = []

        async def receive():
            if stall or not sent:
                await asyncio.sleep(3600)
            return sent.pop(0)

        async def send(message):
            got.append(message)

        asyncio.run(self.app(scope, receive, send))
        content = json.loads(b"".join(message.get("body", b"") for message in got[1:]))
        return SimpleNamespace(status=got[0]["status"], json=content,
                               headers={name.decode(): value.decode() for name, value in got[0]["headers"]})

    def issued(self, named):
        return f"{self.door.cookies.session}={self.door.cookies.signed(named[1])}"

    def join(self, session="s1", browser="", data=(), **more):
        cookie = {"cookie": f"playground-session={browser}"} if browser else {}
        body = json.dumps({"session_hash": session, "data": list(data)}).encode()
        return self.ask(JOIN, "POST", body=body, **cookie, **more)


@pytest.mark.parametrize("path", ["/", "/assets/index.js", "/gradio_api/proxy=http://x.org"])
def test_every_answer_carries_the_headers_also_a_refusal(path):
    headers = Page().ask(path).headers
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert "object-src 'none'" in headers["content-security-policy"]
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "same-origin")


def test_a_page_in_a_frame_of_its_host_says_so():
    headers = Page(framed_by="https://huggingface.co").ask().headers
    assert "frame-ancestors https://huggingface.co" in headers["content-security-policy"]
    assert "x-frame-options" not in headers


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("origin", "status"), [
    ("http://x.org", 200), ("http://x.org:80", 200), ("http://X.org", 200), ("http://evil.com", 403), ("null", 403),
    ("http://x.org:8080", 403), ("http://x.org.evil.com", 403), ("http://x.org@evil.com", 403), ("http://x.org:p", 403),
    ("http://[", 403), ("x.org", 403)])
def test_another_sites_page_is_refused(method, origin, status):
    assert Page().ask("/config", method, origin=origin).status == status


def test_the_public_address_is_an_origin_of_its_own():
    page = Page(public_url="https://x.org/playground")
    assert page.ask(host="127.0.0.1:7860", origin="https://x.org").status == 200
    assert page.ask(host="127.0.0.1:7860", origin="http://x.org").status == 403
    assert page.ask(host="evil.com", origin="http://evil.com").status == 421


@pytest.mark.parametrize(("mode", "host", "status"), [
    ("private", "127.0.0.1:7860", 200), ("private", "localhost", 200), ("private", "[::1]:7860", 200),
    ("private", "evil.com:7860", 421), ("private", "127.0.0.1@evil.com", 421), ("private", "127.0.0.1.evil.com", 421),
    ("private", "", 421), ("private", "[", 421), ("class", "evil.com", 200)])
def test_a_page_for_this_machine_answers_to_no_other_name(mode, host, status):
    assert Page(mode).ask(host=host).status == status


@pytest.mark.parametrize("path", [
    "/gradio_api/proxy=https://x.hf.space/a", "/gradio_api/file=http://169.254.169.254/", "/gradio_api/file/https://x.org",
    "/gradio_api/file= HTTPS://x.org", "/gradio_api/dev/reload", "/gradio_api/vibe-code", "/gradio_api/deep_link",
    "/gradio_api/process_recording", "/gradio_api/run/predict", "/gradio_api/api/predict", "/monitoring/summary",
    "/gradio_api/custom_component/a/client/b/c.js", "/gradio_api/stream/s1/1/2/playlist.m3u8", "/gradio_api/stream/e",
    "/gradio_api/stream/e/close",
    "//gradio_api/file=ftp://x.org"])
def test_routes_that_nobody_needs_are_closed(path):
    assert Page().ask(path).status == 404
    assert Page().ask(path, "POST").status == 404


@pytest.mark.parametrize("path", ["/gradio_api/file=/tmp/a.png", "/gradio_api/info", "/config", "/devices", "/privacy"])
def test_other_routes_are_not(path):
    assert Page().ask(path).status == 200


@pytest.mark.parametrize("query", ["", "?all_session=true", "?all_session=1&all_session=true"])
def test_logging_out_takes_nobody_else_along(query):
    assert Page().ask(f"/logout{query}").json["query"] == "all_session=false"


@pytest.mark.parametrize(("path", "most"), [("/", 2), ("/config", 2), ("/gradio_api/info", 2), ("/theme.css", 6)])
def test_pages_are_made_two_at_a_time_and_a_stalled_reader_holds_up_nobody(path, most):
    making, seen, done = [], [], []

    async def slow(scope, receive, send):
        making.append(1)
        seen.append(len(making))
        await asyncio.sleep(0.02)
        making.pop()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"page"})

    async def stalled(message):
        await asyncio.sleep(3600)

    async def read(message):
        done.append(message["type"])

    async def crowd():
        app = Gatekeeper(slow, Door("class", access.limits("class")))
        scopes = [{"type": "http", "method": "GET", "path": path, "query_string": b"", "client": ("1.2.3.4", 1),
                   "scheme": "http", "headers": [(b"host", b"x.org")]} for _ in range(6)]
        waits = [asyncio.create_task(app(scope, None, stalled if number < 3 else read))
                 for number, scope in enumerate(scopes)]
        await asyncio.wait(waits[3:], timeout=30)
        for task in waits[:3]:
            task.cancel()

    asyncio.run(crowd())
    assert max(seen) == most
    assert done.count("http.response.body") == 3


def test_a_body_that_says_it_is_too_large_is_not_read():
    answer = Page(changes="body_mb=1").ask("/x", "POST", parts=[], content_length="1000001")
    assert (answer.status, answer.json["detail"][:20]) == (413, "That is more than th")


@pytest.mark.parametrize(("path", "changes"), [("/x", "body_mb=1"), (JOIN, "body_mb=1"), (UPLOAD, "upload_mb=1")])
def test_a_body_is_counted_whatever_it_says(path, changes):
    page = Page(changes=changes)
    assert page.ask(path, "POST", parts=[b"{" + b" " * 499_999, b" " * 499_999 + b"}"]).status == 200
    assert page.ask(path, "POST", parts=[b" " * 600_000] * 2, content_length="10").status == 413


@pytest.mark.parametrize("path", [UPLOAD, JOIN])
def test_a_body_that_does_not_come_is_given_up(path):
    assert Page(changes="slow=1").ask(path, "POST", stall=True).status == 408


def test_the_page_gets_the_body_whole():
    assert json.loads(Page().join(data=["hé"]).json["body"])["data"] == ["hé"]


def test_too_many_events_wait_a_little_and_nobody_else_does():
    page = Page(changes="joins=3")
    assert [page.join("s", "ada").status for _ in range(4)] == [200, 200, 200, 429]
    refused = page.join("other", "ada")
    assert (refused.status, refused.headers["retry-after"]) == (429, "20")
    assert page.join("t", "alan").status == 200
    page.now += 20
    assert [page.join("s", "ada").status for _ in range(2)] == [200, 429]


def test_an_invented_cookie_for_every_request_meets_the_limit_of_the_address():
    page = Page(changes="joins_address=5")
    assert [page.join(f"s{n}", f"b{n}").status for n in range(6)] == [200] * 5 + [429]
    assert page.join("s", "b", peer="5.6.7.8").status == 200


def test_uploads_are_counted():
    page = Page(changes="uploads=2")
    assert [page.ask(UPLOAD, "POST").status for _ in range(3)] == [200, 200, 429]


def test_only_failed_logins_count():
    page = Page(changes="logins=2")
    tries = [page.ask("/login", "POST", body=body).status for body in [b"right"] * 5 + [b"wrong"] * 3 + [b"right"]]
    assert tries == [200] * 5 + [400, 400, 429, 429]
    assert page.ask("/login", "POST", body=b"right", peer="5.6.7.8").status == 200
    page.now += 30
    assert page.ask("/login", "POST", body=b"right").status == 200


def test_guesses_sent_at_once_count_at_once():
    page, tried = Page(changes="logins=3"), []

    async def slow(scope, receive, send):
        tried.append((await receive())["body"])
        await asyncio.sleep(0.05)
        await send({"type": "http.response.start", "status": 400, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    async def crowd():
        codes = []

        async def send(message):
            codes.append(message.get("status"))

        async def guess():
            return {"type": "http.request", "body": b"guess", "more_body": False}

        scope = {"type": "http", "method": "POST", "path": "/login", "query_string": b"", "client": ("1.2.3.4", 1),
                 "scheme": "http", "headers": [(b"host", b"x.org")]}
        await asyncio.gather(*(page.app(dict(scope), guess, send) for _ in range(50)))
        return codes

    page.app.app = slow
    codes = asyncio.run(crowd())
    assert (len(tried), codes.count(400), codes.count(429)) == (3, 3, 47)


@pytest.mark.parametrize(("sent", "arrives"), [
    ("a=b; access-token-unsecure-X_1=tok; c=d", "a=b; access-token-X_1=tok; c=d"),
    ("access-token-X_1=tok; access-token-unsecure-X_1=old", None), ("access-token-X_1=tok", None), ("a=b", None)])
def test_a_logout_shows_gradio_the_login_that_it_revokes(sent, arrives):
    assert Page().ask("/logout", cookie=sent).json["headers"]["cookie"] == (arrives or sent)
    assert Page().ask("/config", cookie=sent).json["headers"]["cookie"] == sent


@pytest.mark.parametrize(("path", "method", "body"), [
    ("/gradio_api/queue/data?session_hash=s1", "GET", b""), ("/gradio_api/heartbeat/s1", "GET", b""),
    (JOIN, "POST", b'{"session_hash": "s1"}'), ("/gradio_api/cancel", "POST", b'{"session_hash": "s1"}'),
    ("/gradio_api/component_server", "POST", b'{"session_hash": "s1"}')])
@pytest.mark.parametrize("cookie", ["", "playground-session=eve", "playground-session=", "a=b"])
def test_a_session_answers_to_its_browser_alone(path, method, body, cookie):
    page = Page()
    assert page.join("s1", "ada").status == 200
    assert page.ask(path, method, body=body, cookie=cookie).status == 403
    assert page.ask(path, method, body=body, cookie="playground-session=ada").status == 200


@pytest.mark.parametrize("query", ["session_hash=x&session%5Fhash=s1", "session_hash=s1&session_hash=x"])
def test_a_request_names_one_session(query):
    page = Page()
    assert page.join("s1", "ada").status == 200
    assert page.ask(f"/gradio_api/queue/data?{query}", cookie="playground-session=eve").status == 400


@pytest.mark.parametrize("path", ["call/tokenize/s1", "call/v2/tokenize/s1", "call/v2/s1"])
def test_a_session_in_a_path_answers_to_its_browser_alone(path):
    """Gradio takes the id of an event that it does not know for the name of a session."""
    page = Page()
    assert page.join("s1", "ada").status == 200
    assert page.ask(f"/gradio_api/{path}", cookie="playground-session=eve").status == 403
    assert page.ask(f"/gradio_api/{path}", cookie="playground-session=ada").status == 200
    assert page.ask(f"/gradio_api/{path.replace('s1', 'event')}", cookie="playground-session=eve").status == 200


@pytest.mark.parametrize(("path", "method"), [
    ("queue/data?session_hash=NAME", "GET"), ("heartbeat/NAME", "GET"), ("call/tokenize/NAME", "GET"),
    ("queue/join", "POST"), ("cancel", "POST"), ("call/tokenize", "POST"), ("component_server", "POST")])
def test_the_name_of_a_session_is_short(path, method):
    for length, status in ((64, 200), (65, 400)):
        name = "n" * length
        body = json.dumps({"session_hash": name}).encode() if method == "POST" else b""
        assert Page().ask("/gradio_api/" + path.replace("NAME", name), method, body=body).status == status


@pytest.mark.parametrize("path", ["/?session_hash=s", "/config?session_hash=s", "/theme.css?session_hash=s",
                                  "/gradio_api/queue/data?session_hash=s", "/gradio_api/heartbeat/s",
                                  "/gradio_api/call/tokenize/s"])
def test_only_an_event_that_joined_makes_a_session_somebodys(path):
    page = Page()
    assert page.ask(path, cookie="playground-session=eve").status == 200
    assert not page.app.sessions._owners
    assert page.join("s", "ada").status == 200
    assert page.join("s", "eve").status == 403


def test_an_event_that_the_page_refused_makes_no_session_anybodys():
    page = Page()

    async def locked(scope, receive, send):
        await send({"type": "http.response.start", "status": 401, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    page.app.app = locked
    assert page.join("s", "eve").status == 401
    page.app.app = told
    assert page.join("s", "ada").status == 200


def test_who_invents_sessions_displaces_his_own(monkeypatch):
    monkeypatch.setattr(throttle, "KEYS", 40)
    monkeypatch.setattr(throttle, "KEYS_EACH", 5)
    page = Page()
    assert page.join("ada's", "ada").status == 200
    for number in range(100):
        assert page.join(f"s{number}", f"b{number}", peer="6.6.6.6").status == 200
    assert len(page.app.sessions._owners) == 6
    assert page.join("ada's", "eve", peer="6.6.6.6").status == 403


@pytest.mark.parametrize(("path", "method"), [
    ("queue/data?session_hash=s", "GET"), ("heartbeat/s", "GET"), ("call/tokenize/e", "GET"),
    ("cancel", "POST"), ("reset/", "POST"), ("component_server", "POST")])
def test_all_that_steers_events_is_counted_by_address(path, method):
    page = Page(changes="joins_address=2")
    assert [page.ask(f"/gradio_api/{path}", method).status for _ in range(3)] == [200, 200, 429]
    assert page.ask(f"/gradio_api/{path}", method, peer="5.6.7.8").status == 200


@pytest.mark.parametrize(("path", "browser"), [("queue/join", ""), ("queue/join", "ada"), ("call/tokenize", ""),
                                               ("cancel", ""), ("component_server", "")])
def test_a_rate_is_looked_at_before_the_body(path, browser):
    page = Page(changes="joins_address=1,slow=1")
    page.ask(f"/gradio_api/{path}", "POST")
    cookie = f"playground-session={browser}"
    assert page.ask(f"/gradio_api/{path}", "POST", stall=True, cookie=cookie).status == 429


@pytest.mark.parametrize("path", ["/gradio_api/cancel", "/gradio_api/reset", "/gradio_api/cancel/", "/login"])
def test_what_names_one_event_or_one_user_is_short(path):
    answer = Page().ask(path, "POST", body=b"[" * 5000)
    assert (answer.status, "4096 bytes" in answer.json["detail"]) == (413, True)
    assert Page().ask(path, "POST", body=b'{"event_id": "e", "right": 1}').status == 200


def test_events_are_json():
    """Gradio would read a form as well, and the session that it names."""
    page = Page()
    assert page.join("s1", "ada").status == 200
    form = b'--x\r\ncontent-disposition: form-data; name="session_hash"\r\n\r\ns1\r\n--x--\r\n'
    kind = {"content-type": "multipart/form-data; boundary=x"}
    assert page.ask("/gradio_api/component_server", "POST", body=form, **kind).status == 415
    assert page.ask(UPLOAD, "POST", body=form, **kind).status == 200


def test_a_scripts_session_needs_no_cookie():
    page = Page()
    assert page.join("s1").status == 200
    assert page.ask("/gradio_api/queue/data?session_hash=s1").status == 200


def test_a_browser_gets_its_secret_once():
    first, again = Page().ask("/"), Page().ask("/", cookie="playground-session=ada")
    assert "HttpOnly" in first.headers["set-cookie"]
    assert first.headers["set-cookie"] != Page().ask("/").headers["set-cookie"]
    assert "set-cookie" not in again.headers
    assert "set-cookie" not in Page().ask("/config").headers


def test_a_session_with_much_waiting_waits():
    page = Page(changes="queue_each=2", waiting=lambda session: {"full": 2}.get(session, 1))
    assert page.join("full").status == 429
    assert page.join("free").status == 200


@pytest.mark.parametrize("item", [{"path": "http://169.254.169.254/"}, {"a": [{"path": " HTTPS://x.org/a.png"}]}])
def test_a_file_elsewhere_is_not_fetched(item):
    assert Page().join(data=[item]).status == 403
    assert Page().join(data=[{"path": "/tmp/gradio/a.png"}, "path: http://x.org"]).status == 200


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b"\xff", b"[1]", b'{"session_hash": 5}', b'"x"'])
def test_what_is_no_event_is_left_to_the_page(body):
    assert Page().ask(JOIN, "POST", body=body).json["body"].encode("latin-1") == body


FORGED = {"x_forwarded_for": "9.9.9.9", "x_forwarded_host": "evil.com", "x_forwarded_proto": "https",
          "forwarded": "for=9.9.9.9", "x_real_ip": "9.9.9.9", "x_gradio_server": "http://evil.com"}


def test_forwarded_headers_of_a_stranger_do_not_arrive():
    seen = Page().ask(**FORGED).json
    assert (set(seen["headers"]), seen["scheme"]) == ({"host"}, "http")


def test_forwarded_headers_of_the_named_proxy_count():
    page = Page(changes="joins_address=1", trusted=settings.parse_networks("10.0.0.0/8"))
    assert page.ask(peer="10.1.2.3", **FORGED).json["scheme"] == "https"
    assert [page.join("s", peer="10.1.2.3", x_forwarded_for=f"6.6.6.6, {last}, 10.9.9.9").status
            for last in ("1.1.1.1", "1.1.1.1", "2.2.2.2")] == [200, 429, 200]


def test_the_public_links_page_is_https():
    page = Page()
    page.door.shared = "abc.gradio.live"
    assert page.ask(host="abc.gradio.live", origin="https://abc.gradio.live").json["scheme"] == "https"
    assert page.ask(host="x.org").json["scheme"] == "http"


def test_invented_keys_cost_no_memory(monkeypatch):
    monkeypatch.setattr(throttle, "KEYS", 10)
    bucket, sessions = throttle.Throttle(1, lambda: 0.0), throttle.Sessions()
    for number in range(100):
        bucket.wait(str(number))
        sessions.claim(str(number), "b", f"1.2.3.{number}")
    assert (len(bucket._buckets), len(sessions._owners), len(sessions._names)) == (10, 10, 10)


def test_limits_are_the_modes_own():
    assert Page("public").app.joins.a_minute == access.DEFAULTS["public"].joins
    assert Page("public", "joins=7").app.joins.a_minute == 7
    assert replace(access.DEFAULTS["public"], joins=7) == Page("public", "joins=7").door.limits


@pytest.mark.parametrize(("path", "method"), [
    ("queue/join", "POST"), ("call/tokenize", "POST"), ("component_server", "POST"), ("cancel", "POST"),
    ("queue/data?session_hash=s", "GET"), ("heartbeat/s", "GET")])
def test_who_is_not_logged_in_has_no_event_read_or_stream_kept(path, method):
    page = Page()
    page.web = SimpleNamespace(auth={"ada": "x"}, auth_dependency=None, cookie_id="X_1", tokens={"tok": "ada"})
    read = []

    async def reading(scope, receive, send):
        read.append(scope["path"])
        await told(scope, receive, send)

    page.app.app = reading
    for cookie in ("a=b", "access-token-X_1=no", "access-token-unsecure-X_2=tok"):
        assert page.ask(f"/gradio_api/{path}", method, stall=method == "POST", cookie=cookie).status == 401
    assert not read
    for name in ("access-token-X_1", "access-token-unsecure-X_1"):
        assert page.ask(f"/gradio_api/{path}", method, cookie=f"{name}=tok").status == 200


def test_what_is_read_at_once_is_bounded_in_all_and_for_an_address():
    async def crowd(bodies):
        held, refused = Held(most=100, most_each=40), []
        with contextlib.ExitStack() as stack:
            for address, size in bodies:
                came = stack.enter_context(held.of(address))
                try:
                    await came(size)
                except TooMuch:
                    refused.append(address)
        return refused, held._near.total()

    assert asyncio.run(crowd([("a", 30), ("a", 20), ("b", 30), ("c", 30)])) == (["a", "c"], 0)
    assert asyncio.run(crowd([("a", 30), ("b", 30), ("c", 30)])) == ([], 0)


def test_too_much_to_hold_is_said_and_frees_its_place():
    page = Page()
    page.app.held = Held(most=10, most_each=10)
    for _ in range(3):
        refused = page.ask(JOIN, "POST", parts=[b"12345", b"678901"])
        assert (refused.status, refused.headers["retry-after"]) == (503, "5")
        assert page.join().status == 503
        assert page.ask("/gradio_api/cancel", "POST", body=b'{"a":1}').status == 200


def test_the_page_is_opened_so_often_an_address():
    page = Page(changes="pages_address=2")
    assert [page.ask(path).status for path in ("/", "/config", "/gradio_api/info")] == [200, 200, 429]
    assert page.ask("/", peer="5.6.7.8").status == 200
    assert page.ask("/assets/index.js").status == 200


def test_asking_for_the_progress_of_uploads_is_bounded():
    page = Page(changes="joins_address=2")
    for length, status in ((64, 200), (65, 400), (1, 429)):
        assert page.ask(f"/gradio_api/upload_progress?upload_id={'n' * length}").status == status


@pytest.mark.parametrize(("framed_by", "proto", "where"), [
    ("'self'", "https", "SameSite=Lax; Secure"),
    ("https://huggingface.co", "https", "SameSite=None; Partitioned; Secure"),
    ("https://huggingface.co", "http", "SameSite=Lax")])
def test_a_page_in_another_sites_frame_has_a_cookie_that_is_kept_there(framed_by, proto, where):
    page = Page(framed_by=framed_by, trusted=None)
    given = page.ask("/", x_forwarded_proto=proto).headers["set-cookie"]
    assert given.endswith(where)


def test_logins_that_hold_are_bounded_as_well():
    page = Page(changes="logins=2")
    codes = [page.ask("/login", "POST", body=b"username=ada&password=right").status for _ in range(21)]
    assert codes == [200] * 20 + [429]
    assert page.ask("/login", "POST", body=b"username=ada&password=right", peer="5.6.7.8").status == 200
