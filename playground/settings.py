"""The options of the playground: one frozen dataclass, from the command line and the environment.

Each option `--some-name` can also be given as PLAYGROUND_SOME_NAME; the command line wins.
"""

import argparse
import ipaddress
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

from platformdirs import user_data_path

from playground import access
from playground.errors import BadInput

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
         "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}
DEVICES = ("auto", "cpu", "cuda", "mps")
OFF, LOOPBACK, PUBLIC, PRIVATE = "off", "loopback", "public", "private"  # how far endpoints of visitors may lie
ENDPOINTS = (OFF, PUBLIC, PRIVATE)


def default_data_dir() -> Path:
    """Where converted models, jobs and visitors' files lie unless the user says otherwise."""
    return user_data_path("generative-playground", appauthor=False)


@dataclass(frozen=True)
class JobLimits:
    """How many jobs of a kind run at once (1 where a kind is not named), how many wait; `kept` in seconds.

    Kinds in `closed` are not taken at all.
    """

    running: Mapping[str, int] = field(default_factory=lambda: {"gan-lab": 3})  # small ones, each watched by somebody
    waiting_each: int = 2
    waiting: int = 20
    address: int = 1000  # that wait or run, from one address
    kept: float = 24 * 3600.0
    closed: frozenset[str] = frozenset()
    shared: bool = False  # among people: then a sender runs half of the places at most
    turn: float = 0.0  # seconds after which a job lets another sender's of its kind go first, where one waits; 0: never

    def each(self, kind: str) -> int | None:
        """How many of a kind one sender runs at once; None where there is no bound."""
        return max(1, self.running.get(kind, 1) // 2) if self.shared else None


@dataclass(frozen=True)
class Settings:
    """What the operator chose. Sizes in bytes."""

    host: str = field(default="127.0.0.1", metadata={"help": "address to listen on"})
    port: int = field(default=7860, metadata={"help": "port to listen on; 0 takes any free one"})
    share: bool = field(default=False, metadata={"help": "ask Gradio for a public link (needs the internet)"})
    auth: Path | None = field(default=None, metadata={"help": "file of user:password lines; visitors must log in"})
    device: str = field(default="auto", metadata={"help": "auto, cpu, cuda, cuda:1, mps"})
    memory_budget: int | None = field(
        default=None, metadata={"help": "memory for models, such as 6GB or 800MB (default: from the machine)"})
    offline: bool = field(default=False, metadata={"help": "never ask the model hub; no request leaves the machine"})
    data_dir: Path = field(
        default_factory=default_data_dir, metadata={"help": "folder for converted models, jobs and uploads"})
    models_dir: Path | None = field(
        default=None, metadata={"help": "folder of your own copies of models, one subfolder a catalog key"})
    endpoints: str = field(default=OFF, metadata={
        "help": "whether visitors may name OpenAI-compatible endpoints: off, public (on the internet only), private "
                "(also inside your network)"})
    mode: str = field(default="", metadata={
        "help": "who may come: private (this machine only), class (a link and a login), public (no login, smaller "
                "limits); by default private, or class with --share or another --host"})
    limits: str = field(default="", metadata={"help": "changes to the mode's limits, such as joins=200,lab=0"})
    public_url: str = field(default="", metadata={
        "help": "the address under which a reverse proxy shows the page, such as https://example.org/playground"})
    trusted_proxy: str = field(default="", metadata={
        "help": "addresses or networks of reverse proxies whose forwarded headers are believed, with commas; or *"})

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise BadInput(f"Port {self.port} does not exist.", "Use --port with 0 to 65535.")
        if self.device.split(":")[0] not in DEVICES:
            raise BadInput(f"Unknown device {self.device!r}.", f"Use --device with one of {', '.join(DEVICES)}.")
        if self.memory_budget is not None and self.memory_budget <= 0:
            raise BadInput("A memory budget must be larger than nothing.", "Use --memory-budget 4GB, say.")
        if self.endpoints not in ENDPOINTS:
            raise BadInput(f"Unknown choice of endpoints {self.endpoints!r}.",
                           f"Use --endpoints with one of {', '.join(ENDPOINTS)}.")
        self._check_sharing()

    def _check_sharing(self) -> None:
        """BadInput where mode, share, host, endpoints, limits, address and proxies do not go together."""
        if self.mode not in ("", *access.MODES):
            raise BadInput(f"Unknown mode {self.mode!r}.", f"Use --mode with one of {', '.join(access.MODES)}.")
        if self.mode == access.PRIVATE and self._reached:
            raise BadInput("Private means this machine only: no --share, --public-url, other --host.",
                           "Use --mode class (with a login) or --mode public.")
        if self.mode == access.PUBLIC and self.endpoints != OFF:
            raise BadInput("In public mode visitors name no endpoints.", "Leave --endpoints out, or use --mode class.")
        if self.public_url and not re.fullmatch(r"https?://[^/\s?#]+(/[^\s?#]*)?", self.public_url):
            raise BadInput(f"{self.public_url!r} is not the address of a page.",
                           "Use --public-url https://example.org/playground, say.")
        if self.trusted_proxy != "*":
            parse_networks(self.trusted_proxy)
        self.most  # noqa: B018  # BadInput for what is no limit

    @property
    def who(self) -> str:
        """The mode: as chosen, else private, or class as soon as others can reach the page."""
        if self.mode:
            return self.mode
        return access.CLASS if self._reached else access.PRIVATE

    @property
    def _reached(self) -> bool:
        """Whether others than this machine can reach the page."""
        return bool(self.share or self.public_url or self.host not in access.LOOPBACK)

    @property
    def most(self) -> access.Limits:
        """The limits of the mode with the operator's changes."""
        return access.limits(self.who, self.limits)

    @property
    def job_limits(self) -> JobLimits:
        """The limits as the list of jobs takes them."""
        most = self.most
        closed = {"lora": most.training, "gan-lab": most.lab}
        shared = self.who != access.PRIVATE
        address = min(most.jobs_address, max(1, most.jobs - 1)) if shared else most.jobs_address  # a place for others
        return JobLimits(running={"gan-lab": max(most.lab, 1)}, waiting_each=most.jobs_each, waiting=most.jobs,
                         address=address, shared=shared, kept=most.hours * 3600.0, turn=most.turn * 60.0,
                         closed=frozenset(kind for kind, on in closed.items() if not on))

    @property
    def reach(self) -> str:
        """How far endpoints may lie: OFF on a shared link whatever was chosen; offline, this machine at most."""
        if self.share:
            return OFF
        if self.offline:
            return LOOPBACK if self.endpoints == PRIVATE else OFF
        return self.endpoints


def parse_size(text: str) -> int:
    """Bytes meant by '6GB', '800 MB', '2GiB' or '123456'."""
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?I?)B?\s*", text.upper())
    if match is None or match[2] not in UNITS:
        raise BadInput(f"{text!r} is not a size.", "Write it like 6GB, 800MB or 2GiB.")
    return int(float(match[1]) * UNITS[match[2]])


