"""Templates: types of values, undefined variables, filters, and positions of faults."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.errors import BadInput, Position
from orchestrator.provision.templates import UndefinedName, as_node
from orchestrator.provision.templating import evaluate, required_names
from orchestrator.provision.variables import Scope

HERE = Position("x.yaml", 3, 5)
VALUES: dict[str, Any] = {
    "n": 2,
    "text": "a/b.txt",
    "items": [1, [2, 3]],
    "pairs": {"k": 1},
    "none": None,
    "result": {"changed": True, "failed": False, "skipped": False},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ n }}", 2),
        ("{{ n }} ", "2 "),
        ("{{ n }}{{ n }}", "22"),
        ("{{- n -}}", 2),
        ("{{ n > 1 }}", True),
        ("{{ none }}", None),
        ("{{ '}}' }}", "}}"),
        ("{{ items[1] }}", [2, 3]),
        ("{{ items | flatten }}", [1, 2, 3]),
        ("{{ pairs | combine({'l': 2}) }}", {"k": 1, "l": 2}),
        ("{{ text | basename }}", "b.txt"),
        ("{{ text | dirname }}", "a"),
        ("{{ text | regex_replace('[.].*') }}", "a/b"),
        ("{{ text | regex_search('[0-9]') }}", None),
        ("{{ text | split('/') | first }}", "a"),
        ("{{ 'yes' | bool }}", True),
        ("{{ n | ternary('a', 'b') }}", "a"),
        ("{{ 'x y' | quote }}", "'x y'"),
        ("{{ 'ab' | b64encode | b64decode }}", "ab"),
        ("{{ pairs | to_json | from_json }}", {"k": 1}),
        ("{{ pairs | to_yaml }}", "k: 1\n"),
        ("{{ missing | default(7) }}", 7),
        ("{{ missing is defined }}", False),
        ("{{ result is changed }}", True),
        ("{{ result is succeeded }}", True),
        ("{% for i in items %}x{% endfor %}", "xx"),
        ("{% set y = n %}{{ y }}", "2"),
    ],
)
def test_values(text: str, value: object) -> None:
    assert Scope([], VALUES).render(text, HERE) == value


def test_required_variables() -> None:
    text = "{{ a }} {{ b | default(c) }} {% if d is defined %}{{ e.f }}{% endif %}{% for g in h %}{{ g }}{% endfor %}"
    assert required_names(text, HERE) == {"a", "c", "e", "h"}
    assert required_names("a > 1 and b is not defined", HERE, expression=True) == {"a"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ n.nothing }}", "x.yaml:3:5: template error: 'int object' has no attribute 'nothing'"),
        ("{{ n / 0 }}", "x.yaml:3:5: template error: division by zero"),
        ("{{ 'x' + 1 }}", "x.yaml:3:5: template error: "),
        ("{{ text | from_json }}", "x.yaml:3:5: template error: "),
        ("{{ n.__class__ }}", "x.yaml:3:5: template error: "),
        ("{{ nobody }}", "x.yaml:3:5: undefined variable 'nobody'"),
    ],
)
def test_faults_have_a_position(text: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        Scope([], VALUES).render(text, HERE)
    assert str(caught.value).startswith(message)
    assert len(str(caught.value).splitlines()) == 1


def test_later_layers_override_earlier_ones_and_can_use_each_other() -> None:
    low = as_node({"a": "{{ b }}!", "b": "low", "c": ["{{ a }}"]}, HERE).mapping()
    high = as_node({"b": "high"}, HERE).mapping()
    assert Scope([low, high], {}).render("{{ c }}", HERE) == ["high!"]
    assert Scope([low], {"b": "{{ c }}"}).render("{{ a }}", HERE) == "{{ c }}!"
    with pytest.raises(UndefinedName):
        Scope([low, as_node({"b": "{{ gone }}"}, HERE).mapping()], {}).render("{{ c }}", HERE)


def test_a_template_cannot_change_variables() -> None:
    with pytest.raises(BadInput):
        evaluate("{{ items.append(1) }}", HERE, {"items": []})
