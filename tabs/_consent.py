"""The line beside every upload of pictures: whose they may be, what is kept of them and for how long, and the rules."""

import gradio as gr

PEOPLE = "Pictures of yourself, or of people who agreed to this and are of age; nothing sexual or misleading."
CSS = """
.consent { margin: .1rem 0; font-size: .82rem; line-height: 1.4; color: var(--body-text-color-subdued); }
.consent a { color: inherit; text-decoration: underline; margin: 0; padding: 0; }
"""
NAME = "consent-line"  # class of the line's component


def line(kept: str, people: str = PEOPLE, **options: object) -> gr.HTML:
    """The line; `kept` is a sentence on what becomes of the pictures of this very upload. To stand right below it."""
    rules = '<a href="privacy" target="_blank" rel="noopener">Privacy and rules</a>'
    return gr.HTML(f'<p class="consent">{people} {kept} {rules}</p>', css_template=CSS, padding=False,
                   elem_classes=NAME, **options)


def until_deleted(what: str, hours: int) -> str:
    """The sentence for what is kept: "Only pixels are kept, ...", until it is deleted or its hours are over."""
    return f"{what}, until you delete them or {hours} hours after their last use."
