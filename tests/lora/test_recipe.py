"""Recipes in ai-toolkit's YAML: out and back without loss, strangers' files used or listed, hostile ones refused."""

import time

import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from playground.diffusion import models
from playground.errors import BadInput
from playground.lora import plan, recipe
from playground.lora.plan import Plan

BASE = Plan("base")
FLUX = "black-forest-labs/FLUX.1-dev"
# As such files look in the wild: more than we use, lists of resolutions, nulls, nine prompts, newer and older names.
WILD = f"""---
job: extension
config:
  name: holiday
  process:
    - type: 'sd_trainer'
      device: cuda:0
      trigger_word: "r3d"
      network: {{type: "lora", linear: 32, linear_alpha: 8}}
      save:
        dtype: float16
        save_every: 250
      datasets:
        - folder_path: "/home/someone/pictures"
          caption_ext: "txt"
          resolution: [512, 768, 1024]
      train:
        batch_size: 2
        steps: 2000  # a comment
        lr: 1e-4
        optimizer: "adamw8bit"
        noise_scheduler: "flowmatch"
        ema_config:
          use_ema: true
      model:
        name_or_path: "{FLUX}"
        is_flux: true
        quantize: true
      sample:
        sampler: "flowmatch"
        sample_every: 250
        prompts:
{chr(10).join(f'          - "[trigger] number {number}"' for number in range(9))}
        neg: ""
        seed: 7
        walk_seed: true
        guidance_scale: 4
        sample_steps: 18
"""


def inside(**sections):
    """The smallest recipe with sections of one process."""
    return yaml.safe_dump({"job": "train", "config": {"process": [sections]}})


def words(least=1):
    return st.text(st.characters(exclude_categories=["Cs"]), min_size=least, max_size=40).filter(str.strip)


plans = st.builds(
    dict, trigger=st.from_regex(r"[\w-]{1,20}", fullmatch=True), subject=st.sampled_from(plan.SUBJECTS),
    model=st.sampled_from(plan.TRAINABLE), steps=st.integers(1, 500), rank=st.integers(1, 256),
    alpha=st.integers(1, 512), learning_rate=st.floats(1e-6, 1e-2), batch=st.integers(1, 32),
    resolution=st.integers(4, 64), targets=st.sampled_from(plan.TARGETS), prior_weight=st.floats(0, 2),
    sample_every=st.integers(10, 500), prompts=st.lists(words(), min_size=1, max_size=6), control=words(),
    seed=st.integers(0, plan.MAX_SEED), guidance=st.floats(0, 20), sample_steps=st.integers(1, 100))


