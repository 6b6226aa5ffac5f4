"""Who answers prompts: local models of language and of pictures, counts of a book, endpoints. By id, as in YAML.

    gemma-3-270m, or local:NAME      a language model of the catalog, batched
    pocket-diffusion-64, or local:NAME   a text-to-image model of the catalog
    ngram:moby-dick:words:3          counts of a book: corpus, unit, n. The baseline that knows no meaning
    openai:MODEL, openai:chat:MODEL  an OpenAI-compatible endpoint (endpoint.py), where the operator allows it
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from playground import catalog, checks
from playground.context import Context
from playground.diffusion import models
from playground.errors import BadInput
from playground.evaluation import batch, drawing, endpoint
from playground.evaluation.outputs import Check, Generator, Output, Request
from playground.evaluation.pictures import Album
from playground.evaluation.plan import Provider
from playground.settings import OFF
from playground.text import language_model
from playground.text.ngrams import corpora, generate, symbols
from playground.weights import Progress, silent

DEFAULT = language_model.MODEL
NGRAM = "ngram:moby-dick:words:3"
LOCAL = "local:"
FOR_TEXT = ("temperature", "top_k", "top_p", "max_tokens", "stop")
FOR_PICTURES = ("steps", "guidance")


def find(name: str, label: str = "", settings: Mapping[str, Any] | None = None, *, reach: str = OFF) -> Provider:
    """A provider by its id; `reach` is how far endpoints may lie. BadInput for one that is not here."""
    settings = dict(settings or {})
    if name.startswith("ngram:"):
        ngram_parts(name)
        return Provider(name, label, **settings)
    if name.startswith("openai:"):
        if not settings.get("base_url"):
            raise BadInput(f"The provider {name!r:.80} needs the internet and an account.",
                           "Give the address of an OpenAI-compatible endpoint (config: apiBaseUrl).")
        return endpoint.checked(Provider(name, label, **settings), reach)
    if settings.pop("base_url", "") or settings.pop("key_variable", ""):
        raise BadInput(f"The provider {name!r:.80} takes no address.", "Only openai: providers have one.")
    known = [*language_model.names(), *models.names()]
    short = name.removeprefix(LOCAL)
    if short not in known:
        raise BadInput(f"The provider {name!r:.80} is not available here.", f"Known: {', '.join([*known, NGRAM])}.")
    return Provider(short, label, **settings)


def useless(name: str, settings: Mapping[str, Any]) -> list[str]:
    """The settings that mean nothing to a provider: those of text for a model that draws, and the other way round."""
    draws = name.removeprefix(LOCAL) in models.names()
    return [each for each in settings if each in (FOR_TEXT if draws else FOR_PICTURES)]


def generator(context: Context, provider: Provider, key: str, album: Album, progress: Progress = silent) -> Generator:
    """What answers for a provider. `key` is an endpoint's, from the visitor or the operator; pictures go to `album`."""
    if provider.draws:
        return drawing.Painter(context, provider, album, progress)
    if provider.id.startswith("ngram:"):
        return Counts(context, provider)
    if provider.id.startswith("openai:"):
        return endpoint.Endpoint(provider, key, context.settings.reach)
    return Local(context, provider, progress)


class Local:
    """A language model of the catalog, through the shared cache."""

    def __init__(self, context: Context, provider: Provider, progress: Progress) -> None:
        self.context, self.provider = context, provider
        self.spec = language_model.spec(context, provider.id, progress)

    def generate(self, requests: Sequence[Request], check: Check) -> Iterator[tuple[str, Output]]:
        """See Generator."""
        with self.context.cache.lease(self.spec) as model:
            yield from batch.generate(self.context, model, self.provider, requests, check)


class Counts:
    """An n-gram table of a book, which writes on as the N-gram babble tab does."""

    def __init__(self, context: Context, provider: Provider) -> None:
        self.context, self.provider = context, provider
        self.unit, self.n = ngram_parts(provider.id)

    def generate(self, requests: Sequence[Request], check: Check) -> Iterator[tuple[str, Output]]:
        """See Generator."""
        with self.context.cache.lease(corpora.spec(self.unit)) as counted:
            cut = counted.table.symbols
            for request in requests:
                check()
                start = time.perf_counter()
                prompt = request.prompt[-generate.LONGEST_START:]
                drawn = generate.write(counted.table, self.n, cut.encode(prompt), self.provider.max_tokens,
                                       seed=request.seed)
                codes = [one.code for one in drawn]
                shown = generate.read_start(cut, prompt)
                text, finish = before_stop("".join(generate.continuation(cut, shown, codes)), self.provider.stop)
                yield request.key, Output(text, len(codes), len(cut.encode(prompt)), time.perf_counter() - start,
                                          finish=finish)


def before_stop(text: str, stops: Sequence[str]) -> tuple[str, str]:
    """The text up to the first stop string, and how it ended."""
    places = [text.index(stop) for stop in stops if stop in text]
    return (text[:min(places)], "stop") if places else (text, "length")


def ngram_parts(name: str) -> tuple[str, int]:
    """Unit and n of an id such as ngram:moby-dick:words:3."""
    parts = name.split(":")
    if len(parts) != 4 or parts[1] not in corpora.CORPORA or parts[2] not in symbols.UNITS or not parts[3].isdigit():
        raise BadInput(f"The provider {name!r:.80} is not available here.",
                       f"Write it like {NGRAM}: corpus ({', '.join(corpora.CORPORA)}), unit, n.")
    return parts[2], checks.whole(int(parts[3]), "n", 1, 8)


def choices() -> list[tuple[str, str]]:
    """(title, id) of what a form offers: language models, the baseline, then models that draw; the small ones first."""
    entries = catalog.of_task(language_model.TASK)
    return [*((each.title if each.embedded else f"{each.title} (download {each.download / 1e6:,.0f} MB)", each.key)
              for each in entries), ("Word trigrams of Moby-Dick (baseline)", NGRAM),
            *((f"Pictures: {title_of(key)}", key) for key in models.names())]


def title_of(key: str) -> str:
    """A text-to-image model's name, and what it costs to get."""
    if key == models.POCKET:
        return "pocket model, 64 px"
    entry = models.entry(key)
    return f"{entry.title} (download {entry.download / 1e9:,.1f} GB)"
