"""Fairness in the queue of a page, attacked with raw requests: shares, turns, and visitors who vanish.

The page has four functions: `work` takes the one place of the compute lane and goes on until it is let go, `writing`
does so in a lane of four places and `slow` in the quick lane, where `quick` answers at once.
"""

import contextlib
import functools
import inspect
import itertools
import json
import socket
import threading
import time
from dataclasses import dataclass, field, replace

import gradio as gr
import httpx
import pytest

from playground import access
from playground.visits import Door
from tabs import _lanes, _sharing, _ui, _unread

JOIN = "/gradio_api/queue/join"
NUMBERS = itertools.count()  # of visitors


@dataclass
class Work:
    """What the page's functions did, and how a test lets them go on."""

    begun: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    go: threading.Event = field(default_factory=threading.Event)

    def run(self, text):
        """Goes on until it is let go, as a long picture does: a generator of short steps."""
        self.begun.append(text)
        try:
            while not self.go.wait(0.02):
                yield "still at it"
            yield f"done {text}"
        finally:
            self.ended.append(text)


class Visitor:
    """A browser that sends raw requests, and listens for the answers as a page does: in one stream a session."""

    def __init__(self, url, name, cookie=True, hears=True):
        self.name, self.hears, self.number = name, hears, next(NUMBERS)
        self.http = httpx.Client(base_url=url, timeout=60, verify=False)  # no TLS here
        if cookie:
            self.http.get("/")  # brings the browser's cookie
        self.streams, self.answers, self.places = {}, [], []

    def join(self, fn, text="", session="", fn_index=None):
        """The answer to joining the queue; where it is yes, a stream of the session is open afterwards."""
        session = self.session(session)
        body = {"data": [text or self.name], "session_hash": session,
                "fn_index": self.numbers()[fn] if fn_index is None else fn_index}
        joined = self.http.post(JOIN, json=body)
        if joined.status_code == 200 and self.hears:
            self.listen(session, f"/gradio_api/queue/data?session_hash={session}")
        return joined

    def session(self, window=""):
        """The name of a window's session; no two visitors have the same."""
        return f"{window or 'window'} of {self.name} {self.number}"

    @functools.cache  # noqa: B019  # a few visitors a test
    def numbers(self):
        return {item["api_name"]: item["id"] for item in self.http.get("/config").json()["dependencies"]}

    def listen(self, session, address):
        if session not in self.streams or not self.streams[session].is_alive():
            self.streams[session] = Stream(self, address)

    def drop(self):
        """Every connection breaks, as of a closed laptop."""
        for stream in self.streams.values():
            stream.close()
        self.streams.clear()


class Stream(threading.Thread):
    """A stream of answers, read until one of both sides closes it."""

    def __init__(self, visitor, address):
        super().__init__(daemon=True)
        self.visitor, self.address = visitor, address
        self.opened, self.response = threading.Event(), None
        self.start()
        assert self.opened.wait(30)

    def run(self):
        with contextlib.suppress(httpx.HTTPError, OSError, ValueError), \
                self.visitor.http.stream("GET", self.address) as self.response:  # closed in the middle of a read
            self.opened.set()
            for line in self.response.iter_lines():
                if line.startswith("data:"):
                    self.took(json.loads(line[5:]))

    def took(self, message):
        if isinstance(message, list):  # of /call: the answer alone
            self.visitor.answers += message
        elif message and message["msg"] == "estimation":
            self.visitor.places.append(message["rank"])
        elif message and message["msg"] == "process_completed":
            output = message["output"]
            self.visitor.answers.append(output["data"][0] if message["success"] else output["error"])

    def close(self):
        network = self.response.extensions["network_stream"].get_extra_info("socket")
        with contextlib.suppress(OSError):
            network.shutdown(socket.SHUT_RDWR)
        self.join(30)
        assert not self.is_alive()


