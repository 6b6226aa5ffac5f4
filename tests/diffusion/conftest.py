"""One context for the diffusion tests, over a folder of small random pipelines of every family."""

import pytest

from tests.diffusion import tiny_pipelines


@pytest.fixture(scope="session")
def own_models(tmp_path_factory):
    """A folder as an operator gives it with --models-dir."""
    root = tmp_path_factory.mktemp("own")
    tiny_pipelines.save_pocket(root)
    tiny_pipelines.save_sd(root)
    tiny_pipelines.save_sdxl(root)
    tiny_pipelines.save_flux(root)
    tiny_pipelines.save_flux(root, tiny_pipelines.DEV, guided=True)
    return root


@pytest.fixture(scope="session")
def tiny(own_models, tmp_path_factory):
    """The engine over those models, with a data folder, and so a gate, of its own."""
    from playground.context import build_context
    from playground.settings import Settings

    return build_context(Settings(device="cpu", offline=True, data_dir=tmp_path_factory.mktemp("data"),
                                  models_dir=own_models))