@given(plans)
@settings(max_examples=60, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # shrinking is slow
def test_out_and_back_is_the_same_plan_with_nothing_left_over(values):
    if values["trigger"].lower() in values["control"].lower().split():
        values["control"] = "."
    values["resolution"] = min(16 * values["resolution"], models.find(values["model"]).size)
    wanted = plan.check(values)
    made = recipe.import_yaml(recipe.export_yaml(wanted), BASE)
    assert made.plan == wanted
    assert made.ignored == ()


@pytest.mark.parametrize("model", plan.TRAINABLE)
@pytest.mark.parametrize("subject", plan.SUBJECTS)
@pytest.mark.parametrize("name", plan.PRESETS)
def test_every_preset_comes_back(name, model, subject):
    wanted = plan.preset(name, model, "joshug", subject)
    made = recipe.import_yaml(recipe.export_yaml(wanted), BASE)
    assert (made.plan, made.ignored) == (wanted, ())


@pytest.mark.parametrize("trigger", ["null", "yes", "123", "1e5", "0o17", "0x1F", "true", "-", "off", "1_000", "_"])
def test_a_trigger_that_looks_like_something_else_stays_a_word(trigger):
    assert recipe.import_yaml(recipe.export_yaml(plan.check({"trigger": trigger})), BASE).plan.trigger == trigger


@pytest.mark.parametrize("prompt", [":\x85", "|\x85\u2028", "a\u2029b", "\x00 \x1b", " lead", "trail ", "a\nb\n\n", "#",
                                    "- ", "'", '"', "é 顔 😀", "\ufeffx", "%a", "@", "`", "a: b", "?", "!!str",
                                    "&a *b"])
def test_a_prompt_keeps_every_character(prompt):
    wanted = plan.check({"trigger": "tt", "prompts": [prompt], "control": prompt})
    made = recipe.import_yaml(recipe.export_yaml(wanted), BASE)
    assert (made.plan, made.ignored) == (wanted, ())


def test_an_export_has_the_fields_that_ai_toolkit_reads():
    told = yaml.safe_load(recipe.export_yaml(plan.preset("thorough", FLUX, "joshug")))
    process = told["config"]["process"][0]
    assert (told["job"], process["type"], process["trigger_word"]) == ("extension", "sd_trainer", "joshug")
    assert (process["network"]["linear"], process["network"]["linear_alpha"]) == (16, 16)
    assert (process["train"]["lr"], process["train"]["noise_scheduler"]) == (1e-4, "flowmatch")
    assert process["model"] == {"name_or_path": FLUX, "is_flux": True}
    assert [each.get("is_reg", False) for each in process["datasets"]] == [False, True]
    assert all("[trigger]" in prompt for prompt in process["sample"]["prompts"][:-1])


def test_a_file_from_elsewhere_is_used_and_the_rest_is_listed():
    made = recipe.import_yaml(WILD, BASE)
    got = made.plan
    assert (got.trigger, got.model, got.rank, got.alpha, got.steps) == ("r3d", FLUX, 32, 8, 2000)
    assert (got.learning_rate, got.batch, got.resolution, got.prior_weight) == (1e-4, 2, 1024, 0.0)
    assert (got.sample_every, got.seed, got.guidance, got.sample_steps) == (250, 7, 4.0, 18)
    assert got.quantise == plan.INT8
    assert got.prompts == tuple(f"[trigger] number {number}" for number in range(6))
    assert (got.subject, got.control, got.targets) == (BASE.subject, BASE.control, BASE.targets)
    inner = "config.process[0]"
    assert made.ignored == (
        "line 4: config.name (holiday)", f"line 7: {inner}.device (cuda:0)", f"line 11: {inner}.save.dtype (float16)",
        f"line 14: {inner}.datasets[0].folder_path (/home/someone/pictures)",
        f"line 16: {inner}.datasets[0].resolution[0] (512)", f"line 16: {inner}.datasets[0].resolution[1] (768)",
        f"line 21: {inner}.train.optimizer (adamw8bit)", f"line 24: {inner}.train.ema_config.use_ema (true)",
        *(f"line {33 + number}: {inner}.sample.prompts[{number}] ([trigger] number {number})"
          for number in range(6, 9)),
        f"line 44: {inner}.sample.walk_seed (true)")


@pytest.mark.parametrize("kind", [plan.NF4, plan.INT8])
def test_a_quantised_base_goes_out_and_comes_back(kind):
    wanted = plan.check({**plan.as_dict(plan.preset("quick", FLUX, "joshug")), "quantise": kind})
    told = yaml.safe_load(recipe.export_yaml(wanted))
    assert told["config"]["process"][0]["model"]["quantize"] is True
    made = recipe.import_yaml(recipe.export_yaml(wanted), BASE)
    assert (made.plan, made.ignored) == (wanted, ())


def test_only_flux_is_quantised():
    text = yaml.safe_dump({"config": {"process": [{"model": {"quantize": True}}]}, "meta": {"quantise": "nf4"}})
    made = recipe.import_yaml(text, BASE)
    assert made.plan.quantise == plan.NONE
    assert [line.partition(": ")[2] for line in made.ignored] == [
        "config.process[0].model.quantize (true)", "meta.quantise (nf4)"]
    with pytest.raises(BadInput, match="Only FLUX"):
        plan.check({"quantise": "nf4"})


def test_newer_and_older_names_of_the_same():
    text = inside(network={"rank": 4, "alpha": 2}, model={"name_or_path": "runwayml/stable-diffusion-v1-5"},
                  sample={"samples": [{"prompt": "a [trigger]"}, {"prompt": "two", "seed": 3}]}, trigger_word=None)
    made = recipe.import_yaml(text, BASE)
    assert (made.plan.rank, made.plan.alpha, made.plan.trigger) == (4, 2, "base")
    assert made.plan.model == "stable-diffusion-v1-5/stable-diffusion-v1-5"
    assert made.plan.prompts == ("a [trigger]", "two")
    assert [line.partition(": ")[2] for line in made.ignored] == ["config.process[0].sample.samples[1].seed (3)"]


def test_a_model_that_is_not_known_here_is_listed_and_the_own_one_kept():
    made = recipe.import_yaml(inside(model={"name_or_path": "Someone/Other", "arch": "qwen"}), BASE)
    assert made.plan == plan.check(plan.as_dict(BASE))
    assert [line.partition(": ")[2] for line in made.ignored] == [
        "config.process[0].model.arch (qwen)", "config.process[0].model.name_or_path (Someone/Other)"]


def test_a_control_prompt_may_hold_the_word_x():
    assert recipe.import_yaml("meta: {control_prompt: x marks it}\nconfig: {process: [{}]}", BASE).plan.control


@pytest.mark.parametrize(("model", "side", "rest"), [
    ("somebody/a-model-unknown-here", 64, 3), ("stable-diffusion-v1-5/stable-diffusion-v1-5", 512, 2),
    ("stabilityai/stable-diffusion-xl-base-1.0", 1024, 2), ("black-forest-labs/FLUX.1-schnell", 64, 3)])
def test_of_several_resolutions_the_largest_that_the_model_takes_is_used(model, side, rest):
    text = inside(model={"name_or_path": model}, datasets=[{"resolution": [512, 768, 1024]}])
    made = recipe.import_yaml(text, BASE)
    assert made.plan.resolution == side
    assert sum("resolution" in line for line in made.ignored) == rest
    assert made.plan.model == (model if side > 64 else BASE.model)


def test_a_recipe_for_another_model_without_a_resolution_takes_the_model_s_own():
    made = recipe.import_yaml(inside(model={"name_or_path": FLUX}), BASE)
    assert made.plan.resolution == 1024


@pytest.mark.parametrize(("path", "value", "said"), [
    ("train.steps", 20_000, "steps is 20000"), ("train.steps", "many", "not a number"), ("train.steps", [1], "single"),
    ("train.steps", {"a": 1}, "single"), ("train.steps", True, "not a number"), ("train.steps", 1.5, "steps is 1.5"),
    ("train.lr", float("nan"), "is nan"), ("train.lr", float("inf"), "is inf"), ("train.lr", -1, "is -1"),
    ("train.lr", 10**400, "is inf"), ("network.linear", 10**30, "rank is 1000"), ("network.linear", 0, "rank is 0"),
    ("sample.seed", -1, "seed is -1"), ("sample.guidance_scale", "3", "not a number"),
    ("trigger_word", "two words", "one word"),
    ("trigger_word", ["a"], "single"), ("trigger_word", "x" * 41, "41 characters"), ("sample.prompts", "one", "list"),
    ("sample.prompts", [["a"]], "has to be a prompt"), ("sample.prompts", [{"text": "a"}], "has to be a prompt"),
    ("sample.prompts", [None], "has to be a prompt"), ("sample.prompts", ["x" * 301], "301 characters"),
    ("sample.prompts", [""], "empty"), ("sample.samples", [3, {"prompt": {}}], "has to be a prompt"),
    ("datasets", {"folder_path": "x"}, "has to be a list"), ("datasets", ["x"], "has to be a list"),
    ("datasets", [{"resolution": "big"}], "not a number"), ("datasets", [{"resolution": [{"a": 1}]}], "single"),
    ("datasets", [{"resolution": [64, 4096]}], "resolution is 4096"), ("model.name_or_path", ["a"], "single"),
    ("train", [], "keys"), ("network", "lora", "keys"), ("sample", 3, "keys"), ("network.network_kwargs", [], "keys")])
def test_values_that_cannot_be_are_refused_with_their_line(path, value, said):
    for name in reversed(path.split(".")):
        value = {name: value}
    with pytest.raises(BadInput, match=rf"Line \d+: .*{said}"):
        recipe.import_yaml(inside(**value), BASE)


LAUGHS = "a: &a [x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 8)}]\n" for n in range(12))


