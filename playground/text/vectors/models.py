"""Which set of vectors: one of the catalog, or a visitor's own file; both live in the shared cache."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playground import catalog, checks
from playground.catalog import Entry
from playground.context import Context
from playground.errors import BadInput, DamagedWeights
from playground.specs import RAM, ModelKey, ModelSpec
from playground.text.vectors import formats
from playground.text.vectors.store import WORD_BYTES, Vectors
from playground.weights import Located, Progress, silent

MODEL = "glove-6b-50d"
TASK = "word-vectors"
LARGEST = 25_000_000  # bytes of a visitor's file


@dataclass(frozen=True)
class OwnFile:
    """A visitor's file that has been read once: where it lies, what it holds. Known by its content."""

    path: str
    name: str
    sha256: str
    count: int
    dimensions: int

    @property
    def title(self) -> str:
        """For the page: 'toy.txt (120 words, 8 dimensions)'."""
        return f"{self.name} ({self.count:,} words, {self.dimensions} dimensions)"


def spec(context: Context, choice: str | OwnFile = MODEL, progress: Progress = silent) -> ModelSpec:
    """How the cache gets a set of vectors. Raises BadInput for an unknown key."""
    if isinstance(choice, OwnFile):
        return _own_spec(choice)
    entry = catalog.find(choice, TASK)
    # always in RAM: one product with 400,000 vectors takes milliseconds there
    return ModelSpec(ModelKey(entry.key, device=RAM), lambda: _load(context.weights.locate(entry, progress)),
                     entry.bytes, _measure)


def accept(context: Context, path: Any, name: str = "") -> OwnFile:
    """Reads a visitor's file into the cache. Raises BadInput if it is too large or not a file of vectors."""
    checks.text(path, "The file", 4096)
    file = Path(path)
    if not file.is_file():
        raise BadInput("The file is not there any more.", "Upload it again.")
    size = file.stat().st_size
    if size > LARGEST:
        raise BadInput(f"The file has {size / 1e6:,.0f} MB.", f"At most {LARGEST / 1e6:.0f} MB; keep the most "
                       "frequent words, or put large sets into the folder of --models-dir.")
    if file.suffix == ".gz":
        raise BadInput("Packed files are not accepted.", "Unpack it first.")
    with file.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    form = formats.inspect(file)
    own = OwnFile(str(file), (name or file.name)[:60], sha256, form.count, form.dimensions)
    with context.cache.lease(spec(context, own)) as vectors:
        return OwnFile(own.path, own.name, sha256, len(vectors.words), vectors.dimensions)


def _own_spec(own: OwnFile) -> ModelSpec:
    """A file's spec: the key is its content, so that two visitors with one file share it."""
    path = Path(own.path)

    def load() -> Vectors:
        if not path.is_file():
            raise BadInput(f"{own.name} is not kept any more.", "Upload it again.")
        return formats.read(path, own.name)

    key = ModelKey(f"own vectors {own.sha256[:12]}", own.sha256, device=RAM, variant="visitor")
    return ModelSpec(key, load, own.count * (own.dimensions * 4 + 4 + WORD_BYTES), _measure)


def _measure(vectors: Vectors) -> int:
    return vectors.nbytes


def _load(located: Located) -> Vectors:
    """Vectors from a catalog entry's files, whatever format they have; DamagedWeights if they cannot be read."""
    entry: Entry = located.entry
    paths = sorted(located.files.values())
    matrix = [path for path in paths if path.suffix == ".npy"]
    index = [path for path in paths if path.suffix == ".parquet"]
    try:
        if matrix and index:
            return formats.read_pair(matrix[0], index[0], entry.title)
        plain = [path for path in paths if path.suffix in (".gz", ".bin", ".txt", ".vec")]
        if not plain:
            raise BadInput(f"{located.origin} holds no file of vectors.", formats.REMEDY)
        return formats.read(plain[0], entry.title)
    except BadInput as problem:
        raise DamagedWeights(f"{entry.title}: {problem.what}", problem.remedy) from problem
