"""What "delete" does, by raw requests and by what lies on the disk: all of one browser's, and nothing for another."""

import json
import secrets

import httpx
import pytest

from playground.gan.lab import client as lab
from playground.gan.lab import own
from playground.gan.lab.data import FEWEST_PICTURES, MOST_PICTURES
from playground.gan.lab.settings import PICTURES
from tests.raw_browser import RawBrowser
from tests.servers import picture, serving, until


class Browser:
    """A visitor: the page's cookie, a session, the secret that the browser keeps, and the page's events by place."""

    def __init__(self, server):
        self.web = httpx.Client(base_url=server.url, timeout=120)
        self.web.get("/")
        self.config = self.web.get("/config").json()
        self.session, self.token = secrets.token_hex(5), ""
        self.parts = {each["id"]: each for each in self.config["components"]}
        assert self.web.cookies

    def upload(self, *contents):
        answer = self.web.post("/gradio_api/upload", files=[("files", (f"{n}.png", content))
                                                            for n, content in enumerate(contents)])
        return [{"path": path, "meta": {"_type": "gradio.FileData"}} for path in answer.json()]

    def place(self, **wanted):
        """The id of the first component with these properties."""
        return next(number for number, each in self.parts.items()
                    if all(each["props"].get(name) == value for name, value in wanted.items()))

    def event(self, place, kind, given=(), query=""):
        """(success, the answer) of a component's event; `given` by component, the rest as a fresh page has it."""
        event = next(each for each in self.config["dependencies"]
                     if [place, kind] in each["targets"] and each["backend_fn"])
        return self.run(event, dict(given), query)

    def run(self, event, given, query=""):
        data = [given.get(number, self.token if self.parts[number]["type"] == "browserstate" else
                          self.parts[number]["props"].get("value")) for number in event["inputs"]]
        body = {"data": data, "fn_index": event["id"], "session_hash": self.session, "trigger_id": None}
        joined = self.web.post(f"/gradio_api/queue/join{query}", json=body)
        assert joined.status_code == 200, joined.text
        with self.web.stream("GET", f"/gradio_api/queue/data?session_hash={self.session}") as stream:
            for line in stream.iter_lines():
                if line.startswith("data:") and (message := json.loads(line[5:]))["msg"] == "process_completed":
                    self.keep_token(event, message)
                    return message["success"], json.dumps(message["output"])
        raise AssertionError("no answer")

    def keep_token(self, event, message):
        for number, value in zip(event["outputs"], message["output"].get("data", ()), strict=False):
            if self.parts[number]["type"] == "browserstate" and isinstance(value, str):
                self.token = value

    def open_link(self, job):
        """Opens the link to a run of the lab."""
        live = self.place(elem_id="lab-live")
        event = next(each for each in self.config["dependencies"] if live in each["outputs"] and
                     any(kind == "load" for _, kind in each["targets"]))
        success, told = self.run(event, {}, f"?tab=gan-faces&lab={job}")
        assert success and job in told, told

    def renew(self):
        """Asks for a new link to the run on the page: the second of the events of "New link", after the first look."""
        rests = next(each["id"] for each in self.config["dependencies"] if
                     [self.place(value="New link"), "click"] in each["targets"])
        event = next(each for each in self.config["dependencies"] if each["trigger_after"] == rests)
        return self.run(event, {})

    def look(self):
        """A look at the run on the page."""
        live = self.place(elem_id="lab-live")
        return self.run(next(each for each in self.config["dependencies"] if live in each["outputs"] and
                             any(kind == "tick" for _, kind in each["targets"])), {})

    def confirm(self, name):
        """The second click of a deletion: "Yes, delete" below the button of a name."""
        group = next(each for each in walk(self.config["layout"]) if
                     self.parts.get(each["id"], {"props": {}})["props"].get("elem_id") == f"{name}-sure")
        yes = next(each["id"] for each in walk(group) if self.parts[each["id"]]["props"].get("value") == "Yes, delete")
        return self.event(yes, "click")


def walk(node):
    yield node
    for child in node.get("children", ()):
        yield from walk(child)


