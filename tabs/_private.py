"""Files of a job for whoever has its id: samples, adapters, the grid. Nothing of it passes through a public cache.

The address is private/JOB/NAME, relative to the page. The id is the secret (128 random bits); who is not logged in
where a login is asked for gets nothing. Names are matched against a list, so no path reaches the disk.

Whoever has an id may ask as often as he likes, and answers are made in the threads that all visitors share. So few are
made at a time, a sheet (grid, animation) once for all who ask; who waits for that holds no thread.
"""

import asyncio
import re
from pathlib import Path
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse

from playground import logins, marks
from playground.context import Context
from playground.errors import PlaygroundError
from playground.job_table import Job
from playground.lora import drawing, sheet, sheets

HEADERS = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
SAMPLE = re.compile(r"sample-([0-9]{1,6})-([0-9]{1,3})\.png")
KINDS = {"png": "image/png", "gif": "image/gif"}
AT_ONCE = 2  # answers that are made at a time
ADAPTER = re.compile(r"adapter-([0-9]{1,6})\.safetensors")


def install(app: Any, context: Context) -> None:
    """Adds the address to a launched page's web app, before those of Gradio that match anything."""
    turns, drawing_alone = asyncio.Semaphore(AT_ONCE), asyncio.Lock()
    visible = marks.wanted(context.settings)

    def found(job_id: str) -> Job:
        job = context.jobs.get(job_id)
        if job.kind != "lora":
            raise HTTPException(404)
        return job

    async def private(job_id: str, name: str, request: Request) -> Response:
        if not logins.entered(app, request.cookies):
            raise HTTPException(401)
        try:
            async with turns:
                job = await run_in_threadpool(found, job_id)
                if name not in sheets.DRAWN:
                    return await run_in_threadpool(answer, job, name, visible)
                content = await run_in_threadpool(sheets.kept, job, name, visible)
            if content is None:
                async with drawing_alone:
                    content = await run_in_threadpool(sheets.kept, job, name, visible) \
                        or await run_in_threadpool(sheets.drawn, job, name, visible)
            return Response(content, media_type=KINDS[name[-3:]], headers=HEADERS)
        except PlaygroundError as problem:
            raise HTTPException(404, problem.what) from problem

    app.add_api_route("/private/{job_id}/{name}", private, methods=["GET"], include_in_schema=False)
    app.router.routes.insert(0, app.router.routes.pop())


def answer(job: Job, name: str, visible: bool = False) -> Response:
    """The response for a sample, marked, for the eye if `visible`, or an adapter; 404 for what the job lacks."""
    if found := SAMPLE.fullmatch(name):
        content = sheet.marked_sample(job, int(found[1]), int(found[2]), visible)
        return Response(content, media_type=KINDS["png"], headers=HEADERS)
    if found := ADAPTER.fullmatch(name):
        return sent(drawing.adapter(job, int(found[1])), named(job, int(found[1])))
    raise HTTPException(404)


def named(job: Job, step: int) -> str:
    """The file name under which an adapter is saved: trigger word and step."""
    return f"{job.spec['plan']['trigger']}-{step:06d}.safetensors"


def sent(path: Path, name: str) -> Response:
    """A file of a job's folder."""
    if not path.is_file():
        raise HTTPException(404)
    return FileResponse(path, media_type="application/octet-stream", headers=HEADERS, filename=name)
