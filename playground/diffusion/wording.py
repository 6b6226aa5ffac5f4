"""A prompt as the network hears it: its tokens, what is cut off, and the states of the text encoder.

Shapes: L tokens that the network looks at, D numbers of a token's state.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from playground.context import Context
from playground.diffusion import models
from playground.diffusion.requests import Request
from playground.specs import ModelSpec
from playground.text.vectors import sentences

if TYPE_CHECKING:
    import torch

WHO = "Diffusion steps"
QUOTED = 120  # characters of what was cut off that a sentence repeats


@dataclass(frozen=True)
class Word:
    """A word of the prompt and the places of its tokens in the states; none where it was cut off."""

    text: str
    places: tuple[int, ...]


@dataclass(frozen=True)
class Wording:
    """The tokens that are read (control tokens included), those cut off, the limit, and the words of the prompt."""

    read: tuple[str, ...]
    cut: tuple[str, ...]
    limit: int
    words: tuple[Word, ...]

    @property
    def unread(self) -> str:
        """The words of which nothing was read."""
        return " ".join(word.text for word in self.words if not word.places)

    @property
    def missed(self) -> str:
        """What was cut off: whole words, or the tokens where only the end of a word was."""
        return self.unread or " ".join(self.cut)


@dataclass(frozen=True, eq=False)
class Conditioning:
    """What the network is told: states (2, L, D) without and with the prompt, or (1, L, D) where unguided.

    `extra` holds what larger families want beside them, by the names of their networks' arguments. `negative` is how
    the negative prompt was read; None where there is none, or the network is not told it.
    """

    states: "torch.Tensor"
    wording: Wording
    extra: dict[str, Any]
    negative: Wording | None = None

    def to(self, device: Any, dtype: Any) -> "Conditioning":
        """The same on a device, in the network's type."""
        return replace(self, states=self.states.to(device, dtype))


def cuts(prompt: Wording, negative: Wording | None = None, what: str = "prompt") -> str:
    """What of the texts the network never saw, a sentence for each that was cut; nothing where all was read.

    `what` is what the first of them is called.
    """
    said = []
    for name, text in ((what, prompt), ("negative prompt", negative)):
        if text is not None and text.cut:
            missed = text.missed if len(text.missed) <= QUOTED else f"{text.missed[:QUOTED]} …"
            said.append(f"The {name} was cut after {text.limit} tokens; not read: “{missed}”.")
    return " ".join(said)


def listen(context: Context, request: Request, pipeline: ModelSpec) -> Conditioning:
    """The conditioning of a request: from MiniLM for the pocket model, from the pipeline's own encoders else."""
    if pipeline.key.name == models.POCKET:
        return _from_minilm(context, request)
    with context.cache.lease(pipeline) as pipe, context.gate.turn(WHO):
        return from_pipeline(pipe, request)


def _from_minilm(context: Context, request: Request) -> Conditioning:
    from playground.diffusion.pocket import frozen

    with context.cache.lease(sentences.spec(context)) as shared, context.gate.turn(WHO):
        encoder, tokenizer = frozen.prepare(shared[0].auto_model, shared.tokenizer)
        texts = [request.negative, request.prompt] if request.guided else [request.prompt]
        states = frozen.token_states(encoder, tokenizer, texts)
        return Conditioning(states, wording(tokenizer, request.prompt), {}, _negative(request, tokenizer))


def heard(context: Context, request: Request, pipeline: ModelSpec) -> Wording:
    """How the prompt is read, without asking an encoder."""
    from playground.diffusion.pocket import frozen

    if pipeline.key.name == models.POCKET:
        with context.cache.lease(sentences.spec(context)) as shared:
            return wording(shared.tokenizer, request.prompt, frozen.TOKENS)
    with context.cache.lease(pipeline) as pipe:
        return _read(pipe, request.prompt)


def _read(pipe: Any, prompt: str) -> Wording:
    if type(pipe).__name__ == "FluxPipeline":
        return wording(pipe.tokenizer_2, prompt, flux_limit(pipe))
    return wording(pipe.tokenizer, prompt)


def _negative(request: Request, tokenizer: Any) -> Wording | None:
    return wording(tokenizer, request.negative) if request.guided and request.negative.strip() else None


def from_pipeline(pipe: Any, request: Request) -> Conditioning:
    """SD and SDXL: states of the CLIP encoders; FLUX: those of T5, the negative prompt has no place there."""
    import torch

    with torch.inference_mode():
        if type(pipe).__name__ == "FluxPipeline":
            limit = flux_limit(pipe)
            states, pooled, text_ids = pipe.encode_prompt(request.prompt, None, device=pipe._execution_device,
                                                          max_sequence_length=limit)
            extra = {"pooled_projections": pooled, "txt_ids": text_ids}
            return Conditioning(states, _read(pipe, request.prompt), extra)
        told = pipe.encode_prompt(request.prompt, device=pipe._execution_device, num_images_per_prompt=1,
                                  do_classifier_free_guidance=request.guided,
                                  negative_prompt=request.negative or None)
    prompt, negative, *pooled = told
    states = torch.cat([negative, prompt]) if request.guided else prompt
    extra = {}
    if pooled:  # SDXL
        extra["text_embeds"] = torch.cat([pooled[1], pooled[0]]) if request.guided else pooled[0]
    return Conditioning(states, _read(pipe, request.prompt), extra, _negative(request, pipe.tokenizer))


def flux_limit(pipe: Any) -> int:
    """Tokens that FLUX reads: schnell, which is told no guidance, was distilled on half as many as dev."""
    return 512 if pipe.transformer.config.guidance_embeds else 256


def wording(tokenizer: Any, prompt: str, limit: int | None = None) -> Wording:
    """How a tokenizer cuts a prompt, and which words it has no room for."""
    whole = tokenizer(prompt, truncation=False, return_offsets_mapping=True, verbose=False)
    ids, offsets = whole["input_ids"], whole["offset_mapping"]
    limit = limit or tokenizer.model_max_length
    names = tokenizer.convert_ids_to_tokens(ids)
    closing = int(bool(ids) and tuple(offsets[-1]) == (0, 0))  # a control token covers no characters
    if len(ids) <= limit:
        return Wording(tuple(names), (), limit, _words(prompt, offsets, len(ids)))
    kept, end = limit - closing, len(names) - closing  # the closing token moves up
    return Wording((*names[:kept], *names[end:]), tuple(names[kept:end]), limit, _words(prompt, offsets, kept))


def _words(prompt: str, offsets: Any, kept: int) -> tuple[Word, ...]:
    """The prompt cut at blanks, each word with the places of its tokens among the first `kept`."""
    words, start = [], 0
    for text in prompt.split():
        begin = prompt.index(text, start)
        start = begin + len(text)
        places = tuple(place for place, (low, high) in enumerate(offsets[:kept])
                       if high > low and low < start and high > begin)
        words.append(Word(text, places))
    return tuple(words)
