"""The traced loop: its picture is the bare pipeline's, its views follow from what it kept, and it can be left."""

import gc

import numpy as np
import pytest
import torch

from playground.diffusion import families, forward, models, requests, schedulers, trace, wording
from playground.diffusion.trace import Frame, Trace
from playground.errors import BadInput, DamagedWeights, ModelMissing, PlaygroundError
from tests.diffusion.tiny_pipelines import DEV, SCHNELL, SD, SDXL, TURBO

pytestmark = pytest.mark.models

PROMPT = "a red cat"
SETTINGS = {"steps": 5, "seed": 3, "guidance": 3.0}


def run(context, model=models.POCKET, prompt=PROMPT, **values) -> Trace:
    return list(trace.draw(context, requests.check(prompt, model=model, **{**SETTINGS, **values})))[-1]


def bare(context, made: Trace, **call) -> np.ndarray:
    """The picture of the pipeline's own call with the same seed."""
    request = made.request
    spec = models.spec(context, request.model)
    told = wording.listen(context, request, spec)
    with context.cache.lease(spec) as pipe:
        kept = pipe.scheduler
        pipe.scheduler = schedulers.make(kept.config, request.scheduler)
        try:
            if request.model == models.POCKET:
                call |= {"prompt_embeds": told.states[-1:],
                         "negative_prompt_embeds": told.states[:1] if request.guided else None}
            else:
                call["prompt"] = request.prompt
            if request.model in (SCHNELL, DEV):
                call["max_sequence_length"] = wording.flux_limit(pipe)
            size = families.wrap(pipe, models.find(request.model).family, models.find(request.model).size).size
            drawn = pipe(**call, num_inference_steps=request.steps, guidance_scale=request.guidance, height=size,
                         width=size, generator=torch.Generator().manual_seed(request.seed), output_type="np")
        finally:
            pipe.scheduler = kept
    return (drawn.images[0] * 255).round().astype(np.uint8)


@pytest.mark.parametrize("scheduler", schedulers.names("pocket"))
@pytest.mark.parametrize("model", [models.POCKET, SD])
def test_the_last_picture_is_the_bare_pipelines(tiny, model, scheduler):
    made = run(tiny, model, scheduler=scheduler)
    assert np.array_equal(made.film.final, bare(tiny, made))


@pytest.mark.parametrize("guidance", [1.0, 4.0])
@pytest.mark.parametrize("scheduler", ["Euler", "DPM-Solver++"])
def test_sdxl_with_and_without_guidance(tiny, scheduler, guidance):
    made = run(tiny, SDXL, scheduler=scheduler, guidance=guidance)
    assert np.array_equal(made.film.final, bare(tiny, made))


@pytest.mark.parametrize("model", [SCHNELL, DEV])
def test_flux(tiny, model):
    made = run(tiny, model, steps=2)
    assert made.request.scheduler == "Flow Euler"
    assert np.array_equal(made.film.final, bare(tiny, made))
    assert made.film.noisy.shape == made.film.clean.shape == (2, 128, 128, 3)


def test_unguided_and_negative_prompts(tiny):
    plain = run(tiny, SD, guidance=1.0)
    assert np.array_equal(plain.film.final, bare(tiny, plain))
    request = requests.check(PROMPT, "dog", model=SD, **SETTINGS)
    negative = list(trace.draw(tiny, request))[-1]
    assert np.array_equal(negative.film.final, bare(tiny, negative, negative_prompt="dog"))
    assert not np.array_equal(negative.film.final, run(tiny, SD).film.final)


def test_a_seed_repeats_and_another_differs(tiny):
    first, again, other = run(tiny), run(tiny), run(tiny, seed=4)
    assert np.array_equal(first.film.final, again.film.final)
    assert np.abs(first.film.final.astype(int) - other.film.final).mean() > 1


def test_every_step_is_kept_in_the_networks_own_type(tiny):
    made = run(tiny)
    assert (len(made.states), len(made.answers), len(made.levels)) == (6, 5, 5)
    assert {state.shape for state in made.states} == {(1, 4, 16, 16)}
    assert made.film.noisy.shape == made.film.clean.shape == (5, 64, 64, 3)
    assert made.film.noise.shape == (5, 4, 16, 16)
    kept = sum(tensor.nbytes for tensor in [*made.states, *made.answers])
    assert kept == 11 * 4 * 16 * 16 * 4