def until(condition, seconds=30.0):
    """Waits for a condition; says in the end whether it came."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


@pytest.fixture(scope="module")
def site():
    """The launched page: address, what its functions do, its queue."""
    work = Work()
    with gr.Blocks(analytics_enabled=False) as page:
        page.queue(max_size=200, api_open=False)
        for name, lane in (("work", _ui.COMPUTE), ("quick", _ui.QUICK),
                           ("slow", _ui.QUICK), ("writing", {"concurrency_id": "writing", "concurrency_limit": 4})):
            text, shown = gr.Textbox(label="text"), gr.Textbox()
            fn = (lambda text: f"quick {text}") if name == "quick" else work.run
            _ui.endpoint(fn, [text], [shown], name, **lane)
    door = Door(access.CLASS, access.limits(access.CLASS, "compute_each=3,compute_address=12"))
    _lanes.Lanes(page, door)
    _, local, _ = _sharing.launch(page, door, share=False, quiet=True, ssr_mode=False,
                                  app_kwargs={"middleware": _sharing.middleware(door)})
    yield local.rstrip("/"), work, page._queue
    work.go.set()
    page.close()


@pytest.fixture
def visitor(site):
    """Makes visitors; after the test everybody leaves and the queue is empty."""
    url, work, queue = site
    work.go.clear()
    made = []

    def make(name, **options):
        made.append(Visitor(url, name, **options))
        return made[-1]

    yield make
    work.go.set()
    for each in made:
        each.drop()
        each.http.close()
    assert until(lambda: not queue.event_ids_to_events), "everybody left, and something still waits"
    work.begun.clear()
    work.ended.clear()


def test_a_visitor_has_a_share_of_the_compute_lane_and_no_more(site, visitor):
    ada, alan = visitor("ada"), visitor("alan")
    assert [ada.join("work").status_code for _ in range(3)] == [200] * 3
    for refused in (ada.join("work"), ada.join("work", session="another window"),
                    ada.join("work", fn_index=str(ada.numbers()["work"])),
                    ada.http.post("/gradio_api/call/work", json={"data": ["x"]})):
        assert refused.status_code == 429
        assert "press Stop" in refused.json()["detail"]
        assert refused.headers["retry-after"] == "5"
    assert alan.join("work").status_code == 200
    assert ada.join("quick").status_code == 200, "answers in milliseconds are not counted"


def test_a_share_is_free_again_when_one_is_done(site, visitor):
    _, work, _ = site
    ada = visitor("ada")
    assert [ada.join("work").status_code for _ in range(4)] == [200, 200, 200, 429]
    work.go.set()
    assert until(lambda: len(ada.answers) == 3)
    work.go.clear()
    assert ada.join("work").status_code == 200


def test_nobody_joins_more_often_by_joining_at_once(visitor):
    ada = visitor("ada")
    number, codes = ada.numbers()["work"], []
    assert ada.join("quick").status_code == 200
    threads = [threading.Thread(target=lambda: codes.append(ada.join("work", fn_index=number).status_code))
               for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [200] * 3 + [429] * 17


def test_a_lane_of_several_places_is_not_taken_whole_by_one(site, visitor):
    _, work, _ = site
    ada, alan = visitor("ada"), visitor("alan")
    assert [ada.join("writing", f"ada {number}").status_code for number in range(4)] == [200, 200, 200, 429]
    assert until(lambda: sorted(work.begun) == ["ada 0", "ada 1"])
    assert [alan.join("writing", f"alan {number}").status_code for number in range(3)] == [200] * 3
    assert until(lambda: sorted(work.begun) == ["ada 0", "ada 1", "alan 0", "alan 1"]), "ada's third holds up nobody"
    work.go.set()
    assert until(lambda: len(ada.answers) == len(alan.answers) == 3), "and comes when one of hers is done"


def test_slow_requests_of_one_leave_half_of_the_quick_lane_to_others(site, visitor):
    _, work, queue = site
    eve, alan = visitor("eve"), visitor("alan")
    half = _ui.QUICK["concurrency_limit"] // 2
    codes = [eve.join("slow", f"eve {number}", session=f"window {number % 2}").status_code for number in range(64)]
    assert codes == [200] * 64, "more than her half wait; they are not refused"
    assert until(lambda: len(work.begun) >= half)
    assert alan.join("quick").status_code == 200
    assert until(lambda: alan.answers == ["quick alan"]), "while all of hers are under way or wait"
    assert len(work.begun) == half
    assert sum(len(lane.queue) for lane in queue.event_queue_per_concurrency_id.values()) == 64 - half
    work.go.set()
    assert until(lambda: len(eve.answers) == 64), "all of hers are answered in the end"


def test_a_visitor_has_a_share_of_what_waits_in_the_quick_lane(site, visitor):
    eve, alan = visitor("eve"), visitor("alan")
    codes = [eve.join("slow", session=f"window {number % 3}").status_code for number in range(70)]
    assert codes == [200] * 64 + [429] * 6
    refused = eve.join("quick", session="one more window")
    assert refused.status_code == 429
    assert "64 of your requests wait already" in refused.json()["detail"]
    assert alan.join("quick").status_code == 200


def test_made_up_browsers_of_one_address_leave_places_in_the_queue_to_others(site, visitor, monkeypatch):
    door = site[2].get_events.__self__._door
    monkeypatch.setattr(door, "limits", replace(door.limits, queue_address=20))
    crowd = [visitor(f"made up {number}") for number in range(3)]
    codes = [crowd[number % 3].join("slow").status_code for number in range(20)]
    assert codes == [200] * 20
    for lane in ("slow", "quick", "work"):
        refused = crowd[0].join(lane)
        assert refused.status_code == 429
        assert "20 requests wait from your address already" in refused.json()["detail"]
    monkeypatch.setattr(_lanes, "address_of", lambda event: "somewhere else")
    assert visitor("ada").join("quick").status_code == 200


def test_a_page_for_one_person_gives_all_places(site, visitor, monkeypatch):
    _, work, queue = site
    monkeypatch.setattr(queue.get_events.__self__._door, "mode", access.PRIVATE)
    ada = visitor("ada")
    assert [ada.join("writing", f"ada {number}").status_code for number in range(3)] == [200] * 3
    assert until(lambda: len(work.begun) == 3)


def test_many_made_up_browsers_of_one_address_have_a_share_together(visitor):
    crowd = [visitor(f"made up {number}") for number in range(13)]
    assert [each.join("work").status_code for each in crowd] == [200] * 12 + [429]


def test_a_second_event_waits_for_the_first_of_another(site, visitor):
    _, work, _ = site
    ada, alan, grace = visitor("ada"), visitor("alan"), visitor("grace")
    for who, text in ((ada, "ada 1"), (ada, "ada 2"), (ada, "ada 3"), (alan, "alan 1"), (grace, "grace 1"),
                      (alan, "alan 2")):
        assert who.join("work", text).status_code == 200
        assert until(lambda: work.begun == ["ada 1"]), work.begun
    assert until(lambda: 1 in grace.places), "one who is let in before others learns his place"
    work.go.set()
    assert until(lambda: len(ada.answers + alan.answers + grace.answers) == 6)
    assert work.begun == ["ada 1", "alan 1", "grace 1", "ada 2", "alan 2", "ada 3"]
    assert ada.answers == ["done ada 1", "done ada 2", "done ada 3"]


def test_a_visitor_who_drops_the_connection_frees_his_places_at_once(site, visitor):
    _, work, _ = site
    eve, alan = visitor("eve"), visitor("alan")
    codes = [eve.join("work", f"eve {number}", session=f"window {number % 3}").status_code for number in range(10)]
    assert codes == [200] * 3 + [429] * 7
    assert until(lambda: work.begun == ["eve 0"])
    assert alan.join("work").status_code == 200
    left = time.monotonic()
    eve.drop()
    assert until(lambda: "alan" in work.begun), "the lane is free for the next"
    assert time.monotonic() - left < _lanes.GRACE / 2, "at once, not when the grace is over"
    assert work.begun == ["eve 0", "alan"], "nothing was computed for who had left"
    assert work.ended == ["eve 0"]
    work.go.set()
    assert until(lambda: alan.answers == ["done alan"])
    assert eve.join("work").status_code == 200, "and his share is free as well"


def test_ten_who_drop_the_connection_hold_up_nobody(site, visitor):
    _, work, _ = site
    crowd = [visitor(f"made up {number}") for number in range(10)]
    assert [each.join("work").status_code for each in crowd] == [200] * 10
    alan = visitor("alan")
    assert alan.join("work").status_code == 200
    for each in crowd:
        each.drop()
    assert until(lambda: "alan" in work.begun, _lanes.GRACE / 2)
    assert len(work.begun) < 11  # one that drops late may have begun meanwhile
    assert until(lambda: work.ended == [name for name in work.begun if name != "alan"]), "and nothing of theirs goes on"


def test_who_never_listens_computes_for_nobody(site, visitor, monkeypatch):
    _, work, queue = site
    monkeypatch.setattr(_lanes, "GRACE", 0.5)
    crowd = [visitor(f"drive-by {number}", hears=False) for number in range(10)]
    assert [each.join("work").status_code for each in crowd] == [200] * 10
    alan = visitor("alan")
    assert alan.join("work").status_code == 200
    assert until(lambda: "alan" in work.begun, 10)
    assert work.ended == [name for name in work.begun if name != "alan"], "what had begun was ended at its next step"
    assert until(lambda: len(queue.event_ids_to_events) == 1), "all of them were given up"
    late = crowd[3]
    late.listen("late", f"/gradio_api/queue/data?session_hash={late.session()}")
    assert until(lambda: late.answers == [_lanes.GIVEN_UP]), "who comes after all is told"
    work.go.set()
    assert until(lambda: alan.answers == ["done alan"])


def waiting_answers(queue):
    """What answers that nobody has fetched take, in characters."""
    return sum(len(repr(message)) for messages in queue.pending_messages_per_session.values()
               for message in messages._queue)


def test_answers_that_nobody_fetches_are_not_kept(site, visitor, monkeypatch):
    queue = site[2]
    for name in ("GRACE", "AGAIN"):
        monkeypatch.setattr(_lanes, name, 0.5)
    before = waiting_answers(queue)
    crowd = [visitor(f"drive-by {number}", hears=False) for number in range(5)]
    assert [each.join("quick", "long " * 20_000).status_code for each in crowd] == [200] * 5
    assert until(lambda: waiting_answers(queue) > before + 300_000)
    assert until(lambda: waiting_answers(queue) < before + 5000)
    late = crowd[3]
    late.listen("late", f"/gradio_api/queue/data?session_hash={late.session()}")
    assert until(lambda: late.answers == [_lanes.GIVEN_UP]), "who comes after all is told"


def test_who_listens_but_never_reads_on_has_his_answers_kept_until_he_leaves(site, visitor, monkeypatch):
    queue = site[2]
    for name in ("GRACE", "AGAIN"):
        monkeypatch.setattr(_lanes, name, 0.5)
    before = waiting_answers(queue)
    door, ada = queue.get_events.__self__._door, visitor("ada", hears=False)
    with door.presence.listening([ada.session()], None):
        assert ada.join("quick", "long " * 20_000).status_code == 200
        time.sleep(2)
        assert waiting_answers(queue) > before + 80_000
    assert until(lambda: waiting_answers(queue) < before + 5000)


def test_who_reads_nothing_gets_no_further_answers_made(site, visitor, monkeypatch):
    queue = site[2]
    monkeypatch.setattr(_unread, "MINE", 250_000)
    for name in ("GRACE", "AGAIN"):
        monkeypatch.setattr(_lanes, name, 1.0)
    before = waiting_answers(queue)
    door, eve, alan = queue.get_events.__self__._door, visitor("eve", hears=False), visitor("alan")
    with door.presence.listening([eve.session()], None):
        assert [eve.join("quick", "long " * 20_000).status_code for _ in range(9)] == [200] * 9
        assert alan.join("quick").status_code == 200
        assert until(lambda: alan.answers == ["quick alan"]), "others are served"
        assert 250_000 < waiting_answers(queue) - before < 600_000, "three, and what had begun by then"
        assert until(lambda: not queue.event_ids_to_events), "what waits for her to read is given up"
        assert waiting_answers(queue) - before > 250_000, "what was answered is kept while she listens"
    eve.listen("late", f"/gradio_api/queue/data?session_hash={eve.session()}")
    assert until(lambda: len(eve.answers) >= 6)
    assert eve.join("quick", "short").status_code == 200
    eve.listen("late", f"/gradio_api/queue/data?session_hash={eve.session()}")
    assert until(lambda: "quick short" in eve.answers), "who has read goes on"


def test_long_work_whose_steps_nobody_reads_is_given_up(site, visitor, monkeypatch):
    _, work, queue = site
    monkeypatch.setattr(_lanes, "MINE", 200)
    door, eve = queue.get_events.__self__._door, visitor("eve", hears=False)
    with door.presence.listening([eve.session()], None):
        assert eve.join("work").status_code == 200
        assert until(lambda: work.ended == ["eve"])
        assert until(lambda: not queue.event_ids_to_events)


def test_who_listens_may_wait_longer_than_the_grace(site, visitor, monkeypatch):
    _, work, _ = site
    monkeypatch.setattr(_lanes, "GRACE", 0.3)
    ada, alan = visitor("ada"), visitor("alan", cookie=False)
    assert [ada.join("work", text).status_code for text in ("ada 1", "ada 2")] == [200, 200]
    called = alan.http.post("/gradio_api/call/work", json={"data": ["alan"]}).json()["event_id"]
    alan.listen("script", f"/gradio_api/call/work/{called}")
    time.sleep(1)
    work.go.set()
    assert until(lambda: len(ada.answers) == 2 and "done alan" in alan.answers)
    assert sorted(work.begun) == ["ada 1", "ada 2", "alan"]


def test_notes_on_sessions_that_fetched_nothing_are_dropped(site, visitor, monkeypatch):
    _, _, queue = site
    monkeypatch.setattr(_lanes, "KEPT", 20)
    queue.pending_messages_per_session.clear()  # of other tests; from here on the latest ten are kept
    monkeypatch.setattr(queue.pending_messages_per_session, "max_size", 10)
    eve = visitor("eve", hears=False)
    for number in range(60):
        assert eve.join("quick", session=f"never heard {number}").status_code == 200
    assert until(lambda: not queue.event_ids_to_events)
    assert len(queue.pending_event_ids_session) <= 30


def test_gradios_queue_is_used_as_it_is(site):
    """What the lanes put in its place in Gradio's queue is where it was: a new release that moves it fails here."""
    _, _, queue = site
    from gradio.queueing import Event, EventQueue, Queue

    assert {"push", "send_message", "clean_events", "broadcast_estimations",
            "create_event_queue_for_fn"} <= set(dir(Queue))
    assert "self.get_events()" in inspect.getsource(Queue.start_processing)
    assert "max_batch_size" in inspect.getsource(Queue.get_events), "the one in its place knows no batches"
    assert {"concurrency_limit", "current_concurrency"} <= set(vars(EventQueue("any", 1)))
    assert type(EventQueue("any", 1).queue) is list
    assert isinstance(queue.event_queue_per_concurrency_id["compute"].queue, list)
    assert type(queue.event_queue_per_concurrency_id["compute"].queue) is not list
    for name in ("event_ids_to_events", "pending_event_ids_session", "pending_messages_per_session", "active_jobs"):
        assert hasattr(queue, name)
    assert {"fn", "concurrency_id", "request"} <= set(Event.__init__.__code__.co_names)


