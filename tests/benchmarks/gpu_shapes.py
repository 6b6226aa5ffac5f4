"""The sizes of the large models, to measure with random weights in the place of gigabytes from the hub.

From the config.json files of stable-diffusion-v1-5/stable-diffusion-v1-5, stabilityai/stable-diffusion-xl-base-1.0,
black-forest-labs/FLUX.1-schnell and black-forest-labs/FLUX.1-dev on the model hub; what is not written is diffusers'
and transformers' default there as here. A test holds the counts of parameters against the published ones.
"""

from dataclasses import dataclass, field
from typing import Any

from playground.diffusion import models

SD, SDXL, _, SCHNELL, DEV = (model.key for model in models.MODELS[1:])
DOWN, UP = "DownBlock2D", "UpBlock2D"
CROSS_DOWN, CROSS_UP = "CrossAttnDownBlock2D", "CrossAttnUpBlock2D"
NOISE = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "steps_offset": 1}
CLIP_L = {"vocab_size": 49408, "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
          "num_attention_heads": 12, "projection_dim": 768}
CLIP_G = {"vocab_size": 49408, "hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32,
          "num_attention_heads": 20, "projection_dim": 1280}
T5_XXL = {"vocab_size": 32128, "d_model": 4096, "d_kv": 64, "d_ff": 10240, "num_layers": 24, "num_heads": 64,
          "feed_forward_proj": "gated-gelu"}
PLAIN_VAE = {"block_out_channels": (128, 256, 512, 512), "layers_per_block": 2, "down_block_types":
             ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4}
FLUX = {"in_channels": 64, "num_layers": 19, "num_single_layers": 38, "attention_head_dim": 128,
        "num_attention_heads": 24, "joint_attention_dim": 4096, "pooled_projection_dim": 768,
        "axes_dims_rope": (16, 56, 56)}
TINY_CLIP = {"vocab_size": 54, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
             "num_attention_heads": 2, "projection_dim": 16}
TINY_VAE = {"block_out_channels": (8, 8), "norm_num_groups": 4, "down_block_types": ("DownEncoderBlock2D",) * 2,
            "up_block_types": ("UpDecoderBlock2D",) * 2}
TINY_UNET = {"sample_size": 32, "block_out_channels": (8, 16), "layers_per_block": 1, "norm_num_groups": 4,
             "attention_head_dim": 2, "down_block_types": (DOWN, CROSS_DOWN), "up_block_types": (CROSS_UP, UP)}
TINY_FLUX = {"in_channels": 16, "num_layers": 1, "num_single_layers": 1, "attention_head_dim": 32,
             "num_attention_heads": 2, "joint_attention_dim": 16, "pooled_projection_dim": 16,
             "axes_dims_rope": (8, 8, 16), "guidance_embeds": True}


@dataclass(frozen=True)
class Shape:
    """A model's key and the configurations of its parts; `tokens` are those that the network hears."""

    key: str
    network: dict[str, Any]
    vae: dict[str, Any]
    clip: dict[str, Any]
    second: dict[str, Any] | None = None  # SDXL: a CLIP with projection; FLUX: a T5
    tokens: int = 77
    scheduler: dict[str, Any] = field(default_factory=lambda: NOISE)

    @property
    def family(self) -> str:
        """The family of playground.diffusion.models."""
        return models.find(self.key).family


FLUX_VAE = {**PLAIN_VAE, "latent_channels": 16, "scaling_factor": 0.3611, "shift_factor": 0.1159, "sample_size": 1024,
            "use_quant_conv": False, "use_post_quant_conv": False}
FLOW = {"use_dynamic_shifting": True, "shift": 3.0, "base_image_seq_len": 256, "max_image_seq_len": 4096}
SDXL_UNET = {"sample_size": 128, "cross_attention_dim": 2048, "attention_head_dim": (5, 10, 20),
             "block_out_channels": (320, 640, 1280), "down_block_types": (DOWN, CROSS_DOWN, CROSS_DOWN),
             "up_block_types": (CROSS_UP, CROSS_UP, UP), "transformer_layers_per_block": (1, 2, 10),
             "use_linear_projection": True, "addition_embed_type": "text_time", "addition_time_embed_dim": 256,
             "projection_class_embeddings_input_dim": 2816}
