"""Section 1 of Personal LoRA: photos, what was found about each, crops, captions, consent."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from playground.context import Context
from playground.diffusion import models
from playground.errors import BadInput
from playground.lora import draft, looks, photos, plan, sample_sets
from playground.lora import job as training
from tabs import _consent, _ui
from tabs import _lora_html as render
from tabs._lora_style import CSS
from tabs._shell import Shell

HEADERS = ["photo", "use", "caption"]
LOOKS = _ui.looks("lora-photos")  # photos are decoded, and looked for faces in where that was not done yet
CONSENT = ("These are pictures of me, or I have the permission of everyone in them. They may be used to train this "
           "adapter; nothing else is done with them.")


@dataclass(frozen=True)
class Photos:
    """The parts of the section that others read or fill."""

    token: gr.BrowserState
    cards: gr.HTML
    table: gr.Dataframe
    notes: gr.HTML
    consent: gr.Checkbox
    subject: gr.Radio
    upload: gr.UploadButton
    samples: list[gr.Button]
    clear: gr.Button
    crop: list[Any]
    words: gr.Accordion

    def shown(self) -> list[Any]:
        """What render() fills."""
        return [self.cards, self.table, self.notes]


def build(shell: Shell, hours: int) -> Photos:
    """Lays out the section; wire() follows when there is a resolution to judge the photos by.

    `hours`: after which a visitor's photos go.
    """
    gr.Markdown("### 1 · Photos")
    with gr.Row():
        subject = gr.Radio([("a person", "person"), ("a thing", "thing"), ("a style", "style")], value="person",
                           label="What is to be learnt", min_width=330)
    with gr.Row():
        upload = gr.UploadButton("Add photos", file_count="multiple", variant="primary", min_width=130,
                                 file_types=["image", ".heic", ".heif", ".avif"])
        samples = [gr.Button(f"Sample: {name}", min_width=170) for name in sample_sets.SETS]
        clear = gr.Button("Remove all", min_width=100)
    _consent.line(_consent.until_deleted("Only pixels are kept, for you alone", hours))
    notes = gr.HTML(css_template=CSS, elem_id="lora-notes")
    cards = gr.HTML(render.no_photos(), css_template=CSS, elem_id="lora-photos")
    with gr.Accordion("Captions, which photos are used, and their crops", open=False) as words:
        table = gr.Dataframe(headers=HEADERS, datatype=["str", "bool", "str"], type="array", interactive=True,
                             static_columns=[0], column_count=(3, "fixed"), row_count=(0, "fixed"), wrap=True,
                             column_widths=["28%", "12%", "60%"], label="[trigger] stands for the trigger word",
                             elem_id="lora-captions")
        crop = crop_row()
    consent = gr.Checkbox(False, label=CONSENT, elem_id="lora-consent")
    return Photos(shell.visitor, cards, table, notes, consent, subject, upload, samples, clear, crop, words)


def crop_row() -> list[Any]:
    """Number of a photo, place and size of its square, and what it cuts out."""
    with gr.Row():
        number = gr.Number(1, label="Crop photo", precision=0, minimum=1, min_width=90)
        across = gr.Slider(0, 100, 50, step=1, label="Middle, % from the left", min_width=150)
        down = gr.Slider(0, 100, 50, step=1, label="Middle, % from the top", min_width=150)
        size = gr.Slider(10, 100, 100, step=1, label="Side, % of the shorter side", min_width=150)
        cut = gr.HTML(css_template=CSS, elem_id="lora-crop", min_height=100)
    return [number, across, down, size, cut]


def wire(context: Context, page: Photos, resolution: gr.Number, model: gr.Dropdown) -> None:
    """What changes the photos; they are judged for the resolution in that control, and again when it changes."""
    wire_photos(context, page, resolution, model)
    wire_words(context, page, resolution, model)
    wire_crop(context, page, resolution)


def wire_photos(context: Context, page: Photos, resolution: gr.Number, model: gr.Dropdown) -> None:
    """Uploads, the sample sets, removal."""
    def uploaded(token: str, paths: list[str] | None, subject: str, size: Any, key: str) -> tuple:
        sent = [taken(path) for path in paths or []]
        training.check_open(context)  # no photo of a face is kept for nothing
        token = token or context.visitors.new()
        room = plan.MOST - len(draft.items(context, token))
        new, refused = photos.read_files(sent, room)
        draft.add(context, token, new, default_caption(subject, key))
        return token, None, *show(context, token, subject, size, render.refused(refused))

    def sample(name: str) -> Any:
        def take(token: str, size: Any, key: str) -> tuple:
            token = token or context.visitors.new()
            own = sum(not sample_sets.is_sample(item.name) for item in draft.items(context, token))
            if own:
                raise BadInput(f"{own} photos of your own are in the list.",
                               "Press “Remove all” first, if the sample set is to take their place.")
            subject = "style" if "style" in name else "person"
            draft.clear(context, token)
            draft.add(context, token, sample_sets.pictures(context, name), default_caption(subject, key))
            return token, subject, *show(context, token, subject, size)
        return take

    def removed(token: str, subject: str, size: Any) -> tuple:
        if token:
            draft.clear(context, token)
        return show(context, token, subject, size)

    _ui.event(page.upload.upload, uploaded, [page.token, page.upload, page.subject, resolution, model],
              [page.token, page.upload, *page.shown()], **_ui.COMPUTE)
    for button, name in zip(page.samples, sample_sets.SETS, strict=True):
        _ui.event(button.click, sample(name), [page.token, resolution, model],
                  [page.token, page.subject, *page.shown()], **_ui.COMPUTE)
    _ui.event(page.clear.click, removed, [page.token, page.subject, resolution], page.shown())


def wire_words(context: Context, page: Photos, resolution: gr.Number, model: gr.Dropdown) -> None:
    """Edits of the table, a change of the subject, the model or the resolution."""
    def edited(token: str, rows: list[list[Any]], subject: str, size: Any) -> tuple:
        if not token or not rows:
            return gr.skip(), gr.skip()
        draft.edit(context, token, rows)
        cards, _, notes = show(context, token, subject, size)
        return cards, notes

    def turned(token: str, subject: str, size: Any, key: str) -> tuple:
        if not token:
            return gr.skip(), gr.skip(), gr.skip()
        for other in {plan.caption(each, pocket) for each in plan.SUBJECTS for pocket in (True, False)}:
            draft.recaption(context, token, other, default_caption(subject, key))
        return show(context, token, subject, size)

    def resized(token: str, subject: str, size: Any) -> tuple:
        if not token or not draft.items(context, token):
            return gr.skip(), gr.skip()
        cards, _, notes = show(context, token, subject, size)
        return cards, notes

    judged = [page.token, page.subject, resolution]
    _ui.event(page.table.input, edited, [page.token, page.table, page.subject, resolution], [page.cards, page.notes],
              show_progress="hidden", **LOOKS)
    for changed in (page.subject.input, model.input):
        _ui.event(changed, turned, [*judged, model], page.shown(), **_ui.COMPUTE)
    _ui.event(resolution.change, resized, judged, [page.cards, page.notes], show_progress="hidden", **_ui.COMPUTE)


def wire_crop(context: Context, page: Photos, resolution: gr.Number) -> None:
    """The sliders of the crop: what is cut is shown at once, on the photo's card as well, and kept."""
    number, across, down, size, cut = page.crop

    def opened(token: str, which: Any) -> tuple:
        if not token or not draft.items(context, token):
            return (gr.skip(),) * 4
        return chosen(token, which)

    def chosen(token: str, which: Any) -> tuple:
        item, whole = found(context, token, which)
        box = item.box or photos.middle_square(whole)
        width, height = whole.size
        side = box[2] - box[0]
        return (round(100 * (box[0] + box[2]) / 2 / width), round(100 * (box[1] + box[3]) / 2 / height),
                round(100 * side / min(width, height)), render.cut(photos.crop(whole, box), which))

    def moved(token: str, which: Any, subject: str, pixels: Any, *place: float) -> tuple:
        _, whole = found(context, token, which)
        box = box_of(whole.size, *place)
        draft.set_box(context, token, int(which), box)
        return render.cut(photos.crop(whole, box), which), show(context, token, subject, pixels)[0]

    _ui.event(number.change, chosen, [page.token, number], [across, down, size, cut], show_progress="hidden", **LOOKS)
    # before a slider is touched all of them have to say where the crop is: a suggested one would jump to the middle
    _ui.event(page.words.expand, opened, [page.token, number], [across, down, size, cut], show_progress="hidden",
              **LOOKS)
    for slider in (across, down, size):
        _ui.event(slider.release, moved, [page.token, number, page.subject, resolution, across, down, size],
                  [cut, page.cards], show_progress="hidden", **LOOKS)


