"""/evaluate_prompts as a script meets it."""

import pytest

CONFIG = """
prompts:
  - "Review: {{review}}\\nSentiment:"
  - "Review: I loved it.\\nSentiment: positive\\n\\nReview: {{review}}\\nSentiment:"
providers:
  - id: gemma-3-270m
    config: {max_tokens: 2, stop: ["\\n"]}
  - openai:gpt-4.1
defaultTest:
  assert:
    - {type: icontains, value: "{{expected}}"}
tests:
  - vars: {review: "It broke at once.", expected: negative}
  - vars: {review: "Wonderful, thank you!", expected: positive}
evaluateOptions: {repeat: 2}
"""


def test_a_file_is_evaluated(client):
    found = client.predict(CONFIG, api_name="/evaluate_prompts")
    assert found["stats"]["cells"] == len(found["results"]) == 8 and found["stats"]["complete"]
    assert [issue for issue in found["issues"] if "openai:gpt-4.1" in issue and issue.startswith("Line 8")]
    first = found["results"][0]
    assert {"prompt", "provider", "vars", "seed", "sent", "output", "pass", "score", "assertions"} <= set(first)
    assert first["sent"] == "Review: It broke at once.\nSentiment:"
    assert first["output"] == found["results"][1]["output"]  # temperature 0: a repeat is the same
    assert [each["prompt"] for each in found["summary"]] in (["A", "B"], ["B", "A"])
    shares = [each["pass_rate"] for each in found["summary"]]
    assert shares == sorted(shares, reverse=True)
    for each in found["summary"]:
        low, high = each["interval"]
        assert low <= each["pass_rate"] <= high and each["effective_trials"] == 2
    assert "Not enough cases to tell" in found["comparisons"][0]["verdict"]


PICTURES = """
prompts: ["a {{thing}}"]
providers: [{id: pocket-diffusion-64, config: {steps: 2}}]
tests:
  - vars: {thing: shark}
    assert: [{type: picture-similar, value: "a {{thing}}"}]
pictures: {"a shark": "%s"}
"""


def test_a_picture_prompt_is_drawn_and_compared(client):
    from playground.evaluation import library, pictures

    found = client.predict(PICTURES % library.disc("red"), api_name="/evaluate_prompts")
    (result,) = found["results"]
    assert not found["issues"] and pictures.pixels(result["picture"]).shape == (64, 64, 3)
    assert result["output"] == "" and result["assertions"][0]["evidence"].startswith("cosine")
    assert found["providers"] == [{"id": "pocket-diffusion-64", "steps": 2, "guidance": None}]


@pytest.mark.parametrize(("config", "words"), [
    ("prompts: [a]\ntests: [{assert: [{type: picture-similar, value: x}]}]", "no reference picture"),
    ("prompts: [a]\ntests: [{}]\npictures: {x: 'data:image/png;base64,AAAA'}", "no picture in a format"),
    ("prompts: [a]\nproviders: [{id: 'openai:x', config: {apiBaseUrl: 'http://127.0.0.1:1'}}]\n"
     "tests: [{assert: [{type: regex, value: '('}]}]", "regular expression"),
    ("", "empty"), ("prompts: [a\n  b: c: d", "Line 2"), ("prompts: ['{{x}}']\ntests: [{vars: {y: 1}}]", "undefined"),
    ("prompts: ['{{ 9**9**9 }}']", "template"), ("prompts: [a]\nevaluateOptions: {repeat: 1000}", "repeats"),
    ("prompts: ['<b>{{x}}']\ntests: [{vars: {y: 1}}]", "&lt;b&gt;")])
def test_what_is_wrong_is_said(client, config, words):
    with pytest.raises(Exception, match=words):
        client.predict(config, api_name="/evaluate_prompts")


def test_a_run_too_large_to_wait_for_is_refused(client):
    tests = "\n".join(f"  - vars: {{a: text {number}}}" for number in range(300))
    config = (f"prompts: ['{{{{a}}}}']\nproviders: [{{id: gemma-3-270m, config: {{max_tokens: 200}}}}]\n"
              f"tests:\n{tests}")
    with pytest.raises(Exception, match="too many to wait for"):
        client.predict(config, api_name="/evaluate_prompts")