SD_UNET = {"sample_size": 64, "cross_attention_dim": 768, "attention_head_dim": 8,
           "block_out_channels": (320, 640, 1280, 1280), "down_block_types": (CROSS_DOWN,) * 3 + (DOWN,),
           "up_block_types": (UP, *(CROSS_UP,) * 3)}
SHAPES = {
    "sd15": Shape(SD, SD_UNET, {**PLAIN_VAE, "scaling_factor": 0.18215, "sample_size": 512}, CLIP_L),
    "sdxl": Shape(SDXL, SDXL_UNET, {**PLAIN_VAE, "scaling_factor": 0.13025, "sample_size": 1024, "force_upcast": True},
                  CLIP_L, CLIP_G),
    "flux-schnell": Shape(SCHNELL, {**FLUX, "guidance_embeds": False}, FLUX_VAE, CLIP_L, T5_XXL, 256, {"shift": 1.0}),
    "flux-dev": Shape(DEV, {**FLUX, "guidance_embeds": True}, FLUX_VAE, CLIP_L, T5_XXL, 512, FLOW),
    "tiny-sd": Shape(SD, {**TINY_UNET, "cross_attention_dim": 16}, TINY_VAE, TINY_CLIP),
    "tiny-sdxl": Shape(SDXL, {**TINY_UNET, "cross_attention_dim": 32, "addition_embed_type": "text_time",
                              "addition_time_embed_dim": 8, "projection_class_embeddings_input_dim": 6 * 8 + 16},
                       TINY_VAE, TINY_CLIP, TINY_CLIP),
    "tiny-flux": Shape(DEV, TINY_FLUX, {**TINY_VAE, "shift_factor": 0.1, "scaling_factor": 0.4}, TINY_CLIP,
                       {"vocab_size": 40, "d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2}, 12,
                       FLOW),
}


def parts(shape: Shape) -> dict[str, Any]:
    """The networks of a pipeline by the names of its arguments, on the meta device: sizes without weights."""
    import diffusers
    import torch
    import transformers

    flux = shape.family == "flux"
    with torch.device("meta"):
        network = (diffusers.FluxTransformer2DModel if flux else diffusers.UNet2DConditionModel)(**shape.network)
        made = {"transformer" if flux else "unet": network, "vae": diffusers.AutoencoderKL(**shape.vae),
                "text_encoder": transformers.CLIPTextModel(transformers.CLIPTextConfig(**shape.clip))}
        if flux:
            made["text_encoder_2"] = transformers.T5EncoderModel(transformers.T5Config(**shape.second))
        elif shape.second:
            made["text_encoder_2"] = transformers.CLIPTextModelWithProjection(
                transformers.CLIPTextConfig(**shape.second))
    return made


def pipeline(shape: Shape, networks: dict[str, Any]) -> Any:
    """The pipeline over its networks, without tokenizers: what is heard is random as well."""
    import diffusers

    names = {"tokenizer": None}
    if shape.family == "sd":
        scheduler, kind = diffusers.PNDMScheduler(skip_prk_steps=True, **shape.scheduler), "StableDiffusionPipeline"
        names |= {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    elif shape.family == "sdxl":
        scheduler, kind = diffusers.EulerDiscreteScheduler(**shape.scheduler), "StableDiffusionXLPipeline"
        names |= {"tokenizer_2": None, "add_watermarker": False}
    else:
        scheduler, kind = diffusers.FlowMatchEulerDiscreteScheduler(**shape.scheduler), "FluxPipeline"
        names |= {"tokenizer_2": None}
    return getattr(diffusers, kind)(scheduler=scheduler, **names, **networks)
