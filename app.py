"""The playground: options, settings, cache, one gr.Blocks over the tabs, queue, launch; nothing else."""

import gc
import os
import sys

if __name__ == "__main__":
    gc.disable()  # until the page stands: what is made while starting stays, and looking it through takes a second

# Read by libraries when they are imported, so set before: no telemetry, and no proxy between us and ourselves.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
for name in ("NO_PROXY", "no_proxy"):
    os.environ[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.1", "localhost")))

import gradio as gr

from playground import access, heap, janitor, logs, storage
from playground.context import Context, build_context
from playground.errors import BadInput, PlaygroundError
from playground.settings import Settings, from_command_line
from tabs import _files, _inputs, _lanes, _private, _sessions, _sharing, _shell, _status, _ui, discover

TITLE = "Generative AI playground"
THREADS = 128  # more than all lanes have places, and apart from the threads that answer everything else
CACHE = "gradio"  # in the data folder: what the page serves
PRIVATE = ("models", "jobs", "visitors", "verified.json")  # beside it


def build_page(context: Context) -> gr.Blocks:
    """One page over all tabs."""
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(600, 3600)) as page:
        # while empty: queue() builds the web app for all that is there
        page.queue(max_size=context.settings.most.queue, api_open=False)
        page.room = context.room
        _ui.quiet_place(page)
        with gr.Row(elem_classes="masthead"):
            gr.Markdown(f"# {TITLE}", elem_classes="page-title")
            bar = _status.bar(context, page)
        shell = _shell.Shell(page)
        with gr.Tabs() as shell.tabs:
            for tab in discover():
                shell.build(tab, context)
        shell.finish()
        _status.build(context, page, bar)
        _sharing.fold(context.settings)
    return page


def theme() -> gr.Theme:
    """Gradio's own default in our two colours. Its fonts come with it; their weight 600 lacks most letters."""
    fonts = {"font": (gr.themes.LocalFont("Source Sans Pro", weights=(400, 700)), "system-ui", "sans-serif"),
             "font_mono": (gr.themes.LocalFont("IBM Plex Mono", weights=(400, 700)), "ui-monospace", "monospace")}
    colors = gr.themes.colors
    made = gr.themes.Default(primary_hue=colors.indigo, secondary_hue=colors.amber, neutral_hue=colors.slate, **fonts)
    # Gradio's are so close to the ground that an empty box can be overlooked
    return made.set(checkbox_border_color="*neutral_400", checkbox_border_color_dark="*neutral_400",
                    input_placeholder_color_dark="*neutral_400")


def launch_options(settings: Settings) -> dict:
    """The arguments of launch(), all but how it blocks."""
    assets = _ui.ASSETS
    return {
        "server_name": settings.host, "server_port": settings.port or None, "root_path": settings.public_url or None,
        "share": settings.share and not settings.offline,
        "theme": theme(), "css": (assets / "page.css").read_text(), "js": (assets / "page.js").read_text(),
        "footer_links": ["api", "settings"], "show_error": False, "run_history": False, "enable_monitoring": False,
        "strict_cors": True, "mcp_server": False, "state_session_capacity": settings.most.sessions,
        "max_file_size": f"{settings.most.file_mb}mb", "max_threads": THREADS,
        "blocked_paths": blocked(settings), "ssr_mode": False, "quiet": True,
    }


def blocked(settings: Settings) -> list[str]:
    """What Gradio must never serve nor copy, wherever it lies: what the data folder keeps private, the operator's own.

    Absolute paths. Where own models lie around the page's cache, as in the data folder itself, what is beside it.
    """
    cache, own = (settings.data_dir / CACHE).resolve(), [settings.data_dir / name for name in PRIVATE]
    if settings.auth:
        own += [settings.auth, settings.auth.resolve()]  # the second: what it is a link to
    if settings.models_dir:
        inside = cache.is_relative_to(settings.models_dir.resolve()) and settings.models_dir.is_dir()
        own += [each for each in settings.models_dir.iterdir() if not cache.is_relative_to(each.resolve())] \
            if inside else [settings.models_dir]
    return [str(path.absolute()) for path in own]


def prepare_environment(settings: Settings) -> None:
    """Folders and variables that libraries read; StorageTrouble if the data folder cannot be made."""
    temporary = storage.ensure_folder(settings.data_dir / CACHE)
    os.environ["GRADIO_TEMP_DIR"] = str(temporary)
    # Gradio counts and times every event for a page that we close, with a data frame of the last 10,000 after each
    os.environ.update(GRADIO_ANALYTICS_MAX_EVENTS="1", GRADIO_ANALYTICS_CACHE_FREQUENCY=str(10**9))
    os.environ["FORWARDED_ALLOW_IPS"] = "none"  # the gatekeeper judges forwarded headers, not the web server
    if settings.offline:
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.environ["TRANSFORMERS_OFFLINE"] = "1"


def start(settings: Settings) -> gr.Blocks:
    """Builds and launches the page; prints its address and returns while it runs on in its threads.

    Raises PlaygroundError for what the operator can mend.
    """
    prepare_environment(settings)
    heap.few_arenas()
    context = build_context(settings)
    context.jobs.sender = _ui.sender
    page, users = build_page(context), _sharing.logins(settings)
    door = _sharing.door(settings, page, context.room, context.served)
    _lanes.Lanes(page, door)
    _inputs.install(page)
    _files.install(page, context.served)
    context.served.keep(_sharing.own_files(page))
    options = {**launch_options(settings), "auth": users, "app_kwargs": {"middleware": _sharing.middleware(door)}}
    try:
        web, local, shared = _sharing.launch(page, door, **options)
    except OSError as problem:
        raise BadInput(f"Cannot listen on {settings.host}:{settings.port} ({problem}).",
                       "Choose another with --port, or --port 0 for any free one.") from problem
    _sessions.install(web, page, door.sessions.owner_of)
    _private.install(web, context)
    janitor.start(context, kept=lambda: _sharing.own_files(page))
    print(f"{TITLE}: {_sharing.announcement(settings, local, shared, users)}", flush=True)
    return page


def main() -> int:
    """The command line; 2 for something the operator can mend."""
    try:
        settings = from_command_line()
        logs.install(quoting=settings.who == access.PRIVATE)
        page = start(settings)
        gc.freeze()  # nothing of the page itself is ever garbage
        gc.enable()
        page.block_thread()
    except PlaygroundError as problem:
        print(f"Cannot start. {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
