"""Which lane a function of the page is in: slow work never takes a place of the answers in milliseconds."""

import inspect

import gradio as gr
import pytest

import app

# Functions of the page whose time depends on what a visitor sends or chooses, by where they are written.
SLOW = {
    "decoding": ("_gan_lab:wire_pictures.<locals>.taken", "_gan_lab:wire_starts.<locals>.from_controls",
                 "_evaluation_references:added", "_evaluation_more:_yaml.<locals>.loaded",
                 "_evaluation_more:_export.<locals>.made", "_diffusion_tools:_films.<locals>.run",
                 "_diffusion_forward:Forward._endpoint.<locals>.add_noise", "_lora_after:wire.<locals>.bring",
                 "_lora_plan:wire_recipe.<locals>.loaded"),
    "lora-photos-look": ("_lora_photos:wire_words.<locals>.edited", "_lora_photos:wire_crop.<locals>.opened",
                         "_lora_photos:wire_crop.<locals>.chosen", "_lora_photos:wire_crop.<locals>.moved"),
    "word-vectors-look": ("_vectors_arithmetic:Arithmetic.run", "_vectors_compare:Compare.run",
                          "_vectors_map:OwnAxes.run", "word_vectors:_own_vectors.<locals>.first_words"),
    "tokenizer-look": ("tokenizer:_looker.<locals>.look", "tokenizer:_wire_examples.<locals>.show",
                       "tokenizer:_look_up.<locals>.look_up", "tokenizer:_languages.<locals>.price",
                       "tokenizer:_endpoints.<locals>.tokenize", "_tokenizer_replay:Section._other_encoding",
                       "_tokenizer_replay:Section._other_word", "_tokenizer_replay:Section._clicked"),
    "n-gram-look": ("ngram_babble:wired.<locals>.handler", "ngram_babble:waiting_for_text.<locals>.handler",
                    "ngram_babble:picked.<locals>.handler", "ngram_babble:with_new_seed.<locals>.handler",
                    "ngram_babble:run_example.<locals>.handler", "ngram_babble:_endpoints.<locals>.babble",
                    "_ngram_tools:Tools._while_open.<locals>.refresh"),
    "evaluation-look": ("_evaluation_desk:Desk.stop", "prompt_evaluation:_wire_looks.<locals>.clicked",
                        "prompt_evaluation:_wire_looks.<locals>.filtered",
                        "_evaluation_more:_against.<locals>.compare"),
}
FIRST_LOOKS = {"decoding": 0, "lora-photos-look": 1, "word-vectors-look": 1, "tokenizer-look": 2, "n-gram-look": 1}
SENT = (gr.UploadButton, gr.File, gr.Image, gr.ImageEditor, gr.Video, gr.Audio)  # what a visitor's file comes through
LIGHT = ("quick", "status")


@pytest.fixture(scope="module")
def functions(context):
    """Every function of the page with what it is called by."""
    page = app.build_page(context)
    yield [fn for fn in page.fns.values() if fn.fn is not None]
    page.close()


def written(fn):
    """Where a function is written: module:name."""
    inner = inspect.unwrap(fn.fn)
    return f"{inner.__module__.removeprefix('tabs.')}:{inner.__qualname__}" if hasattr(inner, "__qualname__") else ""


def test_what_takes_long_is_in_a_lane_of_its_own(functions):
    lanes = {}
    for fn in functions:
        lanes.setdefault(written(fn), set()).add(fn.concurrency_id)
    wanted = {name: {lane} for lane, names in SLOW.items() for name in names}
    assert {name: lanes.get(name) for name in wanted} == wanted


@pytest.mark.parametrize(("lane", "count"), list(FIRST_LOOKS.items()))
def test_the_first_look_at_a_tab_is_in_the_lane_of_what_it_shows(functions, lane, count):
    looks = [fn for fn in functions if written(fn) == "_shell:Shell.on_open.<locals>.once"]
    assert sum(fn.concurrency_id == lane for fn in looks) == count


def test_no_file_of_a_visitor_is_read_among_the_answers_in_milliseconds(functions):
    sent = [fn for fn in functions if any(isinstance(part, SENT) for part in fn.inputs)]
    assert len(sent) > 8
    assert not [written(fn) for fn in sent if fn.concurrency_id in LIGHT or not fn.concurrency_limit]


def test_no_function_leases_a_model_of_the_visitors_choice_in_the_quick_lane(functions):
    codes = [(fn, getattr(inspect.unwrap(fn.fn), "__code__", None)) for fn in functions]  # none of a functools.partial
    leasing = [fn for fn, code in codes if code and "lease" in code.co_names]
    assert leasing
    assert {written(fn) for fn in leasing if fn.concurrency_id in LIGHT} <= {
        "word_vectors:_endpoints.<locals>.word_arithmetic", "word_vectors:_endpoints.<locals>.word_pair"}  # one set


def test_lane_names(functions):
    """Each function is in a named lane, and none takes batches: the page's queue knows none (tabs/_lanes.py)."""
    assert {str(fn.concurrency_id) for fn in functions} == {
        "compute", "pictures", "counting", "evaluation", "writing", "quick", "status", "gan-lab-look", "lora-look",
        "next-token-look", *SLOW}
    assert not [fn for fn in functions if fn.batch]