def test_state_is_signal_times_guess_plus_noise_times_noise(tiny):
    for scheduler in schedulers.names("pocket"):
        made = run(tiny, scheduler=scheduler)
        for step, at in enumerate(made.levels):
            mixed = at.signal * made.clean(step) + at.noise * made.noise(step)
            torch.testing.assert_close(mixed, made.states[step], atol=2e-4, rtol=1e-4)


def test_frames_come_while_it_draws_and_the_trace_last(tiny, monkeypatch):
    monkeypatch.setattr(trace, "TURN_SECONDS", 0.0)  # one step a turn
    *frames, made = trace.draw(tiny, requests.check(PROMPT, **SETTINGS))
    assert [frame.step for frame in frames] == [1, 2, 3, 4, 5, 5]
    assert all(isinstance(frame, Frame) for frame in frames)
    assert np.array_equal(frames[-1].preview, made.film.final)
    assert np.array_equal(frames[2].preview, made.film.clean[2])


@pytest.mark.parametrize("half", [False, True])
def test_pictures_on_the_way_are_decoded_once_and_nearly_as_the_last_one_is(tiny, monkeypatch, half):
    monkeypatch.setattr(trace, "has_bfloat16", lambda: half)
    decode, counted = families.StableDiffusion.decode, []
    with monkeypatch.context() as patch:
        patch.setattr(families.StableDiffusion, "decode",
                      lambda self, z: counted.append((len(z), torch.is_autocast_enabled("cpu"))) or decode(self, z))
        made = run(tiny, SD)
    assert sum(count for count, _ in counted) == 2 * made.steps + 1
    assert [count for count, rough in counted if not rough] == ([1] if half else [count for count, _ in counted])
    spec = models.spec(tiny, SD)
    with tiny.cache.lease(spec) as pipe, torch.inference_mode():
        family = families.wrap(pipe, "sd", 512)
        exact = family.decode(torch.cat([made.balanced(step) for step in range(made.steps)]))
    assert np.abs(exact.astype(int) - made.film.noisy).max() <= (8 if half else 1)
    assert np.array_equal(made.film.final, bare(tiny, made))


def test_bfloat16_is_used_only_where_the_processor_has_it(monkeypatch):
    for able, said in (({"avx512_bf16": True}, True), ({"avx2": True, "avx512_bf16": False}, False)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda able=able: able)
        assert trace.has_bfloat16() == said


def test_between_steps_neither_gate_nor_model_is_held(tiny, monkeypatch):
    monkeypatch.setattr(trace, "TURN_SECONDS", 0.0)
    running = trace.draw(tiny, requests.check(PROMPT, **SETTINGS))
    next(running)
    assert tiny.gate.state().busy == ""
    assert all(model["leases"] == 0 for model in tiny.cache.stats()["models"])
    running.close()
    with tiny.gate.turn("another", timeout=30):
        pass


def test_drawings_left_half_way_leave_nothing(tiny, monkeypatch):
    monkeypatch.setattr(trace, "TURN_SECONDS", 0.0)
    before = tiny.cache.stats()["devices"]["cpu"]["used"]
    for seed in range(8):
        running = trace.draw(tiny, requests.check(PROMPT, **{**SETTINGS, "seed": seed}))
        next(running)
        del running
    gc.collect()
    assert not [each for each in gc.get_objects() if isinstance(each, trace.Run)]
    assert tiny.cache.stats()["devices"]["cpu"]["used"] == before


def test_overflow_is_said_and_the_gate_is_free(tiny, monkeypatch):
    def broken(self, x, *rest):
        return x * float("nan")
    monkeypatch.setattr(families.StableDiffusion, "answer", broken)
    with pytest.raises(PlaygroundError, match="overflowed at step 1"):
        run(tiny)
    assert tiny.gate.state().busy == ""


def test_a_black_picture_from_half_precision_is_said(tiny, monkeypatch):
    monkeypatch.setattr(families.StableDiffusion, "decode", lambda self, z: np.zeros((len(z), 64, 64, 3), np.uint8))
    assert run(tiny).film.final.max() == 0  # in float32 black is a colour
    run_half = trace.Run.finish
    monkeypatch.setattr(trace.Run, "finish", lambda self, family: run_half(self, Half(family)))
    with pytest.raises(PlaygroundError, match="black"):
        run(tiny)


