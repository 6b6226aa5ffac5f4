"""A text's tokens as a script gets them."""

from typing import Any

from playground.context import Context
from playground.errors import BadInput
from playground.text.tokenizing import encodings

MOST_LISTED = 100_000  # a longer list would hold up the web server's one event loop for a second


def tokenize(context: Context, text: Any, encoding: Any = encodings.DEFAULT) -> dict:
    """{"count", "characters", "tokens": [{"id", "text", "bytes"}]} of a text, special tokens as plain text.

    `bytes` is in hexadecimal. Raises BadInput for a text of more than a million characters or a hundred
    thousand tokens and for an unknown encoding, ModelMissing for one that is not on this machine.
    """
    text = encodings.check_text(text)
    with encodings.lease(context, encoding) as chosen:
        ids = chosen.encode(text).ids
        if len(ids) > MOST_LISTED:
            raise BadInput(f"The text has {len(ids):,} tokens; one call lists at most {MOST_LISTED:,}.",
                           "Send it in parts.")
        tokens = {number: chosen.token(number) for number in set(ids)}
    shown = {number: {"id": number, "text": token.text, "bytes": token.data.hex()}
             for number, token in tokens.items()}
    return {"count": len(ids), "characters": len(text), "tokens": [shown[number] for number in ids]}
