"""One sentence in ten languages, and how many tokens it costs in each.

The sentences were written for this page; all say what the English one does. Encodings are trained mostly on
English, so that other languages pay more for the same content (Petrov et al. 2023, arXiv:2305.15425).
"""

from dataclasses import dataclass
from typing import Any

from playground.context import Context
from playground.text.tokenizing import encodings

SENTENCES = {
    "English": ("en", "My sister is taking the morning train to the sea because the weather is very nice today."),
    "German": ("de", "Meine Schwester fährt mit dem Morgenzug ans Meer, weil das Wetter heute sehr schön ist."),
    "Spanish": ("es", "Mi hermana toma el tren de la mañana hacia el mar porque hoy hace muy buen tiempo."),
    "Turkish": ("tr", "Kız kardeşim sabah treniyle denize gidiyor çünkü bugün hava çok güzel."),
    "Russian": ("ru", "Моя сестра едет утренним поездом к морю, потому что сегодня очень хорошая погода."),
    "Arabic": ("ar", "أختي تركب قطار الصباح إلى البحر لأن الطقس جميل جدًا اليوم."),
    "Hindi": ("hi", "मेरी बहन सुबह की ट्रेन से समुद्र की ओर जा रही है क्योंकि आज मौसम बहुत अच्छा है।"),
    "Chinese": ("zh", "我妹妹乘早班火车去海边，因为今天天气很好。"),
    "Japanese": ("ja", "今日はとても天気が良いので、妹は朝の電車で海へ行きます。"),
    "Korean": ("ko", "오늘은 날씨가 아주 좋아서 여동생이 아침 기차를 타고 바다로 갑니다."),
}


@dataclass(frozen=True)
class Cost:
    """What a sentence costs: tokens by encoding, in the order asked for, and how many of them are unknown."""

    language: str
    code: str
    sentence: str
    tokens: tuple[int, ...]
    unknown: tuple[int, ...]


def costs(context: Context, names: Any) -> list[Cost]:
    """The cost of the sentence in each language, English first. Raises what encodings.lease raises."""
    columns = [_counts(context, name) for name in encodings.check_names(names)]
    return [Cost(language, code, sentence, tuple(column[at][0] for column in columns),
                 tuple(column[at][1] for column in columns))
            for at, (language, (code, sentence)) in enumerate(SENTENCES.items())]


def _counts(context: Context, name: str) -> list[tuple[int, int]]:
    """For each sentence its tokens, and those of them that are unknown."""
    with encodings.lease(context, name) as encoding:
        every = [list(encoding.encode(sentence).ids) for _, sentence in SENTENCES.values()]
        unknown = encoding.unknown
    return [(len(ids), 0 if unknown is None else ids.count(unknown)) for ids in every]
