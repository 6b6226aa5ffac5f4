"""The cache's promises, with tiny models on invented devices; no torch."""

import gc
import threading
import time

import pytest

from playground.cache import ModelCache
from playground.errors import NotEnoughMemory
from playground.specs import ModelKey, ModelSpec


class Model:
    """Something with a size, on a device."""

    def __init__(self, size: int, device: str) -> None:
        self.size, self.device = size, device


class Loader:
    """Counts loads, may be slow or fail, as a model's files may."""

    def __init__(self, size=10, estimate=None, device="cpu", fails=(), seconds=0.0, movable=False, name="m"):
        self.size, self.device, self.fails, self.seconds = size, device, list(fails), seconds
        self.loads = 0
        self.moves: list[str] = []
        self.spec = ModelSpec(ModelKey(name, device=device), self.load, size if estimate is None else estimate,
                              lambda model: model.size, self.move if movable else None)

    def load(self):
        self.loads += 1
        time.sleep(self.seconds)
        if self.fails:
            raise self.fails.pop(0)
        return Model(self.size, self.device)

    def move(self, model, device):
        self.moves.append(device)
        model.device = device
        return model


def names(cache):
    return {model["name"] for model in cache.stats()["models"]}


def used(cache, device="cpu"):
    return cache.stats()["devices"][device]["used"]


def test_a_model_is_loaded_once_and_found_again():
    cache, loader = ModelCache({"cpu": 100}), Loader()
    with cache.lease(loader.spec) as first:
        pass
    with cache.lease(loader.spec) as second:
        assert second is first
    stats = cache.stats()
    assert (loader.loads, stats["hits"], stats["misses"], stats["loads"]) == (1, 1, 1, 1)


def test_the_estimate_is_corrected_to_the_measured_bytes():
    cache = ModelCache({"cpu": 100})
    with cache.lease(Loader(size=30, estimate=80).spec):
        assert used(cache) == 30
    assert cache.stats()["devices"]["cpu"]["high_water"] == 80


def test_the_least_recently_used_goes_first():
    cache = ModelCache({"cpu": 30})
    a, b, c, d = (Loader(name=name) for name in "abcd")
    for loader in (a, b, c, a, d):  # b is now the one used longest ago
        with cache.lease(loader.spec):
            pass
    assert names(cache) == {"a", "c", "d"}
    assert cache.stats()["evictions"] == 1


def test_a_leased_model_is_never_evicted():
    cache = ModelCache({"cpu": 20}, patience=0.2)
    a, b, c = (Loader(name=name) for name in "abc")
    with cache.lease(a.spec) as held:
        for loader in (b, c, b, c):
            with cache.lease(loader.spec):
                assert "a" in names(cache)
        with cache.lease(a.spec) as again:
            assert again is held
    assert a.loads == 1


def test_a_full_cache_waits_for_a_lease_to_end():
    cache = ModelCache({"cpu": 10}, patience=5)
    a, b = Loader(name="a"), Loader(name="b")
    taken = threading.Event()

    def hold():
        with cache.lease(a.spec):
            taken.set()
            time.sleep(0.2)

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait()
    with cache.lease(b.spec) as model:
        assert model.size == 10
    thread.join()
    assert names(cache) == {"b"}


def test_without_room_the_error_names_who_holds_it():
    cache = ModelCache({"cpu": 10}, patience=0.05)
    with cache.lease(Loader(name="holder").spec), pytest.raises(NotEnoughMemory, match=r"holder.*in use"), \
            cache.lease(Loader(name="other").spec):
        pass


def test_a_model_larger_than_the_budget_is_refused_before_it_loads():
    loader = Loader(size=200)
    with pytest.raises(NotEnoughMemory, match="--memory-budget"), ModelCache({"cpu": 100}).lease(loader.spec):
        pass
    assert loader.loads == 0


def test_a_model_that_turns_out_too_large_is_dropped_again():
    cache = ModelCache({"cpu": 100})
    with pytest.raises(NotEnoughMemory), cache.lease(Loader(size=200, estimate=5).spec):
        pass
    assert used(cache) == 0
    assert names(cache) == set()