def test_the_picture_alone_is_looked_at_as_well(tiny, monkeypatch):
    request = requests.check(PROMPT, **SETTINGS)
    spec, runs = models.spec(tiny, models.POCKET), []
    told = wording.listen(tiny, request, spec)
    while not runs or not runs[0].done:
        trace.advance(tiny, spec, runs, [(request, told, None, 0)], guesses=False)
    monkeypatch.setattr(families.StableDiffusion, "decode", lambda self, z: np.zeros((len(z), 64, 64, 3), np.uint8))
    assert trace.picture(tiny, spec, runs[0]).max() == 0
    wrap = families.wrap
    monkeypatch.setattr(families, "wrap", lambda *args: Half(wrap(*args)))
    with pytest.raises(PlaygroundError, match="black"):
        trace.picture(tiny, spec, runs[0])


def test_a_one_shot_guess_that_overflows_or_is_black_is_said(tiny, monkeypatch):
    shown = np.full((64, 64, 3), 90, np.uint8)
    with monkeypatch.context() as patch:
        patch.setattr(families.StableDiffusion, "answer", lambda self, x, *rest: x * float("nan"))
        with pytest.raises(PlaygroundError, match="overflowed at level 500"):
            forward.guess(tiny, shown, [500])
    monkeypatch.setattr(families.StableDiffusion, "decode", lambda self, z: np.zeros((len(z), 64, 64, 3), np.uint8))
    assert forward.guess(tiny, shown, [500]).guesses.max() == 0  # in float32 black is a colour
    wrap = families.wrap
    monkeypatch.setattr(families, "wrap", lambda *args: Half(wrap(*args)))
    with pytest.raises(PlaygroundError, match="black"):
        forward.guess(tiny, shown, [500])
    assert forward.guess(tiny, np.zeros_like(shown), [500]).guesses.max() == 0  # and may be what was asked about


class Half:
    """A family that says it computes in float16."""

    def __init__(self, family):
        self.family, self.network = family, torch.nn.Linear(1, 1).half()
        self.network.dtype = torch.float16

    def __getattr__(self, name):
        return getattr(self.family, name)


@pytest.mark.parametrize("model", models.MODELS, ids=lambda model: model.key)
def test_without_steps_and_guidance_a_model_has_its_own(model):
    for values in ({}, {"steps": None, "guidance": None}):
        request = requests.check(PROMPT, model=model.key, **values)
        assert (request.steps, request.guidance) == (model.steps, model.guidance)
    given = requests.check(PROMPT, model=model.key, steps=7, guidance=0)
    assert (given.steps, given.guidance) == (7, 0)


@pytest.mark.parametrize("values", [
    {"steps": 0}, {"steps": 101}, {"steps": 2.5}, {"steps": "20"}, {"guidance": 21}, {"guidance": float("nan")},
    {"seed": -1}, {"seed": 2**31}, {"scheduler": "PNDM"}, {"model": "sd"}, {"scheduler": "DDIM", "model": SCHNELL,
                                                                            "steps": -1}])
def test_values_out_of_range_are_named(values):
    with pytest.raises(BadInput):
        requests.check(PROMPT, **values)


@pytest.mark.parametrize("prompt", [None, 5, "x" * 2001, "half \ud800"])
def test_prompts_that_are_none(prompt):
    with pytest.raises(BadInput, match="prompt"):
        requests.check(prompt)


def test_a_model_that_is_not_here_says_so(tiny):
    with pytest.raises(ModelMissing, match="offline"):
        run(tiny, TURBO)


def test_a_damaged_copy_says_so(tmp_path):
    from playground.context import build_context
    from playground.settings import Settings
    from tests.diffusion import tiny_pipelines

    folder = tiny_pipelines.save_pocket(tmp_path / "own")
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    context = build_context(Settings(device="cpu", offline=True, data_dir=tmp_path, models_dir=tmp_path / "own"))
    with pytest.raises(DamagedWeights, match="cannot be read"):
        run(context)
    assert [model["name"] for model in context.cache.stats()["models"]] == ["all-minilm-l6-v2"]
