"""With a budget that holds the language model and little else, all tabs still answer, in turn."""

from dataclasses import replace

import pytest

BUDGET = 1_160_000_000  # the language model's estimate is 1.15 GB; nothing else fits beside it
CALLS = [("/next_token", ("Once upon a", "gemma-3-270m"), "gemma-3-270m"),
         ("/generate_faces", (1, 1, 1.0), "dcgan-faces-64"),
         ("/word_arithmetic", ("king - man + woman", 3, True), "glove-6b-50d"),
         ("/sentence_similarity", ("a cat\na dog",), "all-minilm-l6-v2"),
         ("/next_token", ("Once upon a", "gemma-3-270m"), "gemma-3-270m")]


@pytest.mark.models
def test_all_tabs_work_in_turn(settings):
    from gradio_client import Client

    import app

    page = app.start(replace(settings, memory_budget=BUDGET))
    try:
        client = Client(page.local_url, analytics_enabled=False, verbose=False)
        for name, arguments, model in CALLS:
            assert client.predict(*arguments, api_name=name) is not None
            status = client.predict(api_name="/cache_status")
            assert status["devices"]["cpu"]["high_water"] <= BUDGET
            assert model in {resident["name"] for resident in status["models"]}
        assert status["evictions"] >= 2
    finally:
        page.close()
