"""Which device computes, in which dtype, and how much memory it has. Sizes in bytes.

torch is not asked before it is needed: the operating system and NVML tell what a page shows at start.
"""

import functools
import os
import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from playground.errors import BadInput

GIB = 2**30


@dataclass(frozen=True)
class Memory:
    """Bytes a device has in all, and has free now."""

    total: int
    free: int


def choose(wish: str) -> str:
    """A torch device string for 'auto', 'cpu', 'cuda', 'cuda:1' or 'mps'; BadInput if it is not there."""
    if wish == "auto":
        return "cuda:0" if gpu_count() else "mps" if has_mps() else "cpu"
    kind, _, number = wish.partition(":")
    if kind == "cuda":
        number = number or "0"
        if not number.isdigit() or int(number) >= gpu_count():
            raise BadInput(f"There is no usable GPU for --device {wish} ({gpu_count()} found).",
                           "Install a CUDA build of torch and the driver, or use --device cpu.")
        return f"cuda:{number}"
    if kind == "mps" and not has_mps():
        raise BadInput("There is no Apple GPU here.", "Use --device cpu.")
    return kind


@functools.cache
def gpu_count() -> int:
    """Number of NVIDIA GPUs that this torch build could use, without importing torch."""
    if "+cpu" in metadata.version("torch"):
        return 0
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:  # no driver: an ordinary machine without a GPU
        return 0
    return pynvml.nvmlDeviceGetCount()


def has_mps() -> bool:
    """Whether this is an Apple Silicon machine."""
    return platform.system() == "Darwin" and platform.machine() == "arm64"


def title(device: str) -> str:
    """The device in words for the page: 'CPU, 2 cores' or 'NVIDIA H200'."""
    if device.startswith("cuda"):
        import pynvml

        name = pynvml.nvmlDeviceGetName(pynvml.nvmlDeviceGetHandleByIndex(int(device.partition(":")[2])))
        return name if isinstance(name, str) else name.decode()
    if device == "mps":
        return "Apple GPU"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return f"CPU, {cores} core{'s' if cores > 1 else ''}"


def memory(device: str) -> Memory:
    """Memory of the device; for cpu and mps the RAM that this process may use (control groups counted)."""
    if device.startswith("cuda"):
        import pynvml

        info = pynvml.nvmlDeviceGetMemoryInfo(pynvml.nvmlDeviceGetHandleByIndex(int(device.partition(":")[2])))
        return Memory(total=int(info.total), free=int(info.free))
    import psutil

    ram = psutil.virtual_memory()
    limit = control_group_limit()
    total = min(ram.total, limit) if limit else ram.total
    return Memory(total=total, free=min(ram.available, total))


def control_group_limit() -> int | None:
    """The memory limit of this process's control group (v2, then v1) in bytes, if one is set."""
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            text = Path(path).read_text().strip()
        except OSError:
            continue
        if text.isdigit() and int(text) < 2**60:
            return int(text)
    return None


def default_budget(device: str) -> int:
    """Bytes that models may take on a device, leaving working room for activations and everything else.

    A GPU keeps the larger of 2 GiB and 15 % free; RAM keeps half, since browsers and pages live there too, but no more
    than 24 GiB: 64 GB suffice for FLUX, whose parts wait there for a smaller GPU.
    """
    total = memory(device).total
    if device.startswith("cuda"):
        return total - max(2 * GIB, int(total * 0.15))
    return total - min(total // 2, 24 * GIB)


def default_dtype(device: str) -> str:
    """float32 on a CPU, bfloat16 where a GPU has it (compute capability 8), else float16."""
    if not device.startswith("cuda"):
        return "float16" if device == "mps" else "float32"
    import torch

    return "bfloat16" if torch.cuda.get_device_capability(device)[0] >= 8 else "float16"


def module_bytes(module: Any) -> int:
    """Bytes of a torch module's parameters and buffers, shared storage counted once."""
    tensors = [*module.parameters(), *module.buffers()]
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}
    return sum(storages.values())


def own_memory(module: Any) -> Any:
    """The torch module with its tensors in the RAM as copies, not as views of a mapped file.

    safetensors maps a file and hands out views. Were the file then written over, the model would change; were it cut,
    the system would end the process. On a GPU tensors are copies anyway.
    """
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.device.type == "cpu":
            tensor.data = tensor.data.clone()
    return module


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a device or the RAM had no room for an allocation."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and (
        "out of memory" in str(error) or "can't allocate memory" in str(error))
