"""With --offline no request leaves the machine: every socket that the process opens is listed by an audit hook."""

import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

# Runs the app as `python app.py` would, and prints every address that is neither loopback nor a local socket.
WATCHED = """
import runpy, sys
def watch(event, details):
    if event == "socket.connect":
        address = details[1]
        host = address[0] if isinstance(address, tuple) else "local"
        if host not in ("127.0.0.1", "::1", "localhost", "local"):
            print("LEFT", address, flush=True)
    if event == "socket.getaddrinfo" and details[0] not in ("127.0.0.1", "localhost", "::1", "0.0.0.0", None, ""):
        print("LEFT", details[:2], flush=True)
sys.addaudithook(watch)
sys.argv = ["app.py", "--offline", "--port", "0", "--device", "cpu", "--data-dir", DATA]
runpy.run_path("app.py", run_name="__main__")
"""
CALLS = [("/generate_faces", (1, 1, 1.0)), ("/tokenize", ("a text", "cl100k_base")),
         ("/next_token", ("Once upon a", "gemma-3-270m")), ("/cache_status", ())]


@pytest.mark.models
def test_no_request_leaves_the_machine(data_dir, tmp_path):
    from gradio_client import Client

    log = (tmp_path / "log").open("w+")
    process = subprocess.Popen([sys.executable, "-c", WATCHED.replace("DATA", repr(str(data_dir)))],
                               stdout=log, stderr=subprocess.STDOUT, cwd=ROOT)
    try:
        url = wait_for_url(tmp_path / "log")
        urllib.request.urlopen(url, timeout=30).read()
        client = Client(url, analytics_enabled=False, verbose=False)
        public = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
        for name, arguments in CALLS:
            assert name in public
            client.predict(*arguments, api_name=name)
        with pytest.raises(Exception, match="--offline"):
            client.predict("text", "openai-community/gpt2", api_name="/next_token")
    finally:
        process.kill()
        process.wait()
    assert "LEFT" not in (tmp_path / "log").read_text()


def wait_for_url(log: Path) -> str:
    """The address that the app prints when it is up."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text())
        if found:
            return found[0]
        time.sleep(0.1)
    raise TimeoutError(log.read_text())