def holding(folder, *marks):
    """The files under a folder that hold one of these bytes, or have one of them in their path."""
    return [str(path) for path in folder.rglob("*") if path.is_file() and
            any(mark in path.read_bytes() or mark.decode("latin-1") in str(path) for mark in marks)]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("data")) as made:
        yield made


@pytest.fixture
def trained(server):
    """A browser with a run on its own pictures under way, an upload that nobody read, and bytes of all that is its."""
    ada = Browser(server)
    first = secrets.randbelow(10**6)
    contents = [picture(first + number, side=32) for number in range(FEWEST_PICTURES)]
    unread = picture(first, side=64)
    ada.upload(unread)
    success, told = ada.event(ada.place(elem_id="lab-pictures"), "upload",
                              {ada.place(elem_id="lab-pictures"): ada.upload(*contents)})
    assert success, told
    success, told = ada.event(ada.place(value="Start with these settings"), "click",
                              {ada.place(label="Data"): PICTURES})
    assert success, told
    jobs = server.data / "jobs"
    folder = until(lambda: [each for each in jobs.iterdir() if (each / lab.SET).exists()])[0]
    until((folder / "live.npz").exists)
    kept = next((server.data / "visitors").rglob(own.NAME))
    ada.job, ada.marks = folder.name, [folder.name.encode(), kept.read_bytes()[300:364], kept.parent.name.encode(),
                                       unread[200:264]]
    for mark in ada.marks:
        assert holding(server.data, mark), mark
    return ada


def test_a_new_link_is_its_visitors_alone_to_make(server, trained):
    eve = Browser(server)
    eve.open_link(trained.job)
    for token in ("", "A" * 22, eve.token, trained.marks[2].decode()):
        eve.token = token
        success, told = eve.renew()
        assert not success and "lab=" not in told, told
    trained.open_link(trained.job)
    success, told = trained.renew()
    assert success and "lab=" in told, told
    success, told = eve.look()
    assert success and "no job with this id" in told, told
    success, told = trained.confirm("lab")
    assert success and "1 run" in told, told


def test_the_lab_deletes_all_of_its_own_visitor_and_of_nobody_else(server, trained):
    eve = Browser(server)
    for token in ("", "A" * 22, trained.job):
        eve.token = token
        success, told = eve.confirm("lab")
        assert success and "nothing of yours" in told, told
    eve.open_link(trained.job)  # who has the link may look on, but not delete
    for token in ("", "A" * 22, "../" + trained.marks[2].decode(), None, {"a": 1}, 7):
        eve.token = token
        success, told = eve.confirm("lab")
        assert not success, told
    for mark in trained.marks:
        assert holding(server.data, mark), mark

    success, told = trained.confirm("lab")
    assert success and "1 run" in told, told
    assert not holding(server.data, *trained.marks)


def test_delete_my_data_reaches_the_lab_and_the_pages_cache(server, trained):
    eve = Browser(server)
    eve.confirm("lora")
    for mark in trained.marks:
        assert holding(server.data, mark), mark
    success, told = trained.confirm("lora")
    assert success and "1 run of the GAN lab" in told, told
    assert not holding(server.data, *trained.marks)


@pytest.fixture
def people(server):
    made = [RawBrowser(server.url) for _ in range(2)]
    yield made
    for each in made:
        each.close()


def drawn(browser, seed):
    """The path of a face that the page drew for a browser."""
    told = browser.call("generate_faces", 1, seed, 1.0)
    assert told["success"], told
    return told["output"]["data"][0][0]["image"]["path"]


def status(browser, path):
    return browser.web.get(f"/gradio_api/file={path}").status_code


def test_a_picture_and_an_upload_are_served_to_their_own_browser_alone(server, people):
    ada, eve = people
    face, upload = drawn(ada, 901), ada.upload(picture(901))["path"]
    script = httpx.Client(base_url=server.url)
    for path in (face, upload):
        assert status(ada, path) == 200
        for spelled in (path, "/" + path, path.replace("/gradio/", "/gradio/../gradio/"), path.replace("/", "%2F"),
                        path.replace("gradio", "%67radio")):
            for stranger in (eve.web, script):
                for route in ("gradio_api/file=", "gradio_api/file/", "file=", "gradio_api/file%3D",
                              "gradio_api//file="):
                    for method in ("GET", "HEAD"):
                        answer = stranger.request(method, f"/{route}{spelled}")
                        assert answer.status_code in (403, 404), (method, route, spelled)
    assert eve.web.get(f"/gradio_api/file={face}").json()["detail"] == "This file was made for another browser."


