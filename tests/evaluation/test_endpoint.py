"""An OpenAI-compatible endpoint: a stub on loopback that answers, fails, hangs, redirects and says rubbish."""

import dataclasses
import ipaddress
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from playground.errors import BadInput
from playground.evaluation import endpoint, exports, job, plan, promptfoo, providers, results, runs
from playground.evaluation.outputs import Request, never
from playground.evaluation.plan import Case, Plan, Prompt, Provider

KEY = "sk-a-very-secret-key-123456"


class Stub(BaseHTTPRequestHandler):
    """Answers by the model's name; keeps what it was sent."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((self.path, dict(self.headers), body))
        name = body["model"]
        if name == "slow":
            time.sleep(3)
        if name == "flaky" and len(self.server.seen) < 3:
            return self.reply(503, {"error": {"message": "busy"}})
        if name == "refuses":
            return self.reply(401, {"error": {"message": f"Incorrect API key provided: {KEY}"}})
        if name == "redirects":
            return self.reply(302, {}, {"Location": "http://169.254.169.254/latest/meta-data"})
        if name == "rubbish":
            return self.reply(200, None, raw=b"<html>\xff not json")
        if name == "wrong":
            return self.reply(200, {"choices": [{"message": {"content": 7}}]})
        if name == "huge":
            return self.reply(200, {"choices": [{"message": {"content": "x" * 2_000_000}}]})
        text = f"key {KEY}" if name == "echo" else f"{body['messages'][-1]['content']} {body['seed']}"
        return self.reply(200, {"choices": [{"message": {"content": text}, "finish_reason": "stop"}],
                                "usage": {"prompt_tokens": 3, "completion_tokens": 2}})

    def reply(self, status, data, headers=None, raw=None):
        content = raw if raw is not None else json.dumps(data).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(content)
        except OSError:
            self.close_connection = True  # the client had enough

    def log_message(self, *_):
        """Quiet."""


@pytest.fixture
def server(monkeypatch):
    """The stub: a server on this machine, as a local one of an operator is."""
    monkeypatch.setattr(endpoint, "WAIT", 0.01)
    made = ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    made.seen = []
    made.url = f"http://127.0.0.1:{made.server_port}/v1"
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def ask(server, model, prompt="Hello", key=KEY, **settings):
    source = endpoint.Endpoint(Provider(f"openai:{model}", base_url=server.url, **settings), key, "private")
    ((_, output),) = source.generate([Request("k", prompt, 7)], never)
    return output


def test_it_answers(server):
    output = ask(server, "chat:gpt", temperature=0.5, max_tokens=9, stop=("\n",))
    assert (output.text, output.tokens, output.prompt_tokens, output.error) == ("Hello 7", 2, 3, "")
    path, headers, body = server.seen[0]
    assert path == "/v1/chat/completions" and headers["Authorization"] == f"Bearer {KEY}"
    assert body == {"model": "gpt", "messages": [{"role": "user", "content": "Hello"}], "temperature": 0.5,
                    "top_p": 1.0, "max_tokens": 9, "seed": 7, "stop": ["\n"]}


def test_a_chat_prompt_is_sent_as_messages(server):
    ask(server, "gpt", json.dumps([{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Hi"}]))
    assert [each["role"] for each in server.seen[0][2]["messages"]] == ["system", "user"]


def test_a_busy_endpoint_is_tried_again(server):
    assert ask(server, "flaky").text == "Hello 7"
    assert len(server.seen) == 3


@pytest.mark.parametrize(("model", "words"), [
    ("refuses", r"refused \(401.*\[key\]"), ("redirects", "elsewhere"), ("rubbish", "not that of a chat"),
    ("wrong", "not that of a chat"), ("huge", "larger than")])
def test_faults_become_the_error_of_their_output(server, model, words):
    output = ask(server, model)
    assert output.finish == "error" and output.text == ""
    assert re.search(words, output.error), output.error
    assert len(server.seen) == 1


def test_a_slow_endpoint_is_given_up(server, monkeypatch):
    monkeypatch.setattr(endpoint, "SECONDS", 0.3)
    start = time.perf_counter()
    assert "longer than" in ask(server, "slow").error
    assert time.perf_counter() - start < 3


def test_an_endpoint_that_is_not_there_is_said(server):
    port = server.server_port
    server.shutdown()
    server.server_close()
    source = endpoint.Endpoint(Provider("openai:x", base_url=f"http://127.0.0.1:{port}/v1"), KEY, "private")
    ((_, output),) = source.generate([Request("k", "Hello", 0)], never)
    assert "cannot be reached" in output.error


@pytest.fixture
def allowing(context):
    """The engine of an operator who allows endpoints, offline: those on this machine."""
    return dataclasses.replace(context, settings=dataclasses.replace(context.settings, endpoints="private"))


def test_the_key_is_nowhere_but_in_the_request(server, allowing, caplog):
    """Outputs, errors, exports, the store, the job's row and the log: none holds it."""
    caplog.set_level(0)
    models = tuple(Provider(f"openai:{name}", base_url=server.url) for name in ("gpt", "echo", "refuses", "huge"))
    context = allowing
    filled, cost = runs.sized(context, Plan((Prompt("Say {{a}}"),), models, (Case({"a": "hi"}),)))
    assert runs.is_small(cost, filled)
    kept = runs.add(context, filled, "ada", here=True)
    for _ in runs.here(context, kept, KEY):
        pass
    run = kept.run()
    texts = [exports.to_csv(run), exports.to_json(run), exports.to_yaml(run.plan), caplog.text,
             json.dumps(context.jobs.get(kept.id).spec), repr(endpoint.Endpoint(models[0], KEY, "private")),
             json.dumps(results.to_json(run))]
    texts += [path.read_bytes().decode("latin-1") for path in kept.job.folder.iterdir() if path.is_file()]
    assert not [text for text in texts if KEY in text]
    assert any(headers.get("Authorization") == f"Bearer {KEY}" for _, headers, _ in server.seen)
    context.jobs.delete(kept.id)


