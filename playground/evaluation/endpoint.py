"""An OpenAI-compatible endpoint as a provider: POST {base}/chat/completions.

Off unless the operator allows it (--endpoints): it makes this machine send requests where a visitor says. Then, too:
addresses inside the operator's network are refused unless allowed, and the address that was checked is the one that
is connected to; redirects are not followed; answers are bounded in size and time. The key comes from the visitor for
this visit, or from the operator's environment for the operator's own address; it is part of no plan, so it is never
stored, and it is struck out of whatever an endpoint sends back.
"""

import ipaddress
import json
import os
import socket
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from playground.errors import BadInput, PlaygroundError
from playground.evaluation.outputs import Check, Output, Request
from playground.evaluation.plan import Provider
from playground.settings import LOOPBACK, OFF, PRIVATE

URL_VARIABLE, KEY_VARIABLE = "PLAYGROUND_ENDPOINT_URL", "PLAYGROUND_ENDPOINT_KEY"
AT_ONCE = 4  # requests
SECONDS = 60.0  # for one answer, from the first byte sent to the last received
TRIES = 3  # for 429 and 5xx answers
WAIT = 1.0  # seconds before the second try, doubled for the third
LARGEST = 10**6  # bytes of an answer
STRUCK = "[key]"


def checked(provider: Provider, reach: str) -> Provider:
    """The provider, if endpoints are allowed here (Settings.reach) and its address can be one. BadInput otherwise."""
    if reach == OFF:
        raise BadInput(f"The provider {provider.id!r:.80} lies outside, and this playground does not go there.",
                       "Its operator can allow endpoints (--endpoints).")
    address(provider.base_url)
    if provider.key_variable not in ("", KEY_VARIABLE):
        raise BadInput(f"The variable {provider.key_variable!r:.60} is not read.",
                       f"Only {KEY_VARIABLE} is, and only for the address in {URL_VARIABLE}.")
    return provider


