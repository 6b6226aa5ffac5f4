"""A training's plan as the YAML of ai-toolkit (github.com/ostris/ai-toolkit), and back, as far as the two agree.

Both write: trigger word, rank, alpha, steps, learning rate, batch, resolution, prompts and when to sample, seed,
guidance, whether the base is quantised. What only this playground knows (the subject, the control prompt, how the
base is quantised) stands under `meta`, which ai-toolkit passes on unread. A file is a stranger's: bounded in size
and depth, no anchors, no tags, and whatever of it is not used is listed, so that nobody believes a setting to be in
force that is not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from playground.diffusion import models
from playground.errors import BadInput
from playground.evaluation.yaml_nodes import Node
from playground.lora import plan as plans
from playground.lora.plan import Plan
from playground.lora.recipe_nodes import REMEDY, is_null, read, single

MOST_LISTED = 200  # unused fields that are named; of the others only the number
PROCESS = "config.process[0]"
HEAD = ("# A recipe in the words of ai-toolkit. There, photos and captions (NAME.txt) come from folder_path; here\n"
        "# they come from the page, and the pictures of prior preservation are drawn by the model itself.\n")
# Where single values stand. `rank` and `alpha` are older names of the same.
NUMBERS = {"network.linear": "rank", "network.rank": "rank", "network.linear_alpha": "alpha", "network.alpha": "alpha",
           "train.steps": "steps", "train.lr": "learning_rate", "train.batch_size": "batch",
           "sample.sample_every": "sample_every", "sample.seed": "seed", "sample.guidance_scale": "guidance",
           "sample.sample_steps": "sample_steps"}
SECTIONS = ("network", "network.network_kwargs", "train", "sample", "model")
# A checked value must not depend on its neighbours, so each is checked beside these.
NEUTRAL = {"trigger": 40 * "-", "steps": 1, "sample_every": 10_000, "control": ".",
           "model": "black-forest-labs/FLUX.1-dev"}
OTHER_NAMES = {"runwayml/stable-diffusion-v1-5": "stable-diffusion-v1-5/stable-diffusion-v1-5"}
ARCHITECTURES = {"pocket": (), "sd": ("sd1", "sd15"), "sdxl": ("sdxl",), "flux": ("flux",)}
LINE_ENDS = "\x85\u2028\u2029"  # written as they are, they would be read as ends of lines
MODULES = {plans.ATTENTION: ["attn"], plans.WIDE: ["attn", "ff"]}  # parts of the trained modules' names


@dataclass(frozen=True)
class Imported:
    """A plan, and what of the file it does not use, each as 'line N: path.to.field (value)'."""

    plan: Plan
    ignored: tuple[str, ...]


# ---- out


def export_yaml(plan: Plan) -> str:
    """The plan as a file that import_yaml takes back without a rest."""
    family = models.find(plan.model).family
    process: dict[str, Any] = {
        "type": "sd_trainer", "training_folder": "output", "trigger_word": plan.trigger,
        "network": {"type": "lora", "linear": plan.rank, "linear_alpha": plan.alpha,
                    "network_kwargs": {"only_if_contains": list(MODULES[plan.targets])}},
        "save": {"save_every": plan.sample_every},
        "datasets": _datasets(plan),
        "train": {"steps": plan.steps, "lr": plan.learning_rate, "batch_size": plan.batch, "optimizer": "adamw",
                  "noise_scheduler": _scheduler(family), "gradient_checkpointing": family != "pocket",
                  "train_unet": True, "train_text_encoder": False},
        "model": {"name_or_path": plan.model},
        "sample": {"sampler": _scheduler(family), "sample_every": plan.sample_every, "width": plan.resolution,
                   "height": plan.resolution, "prompts": [*plan.prompts, plan.control], "seed": plan.seed,
                   "walk_seed": False, "guidance_scale": plan.guidance, "sample_steps": plan.sample_steps}}
    if plan.prior_weight:
        process["train"]["reg_weight"] = plan.prior_weight
    if family in ("flux", "sdxl"):
        process["model"]["is_flux" if family == "flux" else "is_xl"] = True
    meta = {"subject": plan.subject, "control_prompt": plan.control}
    if plan.quantise != plans.NONE:
        process["model"]["quantize"] = True
        meta["quantise"] = plan.quantise
    whole = {"job": "extension", "config": {"name": plan.trigger, "process": [process]}, "meta": meta}
    readable = not any(mark in prompt for prompt in (*plan.prompts, plan.control) for mark in LINE_ENDS)
    return HEAD + yaml.safe_dump(whole, sort_keys=False, allow_unicode=readable, width=110)


def _datasets(plan: Plan) -> list[dict[str, Any]]:
    photos = {"folder_path": "photos", "caption_ext": "txt", "resolution": plan.resolution}
    prior = {"folder_path": "prior", "is_reg": True, "resolution": plan.resolution}
    return [photos, prior] if plan.prior_weight else [photos]


def _scheduler(family: str) -> str:
    return "flowmatch" if family == "flux" else "ddpm"


# ---- in


def import_yaml(text: str, base: Plan) -> Imported:
    """A plan from a file; what it does not say is taken from `base`.

    Raises BadInput, with the line, for what is no YAML, too large, no recipe, or holds values that cannot be.
    """
    nodes = read(text)
    _check_structure(nodes)
    used: set[str] = set()
    values = {**_numbers(nodes, used), **_texts(nodes, used), **_prompts(nodes, used)}
    model = values.get("model", base.model)
    if model != base.model:
        values["resolution"] = models.find(model).size
    values |= _data(nodes, used, models.find(model))
    made = plans.check(_quantised(nodes, used, {**plans.as_dict(base), **values}))
    for path, accepted in _settled(made).items():
        if path in nodes and (is_null(nodes[path]) or nodes[path].plain() in accepted):
            used.add(path)
    return Imported(made, _unused(nodes, used))


def _check_structure(nodes: Mapping[str, Node]) -> None:
    """Refuses what is no recipe, and a list or a single value where keys belong."""
    process = nodes.get("config.process")
    if process is None:
        where = f"Line {nodes['config'].line}: " if "config" in nodes else ""
        raise BadInput(f"{where}this is no recipe of ai-toolkit; config.process is missing.",
                       REMEDY)
    if not process.is_list or PROCESS not in nodes:
        raise process.wrong("config.process has to be a list (- type: sd_trainer).")
    for path in (PROCESS, *(f"{PROCESS}.{name}" for name in SECTIONS), "meta"):
        if path in nodes and not nodes[path].is_mapping and not is_null(nodes[path]):
            raise nodes[path].wrong(f"{path} has to have keys (key: value).")


def _fit(field: str, value: Any, node: Node) -> Any:
    """The value, if a plan can have it; BadInput with the line if not."""
    try:
        return getattr(plans.check({**NEUTRAL, field: value}), field)
    except BadInput as problem:
        raise BadInput(f"Line {node.line}: {problem.what}", problem.remedy) from None


def _numbers(nodes: Mapping[str, Node], used: set[str]) -> dict[str, Any]:
    values = {}
    for path, field in NUMBERS.items():
        node = single(nodes, f"{PROCESS}.{path}", used)
        if node is not None:
            values[field] = _fit(field, node.plain(), node)
    return values


def _texts(nodes: Mapping[str, Node], used: set[str]) -> dict[str, Any]:
    """Trigger, subject, control prompt, model and target modules. A model that is not known here stays unused."""
    values = {}
    for path, field in ((f"{PROCESS}.trigger_word", "trigger"), ("meta.subject", "subject"),
                        ("meta.control_prompt", "control")):
        node = single(nodes, path, used)
        if node is not None:
            values[field] = _fit(field, node.text(path), node)
    path = f"{PROCESS}.model.name_or_path"
    node = single(nodes, path, used)
    if node is not None:
        name = OTHER_NAMES.get(node.text(path), node.text(path))
        if name in plans.TRAINABLE:
            values["model"] = name
        else:
            used.discard(path)
    path = f"{PROCESS}.network.network_kwargs.only_if_contains"
    for targets, modules in MODULES.items():
        if path in nodes and nodes[path].plain() == modules:
            values["targets"] = targets
            used.add(path)
    return values


def _quantised(nodes: Mapping[str, Node], used: set[str], values: dict[str, Any]) -> dict[str, Any]:
    """The values with the base's precision: `meta.quantise`, else 8 bits for `quantize: true`; none but for FLUX."""
    told, switch = single(nodes, "meta.quantise", used), nodes.get(f"{PROCESS}.model.quantize")
    if models.find(values["model"]).family != "flux":
        used.discard("meta.quantise")
        return {**values, "quantise": plans.NONE}
    if told is not None:
        return {**values, "quantise": _fit("quantise", told.text("meta.quantise"), told)}
    if switch is not None and switch.plain() is True:
        return {**values, "quantise": plans.INT8}
    return values