def test_endpoints_are_off_unless_allowed():
    with pytest.raises(BadInput, match="does not go there"):
        providers.find("openai:gpt", "", {"base_url": "https://example.com/v1"})
    text = "prompts: [a]\nproviders: [{id: openai:gpt, config: {apiBaseUrl: https://example.com/v1}}]\ntests: [{}]"
    asked, issues = promptfoo.read(text)
    assert asked.providers[0].id == providers.DEFAULT and "does not go there" in str(issues[0])
    assert promptfoo.read(text, "public")[0].providers[0].id == "openai:gpt"


def test_a_run_from_a_time_when_endpoints_were_allowed_does_not_go_there_now(server, allowing, context):
    filled, _ = runs.sized(allowing, Plan((Prompt("Say {{a}}"),), (Provider("openai:gpt", base_url=server.url),),
                                          (Case({"a": "hi"}),)))
    kept = runs.add(allowing, filled, "ada", here=True)
    with pytest.raises(BadInput, match="does not go there"):
        list(runs.here(context, runs.find(context, kept.id), KEY))
    assert not server.seen
    for _ in runs.here(allowing, runs.find(allowing, kept.id), KEY):
        pass
    assert len(server.seen) == 1
    context.jobs.delete(kept.id)


def test_a_process_of_its_own_gets_the_same_reach(server, allowing):
    filled, _ = runs.sized(allowing, Plan((Prompt("Say {{a}}"),), (Provider("openai:gpt", base_url=server.url),),
                                          (Case({"a": "hi"}),)))
    kept = runs.add(allowing, filled, "ada", here=True)

    class Told:
        spec, folder = kept.job.spec, kept.job.folder

    assert job.context_of(Told).settings.reach == allowing.settings.reach == "loopback"
    allowing.jobs.delete(kept.id)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.0.0.1", "192.168.1.1", "169.254.169.254", "[::1]",
                                  "0.0.0.0", "[::ffff:127.0.0.1]", "2130706433"])
def test_addresses_inside_the_network_are_refused(host):
    source = endpoint.Endpoint(Provider("openai:x", base_url=f"http://{host}:9/v1"), KEY, "public")
    ((_, output),) = source.generate([Request("k", "Hello", 0)], never)
    assert "private network" in output.error or "not known" in output.error


@pytest.mark.parametrize("url", ["ftp://host/v1", "https://user:pass@host/v1", "https://host/v1?key=x", "host", "",
                                 "http://host:99999/v1", "file:///etc/passwd"])
def test_addresses_that_are_none_are_refused(url):
    with pytest.raises(BadInput):
        endpoint.checked(Provider("openai:x", base_url=url), "private")


@pytest.mark.parametrize(("number", "public"), [
    ("8.8.8.8", True), ("2606:4700::1111", True), ("::ffff:8.8.8.8", True), ("64:ff9b::808:808", True),
    ("127.0.0.1", False), ("10.1.2.3", False), ("169.254.169.254", False), ("100.64.0.1", False), ("0.0.0.0", False),
    ("224.0.0.1", False), ("::1", False), ("fe80::1", False), ("fd00::1", False), ("ff02::1", False),
    ("::ffff:127.0.0.1", False), ("64:ff9b::7f00:1", False), ("2002:7f00:1::", False)])
def test_which_addresses_lie_on_the_internet(number, public):
    assert endpoint.is_public(ipaddress.ip_address(number)) is public


def test_offline_lets_through_this_machine_alone(monkeypatch):
    assert endpoint.resolve("127.0.0.1", 80, "loopback") == "127.0.0.1"
    for host in ("10.0.0.1", "8.8.8.8"):
        with pytest.raises(BadInput, match="offline"):
            endpoint.resolve(host, 80, "loopback")


def test_a_name_that_leads_to_both_worlds_is_refused(monkeypatch):
    found = [(2, 1, 6, "", ("8.8.8.8", 80)), (2, 1, 6, "", ("10.0.0.1", 80))]
    monkeypatch.setattr(endpoint.socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(BadInput, match="private network"):
        endpoint.resolve("both.example", 80, "public")


def test_the_operators_key_goes_to_the_operators_address_alone(monkeypatch):
    monkeypatch.setenv(endpoint.KEY_VARIABLE, KEY)
    monkeypatch.setenv(endpoint.URL_VARIABLE, "https://mine.example/v1/")
    assert endpoint.key_for(Provider("openai:x", base_url="https://mine.example/v1")) == KEY
    assert endpoint.key_for(Provider("openai:x", base_url="https://evil.example/v1")) == ""
    with pytest.raises(BadInput, match="HOME"):
        endpoint.checked(Provider("openai:x", base_url="https://host/v1", key_variable="HOME"), "public")


def test_a_key_in_a_file_is_not_read():
    asked, issues = promptfoo.read(
        f"prompts: [a]\nproviders: [{{id: gemma-3-270m, config: {{apiKey: {KEY}}}}}]\ntests: [{{vars: {{a: b}}}}]")
    assert KEY not in json.dumps(asked.to_json()) and KEY not in str(issues)
    assert any("key does not belong" in issue.words for issue in issues)
    assert plan.checked(asked)
