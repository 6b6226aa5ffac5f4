"""What the models' table says that computing takes is what networks of the published sizes take.

They run on torch's meta device, which has shapes and no numbers; counted are the bytes of the tensors that live at
once, those of the weights left out.
"""

import weakref

import pytest

from playground.diffusion import memory, models
from tests.benchmarks import gpu_shapes
from tests.benchmarks.gpu_shapes import SHAPES

pytestmark = pytest.mark.models
SIZES = [("sd15", 512), ("sdxl", 1024), ("flux-dev", 1024)]


class Live:
    """The most bytes that new tensors took at once during work()."""

    def __init__(self, networks, work):
        import torch
        from torch.utils._python_dispatch import TorchDispatchMode
        from torch.utils._pytree import tree_leaves

        self.seen = {each.untyped_storage()._cdata: 0 for part in networks for each in
                     (*part.parameters(), *part.buffers())}
        self.now = self.most = 0
        live = self

        class Mode(TorchDispatchMode):
            def __torch_dispatch__(self, function, types, args=(), kwargs=None):
                out = function(*args, **(kwargs or {}))
                for each in tree_leaves(out):
                    if isinstance(each, torch.Tensor):
                        live.add(each.untyped_storage())
                return out

        with torch.no_grad(), Mode():
            work()

    def add(self, storage):
        if storage._cdata in self.seen:
            return
        self.seen[storage._cdata] = storage.nbytes()
        self.now += storage.nbytes()
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self.drop, storage._cdata)

    def drop(self, key):
        self.now -= self.seen.pop(key, 0)


@pytest.fixture(scope="module", params=SIZES, ids=[name for name, _ in SIZES])
def built(request):
    """(shape, pixels a side, networks in 16 bits without weights)."""
    import torch

    name, size = request.param
    parts = gpu_shapes.parts(SHAPES[name])
    for part in parts.values():
        part.to(torch.bfloat16).requires_grad_(False).eval()
    return SHAPES[name], size, parts


def fused(query, key, value, *more, **others):
    """Attention as a fused kernel: its weights are never all there."""
    return query.new_empty(*query.shape[:-1], value.shape[-1])


def step(shape, size, parts):
    """One step of the network, with and without the prompt where the model is guided so."""
    import torch

    def empty(*sides):
        return torch.empty(sides, dtype=torch.bfloat16, device="meta")

    side = size // 8
    if shape.family == "flux":
        places = (side // 2) ** 2
        return lambda: parts["transformer"](
            hidden_states=empty(1, places, 64), timestep=empty(1), guidance=empty(1),
            encoder_hidden_states=empty(1, shape.tokens, 4096), pooled_projections=empty(1, 768),
            txt_ids=empty(shape.tokens, 3), img_ids=empty(places, 3))
    more = {"text_embeds": empty(2, 1280), "time_ids": empty(2, 6)} if shape.family == "sdxl" else None
    return lambda: parts["unet"](empty(2, 4, side, side), empty(1)[0], added_cond_kwargs=more,
                                 encoder_hidden_states=empty(2, shape.tokens, shape.network["cross_attention_dim"]))


def test_a_step(built, monkeypatch):
    import torch

    shape, _, parts = built
    model = models.find(shape.key)
    whole = Live(parts.values(), step(*built)).most
    assert whole - model.step == pytest.approx(model.scores, rel=0.05)
    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", fused)
    assert Live(parts.values(), step(*built)).most == pytest.approx(model.step, rel=0.05)
    if shape.family != "flux":
        parts["unet"].set_attention_slice("auto")
        sliced = Live(parts.values(), step(*built)).most
        parts["unet"].set_default_attn_processor()
        assert sliced <= memory.SLICED_STEP * model.step


def test_decoding_whole_and_in_tiles(built):
    import torch

    shape, size, parts = built
    model, vae = models.find(shape.key), parts["vae"]

    def most(side):
        latents = torch.empty(1, vae.config.latent_channels, side, side, dtype=torch.bfloat16, device="meta")
        return Live(parts.values(), lambda: vae.decode(latents, return_dict=False)).most

    for pixels in {size, memory.TILE}:
        scores = (pixels // 8) ** 4 * 2  # written down here, as no kernel computes on the meta device
        assert most(pixels // 8) == pytest.approx(model.pixel * pixels**2 * 2, rel=0.05, abs=1.5 * scores)


def test_no_layer_is_larger_than_assumed(built):
    _, _, parts = built
    counts = {name: sum(each.numel() for each in part.parameters()) for name, part in parts.items()}
    layers = [sum(each.numel() for each in module.parameters(recurse=False))
              for part in parts.values() for module in part.modules()]
    assert max(layers) <= max(counts.values()) / memory.LAYER
