"""Fixtures: one data folder with converted models for the whole run, one launched page, a script's client, a browser.

The converted language model is kept in .cache/test-data, so that only the first run makes it.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import hypothesis
import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # a process a core: more threads would only wait for each other
    os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--enable-unsafe-swiftshader"]

# No deadline for an example: it would assert on wall time, and on a busy machine a first one takes a second.
hypothesis.settings.register_profile("playground", deadline=None)
hypothesis.settings.load_profile("playground")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests may be run once more: on two busy cores Chromium now and then answers too late."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session", autouse=True)
def clients_folders(tmp_path_factory) -> Iterator[None]:
    """gradio_client leaves an empty folder for each file that it fetched: among the run's own, not in the system's."""
    before, tempfile.tempdir = tempfile.tempdir, str(tmp_path_factory.mktemp("client"))
    yield
    tempfile.tempdir = before


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory) -> Path:
    """A data folder of this run alone (jobs, visitors, the gate), over models that outlive it."""
    models = ROOT / ".cache" / "test-data" / "models"
    models.mkdir(parents=True, exist_ok=True)
    path = tmp_path_factory.mktemp("data")
    (path / "models").symlink_to(models, target_is_directory=True)
    return path


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory) -> Path:
    """Own models of the run: a small random text-to-image model of the pocket model's classes where none is bundled."""
    from playground.diffusion import models
    from tests.diffusion import tiny_pipelines

    path = tmp_path_factory.mktemp("models")
    if not (ROOT / "assets" / "models" / models.POCKET).exists():
        tiny_pipelines.save_pocket(path)
    return path


@pytest.fixture(scope="session")
def settings(data_dir, models_dir):
    """Offline, on the CPU, any free port."""
    from playground.settings import Settings

    return Settings(port=0, device="cpu", offline=True, data_dir=data_dir, models_dir=models_dir)


@pytest.fixture(scope="session")
def context(settings):
    """The engine as the app builds it: real models, one cache for the whole run."""
    from playground.context import build_context

    return build_context(settings)


@pytest.fixture(scope="session")
def url(settings) -> Iterator[str]:
    """The address of the launched page."""
    import app

    page = app.start(settings)
    yield page.local_url
    settle(page.local_url)
    page.close()


def settle(url: str, seconds: float = 60) -> None:
    """Waits until the page computes nothing: a thread inside a library when Python ends would abort the whole run."""
    from gradio_client import Client

    asking, until = Client(url, analytics_enabled=False, verbose=False), time.monotonic() + seconds
    while time.monotonic() < until:
        now = asking.predict(api_name="/cache_status")
        if not now["computing"] and now["queued"] <= 1:  # this very question may count
            return
        time.sleep(0.5)


@pytest.fixture(scope="session")
def client(url):
    """A script's client of the launched page."""
    from gradio_client import Client

    return Client(url, analytics_enabled=False, verbose=False)


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium; its absence fails in CI and skips elsewhere."""
    path = shutil.which("chromium")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is not installed: apt-get install chromium")
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=90_000)  # two cores that do other things as well: opening the page costs seconds
    with sync_playwright() as play:
        engine = play.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield engine
        engine.close()


def visit(goto: Callable, address: str, **options: Any) -> Any:
    """Opens an address; tries again where a busy Chromium gave the navigation up by itself."""
    from playwright.sync_api import Error

    for _ in range(3):
        try:
            return goto(address, **options)
        except Error as problem:
            if "ERR_ABORTED" not in str(problem):
                raise
    return goto(address, **options)


@pytest.fixture
def page(browser, url):
    """A fresh visitor's window on the page; fails the test on an error in the browser's console."""
    window = browser.new_context(viewport={"width": 1280, "height": 900})
    tab = window.new_page()
    tab.set_default_timeout(120_000)
    tab.goto = partial(visit, tab.goto)
    problems: list[str] = []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.goto(url)
    tab.locator("body[data-keys=ready]").wait_for()  # the page's own script runs last
    yield tab
    window.close()
    assert not problems
