"""Tiny random checkpoints in the file layout of the model hub, for the families that come from there."""

from pathlib import Path

SENTENCES = ["He devoured the orange juice.", "Once upon a time there was a king.", "THE WHITE WHALE", "日本語 ½ 😀"]
FAMILIES = {"openai-community/gpt2": "gpt2", "HuggingFaceTB/SmolLM2-135M": "llama", "Qwen/Qwen3-0.6B": "qwen3"}


def save(name: str, folder: Path) -> Path:
    """Writes a checkpoint of a catalog entry's family to folder/OWNER--NAME and returns that folder."""
    target = folder / name.replace("/", "--")
    size = save_tokenizer(target, "<|endoftext|>")
    make_model(FAMILIES[name], size).save_pretrained(target)
    return target


def save_tokenizer(folder: Path, end: str) -> int:
    """A byte-level BPE tokenizer, as these families have; returns the size of its vocabulary."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import PreTrainedTokenizerFast

    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(SENTENCES * 4, vocab_size=300, special_tokens=[end], show_progress=False)
    fast = PreTrainedTokenizerFast(tokenizer_object=trained._tokenizer, bos_token=end, eos_token=end)
    fast.save_pretrained(folder)
    return len(fast)


def make_model(family: str, size: int):
    """A random model of two layers and two heads with 32 tokens of context."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    shared = {"vocab_size": size, "bos_token_id": 0, "eos_token_id": 0, "tie_word_embeddings": True}
    if family == "gpt2":
        config = AutoConfig.for_model("gpt2", n_layer=2, n_head=2, n_embd=16, n_positions=32, **shared)
    else:
        config = AutoConfig.for_model(
            family, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1, head_dim=8, hidden_size=16,
            intermediate_size=32, max_position_embeddings=32, **shared)
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(config)
