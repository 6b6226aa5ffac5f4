"""The rules of the house: which way imports go, what importing costs, where a tab is found, what is documented."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from playground import catalog
from tabs import discover

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("torch", "transformers", "diffusers", "gensim", "peft", "sentence_transformers", "sklearn", "nltk", "plotly")
TITLES = ["GAN faces", "Diffusion steps", "Personal LoRA", "N-gram babble", "Word vectors", "Tokenizer", "Next token",
          "Prompt evaluation"]
README = (ROOT / "README.md").read_text()


def imports(path: Path) -> set[str]:
    """Every module that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@pytest.mark.parametrize("path", sorted((ROOT / "playground").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_the_engine_imports_neither_gradio_nor_tabs(path):
    assert not {name for name in imports(path) if name.split(".")[0] in ("gradio", "tabs", "app")}


@pytest.mark.parametrize("path", sorted((ROOT / "tabs").glob("*.py")), ids=lambda p: p.name)
def test_tabs_do_not_import_each_other(path):
    own = {name.removeprefix("tabs.").split(".")[0] for name in imports(path) if name.startswith("tabs.")}
    assert not {name for name in own if not name.startswith("_") and (ROOT / "tabs" / f"{name}.py").exists()}
    assert not {name for name in imports(path) if name.split(".")[0] == "app"}


def test_importing_the_whole_page_imports_nothing_heavy_and_opens_no_socket():
    modules = [str(path.relative_to(ROOT).with_suffix("")).replace("/", ".").removesuffix(".__init__")
               for folder in ("tabs", "playground") for path in sorted((ROOT / folder).rglob("*.py"))
               if path.name != "__main__.py"]
    code = f"""
import sys
opened = []
sys.addaudithook(lambda event, details: opened.append(details) if event == "socket.connect" else None)
import importlib, app
for name in {modules!r}:
    importlib.import_module(name)
print([name for name in {HEAVY!r} if name in sys.modules], opened)
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert shown.stdout.strip() == "[] []", shown.stderr


def test_the_eight_tabs_stand_in_their_order():
    assert [tab.title for tab in discover() if tab.title in TITLES] == TITLES


@pytest.mark.parametrize("tab", discover(), ids=lambda tab: tab.title)
def test_the_readme_names_every_tab(tab):
    assert f"**{tab.title}**" in README


@pytest.mark.parametrize("entry", catalog.ENTRIES, ids=lambda entry: entry.key)
def test_the_readme_names_every_model_with_its_licence(entry):
    assert f"`{entry.key}`" in README
    assert entry.licence == "see link" or entry.licence in README


def test_the_readme_names_every_option():
    from dataclasses import fields

    from playground.settings import Settings

    for option in fields(Settings):
        assert f"`--{option.name.replace('_', '-')}" in README


def test_every_asset_has_its_origin_noted():
    sources = (ROOT / "assets" / "SOURCES.md").read_text()
    for path in sorted((ROOT / "assets").iterdir()):
        assert path.name == "SOURCES.md" or f"`{path.name}" in sources, path.name


def test_the_readme_begins_with_what_a_hugging_face_space_reads():
    import yaml
    from packaging.requirements import Requirement

    front = yaml.safe_load(README.split("---\n")[1])
    assert front["sdk"] == "gradio"
    assert (ROOT / front["app_file"]).exists()
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    wanted = next(Requirement(line) for line in lines if line.startswith("gradio"))
    assert wanted.specifier.contains(front["sdk_version"])