@pytest.mark.parametrize(("text", "said"), [
    ("", "empty"), (" \n ", "empty"), ("# only words", "says nothing"), ("{}", "says nothing"), ("job: [", "not YAML"),
    ("a: b: c", "not YAML"), ("\t- x", "not YAML"), ("x: \x07", "not YAML"), ("x: \ud800", "lone surrogate"),
    ("plain", "no recipe"), ("- a\n- b", "no recipe"), ("job: train", "no recipe"), ("config: [process]", "no recipe"),
    ("config: 3", "no recipe"), ("config: {process: {}}", "has to be a list"),
    ("config: {process: []}", "has to be a list"),
    ("config: {process: [3]}", "keys"), ("meta: [a]\nconfig: {process: [{}]}", "keys"),
    ("config: {process: [{}]}\nconfig: {process: [{}]}", "twice"), ("? [a]\n: b\n", "key is not a text"),
    ("config: {process: [{}]}\n---\nconfig: {}", "not YAML"), (LAUGHS, "anchor"), ("a: *b", "alias"),
    ("&x [*x]", "anchor"), ("a: !!python/object/apply:os.system ['echo no']", "tag"), ("a: !!str 3", "tag"),
    ("!!python/name:os.system x", "tag"), ("a: !mine 3", "tag"), ("a: !<tag:yaml.org,2002:int> 3", "tag"),
    ("[" * 60_000, "nested"), ("[" * 30_000 + "x" + "]" * 30_000, "nested"),
    ("{a: " * 10_000 + "1" + "}" * 10_000, "nested"),
    ("- " * 30_000 + "x", "nested"), ("a: x\n" * 20_000, "characters"), ("é" * 60_000, "bytes"),
    (f"config: {{process: [{{train: {{steps: {'9' * 5000}}}}}]}}", "too many digits")])
