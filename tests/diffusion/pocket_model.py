"""Whether the trained pocket model is in this checkout: the page and the scripts' names draw with it."""

import pytest

from playground.diffusion import models
from playground.weights import ASSETS

NEEDED = pytest.mark.skipif(not (ASSETS / "models" / models.POCKET / "unet").is_dir(),
                            reason="the trained pocket model is not in this checkout")
