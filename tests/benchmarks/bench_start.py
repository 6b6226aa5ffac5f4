"""How soon the first page is there, against a trivial Gradio app with eight tabs started the same way."""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

ROUNDS = 3
TRIVIAL = """
import gradio as gr
with gr.Blocks(analytics_enabled=False) as page:
    with gr.Tabs():
        for number in range(8):
            with gr.Tab(f"Tab {number}"):
                box, out = gr.Textbox(), gr.Textbox()
                gr.Button("Go").click(lambda text: text, box, out)
page.launch(server_port=PORT, ssr_mode=False, quiet=True)
"""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def seconds_to_first_page(command: list[str], port: int) -> float:
    """From the start of the process to the whole first answer with status 200."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while time.perf_counter() - start < 120:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).read()
                return time.perf_counter() - start
            except OSError:
                time.sleep(0.02)
        raise TimeoutError("no page after 120 s")
    finally:
        process.kill()
        process.wait()


def bench() -> list[dict]:
    """Alternates the two, so that a machine that grows slower hits both."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    ours, trivial = [], []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(ROUNDS):
            port = free_port()
            ours.append(seconds_to_first_page(
                [sys.executable, "app.py", "--port", str(port), "--data-dir", folder, "--offline"], port))
            port = free_port()
            trivial.append(seconds_to_first_page(
                [sys.executable, "-c", TRIVIAL.replace("PORT", str(port))], port))
    mine, peer = statistics.median(ours), statistics.median(trivial)
    return [{"what": "first page (peer: trivial eight-tab Gradio app)", "ours": f"{mine:.2f} s",
             "peer": f"{peer:.2f} s", "ratio": mine / peer, "target": "<= 1.5"}]