def test_no_event_reads_the_picture_of_another(people):
    ada, eve = people
    asked = 0
    for path in (drawn(ada, 902), ada.upload(picture(902))["path"]):
        given = {"path": path, "meta": {"_type": "gradio.FileData"}}
        for event in eve.events:
            if any(eve.parts[part]["type"] in ("image", "gallery", "file") for part in event["inputs"]):
                data = eve.data(event, {"image": given, "file": [given], "gallery": [{"image": given}]})
                for who, code in ((eve, 403), (ada, 200)):
                    joined = who.join(event["id"], data)
                    assert joined.status_code == code, joined.text
                asked += 1
        assert status(eve, path) == 403
        body = {"data": [given, 0], "session_hash": eve.session}
        for route in ("queue/join", "call/add_noise", "call/v2/add_noise", "component_server", "cancel", "reset"):
            answer = eve.web.post(f"/gradio_api/{route}", json=body)
            assert answer.status_code == 403, route
            assert answer.json()["detail"] == "This file was made for another browser."
        assert eve.web.post("/gradio_api/stream/event", json=body).status_code == 404  # it would change what waits
    assert asked >= 6


def test_an_event_names_as_many_files_as_the_lab_learns_from(people):
    ada, _ = people
    for number, code in ((MOST_PICTURES, 200), (5001, 413)):
        files = [{"path": f"/tmp/{each}.png"} for each in range(number)]
        assert ada.join(ada.numbers["add_noise"], [files, 0]).status_code == code


def test_delete_my_data_takes_what_was_made_for_the_browser_and_leaves_what_others_drew_as_well(server, people):
    ada, eve = people
    mine, both = drawn(ada, 903), drawn(ada, 904)
    assert drawn(eve, 904) == both
    browser = Browser(server)
    browser.web.cookies, browser.session = ada.web.cookies, ada.session
    success, told = browser.confirm("lora")
    assert success and "file" in told, told
    assert (status(ada, mine), status(ada, both), status(eve, both)) == (403, 403, 200)
    assert not (server.data / mine).exists()


def test_delete_my_data_empties_what_the_server_keeps_of_the_browsers_open_pages(server):
    ada, eve = Browser(server), Browser(server)
    window = Browser(server)
    window.web.cookies = ada.web.cookies
    tab = next(number for number, each in ada.parts.items() if each["props"].get("id") == "n-gram-babble")

    def is_new(page):
        """Whether the page has not been at this tab yet, by what the server knows of it."""
        success, told = page.event(tab, "select")
        assert success, told
        return "Moby" in told

    pages = (ada, window, eve)
    assert [is_new(page) for page in pages] == [True] * 3
    assert [is_new(page) for page in pages] == [False] * 3
    success, _ = ada.confirm("lora")
    assert success
    assert [is_new(page) for page in pages] == [True, True, False]


YAML = """
prompts: ["a {{thing}}"]
providers: ["ngram:moby-dick:words:3"]
tests: [{vars: {thing: zzquokkawort}}]
"""


def test_a_scripts_delete_my_data_takes_everything_of_its_session_alone(server):
    for each in ("ada", "eve"):
        assert server.call("evaluate_prompts", YAML.replace("wort", each), session=each)["success"]
    told = server.call("delete_my_data", "everything", session="eve")["output"]["data"][0]
    assert (told["deleted"], told["jobs"]) == (True, {"evaluation": 1})
    assert holding(server.data, b"zzquokkaada")
    assert not holding(server.data, b"zzquokkaeve")
    for nothing in ("", None, "A" * 22):
        assert not server.call("delete_my_data", nothing, session="ada")["success"]
    assert holding(server.data, b"zzquokkaada")
