"""Freed RAM goes back to the system. The C library keeps it otherwise, for each of many threads apart.

glibc gives threads up to eight arenas a core, and an arena whose last block is in use keeps all that was freed below
it. A page that loads, drops and loads a model again in other threads then takes its size several times.
Source: mallopt(3), malloc_trim(3). Elsewhere (musl, macOS, Windows) nothing is done.
"""

import ctypes
import functools
import platform

M_ARENA_MAX = -8  # malloc.h
ARENAS = 2  # one a core of a laptop's two; the large blocks of models hardly ever wait for each other


@functools.cache
def glibc() -> ctypes.CDLL | None:
    """The C library of this process, if it is glibc."""
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None


def few_arenas(count: int = ARENAS) -> bool:
    """Lets threads started from now on share so many arenas; whether the C library agreed."""
    library = glibc()
    return bool(library and library.mallopt(M_ARENA_MAX, count))


def trim() -> bool:
    """Gives every whole free page back; whether there was any. Takes milliseconds."""
    library = glibc()
    return bool(library and library.malloc_trim(0))