def _prompts(nodes: Mapping[str, Node], used: set[str]) -> dict[str, Any]:
    """Sample prompts: a list of texts, or as newer files have it, `samples` with a prompt each."""
    path = f"{PROCESS}.sample.prompts"
    found = []
    if f"{PROCESS}.sample.samples" in nodes:
        path = f"{PROCESS}.sample.samples"
    if path not in nodes or is_null(nodes[path]):
        return {}
    if not nodes[path].is_list:
        raise nodes[path].wrong(f"{path} has to be a list (- a prompt).")
    for number, item in enumerate(nodes[path].each()):
        place = f"{path}[{number}]" + (".prompt" if item.is_mapping else "")
        node = nodes.get(place)
        if node is None or node.is_mapping or node.is_list or is_null(node):
            raise item.wrong(f"{path}[{number}] has to be a prompt.")
        found.append((place, node))
    control = nodes.get("meta.control_prompt")
    if len(found) > 1 and control is not None and control.node.value == found[-1][1].node.value:
        used.add(found.pop()[0])
    kept = found[:plans.MOST_PROMPTS]
    used.update(place for place, _ in kept)
    prompts = tuple(_fit("prompts", [node.text(place)], node)[0] for place, node in kept)
    return {"prompts": prompts} if prompts else {}


