"""What a picture of the training set is called.

Scope: turns the names of the emoji data set into plain words, chooses which emoji the denoiser
learns, and describes a face by three mean colours. Pure functions over dicts and arrays.
Sources: emoji.json of emoji-datasource (fields name, short_name, category, subcategory).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

FACE = "a photo of a face"

# Drawn often in training, since these are what a visitor types first.
COMMON = frozenset((
    "red heart", "smiling face with sunglasses", "cat face", "pizza", "dog face", "red apple",
    "banana", "grinning face", "smiling face", "winking face", "crying face", "angry face",
    "robot face", "ghost", "skull", "alien", "clown face", "rose", "sunflower", "cactus",
    "mushroom", "penguin", "frog face", "panda face", "lion face", "tiger face", "rabbit face",
    "unicorn face", "butterfly", "fish", "shark", "goat", "owl", "elephant", "hamburger",
    "french fries", "ice cream", "doughnut", "birthday cake", "strawberry", "watermelon",
    "carrot", "broccoli", "cheese wedge", "coffee", "beer mug", "house", "car", "rocket", "sun",
    "star", "rainbow", "snowman", "beach with umbrella", "crown", "guitar", "christmas tree",
    "blue heart", "yellow heart", "green heart", "broken heart", "fire", "soccer ball", "pig face",
    "bear face", "monkey face",
))  # fmt: skip

# What the data set calls by an unusual name. Keys are its short names.
RENAMED = {
    "heart": "red heart", "alien": "alien", "space_invader": "alien monster", "pizza": "pizza",
    "relaxed": "smiling face", "smiley": "happy face", "smile": "laughing face",
    "slightly_smiling_face": "smiling yellow face", "apple": "red apple", "corn": "corn",
    "eggplant": "eggplant", "coffee": "coffee", "bulb": "light bulb", "sunny": "sun",
    "star": "star", "house": "house", "car": "car", "soccer": "soccer ball", "gift": "gift",
    "boat": "sailboat", "full_moon": "full moon", "crescent_moon": "crescent moon",
    "bee": "bee", "ladybug": "ladybug", "hankey": "pile of poo", "boom": "explosion",
    "umbrella_with_rain_drops": "umbrella", "basketball": "basketball", "bike": "bicycle",
    "fried_egg": "fried egg", "ramen": "bowl of noodles", "dragon_face": "dragon face",
    "cow2": "cow", "cat2": "cat", "dog2": "dog", "pig2": "pig", "rabbit2": "rabbit",
    "heart_eyes": "face with heart eyes", "joy": "face with tears of joy", "rage": "red angry face",
    "pencil2": "pencil", "unicorn_face": "unicorn face", "tada": "party popper", "100": "hundred",
    "gem": "diamond", "airplane": "airplane", "book": "open book", "scissors": "scissors",
}  # fmt: skip

# From the large categories outside smileys, animals and food, only these are learnt.
EXTRA = frozenset((
    "crown", "gift", "balloon", "christmas_tree", "jack_o_lantern", "soccer", "basketball",
    "trophy", "teddy_bear", "guitar", "key", "bulb", "gem", "ring", "dark_sunglasses", "tophat",
    "book", "closed_book", "camera", "bell", "umbrella_with_rain_drops", "sunny", "full_moon",
    "crescent_moon", "star", "cloud", "rainbow", "snowman", "fire", "snowflake", "house", "car",
    "bus", "rocket", "airplane", "boat", "bike", "mountain", "beach_with_umbrella",
    "desert_island", "volcano", "droplet", "shirt", "pencil2", "phone", "hammer", "eyeglasses",
    "trumpet", "violin", "drum_with_drumsticks", "red_circle", "large_blue_circle",
    "large_green_square", "large_red_square", "large_green_circle", "large_yellow_circle",
    "large_blue_square",
))  # fmt: skip
LEARNT_CATEGORIES = ("Smileys & Emotion", "Animals & Nature", "Food & Drink")
NOT_PICTURES = ("Flags", "Component")  # crowd out the rest: 270 of 1,900 look alike at 64 pixels
MIRRORED = LEARNT_CATEGORIES  # a mirrored letter or clock would be wrong, a mirrored cat is not


@dataclass(frozen=True)
class Label:
    """Pictures that share their captions: one emoji, or faces of one description."""

    name: str
    captions: tuple[str, ...]  # the first is the plain one, drawn most often
    learnt: bool  # False: the autoencoder sees it, the denoiser does not
    mirrored: bool = False


def plain_name(emoji: dict) -> str:
    """The words a person would type for this emoji, lower case."""
    name = RENAMED.get(emoji["short_name"], emoji["name"].lower())
    return name.replace("large ", "") if "_square" in emoji["short_name"] else name


def with_article(name: str) -> str:
    """'cat face' -> 'a cat face'; plurals and 'rice' style names stay as they are."""
    noun = name.split(" with ")[0]
    plural = noun.endswith("s") and not noun.endswith(("ss", "us", "is"))
    if plural or name in {"bacon", "bread", "butter", "spaghetti", "sushi", "popcorn", "corn"}:
        return name
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def emoji_captions(emoji: dict, taken: frozenset[str]) -> tuple[str, ...]:
    """Plain name first, then sentences around it, then a second name no other emoji has."""
    name = plain_name(emoji)
    captions = [name, with_article(name), f"an emoji of {with_article(name)}"]
    captions.append(f"a picture of {with_article(name)}")
    for other in (emoji["short_name"].replace("_", " ").replace("-", " "), emoji["name"].lower()):
        if other not in taken and other not in captions and not other[-1].isdigit():
            captions.append(other)
    return tuple(dict.fromkeys(captions))


def emoji_labels(emojis: list[dict]) -> list[tuple[dict, Label]]:
    """The emoji that become pictures, each with its label, in the data set's sort order."""
    drawn = [e for e in emojis if e["has_img_google"] and e["category"] not in NOT_PICTURES]
    drawn.sort(key=lambda e: e["sort_order"])
    taken = frozenset(plain_name(e) for e in drawn)
    return [(e, _emoji_label(e, taken)) for e in drawn]