def found(context: Context, token: str, number: Any) -> tuple[draft.Item, Any]:
    """The photo of a number from 1. BadInput if there is none."""
    items = draft.items(context, token) if token else []
    if not isinstance(number, int | float) or not 1 <= number <= len(items):
        raise BadInput("There is no photo with this number.", f"There are {len(items)} photos.")
    item = items[int(number) - 1]
    return item, draft.picture(context, token, item)


def box_of(size: tuple[int, int], across: float, down: float, share: float) -> draft.Box:
    """The square (left, top, right, bottom) of a middle and a side in percent, moved inside the picture."""
    width, height = size
    side = max(1, round(min(width, height) * share / 100))
    left = min(max(0, round(width * across / 100 - side / 2)), width - side)
    top = min(max(0, round(height * down / 100 - side / 2)), height - side)
    return left, top, left + side, top + side


def show(context: Context, token: str, subject: str, size: Any, before: str = "") -> tuple:
    """The cards, the table and the notes of the visitor's draft, judged for a training at `size` x `size` pixels.

    `before` is HTML that stands over the notes.
    """
    items = draft.items(context, token) if token else []
    if not items:
        return render.no_photos(), [], before
    used = [item for item in items if item.used]
    review = looks.review(context, token, used, subject, possible(size))
    items = draft.suggest(context, token, {item.file: box for item, box in zip(used, review.crops, strict=True)})
    findings = dict(zip([item.file for item in used], review.each, strict=True))
    cards = render.photo_cards([(item, draft.small(context, token, item), findings.get(item.file, ()))
                                for item in items])
    table = [[item.name, item.used, item.caption] for item in items]
    return cards, table, before + render.whole_set(review.whole, len(used))


def possible(size: Any) -> int:
    """The resolution nearest to what stands in its field, which may be half typed; starting a training refuses that."""
    if isinstance(size, bool) or not isinstance(size, int | float) or (
            isinstance(size, float) and not math.isfinite(size)):
        return plan.SMALLEST_SIDE
    return min(max(plan.SMALLEST_SIDE, int(size)), plan.LARGEST_SIDE)


def default_caption(subject: str, model: str) -> str:
    """What a picture is called when nobody says otherwise."""
    return plan.caption(subject, pocket=model == models.POCKET)


def taken(path: str) -> tuple[str, bytes]:
    """Name and bytes of an upload; the file itself, with all that it may tell, is removed."""
    content = _ui.taken(path)  # first, as it says it where there is none
    return Path(path).name, content
