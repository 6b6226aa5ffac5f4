"""Templates: what they fill in, and the code that they may not be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.errors import BadInput
from playground.evaluation import render


@pytest.mark.parametrize(("template", "text"), [
    ("Hello {{name}}!", "Hello Ada!"), ("{{ name | upper }}", "ADA"), ("{{deep.key}}", "v"), ("{{flag}}", "true"),
    ("{{items}}", '["a", "b"]'), ("{% if name == 'Ada' %}yes{% else %}no{% endif %}", "yes"),
    ("{% for each in items %}<{{each}}>{% endfor %}", "<a><b>"), ("a\n", "a\n"), ("{{items[0]}}", "a"),
    ("{{code}}", "{{name}}")])
def test_what_is_filled_in(template, text):
    values = {"name": "Ada", "items": ["a", "b"], "deep": {"key": "v"}, "flag": True, "code": "{{name}}"}
    assert render.render(template, values) == text


@pytest.mark.parametrize("template", [
    "{{ ''.__class__ }}", "{{ name.__class__.__mro__ }}", "{{ name['__class__'] }}", "{{ name.upper() }}",
    "{{ range(10) }}", "{{ 9 ** 9 ** 9 }}", "{{ 'a' * 10000000000 }}", "{% set x = 1 %}", "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}", "{% macro f() %}{% endmacro %}", "{{ name | attr('x') }}", "{{ name | format }}",
    "{{ self._TemplateReference__context }}", "{{ lipsum }}", "{{ cycler }}", "{{ name | replace('a', name) }}",
    "{% for a in name %}{% for b in name %}x{% endfor %}{% endfor %}", "{% block x %}{% endblock %}", "{{ _private }}",
    "{{ name ~ name }}", "{% call name() %}{% endcall %}", "{% for x in name recursive %}{{ loop(x) }}{% endfor %}",
    "{{ unfinished", "{% if %}", "{{ 'x' | batch(2) }}", "{{" * 2000])
def test_a_template_that_is_more_than_a_form_is_refused(template):
    with pytest.raises(BadInput):
        render.render(template, {"name": "Ada"})


def test_a_missing_variable_is_named():
    with pytest.raises(BadInput, match="'nme' is undefined"):
        render.render("Hello {{nme}}", {"name": "Ada"})
    assert render.variables("{{a}} {{b.c}} {% for d in e %}{{d}}{% endfor %}") == {"a", "b", "e"}


def test_a_rendered_text_has_a_limit():
    with pytest.raises(BadInput, match="100,000"):
        render.render("{{a}}" * 20, {"a": "x" * 10_000})
    with pytest.raises(BadInput, match="100,000"):
        render.render("{% for c in a %}{{a}}{% endfor %}", {"a": "x" * 50_000})


@given(st.text(max_size=80))
def test_any_template_renders_or_is_refused_in_words(template):
    try:
        render.render(template, {"a": "b"})
    except BadInput as problem:
        assert problem.what


@given(st.text(max_size=60))
def test_a_value_is_never_read_as_a_template(value):
    assert render.render("{{a}}", {"a": value}) == value