def test_a_short_answer_goes_between_the_steps_of_a_long_picture(client):
    """On the real page: two lanes, one gate."""
    client.predict("To load the model, and no text that is asked again", api_name="/next_token")
    picture = client.submit("a photo of a face", 100, 3.0, 1, "DDIM", api_name="/denoise")
    assert until(lambda: picture.status().code.name == "PROCESSING")
    assert client.predict("Between two steps of a picture", api_name="/next_token")["data"]
    assert not picture.done()
    assert picture.result(timeout=240)


def test_quick_answers_come_while_the_compute_lane_and_the_gate_are_held(client, context):
    """On the real page: a model's answer waits for the processor, tokenizer, n-grams and word vectors do not."""
    client.predict("warm", api_name="/tokenize")
    with context.gate.turn("a held picture"):
        waiting = client.submit("While a picture is held", api_name="/next_token")  # remembered texts need no turn
        assert until(lambda: waiting.status().code.name == "PROCESSING")
        behind = client.submit(1, api_name="/generate_faces")
        start = time.monotonic()
        assert client.predict("he devoured", api_name="/tokenize")["count"] > 0
        seconds = time.monotonic() - start
        assert client.predict(n=2, context="t", api_name="/ngram_next")["data"]
        assert client.predict("king", "queen", api_name="/word_pair")["cosine"] > 0.5
        assert client.predict("king - man + woman", api_name="/word_arithmetic")["data"]
        assert not waiting.done()
        assert not behind.done()
        print(f"tokenizer while the lane is held: {1000 * seconds:.0f} ms")
    assert waiting.result(timeout=120)["data"]
    assert len(behind.result(timeout=120)) == 1
