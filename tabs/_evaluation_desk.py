"""What the Prompt evaluation tab's buttons do, over one context. Results live in each run's own store.

A visitor's state is a run's id and the cell looked at; every handler reads the run anew, so a page that is reloaded
or opened elsewhere by link sees the same.
"""

import time
from collections.abc import Iterator
from typing import Any

import gradio as gr

from playground.context import Context
from playground.errors import BadInput, PlaygroundError
from playground.evaluation import library, plan, promptfoo, runs
from playground.evaluation.plan import Cell, Plan
from playground.evaluation.results import Result, Run
from playground.evaluation.runs import Kept
from playground.evaluation.work import Progress
from playground.job_table import PAUSED
from playground.jobs import ENDED, RESUMABLE
from tabs import _evaluation_html as pages
from tabs import _evaluation_pictures as drawn_pages
from tabs import _ui
from tabs._evaluation_form import Form, values, with_endpoint
from tabs._evaluation_story import parting, story

SLUG = "prompt-evaluation"
LOOK_EVERY = 1.0  # seconds between two looks at a job
SHOW_EVERY = 2.0  # seconds between two pictures of an unfinished matrix
OUTPUTS = 9  # of Desk.shown
ANSWERS = {"yes": True, "no": False, "": None}  # to an item of a check list