def test_hostile_files_are_refused_in_words(text, said):
    start = time.monotonic()
    with pytest.raises(BadInput, match=said) as caught:
        recipe.import_yaml(text, BASE)
    assert len(str(caught.value)) < 500
    assert time.monotonic() - start < 20  # a bound against growing without end, not a measure of speed


def test_many_unused_fields_are_counted():
    made = recipe.import_yaml("config: {process: [{}]}\n" + "".join(f"k{number}: 1\n" for number in range(1000)), BASE)
    assert len(made.ignored) == recipe.MOST_LISTED + 1
    assert made.ignored[-1] == "and 800 more"


@given(st.text(max_size=300) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(
        ["config", "process", "train", "sample", "model", "network", "datasets", "meta", "steps", "prompts", "lr",
         "resolution", "is_reg", "linear", "samples", "prompt", "only_if_contains"]), inner, max_size=5),
    max_leaves=20).map(lambda value: yaml.safe_dump({"config": {"process": [value]}, "meta": value})))
@settings(max_examples=120, deadline=None)
def test_whatever_comes_is_a_plan_or_an_error_in_words(text):
    try:
        made = recipe.import_yaml(text, BASE)
    except BadInput as problem:
        assert problem.remedy
    else:
        assert plan.check(plan.as_dict(made.plan)) == made.plan
