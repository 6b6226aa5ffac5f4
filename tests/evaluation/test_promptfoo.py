"""promptfoo's YAML: what is read, what is listed as not supported, what is refused by line, and back again."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from playground.errors import BadInput
from playground.evaluation import exports, promptfoo, yaml_nodes
from playground.evaluation.plan import Assertion, Case, Plan, Prompt, Provider

# The features of promptfoo's own starter and "simple test" examples, in one file.
PIRATE = """# yaml-language-server: $schema=https://promptfoo.dev/config-schema.json
description: Talks like a pirate
prompts:
  - 'Say it like a pirate: {{body}}'
  - file://prompts.txt
  - label: friendly
    raw: |
      You are a friendly pirate.
      {{body}}
providers:
  - openai:gpt-4.1-mini
  - id: gemma-3-270m
    label: small
    config: {temperature: 0.5, max_tokens: 12, stop: ["\\n"], reasoning: high}
defaultTest:
  vars: {crew: 12}
  assert:
    - type: latency
      threshold: 9000
tests:
  - description: exact
    vars:
      body: Yes
    assert:
      - type: equals
        value: Yarr
  - vars:
      body: [I'm hungry, 2024-05-01]
    threshold: 0.5
    assert:
      - type: not-icontains
        value: grub
        weight: 2
        metric: food
      - type: javascript
        value: output.startsWith('Ahoy')
      - type: assert-set
        threshold: 0.5
        assert:
          - {type: similar, value: 'Ahoy, {{body}}'}
          - {type: llm-rubric, value: Is spoken like a pirate}
      - $ref: '#/assertionTemplates/noise'
evaluateOptions:
  repeat: 3
  maxConcurrency: 4
outputPath: output.csv
assertionTemplates:
  noise:
    type: icontains-any
    value: [arrr, yarr]
"""


def test_a_file_is_read_as_promptfoo_reads_it():
    plan, _ = promptfoo.read(PIRATE)
    assert [prompt.name for prompt in plan.prompts] == ["Say it like a pirate: {{body}}", "friendly"]
    assert plan.providers == (Provider("gemma-3-270m", "small", temperature=0.5, max_tokens=12, stop=("\n",)),)
    assert (plan.repeats, plan.description, plan.size) == (3, "Talks like a pirate", 2 * 3 * 3)
    first, second, third = plan.cases
    assert first.variables == {"crew": 12, "body": "Yes"}  # YAML 1.2: a word, not a truth value
    assert [case.variables["body"] for case in (second, third)] == ["I'm hungry", "2024-05-01"]
    assert [each.type for each in first.assertions] == ["latency", "equals"]
    assert second.assertions[1] == Assertion("icontains", "grub", weight=2.0, negated=True, metric="food")
    assert [part.kind for part in second.assertions[2].parts] == ["similar", "llm-rubric"]
    assert second.assertions[3] == Assertion("icontains-any", ["arrr", "yarr"])
    assert second.threshold == 0.5


def test_what_is_not_supported_is_listed_by_its_line():
    _, issues = promptfoo.read(PIRATE)
    found = {issue.line: issue.words for issue in issues}
    for words in ("file://prompts.txt", "openai:gpt-4.1-mini", "reasoning", "javascript", "maxConcurrency",
                  "outputPath"):
        line = next(number for number, text in enumerate(PIRATE.splitlines(), 1) if words in text)
        assert words in found[line], (line, found)
    assert len(issues) == 6


def test_without_a_model_that_is_here_the_default_one_is_used_and_said():
    plan, issues = promptfoo.read("prompts: ['{{a}}']\nproviders: [anthropic:claude]\ntests: [{vars: {a: b}}]")
    assert [each.id for each in plan.providers] == ["gemma-3-270m"]
    assert any("gemma-3-270m is used instead" in issue.words for issue in issues)


@pytest.mark.parametrize(("text", "words"), [
    ("prompts: [a\ntests: b: c", r"Line 2"), ("prompts:\n\t- a", r"Line 2, column 1"), ("", "empty"),
    ("- a\n- b", "Line 1: a mapping"), ("prompts: [a]\nprompts: [b]", "Line 2: 'prompts' stands there twice"),
    ("prompts: [a]\ntests:\n  - assert:\n      - {value: x}", "Line 4: an assertion needs a type"),
    ("prompts: [a]\ntests:\n  - assert:\n      - {type: contains}", "Line 4: .* needs a value"),
    ("prompts: [a]\ntests:\n  - assert:\n      - {type: equals, value: x, weight: -1}", "Line 4: a weight"),
    ("prompts: [a]\ntests:\n  - assert:\n      - {type: similar, value: x, threshold: high}", "Line 4: .* number"),
    ("prompts: [a]\ntests:\n  - assert:\n      - {type: word-count, value: {least: 3}}", "Line 4: .*whole number"),
    ("prompts: [a]\ntests:\n  - assert: [{$ref: '#/assertionTemplates/x'}]", "Line 3: there is no assertion template"),
    ("tests: [{vars: {a: 1}}]", "There are no prompts"), ("prompts: [a]\nevaluateOptions: {repeat: 99}", "repeats"),
    ("prompts: !!python/object/apply:os.system ['x']", "Line 1: the tag"), ("&a [*a]", "nested"),
    ("prompts: [a]\nproviders: [{config: {}, label: x}]", "Line 2: a provider needs an id"),
    ("prompts: [" * 2000, "nested|Line"), ("a: \x00", "not YAML")])
def test_broken_files_name_the_line(text, words):
    with pytest.raises(BadInput, match=words):
        promptfoo.read(text)


def test_a_file_whose_aliases_grow_without_end_is_refused():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(BadInput, match="aliases"):
        yaml_nodes.parse("\n".join(lines))


def test_variables_that_multiply_past_the_limit_are_refused():
    many = list(range(100))
    with pytest.raises(BadInput, match="10,000 cases"):
        promptfoo.read(f"prompts: ['{{{{a}}}}{{{{b}}}}']\ntests: [{{vars: {{a: {many}, b: {many}}}}}]")


@given(st.text(st.characters(codec="utf-8"), max_size=300))
def test_any_text_is_read_or_refused_in_words(text):
    try:
        promptfoo.read(text)
    except BadInput as problem:
        assert problem.what


@example("0E0")
@example("-.inf")
@given(st.one_of(st.text(max_size=20), st.integers(-10**6, 10**6), st.booleans(), st.floats(-1e6, 1e6)))
def test_scalars_survive_being_written_and_read(value):
    import yaml

    written = yaml.dump({"v": value}, Dumper=exports.Dumper, allow_unicode=True)
    try:
        back = yaml_nodes.parse(written).plain()["v"]
    except BadInput:
        assert isinstance(value, str)  # control characters, which YAML has no way for unescaped
    else:
        assert back == value or (value != value)


def test_a_plan_written_as_yaml_is_the_same_plan_when_read():
    plan, _ = promptfoo.read(PIRATE)
    again, issues = promptfoo.read(exports.to_yaml(plan))
    assert again == plan
    assert issues == []


def test_a_plan_survives_json():
    plan, _ = promptfoo.read(PIRATE)
    import json

    assert Plan.of(json.loads(json.dumps(plan.to_json()))) == plan


@settings(max_examples=30)
@given(st.lists(st.text("abc {}%'\"\n#:-é", min_size=1, max_size=15).filter(str.strip), min_size=1, max_size=3))
def test_prompts_survive_yaml(texts):
    plan = Plan(tuple(Prompt(text, "x") for text in texts), (Provider("gemma-3-270m"),), (Case({"a": "b"}),))
    assert promptfoo.read(exports.to_yaml(plan))[0].prompts == plan.prompts