def test_thirty_two_callers_cause_one_load():
    cache, loader = ModelCache({"cpu": 100}), Loader(seconds=0.2)
    seen = []

    def call():
        with cache.lease(loader.spec) as model:
            seen.append(model)

    threads = [threading.Thread(target=call) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loader.loads == 1
    assert len(seen) == 32
    assert len(set(map(id, seen))) == 1


def test_a_failed_load_is_shared_by_its_waiters_and_tried_again_by_the_next():
    cache, loader = ModelCache({"cpu": 100}), Loader(seconds=0.2, fails=[ValueError("bad file")])
    errors = []

    def call():
        try:
            with cache.lease(loader.spec):
                pass
        except ValueError as problem:
            errors.append(problem)

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (loader.loads, len(errors)) == (1, 8)
    assert used(cache) == 0
    with cache.lease(loader.spec) as model:
        assert model.size == 10
    assert loader.loads == 2


@pytest.mark.parametrize("problem", [MemoryError(), RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")])
def test_out_of_memory_drops_what_is_idle_and_recovers_once(problem):
    cache = ModelCache({"cpu": 100})
    with cache.lease(Loader(name="idle").spec):
        pass
    loader = Loader(name="new", fails=[problem])
    with cache.lease(loader.spec):
        assert names(cache) == {"new"}
    assert loader.loads == 2


def test_out_of_memory_twice_is_an_error_that_leaves_nothing_behind():
    cache, loader = ModelCache({"cpu": 100}), Loader(fails=[MemoryError(), MemoryError()])
    with pytest.raises(NotEnoughMemory), cache.lease(loader.spec):
        pass
    assert (loader.loads, used(cache), names(cache)) == (2, 0, set())


def test_computing_out_of_memory_is_tried_once_more():
    cache, outcomes = ModelCache({"cpu": 100}), [MemoryError(), "picture"]

    def work():
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    assert cache.retrying(work, "cpu") == "picture"


def test_an_error_that_is_not_about_memory_is_not_retried():
    cache, loader = ModelCache({"cpu": 100}), Loader(fails=[RuntimeError("size mismatch")])
    with pytest.raises(RuntimeError, match="size mismatch"), cache.lease(loader.spec):
        pass
    assert loader.loads == 1


def test_a_gpu_model_is_parked_in_ram_and_comes_back_without_a_load():
    cache = ModelCache({"cpu": 100, "cuda:0": 10})
    a, b = (Loader(name=name, device="cuda:0", movable=True) for name in "ab")
    for loader in (a, b, a):
        with cache.lease(loader.spec) as model:
            assert model.device == "cuda:0"
            assert used(cache, "cuda:0") == 10
    assert a.moves == ["cpu", "cuda:0"]
    assert (a.loads, cache.stats()["parked"]) == (1, 2)
    assert used(cache) == 10


def test_a_gpu_model_is_dropped_when_ram_has_no_room():
    cache = ModelCache({"cpu": 5, "cuda:0": 10})
    for loader in (Loader(name=name, device="cuda:0", movable=True) for name in "ab"):
        with cache.lease(loader.spec):
            pass
    assert names(cache) == {"b"}
    assert used(cache) == 0


def test_a_cancelled_generator_gives_back_its_lease():
    cache, loader = ModelCache({"cpu": 10}), Loader()

    def frames():
        with cache.lease(loader.spec):
            while True:
                yield 1

    closed = frames()
    next(closed)
    closed.close()
    abandoned = frames()
    next(abandoned)
    del abandoned
    gc.collect()
    assert cache.stats()["models"][0]["leases"] == 0


def test_a_lease_may_end_in_another_thread():
    cache, loader = ModelCache({"cpu": 10}), Loader()
    lease = cache.lease(loader.spec)
    lease.__enter__()
    thread = threading.Thread(target=lease.__exit__, args=(None, None, None))
    thread.start()
    thread.join()
    assert cache.stats()["models"][0]["leases"] == 0


def test_the_budget_holds_while_many_threads_use_many_models():
    cache = ModelCache({"cpu": 35}, patience=60)
    loaders = [Loader(name=str(number), seconds=0.001) for number in range(8)]
    over = []

    def call(start):
        for step in range(40):
            with cache.lease(loaders[(start * 3 + step * 5) % 8].spec):
                over.append(used(cache) > 35)

    threads = [threading.Thread(target=call, args=(start,)) for start in range(6)]
    gc.freeze()  # each eviction collects, and late in a long run that alone would take half a second
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gc.unfreeze()
    assert len(over) == 240
    assert not any(over)
    assert all(model["leases"] == 0 for model in cache.stats()["models"])
    assert cache.stats()["devices"]["cpu"]["high_water"] <= 35


def test_nothing_grows_over_a_thousand_identical_requests():
    cache, loader = ModelCache({"cpu": 100}), Loader()
    with cache.lease(loader.spec):
        pass
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(1000):
        with cache.lease(loader.spec):
            pass
    gc.collect()
    assert len(gc.get_objects()) - before < 50
    assert cache.stats()["hits"] == 1000


def test_another_variant_is_another_model():
    cache = ModelCache({"cpu": 100})
    plain = Loader(name="same")
    training = ModelSpec(ModelKey("same", variant="training"), plain.load, 10, lambda model: model.size)
    with cache.lease(plain.spec) as a, cache.lease(training) as b:
        assert a is not b


def test_an_unknown_device_is_refused():
    with pytest.raises(NotEnoughMemory, match="cuda:3"), ModelCache({"cpu": 1}).lease(Loader(device="cuda:3").spec):
        pass


# ---- what a model of a GPU holds in RAM beside


def waiting(name="g", size=10, beside=50, **more):
    """A model of a GPU whose parts wait in RAM."""
    from dataclasses import replace

    loader = Loader(size=size, device="gpu", name=name, **more)
    loader.spec = replace(loader.spec, beside=beside)
    return loader


def test_what_waits_in_ram_counts_there_and_drives_idle_models_out():
    cache, idle, gpu = ModelCache({"cpu": 60, "gpu": 20}), Loader(size=20, name="idle"), waiting()
    with cache.lease(idle.spec):
        pass
    with cache.lease(gpu.spec):
        assert (names(cache), used(cache), used(cache, "gpu")) == ({"g"}, 50, 10)
    with cache.lease(idle.spec):  # and gives way itself
        assert (names(cache), used(cache), used(cache, "gpu")) == ({"idle"}, 20, 0)
    assert cache.budgets == {"cpu": 60, "gpu": 20}


def test_what_never_fits_in_ram_is_refused_and_a_failed_load_gives_all_back():
    cache = ModelCache({"cpu": 40, "gpu": 20}, patience=0)
    with pytest.raises(NotEnoughMemory, match="on cpu"), cache.lease(waiting().spec):
        pass
    with pytest.raises(ValueError, match="broken"), cache.lease(waiting(beside=30, fails=[ValueError("broken")]).spec):
        pass
    assert (used(cache), used(cache, "gpu"), names(cache)) == (0, 0, set())


def test_a_leased_model_that_waits_in_ram_keeps_its_place():
    cache = ModelCache({"cpu": 60, "gpu": 20}, patience=0)
    with cache.lease(waiting().spec):
        with pytest.raises(NotEnoughMemory, match=r"g \(0 MB, in use\)"), cache.lease(Loader(size=20).spec):
            pass
        assert names(cache) == {"g"}