def _emoji_label(emoji: dict, taken: frozenset[str]) -> Label:
    name = plain_name(emoji)
    learnt = emoji["category"] in LEARNT_CATEGORIES or emoji["short_name"] in EXTRA
    return Label(
        name=name,
        captions=emoji_captions(emoji, taken),
        learnt=learnt,
        mirrored=emoji["category"] in MIRRORED,
    )


# Mean brightness (0..255) of a part of a face picture; below the first number it is called by the
# first word, above the second by the second word: about a third of the faces each.
FACE_PARTS = {
    "skin": (slice(26, 44), slice(24, 40), 63.0, 94.0, ("dark skin", "light skin")),
    "hair": (slice(2, 10), slice(22, 42), 55.0, 100.0, ("dark hair", "fair hair")),
    "ground": (slice(0, 40), slice(0, 6), 58.0, 108.0, ("a dark background", "a bright background")),
}  # fmt: skip


def face_words(picture: np.ndarray) -> tuple[str, ...]:
    """What a [64, 64, 3] uint8 face is called: none to three of the words of FACE_PARTS."""
    words = []
    for rows, columns, low, high, names in FACE_PARTS.values():
        mean = float(picture[rows, columns].mean())
        if mean < low or mean > high:
            words.append(names[mean > high])
    return tuple(words)


def face_label(words: tuple[str, ...]) -> Label:
    """Every caption that is true of such a face, from the plain one to all words together."""
    subsets = [s for n in range(len(words) + 1) for s in itertools.combinations(words, n)]
    captions = tuple(FACE + (" with " + " and ".join(s) if s else "") for s in subsets)
    return Label(name=captions[-1], captions=captions, learnt=True)
