"""Small random pipelines of the real classes, saved in the layout of the model hub under the catalog's own keys."""

from pathlib import Path

from playground.diffusion import models

SD, SDXL, TURBO, SCHNELL, DEV = (model.key for model in models.MODELS[1:])
LETTERS = [chr(code) for code in range(ord("a"), ord("z") + 1)]
SCHEDULE = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "clip_sample": False,
            "set_alpha_to_one": False, "steps_offset": 1}


def folder(root: Path, key: str) -> Path:
    """Where an operator would put a model of his own."""
    return root / key.replace("/", "--")


def save_pocket(root: Path, prediction: str = "v_prediction") -> Path:
    """The pocket model's classes and export, small; without a text encoder, as it ships."""
    import torch

    from playground.diffusion.pocket import autoencoder, denoiser, pipeline

    torch.manual_seed(0)
    scheduler = denoiser.new_scheduler()
    scheduler.register_to_config(prediction_type=prediction)
    pipeline.export(folder(root, models.POCKET), denoiser.new_denoiser((32, 32)),
                    autoencoder.new_autoencoder((16, 16, 16)), scheduler)
    return folder(root, models.POCKET)


def save_sd(root: Path) -> Path:
    """Stable Diffusion's classes; predicts the noise; 16 pixels a side."""
    import torch
    from diffusers import PNDMScheduler, StableDiffusionPipeline

    torch.manual_seed(1)
    pipe = StableDiffusionPipeline(
        unet=unet(16), vae=vae(), scheduler=PNDMScheduler(skip_prk_steps=True, **without_clip(SCHEDULE)),
        text_encoder=text_model(), tokenizer=clip_tokenizer(), safety_checker=None, feature_extractor=None,
        requires_safety_checker=False)
    pipe.save_pretrained(folder(root, SD))
    return folder(root, SD)


def save_sdxl(root: Path, key: str = SDXL) -> Path:
    """SDXL's classes with both text encoders."""
    import torch
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline

    torch.manual_seed(2)
    pipe = StableDiffusionXLPipeline(
        unet=unet(32, addition_embed_type="text_time", addition_time_embed_dim=8,
                  projection_class_embeddings_input_dim=6 * 8 + 16),
        vae=vae(), scheduler=EulerDiscreteScheduler(**without_clip(SCHEDULE, "set_alpha_to_one")),
        text_encoder=text_model(), text_encoder_2=text_model(projected=True), tokenizer=clip_tokenizer(),
        tokenizer_2=clip_tokenizer())
    pipe.save_pretrained(folder(root, key))
    return folder(root, key)


def save_flux(root: Path, key: str = SCHNELL, guided: bool = False) -> Path:
    """FLUX's classes; 128 pixels a side, since its default size is a number in the pipeline."""
    import torch
    from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel
    from transformers import T5Config, T5EncoderModel

    torch.manual_seed(3)
    transformer = FluxTransformer2DModel(
        in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=8, num_attention_heads=2,
        joint_attention_dim=16, pooled_projection_dim=16, axes_dims_rope=[2, 2, 4], guidance_embeds=guided)
    picture = AutoencoderKL(block_out_channels=(8,), latent_channels=4, norm_num_groups=4, shift_factor=0.1,
                            scaling_factor=0.4, mid_block_add_attention=False, down_block_types=("DownEncoderBlock2D",),
                            up_block_types=("UpDecoderBlock2D",))
    t5 = T5EncoderModel(T5Config(vocab_size=40, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2))
    scheduler = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)
    FluxPipeline(transformer=transformer, vae=picture, scheduler=scheduler,
                 text_encoder=text_model(), tokenizer=clip_tokenizer(), text_encoder_2=t5,
                 tokenizer_2=word_tokenizer()).save_pretrained(folder(root, key))
    return folder(root, key)


def save_clip(root: Path) -> Path:
    """CLIP's classes, small, over single letters."""
    import torch
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPProcessor

    from playground.diffusion import clip

    torch.manual_seed(4)
    layers = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = CLIPConfig(
        text_config={**layers, "vocab_size": 54, "bos_token_id": 52, "eos_token_id": 53, "pad_token_id": 53},
        vision_config={**layers, "image_size": 32, "patch_size": 16}, projection_dim=16)
    CLIPModel(config).save_pretrained(folder(root, clip.MODEL))
    sizes = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    CLIPProcessor(CLIPImageProcessorPil(**sizes), clip_tokenizer()).save_pretrained(folder(root, clip.MODEL))
    return folder(root, clip.MODEL)


def without_clip(settings: dict, *names: str) -> dict:
    """Settings without those that a scheduler does not have."""
    return {name: value for name, value in settings.items() if name not in ("clip_sample", *names)}


def unet(width: int, **more):
    """A UNet with attention to the text at its lower level."""
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=8, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, cross_attention_dim=width,
        attention_head_dim=2, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), **more)


def vae():
    """An autoencoder that halves the sides."""
    from diffusers import AutoencoderKL

    return AutoencoderKL(block_out_channels=(8, 8), norm_num_groups=4, down_block_types=("DownEncoderBlock2D",) * 2,
                         up_block_types=("UpDecoderBlock2D",) * 2)


def text_model(projected: bool = False):
    """A CLIP text encoder of one layer and 16 numbers a token."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(vocab_size=54, hidden_size=16, intermediate_size=16, num_hidden_layers=1,
                            num_attention_heads=2, max_position_embeddings=77, projection_dim=16, bos_token_id=52,
                            eos_token_id=53, pad_token_id=53)
    return (CLIPTextModelWithProjection if projected else CLIPTextModel)(config)


def clip_tokenizer():
    """CLIP's tokenizer over single letters."""
    from transformers import CLIPTokenizer

    pieces = [*LETTERS, *(f"{letter}</w>" for letter in LETTERS), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={piece: number for number, piece in enumerate(pieces)}, merges=[], model_max_length=77)


def word_tokenizer():
    """Whole words, closed by </s>, as T5 closes its texts."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = ["<pad>", "</s>", "<unk>", "a", "red", "heart", "cat"]
    inner = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="<pad>", eos_token="</s>", unk_token="<unk>",
                                   model_max_length=512)