def parse_networks(text: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """The networks of '127.0.0.1, 10.0.0.0/8'."""
    try:
        return [ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip()]
    except ValueError as problem:
        raise BadInput(f"A trusted proxy is no address or network ({problem}).",
                       "Use --trusted-proxy 127.0.0.1, say.") from None


def parse_flag(text: str) -> bool:
    """The truth of an environment variable: 1, true, yes, on against 0, false, no, off or nothing."""
    word = text.strip().lower()
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("0", "false", "no", "off", ""):
        return False
    raise BadInput(f"{text!r} is neither yes nor no.", "Use 1 or 0.")


def parse_port(text: str) -> int:
    """A port number."""
    try:
        return int(text)
    except ValueError:
        raise BadInput(f"{text!r} is not a port number.", "Use --port 7860, say.") from None


PARSERS = {"port": parse_port, "share": parse_flag, "offline": parse_flag, "memory_budget": parse_size,
           "auth": Path, "data_dir": Path, "models_dir": Path, "host": str, "device": str, "endpoints": str,
           "mode": str, "limits": str, "public_url": str, "trusted_proxy": str}


def from_command_line(argv: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings from the arguments, else from PLAYGROUND_* variables, else the defaults.

    Raises BadInput for a value that cannot be used; exits with usage for an unknown option.
    """
    parser = argparse.ArgumentParser(
        prog="app.py", description="A browser playground for generative AI.",
        epilog="Each option can also be given as a variable: --data-dir as PLAYGROUND_DATA_DIR.")
    for option in fields(Settings):
        flag = "--" + option.name.replace("_", "-")
        if option.type is bool:
            parser.add_argument(flag, action="store_const", const="1", help=option.metadata["help"])
        else:
            parser.add_argument(flag, help=option.metadata["help"], metavar=option.name.split("_")[-1].upper())
    given = {name: text for name, text in vars(parser.parse_args(argv)).items() if text is not None}
    for option in fields(Settings):
        variable = "PLAYGROUND_" + option.name.upper()
        if option.name not in given and environ.get(variable):
            given[option.name] = environ[variable]
    if environ.get("SPACE_ID"):  # Hugging Face Spaces: a container that only its own proxy reaches
        given = {"host": "0.0.0.0", "mode": access.PUBLIC, "trusted_proxy": "*", **given}
    return Settings(**{name: PARSERS[name](text) for name, text in given.items()})


def read_users(path: Path) -> list[tuple[str, str]]:
    """The (user, password) pairs of a file with one `user:password` a line; # starts a comment line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as problem:
        raise BadInput(f"The login file {path} cannot be read ({problem.strerror}).",
                       "Give --auth a text file with one user:password a line.") from None
    users = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, colon, password = line.strip().partition(":")
        if not (name and colon and password):
            raise BadInput(f"Line {number} of {path} is not user:password.", "Write one user:password a line.")
        users.append((name, password))
    if not users:
        raise BadInput(f"The login file {path} names nobody.", "Write one user:password a line.")
    return users