class Desk:
    """The handlers. What they give is, in order: run id, status, verdicts, chart, matrix, story, parted text, link,
    and the button that goes on with a stopped run."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._examples: dict[str, str] = {}  # the last run of each example, whose outputs the next one takes over

    # ---- starting and following runs

    def start(self, asked: Plan, visitor: str, *, previous: str = "", agreed: bool = False,
              issues: tuple[str, ...] = (), view: str = pages.ALL, key: str = "") -> Iterator[tuple]:
        """Starts a run and shows how it goes."""
        filled, cost = runs.sized(self.context, asked, agreed)
        kept = runs.add(self.context, filled, visitor, here=runs.is_small(cost, filled),
                        issues=issues, previous=self.still_there(previous))
        yield from self.follow(kept, view, key)

    def still_there(self, run_id: str) -> str:
        """The id, if its run has not expired or been deleted."""
        try:
            return runs.find(self.context, run_id).id if run_id else ""
        except BadInput:
            return ""

    def follow(self, kept: Kept, view: str, key: str = "") -> Iterator[tuple]:
        """Does a run that belongs to this process, or watches one of its own process, to its end."""
        begun, shown = time.monotonic(), 0.0
        here = kept.job.state in RESUMABLE
        try:
            for now in runs.here(self.context, kept, key) if here else self.watch(kept):
                if now and time.monotonic() - shown < SHOW_EVERY:
                    yield (kept.id, pages.progress(now, kept), *[gr.skip()] * (OUTPUTS - 2))
                else:
                    shown = time.monotonic()
                    yield self.unfinished(kept, now, view)
        except PlaygroundError as problem:  # a model that is not here, say: the form stays, the reason stands in place
            yield self.shown(runs.find(self.context, kept.id), view, problem=problem)
            return
        yield self.shown(runs.find(self.context, kept.id), view, seconds=time.monotonic() - begun if here else None)

    def watch(self, kept: Kept) -> Iterator[Progress | None]:
        """What a job tells of itself, until it has ended; None while it waits."""
        while (job := self.context.jobs.get(kept.id)).state not in ENDED:
            told = job.progress
            yield Progress(told["phase"], told["step"], told["steps"], told["cells"], told["all_cells"],
                           told["speed"]) if told else None
            time.sleep(LOOK_EVERY)

    def unfinished(self, kept: Kept, now: Progress | None, view: str) -> tuple:
        """A run on its way."""
        run = kept.run()
        job = self.context.jobs.table.read(kept.job.key)
        status = pages.progress(now, Kept(job, kept.sheet, kept.store, kept.issues))
        return (kept.id, status, "", no_chart(), pages.matrix(run, view), "", "", link(kept.id),
                gr.Button(visible=False))

    def shown(self, kept: Kept, view: str, seconds: float | None = None,
              problem: PlaygroundError | None = None) -> tuple:
        """A run as it is: finished, or stopped somewhere, perhaps by a problem."""
        run = kept.run()
        first = self.telling(run)
        if not run.complete:
            status = pages.trouble(problem) if problem else pages.progress(None, kept)
            status += pages.note("What it has is kept; it can go on where it was.")
            return (kept.id, status, "", no_chart(), pages.matrix(run, view), story(run, first), "", link(kept.id),
                    gr.Button(visible=kept.job.state in RESUMABLE))
        return (kept.id, pages.finished(kept, run, seconds), *self.rated(run), pages.matrix(run, view, first.cell.id),
                story(run, first), parted(run, first), link(kept.id), gr.Button(visible=False))

    def rated(self, run: Run) -> tuple:
        """What is known so far: verdicts and chart."""
        known = any(each.rate.trials for each in run.summaries())
        return pages.verdicts(run), gr.Plot(pages.chart(run), visible=True) if known else no_chart()

    def telling(self, run: Run) -> Result:
        """The cell to open first: a failure where there is one, else one that waits for the visitor."""
        everything = list(run.results.values())
        failed = (each for each in everything if each.passed is False)
        waits = (each for each in everything if each.score and each.passed is None)
        return next(failed, None) or next(waits, everything[0])

    # ---- handlers

    def run_form(self, visitor: str, previous: str, view: str, agreed: bool, *filled: Any) -> Iterator[tuple]:
        """The button Run: `filled` is the endpoint's address, model and key, then the form."""
        url, name, key, *form = filled
        asked = with_endpoint(Form.of(form).plan(), url, name, self.context.settings.reach)
        yield from announced(self.start(asked, visitor, previous=previous, agreed=agreed, view=view, key=key or ""))

    def run_yaml(self, visitor: str, previous: str, view: str, agreed: bool, text: str) -> Iterator[tuple]:
        """The button that runs the YAML."""
        asked, issues = promptfoo.read(text, self.context.settings.reach)
        yield from announced(self.start(asked, visitor, previous=previous, agreed=agreed, view=view,
                                        issues=tuple(map(str, issues))))

    def run_example(self, example: library.Example, visitor: str, view: str) -> Iterator[tuple]:
        """An example; what was written for it before is taken over."""
        for outputs in self.start(example.plan(), visitor, previous=self._examples.get(example.title, ""), view=view):
            self._examples[example.title] = outputs[0]
            yield outputs

    def go_on(self, run_id: str, view: str) -> Iterator[tuple]:
        """Goes on with a run that was stopped: here if it is small, else by a process of its own."""
        kept = self.kept(run_id)
        if kept.job.state in RESUMABLE and not runs.is_small(runs.work.estimate(self.context, kept.sheet), kept.sheet):
            self.context.jobs.resume(kept.id)
            kept = self.kept(run_id)
        yield from announced(self.follow(kept, view))

    def stop(self, run_id: str, view: str) -> tuple:
        """Stops a run; what it has is kept."""
        kept = self.kept(run_id)
        if kept.job.state not in ENDED:
            self.context.jobs.cancel(kept.id)
            deadline = time.monotonic() + 10
            while self.context.jobs.get(kept.id).state not in ENDED and time.monotonic() < deadline:
                time.sleep(0.2)
        return self.shown(self.kept(run_id), view)

    def open(self, query: dict[str, str], visitor: str, view: str) -> Iterator[tuple]:
        """What a link names: (form values, outputs); without one the first example is run."""
        if "run" not in query:
            for outputs in self.run_example(library.FIRST, visitor, view):
                yield None, outputs
            return
        kept = self.kept(query["run"])
        form, notes = values(kept.sheet.plan)
        if kept.job.state not in ENDED:  # in a process of its own: it is followed to its end
            for outputs in self.follow(kept, view):
                yield form, outputs
            kept = self.kept(kept.id)
        outputs = self.shown(kept, view)
        yield form, (outputs[0], outputs[1] + "".join(map(pages.note, notes)), *outputs[2:])

    def look(self, run_id: str, view: str, cell: str) -> tuple:
        """Opens a cell: matrix, story, parted text, cell id."""
        run = self.kept(run_id).run()
        result = self.result(run, cell)
        return pages.matrix(run, view, cell), story(run, result), parted(run, result), cell

    def thumb(self, run_id: str, view: str, cell: str, up: bool | None) -> tuple:
        """Keeps the visitor's own judgement of a cell, and shows it."""
        kept = self.kept(run_id)
        self.result(kept.run(), cell)
        kept.store.thumb(cell, up)
        return self.look(run_id, view, cell)

    def tick(self, run_id: str, view: str, cell: str, item: str, seen: str) -> tuple:
        """Keeps what the visitor sees of a check list: verdicts, chart, and what `look` gives."""
        kept = self.kept(run_id)
        lists = drawn_pages.by_hand((self.result(kept.run(), cell).score or {}).get("verdicts", ()))
        if item not in {part["wanted"] for each in lists for part in each["parts"]} or seen not in ANSWERS:
            raise BadInput("The check list has no such item.", "Click an output of the matrix again.")
        kept.store.tick(cell, item, ANSWERS[seen])
        return *self.rated(kept.run()), *self.look(run_id, view, cell)

    def delete(self, run_id: str) -> tuple:
        """Removes a run with all that belongs to it."""
        self.context.jobs.delete(self.kept(run_id).id)
        return "", pages.note("The run is deleted."), "", no_chart(), "", "", "", "", gr.Button(visible=False)

    def renew(self, run_id: str, visitor: str) -> tuple[str, str]:
        """Gives a run a new secret id: it, and the link."""
        kept = self.kept(run_id)
        if kept.job.state not in ENDED or kept.job.state == PAUSED:  # a page follows it by the id that it has
            raise BadInput("This run is not at its end yet.", "Let it end, or go on with it, then ask for a new link.")
        renewed = self.context.jobs.renew(kept.id, visitor).id
        return renewed, link(renewed)

    # ---- what handlers are made of

    def kept(self, run_id: str) -> Kept:
        """The run that a visitor looks at."""
        if not run_id:
            raise BadInput("There is no run yet.", "Press Run, or an example.")
        return runs.find(self.context, run_id)

    def result(self, run: Run, cell: str) -> Result:
        """The result of a cell by its id. BadInput for one that the run does not have."""
        parts = str(cell).split("-")
        found = run.results.get(Cell(*map(int, parts))) if len(parts) == 4 and all(
            part.isascii() and part.isdigit() and len(part) < 6 for part in parts) else None
        if found is None:
            raise BadInput("This run has no such cell.", "Click an output of the matrix.")
        return found


def announced(frames: Iterator[tuple]) -> Iterator[tuple]:
    """What a visitor started, with the mark that brings its link into the address bar: a reload finds it again."""
    for outputs in frames:
        yield outputs[0], outputs[1] + pages.linked(link(outputs[0])), *outputs[2:]


def no_chart() -> gr.Plot:
    """The place of the chart while there is nothing to draw."""
    return gr.Plot(None, visible=False)


def parted(run: Run, result: Result) -> str:
    """The prompt with the output up to where it parts from another one: for the next-token tab."""
    if result.output is None:
        return result.prompt
    _, common = parting(run, result)
    return result.prompt + result.output.text[:common]


def link(run_id: str) -> str:
    """The link to a run."""
    return _ui.query(tab=SLUG, run=run_id)


def limits() -> str:
    """What a run may have, in words."""
    return (f"Up to {plan.MOST_CELLS:,} outputs a run; above {plan.ASK_CELLS} the cost is told first, and larger runs "
            "go on in a process of their own when you close the page.")
