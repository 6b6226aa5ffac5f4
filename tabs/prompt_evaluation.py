"""Prompt evaluation: announced, not built yet."""

from functools import partial

from tabs import _ui
from tabs._shell import Tab

WHAT = (
    "Prompts with variables, test cases and models give a table of answers, each scored by its assertions, "
    "repeated with several seeds, with an interval around every pass rate and a plain word when there are not "
    "enough cases to tell. Runs on the local models, from a form or from YAML in promptfoo's format."
)

TAB = Tab("Prompt evaluation", 80, "Find out which prompt works, and how sure you can be.",
          partial(_ui.coming, what=WHAT))