def address(url: str) -> tuple[str, str, int, str]:
    """(scheme, host, port, path) of a base URL. BadInput for one that cannot be used."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise BadInput(f"The address {url!r:.80} cannot be read.", "Write it like https://host/v1.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise BadInput("The address is not one of an endpoint.", "Write it like https://host/v1, without a key in it.")
    return parts.scheme, parts.hostname, port, parts.path.rstrip("/")


def resolve(host: str, port: int, reach: str) -> str:
    """The address to connect to. BadInput for a name that is not known, or that leads further than `reach` allows."""
    try:
        found = [entry[4][0] for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        raise BadInput(f"The host {host!r:.80} is not known.", "Check its spelling, and the network.") from None
    for each in found:
        number = ipaddress.ip_address(each.partition("%")[0])
        if reach == LOOPBACK and not inner(number).is_loopback:
            raise BadInput(f"The host {host!r:.80} is not this machine, which is all that --offline lets through.",
                           "Name a server on this machine.")
        if reach not in (LOOPBACK, PRIVATE) and not is_public(number):
            raise BadInput(f"The host {host!r:.80} lies inside a private network.", "Name one on the internet.")
    return found[0]


Number = ipaddress.IPv4Address | ipaddress.IPv6Address
NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address


def inner(number: Number) -> Number:
    """The IPv4 address that an IPv6 one stands for (mapped, 6to4, NAT64), else the address itself."""
    if number.version == 4:
        return number
    if number in NAT64:
        return ipaddress.IPv4Address(int(number) & 0xFFFFFFFF)
    return number.ipv4_mapped or number.sixtofour or number


def is_public(number: Number) -> bool:
    """Whether an address lies on the internet: not loopback, link-local, private, reserved or multicast."""
    return all(each.is_global and not each.is_multicast for each in (number, inner(number))
               if each.version == 4 or not each.ipv4_mapped)


def key_for(provider: Provider, typed: str = "") -> str:
    """The key of this visit, or the operator's for the operator's own address, or none."""
    own = os.environ.get(URL_VARIABLE, "").rstrip("/")
    return typed or (os.environ.get(KEY_VARIABLE, "") if own and own == provider.base_url.rstrip("/") else "")


class Trouble(Exception):
    """One answer that cannot be used; the text holds no key. `again` after a while it may be."""

    def __init__(self, words: str, again: bool = False) -> None:
        self.again = again
        super().__init__(words)


class Endpoint:
    """Generator over an endpoint; an answer that fails becomes an Output with its error, and the run goes on."""

    def __init__(self, provider: Provider, key: str, reach: str) -> None:
        self.provider = checked(provider, reach)
        self._key = key_for(provider, key)
        self._reach = reach

    def __repr__(self) -> str:
        return f"Endpoint({self.provider.id!r})"

    def generate(self, requests: Sequence[Request], check: Check) -> Iterator[tuple[str, Output]]:
        """See Generator. AT_ONCE requests are under way together."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for start in range(0, len(requests), AT_ONCE):
                check()
                part = requests[start:start + AT_ONCE]
                for request, output in zip(part, pool.map(self.answer, part), strict=True):
                    yield request.key, output

    def answer(self, request: Request) -> Output:
        """One answer, tried again a few times where that may help."""
        start = time.perf_counter()
        for attempt in range(TRIES):
            try:
                return self._read(self._send(request), time.perf_counter() - start)
            except Trouble as problem:
                words = str(problem)
                if not problem.again:
                    break
                if attempt + 1 < TRIES:
                    time.sleep(WAIT * 2 ** attempt)  # as the endpoint asked us to
            except PlaygroundError as problem:
                words = str(problem)
                break
        return Output("", seconds=time.perf_counter() - start, finish="error", error=self.strike(words))

    def strike(self, text: str) -> str:
        """A text without the key."""
        return text.replace(self._key, STRUCK) if self._key else text

    def _send(self, request: Request) -> bytes:
        import httpx

        scheme, host, port, path = address(self.provider.base_url)
        number = resolve(host, port, self._reach)
        shown = f"[{number}]" if ":" in number else number
        headers = {"Host": f"{host}:{port}", "Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        try:
            with (httpx.Client(trust_env=False, follow_redirects=False, timeout=SECONDS) as client,
                  client.stream("POST", f"{scheme}://{shown}:{port}{path}/chat/completions", headers=headers,
                                json=self._body(request), extensions={"sni_hostname": host}) as answer):
                content = bounded(answer)
                if answer.is_redirect:
                    raise Trouble("The endpoint wants to send us elsewhere, which is not followed.")
                if not answer.is_success:
                    raise Trouble(f"The endpoint refused ({answer.status_code}{reason(content)}).",
                                  again=answer.status_code == 429 or answer.status_code >= 500)
                return content
        except httpx.TimeoutException:
            raise Trouble(f"The endpoint took longer than {SECONDS:.0f} s.") from None
        except httpx.HTTPError as problem:
            raise Trouble(f"The endpoint cannot be reached ({type(problem).__name__}).", again=True) from None

    def _body(self, request: Request) -> dict[str, Any]:
        name = self.provider.id.removeprefix("openai:").removeprefix("chat:")
        body = {"model": name, "messages": messages(request.prompt), "temperature": self.provider.temperature,
                "top_p": self.provider.top_p, "max_tokens": self.provider.max_tokens, "seed": request.seed}
        return {**body, "stop": list(self.provider.stop)} if self.provider.stop else body

    def _read(self, content: bytes, seconds: float) -> Output:
        try:
            answer = json.loads(content)
            choice, usage = answer["choices"][0], answer.get("usage") or {}
            text = choice["message"]["content"] or ""
            counts = [int(usage.get(name, 0)) for name in ("completion_tokens", "prompt_tokens")]
            if not isinstance(text, str):
                raise TypeError
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
            raise Trouble("The endpoint's answer is not that of a chat completion.") from None
        return Output(self.strike(text), counts[0], counts[1], seconds,
                      finish="length" if choice.get("finish_reason") == "length" else "stop")


def bounded(answer: Any) -> bytes:
    """The body of an answer. Trouble past LARGEST bytes or SECONDS."""
    end, parts, size = time.monotonic() + SECONDS, [], 0
    for part in answer.iter_bytes():
        size += len(part)
        if size > LARGEST:
            raise Trouble(f"The endpoint's answer is larger than {LARGEST:,} bytes.")
        if time.monotonic() > end:
            raise Trouble(f"The endpoint took longer than {SECONDS:.0f} s.")
        parts.append(part)
    return b"".join(parts)


def reason(content: bytes) -> str:
    """What an endpoint gives as its reason, shortened; nothing where it gives none."""
    try:
        message = json.loads(content)["error"]["message"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return f": {message!s:.200}"


def messages(prompt: str) -> list[dict[str, str]]:
    """A prompt as chat messages: JSON in promptfoo's chat format as it is, else one message of the user."""
    if prompt.lstrip().startswith("["):
        try:
            read = json.loads(prompt)
        except (ValueError, RecursionError):
            read = None
        if isinstance(read, list) and read and all(
                isinstance(each, dict) and {"role", "content"} <= set(each) for each in read):
            return [{"role": str(each["role"]), "content": str(each["content"])} for each in read]
    return [{"role": "user", "content": prompt}]
