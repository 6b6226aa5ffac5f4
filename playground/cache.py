"""ModelCache: the only way to a model, shared by all tabs.

    with cache.lease(spec) as model:
        ...

Assumptions and rules:
- A model is known by its ModelKey. Each device has a budget in bytes. A load first reserves the spec's
  estimate and is corrected to the measured bytes afterwards; the sum never exceeds the budget.
- Single flight: callers of a model that is being loaded wait for that load and share its outcome. A failure
  is not remembered: the next caller tries again.
- Eviction takes the least recently used model that nobody leases. From a GPU a model goes to RAM while the
  budget of the RAM has room, else it is dropped.
- A lease is a count and not a lock: it may be taken in one thread and given back in another, and is given
  back once. A caller that finds the memory leased waits for it, up to `patience` seconds. Hold one lease at
  a time where models are large: two callers that each hold one and wait for another would wait in vain.
- No lock of the cache is held while a model loads, moves or computes, nor across a yield of its users.
- Out of memory: the except block is left first (its traceback pins tensors), what is idle is dropped, and
  the load is tried once more.

The cache knows nothing of torch: a spec brings the functions that load, measure and move its model.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from playground import heap
from playground.devices import is_out_of_memory
from playground.errors import NotEnoughMemory
from playground.slots import Account, Slot, gigabytes, release_memory, wanted
from playground.specs import RAM, ModelKey, ModelSpec

T = TypeVar("T")


class ModelCache:
    """Models by key within a budget of bytes per device. See the module's text for the rules."""

    def __init__(self, budgets: dict[str, int], patience: float = 120.0) -> None:
        self._devices = {device: Account(budget) for device, budget in budgets.items()}
        self._slots: dict[ModelKey, Slot] = {}
        self._changed = threading.Condition()
        self.patience = patience
        self._counts = dict.fromkeys(("hits", "misses", "loads", "failures", "evictions", "parked"), 0)
        self._seconds_loading = 0.0

    @contextlib.contextmanager
    def lease(self, spec: ModelSpec) -> Iterator[Any]:
        """The model for the time of the block. Raises NotEnoughMemory, or what the load raises."""
        slot = self._take(spec)
        try:
            yield slot.model
        finally:
            self._give_back(slot)

    def retrying(self, work: Callable[[], T], device: str) -> T:
        """work(), and once more after dropping what is idle if it ran out of memory; then NotEnoughMemory."""
        try:
            return work()
        except Exception as problem:
            if not is_out_of_memory(problem):
                raise
        self.drop_idle(device)
        try:
            return work()
        except Exception as problem:
            if not is_out_of_memory(problem):
                raise
        raise self._no_room("This", 0, device)

    def drop_idle(self, device: str | None = None, key: ModelKey | None = None, named: str = "") -> int:
        """Drops every model that nobody leases (on one device, of one key, of names that begin so); returns the bytes
        given back."""
        freed = 0
        with self._changed:
            for slot in [slot for slot in self._idle(device)
                         if key in (None, slot.spec.key) and slot.spec.key.name.startswith(named)]:
                freed += slot.bytes
                self._forget(slot)
        release_memory()
        return freed

    def stats(self) -> dict:
        """Counts, seconds loading, budgets and what is resident (bytes, leases, idle seconds), for the page."""
        now = time.monotonic()
        with self._changed:
            models = [{"name": slot.spec.key.name, "variant": slot.spec.key.variant, "dtype": slot.spec.key.dtype,
                       "device": slot.device, "bytes": slot.bytes, "leases": slot.leases,
                       "state": "loading" if slot.busy else "ready", "idle_seconds": round(now - slot.last_used, 1)}
                      for slot in sorted(self._slots.values(), key=lambda slot: -slot.last_used)]
            devices = {name: {"budget": account.budget, "used": account.used, "high_water": account.high_water}
                       for name, account in self._devices.items()}
            return {**self._counts, "seconds_loading": round(self._seconds_loading, 3),
                    "devices": devices, "models": models}

    @property
    def budgets(self) -> dict[str, int]:
        """Bytes that models may take on each device in all, whatever is there now."""
        return {device: account.budget for device, account in self._devices.items()}

    # ---- taking and giving back

    def _take(self, spec: ModelSpec) -> Slot:
        deadline = time.monotonic() + self.patience
        while True:
            victim = None
            with self._changed:
                slot = self._slots.get(spec.key)
                if slot is not None and slot.busy:
                    self._wait_for_load(slot)
                    continue
                if slot is not None and slot.device == spec.key.device:
                    return self._hit(slot)
                need = slot.bytes if slot else spec.estimate
                full = self._full(spec, need)
                if full is None:
                    slot = self._reserve(spec, slot, need)
                else:
                    victim = self._victim(full[0])
                    if victim is None:
                        self._wait_for_memory(spec.key.name, full[1], full[0], deadline)
                        continue
            if victim is None:
                return self._fill(slot)
            self._evict(victim)

    def _hit(self, slot: Slot) -> Slot:
        self._counts["hits"] += 1
        slot.leases += 1
        slot.last_used = time.monotonic()
        return slot

    def _wait_for_load(self, slot: Slot) -> None:
        """Waits for a load or a move in flight and shares its error; the caller then looks again."""
        while slot.busy:
            self._changed.wait()
        if slot.error is not None:
            raise slot.error

    def _reserve(self, spec: ModelSpec, parked: Slot | None, need: int) -> Slot:
        """A busy slot, leased once, with its bytes on the account of its device."""
        self._counts["misses"] += 1
        for device, count in wanted(spec, need):
            self._devices[device].add(count)
        slot = parked or self._slots.setdefault(spec.key, Slot(spec, spec.key.device, need))
        slot.busy, slot.leases = True, 1
        return slot

    def _full(self, spec: ModelSpec, need: int) -> tuple[str, int] | None:
        """A device that has no room for a model now, with the bytes that it wants there; NotEnoughMemory if never."""
        for device, count in wanted(spec, need):
            account = self._account(device)
            if count > account.budget:
                raise self._no_room(spec.key.name, count, device)
            if account.used + count > account.budget:
                return device, count
        return None

    def _victim(self, device: str) -> Slot | None:
        """The least recently used model that nobody leases, marked busy so that it is evicted once."""
        idle = self._idle(device)
        if not idle:
            return None
        idle[0].busy = True
        return idle[0]

    def _wait_for_memory(self, name: str, need: int, device: str, deadline: float) -> None:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise self._no_room(name, need, device)
        self._changed.wait(remaining)

    def _give_back(self, slot: Slot) -> None:
        with self._changed:
            slot.leases -= 1
            slot.last_used = time.monotonic()
            self._changed.notify_all()

    # ---- loading

    def _fill(self, slot: Slot) -> Slot:
        """Loads a reserved slot, or brings a parked one back, outside the lock; settles the account."""
        start = time.monotonic()
        try:
            model = self._unpark(slot) if slot.model is not None else self._load(slot.spec)
            measured = int(slot.spec.measure(model))
            self._settle(slot, model, measured, time.monotonic() - start)
        except BaseException as problem:
            self._fail(slot, problem)
            raise
        heap.trim()  # what reading and converting took beside; the slot is whole by now
        return slot

    def _load(self, spec: ModelSpec) -> Any:
        try:
            return spec.load()
        except Exception as problem:
            if not is_out_of_memory(problem):
                raise
        # outside the except block: its traceback would keep the half-loaded tensors alive
        self.drop_idle(spec.key.device)
        try:
            return spec.load()
        except Exception as problem:
            if not is_out_of_memory(problem):
                raise
        raise self._no_room(spec.key.name, spec.estimate, spec.key.device)

    def _unpark(self, slot: Slot) -> Any:
        return slot.spec.move(slot.model, slot.spec.key.device)

    def _settle(self, slot: Slot, model: Any, measured: int, seconds: float) -> None:
        """Puts the measured bytes on the account in place of the estimate; NotEnoughMemory if they do not fit."""
        home = slot.spec.key.device
        while True:
            with self._changed:
                account = self._devices[home]
                if account.used - slot.bytes + measured <= account.budget:
                    account.used -= slot.bytes
                    account.add(measured)
                    return self._ready(slot, model, measured, seconds)
                victim = self._victim(home)
                if victim is None:
                    raise self._no_room(slot.spec.key.name, measured, home)
            self._evict(victim)

    def _ready(self, slot: Slot, model: Any, measured: int, seconds: float) -> None:
        if slot.device != slot.spec.key.device:  # back from RAM: what it held there is free
            self._devices[slot.device].used -= slot.bytes
            slot.device = slot.spec.key.device
        slot.bytes, slot.model, slot.busy = measured, model, False
        slot.last_used = time.monotonic()
        self._counts["loads"] += 1
        self._seconds_loading += seconds
        self._changed.notify_all()

    def _fail(self, slot: Slot, problem: BaseException) -> None:
        """Takes a slot out again whose load failed, and wakes those who waited for it."""
        with self._changed:
            if slot.device != slot.spec.key.device:  # on its way back: its bytes are on both accounts
                self._devices[slot.spec.key.device].used -= slot.bytes
            slot.error, slot.busy = problem, False
            self._forget(slot)
            self._counts["failures"] += 1
            self._changed.notify_all()
        release_memory()

    # ---- eviction

    def _idle(self, device: str | None) -> list[Slot]:
        """Slots that may go, least recently used first."""
        return sorted((slot for slot in self._slots.values()
                       if not slot.busy and slot.leases == 0 and (device in (None, slot.device) or slot.on(device))),
                      key=lambda slot: slot.last_used)

    def _evict(self, victim: Slot) -> None:
        """Parks a model of a GPU in RAM where that has room, else drops it. The victim is busy meanwhile."""
        parked = None
        with self._changed:
            self._counts["evictions"] += 1
            parking = self._reserve_parking(victim)
        try:
            if parking:
                parked = victim.spec.move(victim.model, RAM)
        finally:
            with self._changed:
                victim.busy = False
                if parked is not None:
                    self._devices[victim.device].used -= victim.bytes
                    victim.model, victim.device = parked, RAM
                    self._counts["parked"] += 1
                else:
                    if parking:
                        self._devices[RAM].used -= victim.bytes
                    self._forget(victim)
                self._changed.notify_all()
            release_memory()

    def _reserve_parking(self, victim: Slot) -> bool:
        ram = self._devices.get(RAM)
        if ram is None or victim.device == RAM or victim.spec.move is None or ram.used + victim.bytes > ram.budget:
            return False
        ram.add(victim.bytes)
        return True

    def _forget(self, slot: Slot) -> None:
        for device, account in self._devices.items():
            account.used -= slot.on(device)
        del self._slots[slot.spec.key]
        slot.model = None

    def _account(self, device: str) -> Account:
        if device not in self._devices:
            raise NotEnoughMemory(f"No memory budget is set for the device {device}.",
                                  f"This playground computes on {', '.join(self._devices)}.")
        return self._devices[device]

    def _no_room(self, name: str, need: int, device: str) -> NotEnoughMemory:
        """The error that names what holds the memory and what to do."""
        account = self._account(device)
        held = ", ".join(f"{slot.spec.key.name} ({gigabytes(slot.on(device))}{', in use' if slot.leases else ''})"
                         for slot in self._slots.values() if slot.on(device) and slot.model is not None)
        wants = f" needs {gigabytes(need)}" if need else " ran out of memory"
        return NotEnoughMemory(
            f"{name}{wants}; models may take {gigabytes(account.budget)} on {device}, held by: {held or 'nothing'}.",
            "Try again when the others are done, choose a smaller model, or start with a larger --memory-budget.")
