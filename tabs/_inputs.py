"""What an event brings is read by Gradio before any handler sees it; what cannot be read is said in words.

Gradio itself would answer with nothing to show, or with what was sent as it stands, and print that into the log.
"""

import html
import logging
from collections.abc import Sequence
from typing import Any

import gradio as gr
from gradio.blocks import BlockFunction, Blocks

from playground import storage

LONGEST = 400  # characters of a message of Gradio
log = logging.getLogger(__name__)


def install(page: Blocks) -> None:
    """Lets a page say what it cannot read of an event."""
    read = page.preprocess_data

    async def preprocess_data(fn: BlockFunction, inputs: Sequence[Any], *more: Any, **how: Any) -> list[Any]:
        try:
            return await read(fn, inputs, *more, **how)
        except gr.Error as problem:  # Gradio's own: no such choice, a file of another kind
            said = str(problem.message)
        except Exception as problem:
            if isinstance(problem, OSError) and problem.errno in storage.NO_ROOM:
                raise
            said = missing(len(fn.inputs), len(inputs))
            log.warning("An event of %s could not be read: %s", fn.api_name, type(problem).__name__)
        # out of the except blocks, so that nothing of what was sent is kept
        raise gr.Error(shown(said), duration=20, title="That did not work", print_exception=False)

    page.preprocess_data = preprocess_data


def missing(wanted: int, given: int) -> str:
    """Why an event could not be read, without what was sent."""
    if given < wanted:
        return f"{given} values were sent where {wanted} are needed. Send all of them, in order."
    return ("What was sent is not of the kind that is asked for here, or a file of it is gone. "
            "Check it, upload a file again, or reload the page.")


def shown(said: str) -> str:
    """Words that may quote what was sent, short and fit to be shown as HTML."""
    short = said if len(said) <= LONGEST else f"{said[:LONGEST]} …"
    return html.escape(short.encode(errors="replace").decode())  # half a character can be sent, and not answered