def _data(nodes: Mapping[str, Node], used: set[str], model: models.Model) -> dict[str, Any]:
    """Resolution (the largest of several that the model takes) and the weight of prior preservation."""
    path = f"{PROCESS}.datasets"
    if path not in nodes or is_null(nodes[path]):
        return {}
    if not nodes[path].is_list or not all(item.is_mapping for item in nodes[path].each()):
        raise nodes[path].wrong(f"{path} has to be a list with keys (- folder_path: photos).")
    regular = [number for number, _ in enumerate(nodes[path].each())
               if f"{path}[{number}].is_reg" in nodes and nodes[f"{path}[{number}].is_reg"].plain() is True]
    values: dict[str, Any] = {"prior_weight": 0.0}
    if regular:
        used.add(f"{path}[{regular[0]}].is_reg")
        node = single(nodes, f"{PROCESS}.train.reg_weight", used)
        values["prior_weight"] = 1.0 if node is None else _fit("prior_weight", node.plain(), node)
    place = f"{path}[0].resolution"
    among = len(nodes[place].each()) if place in nodes and nodes[place].is_list else 0
    places = [f"{place}[{number}]" for number in range(among)] or [place]
    found = {each: single(nodes, each, set()) for each in places}
    sizes = [(_fit("resolution", node.plain(), node), each) for each, node in found.items() if node]
    sizes = [each for each in sizes if each[0] <= model.size]
    if sizes:
        values["resolution"], place = max(sizes)
        used.add(place)
    return values


def _settled(plan: Plan) -> dict[str, tuple[Any, ...]]:
    """Fields that cannot be set here, with the values that say what is done anyway: those count as used."""
    family = models.find(plan.model).family
    inner = {
        "type": ("sd_trainer", "diffusion_trainer", "ui_trainer"), "training_folder": ("output",),
        "network.type": ("lora",), "save.save_every": (plan.sample_every,), "datasets[0].folder_path": ("photos",),
        "datasets[0].caption_ext": ("txt",), "datasets[0].caption_dropout_rate": (0,),
        "datasets[0].is_reg": (False,), "datasets[1].folder_path": ("prior",),
        "datasets[1].resolution": (plan.resolution,), "train.gradient_accumulation_steps": (1,),
        "train.optimizer": ("adamw",), "train.noise_scheduler": (_scheduler(family),), "train.train_unet": (True,),
        "train.train_text_encoder": (False,), "train.gradient_checkpointing": (family != "pocket",),
        "train.lr_scheduler": ("constant",), "train.reg_weight": (plan.prior_weight,),
        "model.is_flux": (family == "flux",), "model.is_xl": (family == "sdxl",),
        "model.quantize": (plan.quantise != plans.NONE,), "model.arch": ARCHITECTURES[family],
        "sample.sampler": (_scheduler(family),),
        "sample.width": (plan.resolution,), "sample.height": (plan.resolution,), "sample.neg": ("",),
        "sample.walk_seed": (False,)}
    return {"job": ("extension", "train"), "config.name": (plan.trigger,),
            **{f"{PROCESS}.{path}": accepted for path, accepted in inner.items()}}


def _unused(nodes: Mapping[str, Node], used: set[str]) -> tuple[str, ...]:
    """The values that nothing came of, in words."""
    leaves = [(path, node) for path, node in nodes.items()
              if isinstance(node.node, yaml.ScalarNode) and path not in used
              and not any(path.startswith(f"{whole}[") for whole in used)]
    lines = [f"line {node.line}: {path[:120]} ({_shown(node)})" for path, node in leaves[:MOST_LISTED]]
    if len(leaves) > MOST_LISTED:
        lines.append(f"and {len(leaves) - MOST_LISTED} more")
    return tuple(lines)


def _shown(node: Node) -> str:
    """A single value on one line, at most 60 characters of it."""
    return " ".join(str(node.node.value).split())[:60] or "nothing"
