"""Who may come, and how much of the machine they may take: three modes, each a set of limits.

    private  this machine only; the default
    class    a link and a password or named users; everything is on
    public   no login: no training of pictures, nothing that leaves the machine, smaller limits

Each limit can be set by the operator: --limits joins=200,lab=0.
"""

from dataclasses import dataclass, fields, replace

from playground.errors import BadInput

PRIVATE, CLASS, PUBLIC = "private", "class", "public"
MODES = (PRIVATE, CLASS, PUBLIC)
PLENTY = 1_000_000  # megabytes: as good as no bound, nothing is measured
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Limits:
    """What a mode allows. "a minute" limits are per visitor (the page's cookie) unless they say otherwise.

    A class sits behind one address more often than not, so limits by address are much wider than those by visitor.
    """

    training: int  # 1: visitors may train on pictures (Personal LoRA), 0: they may not
    lab: int  # trainings of the GAN lab at once; 0 turns it off
    jobs: int  # long jobs that wait, all visitors together
    jobs_each: int  # long jobs that wait, a visitor
    jobs_address: int  # long jobs that wait or run, an address; below `jobs`, so that others find a place
    turn: int  # minutes after which a long job lets another sender's of its kind go first, where one waits; 0: never
    hours: int  # after which jobs, photos and what was made of them are deleted
    queue: int  # events that wait, all visitors together
    queue_each: int  # events under way or waiting, a session (one open page)
    queue_address: int  # events under way or waiting, an address; where others come, fewer than `queue`
    compute_each: int  # events for the processor under way or waiting, a visitor
    compute_address: int  # events for the processor under way or waiting, an address
    sessions: int  # open pages whose state is kept
    joins: int  # events a minute
    joins_address: int  # events a minute, an address; as many of what hears, cancels or resets them
    pages_address: int  # times that the page is opened a minute, an address
    uploads: int  # upload requests a minute
    uploads_address: int  # upload requests a minute, an address
    logins: int  # failed logins a minute, an address
    upload_mb: int  # megabytes of one upload request, all its files together
    file_mb: int  # megabytes of one file
    body_mb: int  # megabytes of any other request
    slow: int  # seconds in which the body of a request must have arrived
    unmarked: int  # 1: generated pictures say so for the eye where the visitor asks for it, 0: all of them do
    disk_free: int  # megabytes that stay free on the disk of the data folder and of downloaded models; 0: any
    disk_mb: int  # megabytes of disk that all visitors' things take together: uploads, photos, jobs, picture files
    disk_each: int  # megabytes of disk that the photos and jobs of a visitor take
    download_mb: int  # megabytes of a model that a visitor's choice downloads; 0: only models that are here already

    def __post_init__(self) -> None:
        for name in (option.name for option in fields(self)):
            value = getattr(self, name)
            if value < (0 if name in MAY_BE_0 else 1):
                raise BadInput(f"The limit {name}={value} lets nobody in.", "Give a larger number.")
            if value > LARGEST.get(name, value):
                raise BadInput(f"The limit {name}={value} is too large.", f"Give at most {LARGEST[name]}.")


LARGEST = {"training": 1, "unmarked": 1, "hours": 24 * 366}
MAY_BE_0 = ("training", "lab", "turn", "unmarked", "disk_free", "download_mb")
OPEN = Limits(training=1, lab=3, jobs=20, jobs_each=2, jobs_address=20, turn=0, hours=24, queue=200, queue_each=64,
              queue_address=200, compute_each=32, compute_address=200, sessions=200, joins=900, joins_address=30_000,
              pages_address=600, uploads=60, uploads_address=1200, logins=20, upload_mb=400, file_mb=25, body_mb=16,
              slow=600, unmarked=1, disk_free=500, disk_mb=PLENTY, disk_each=PLENTY, download_mb=PLENTY)
DEFAULTS = {
    PRIVATE: OPEN,
    CLASS: replace(OPEN, lab=2, jobs_address=15, turn=10, queue_address=180, compute_each=12, upload_mb=250, uploads=30,
                   disk_mb=20_000, disk_each=2_000),
    PUBLIC: replace(OPEN, training=0, lab=1, jobs=6, jobs_each=1, jobs_address=3, turn=5, hours=6, queue=100,
                    queue_each=40, queue_address=70, compute_each=8, compute_address=24, joins=400, joins_address=4000,
                    pages_address=120, uploads=10, uploads_address=100, logins=10, upload_mb=50, file_mb=12, body_mb=4,
                    slow=120, unmarked=0, disk_mb=2_000, disk_each=200, download_mb=800),
}


def limits(mode: str, changes: str = "") -> Limits:
    """The limits of a mode with the operator's changes, written 'joins=200,lab=0'. BadInput for what is no limit."""
    known = [option.name for option in fields(Limits)]
    given = {}
    for part in filter(None, (part.strip() for part in changes.split(","))):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if name not in known or not equals:
            raise BadInput(f"{part!r} is not a limit.", f"Write name=number; names are {', '.join(known)}.")
        if not value.isascii() or not value.isdigit():
            raise BadInput(f"The limit {name} takes a whole number, not {value!r}.", f"Write {name}=20, say.")
        given[name] = int(value)
    return replace(DEFAULTS[mode], **given)


def downloaded(most: Limits, offline: bool) -> str:
    """What a visitor's choice of a model may load, in words."""
    if offline or not most.download_mb:
        return "no model is downloaded"
    return f"models are downloaded{' up to ' if most.download_mb < PLENTY else ', '}{bound(most.download_mb)}"


def bound(megabytes: int) -> str:
    """A bound in words."""
    return "any size" if megabytes >= PLENTY else f"{megabytes} MB"


def summary(mode: str, most: Limits, endpoints: str, login: bool, offline: bool = False) -> list[str]:
    """What is open in this mode, a line each, for the operator's screen."""
    return [
        f"Mode: {mode} ({who(mode, login)}), {'login asked for' if login else 'no login'}",
        f"Training on pictures: {'on' if most.training else 'off'} · GAN lab: {most.lab or 'off'}"
        f"{' at once' if most.lab else ''} · endpoints of visitors: {endpoints}",
        f"Uploads: {most.upload_mb} MB a request, {min(most.file_mb, most.upload_mb)} MB a file, "
        f"{most.uploads} a minute · events: {most.joins} a minute · kept {most.hours} hours",
        f"Disk: {bound(most.disk_mb)} for all visitors' things, {bound(most.disk_each)} a visitor, {most.disk_free} MB "
        f"stay free · {downloaded(most, offline)}",
    ]


def who(mode: str, login: bool) -> str:
    """Who may come, in words."""
    return WHO[CLASS if login and mode == PUBLIC else mode]


WHO = {PRIVATE: "this machine only", CLASS: "who has the link and the login", PUBLIC: "anybody who has the link"}
