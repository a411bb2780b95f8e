"""libyaml and PyYAML's own parser read the same files in the same way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.documents.composer import compose
from orchestrator.documents.document import read_text
from orchestrator.errors import BadInput

PROJECT = Path(__file__).parents[3]
FILES = sorted(
    str(path.relative_to(PROJECT))
    for folder in ("experiments", "orchestrator", "roles", "tests", ".github")
    for path in (PROJECT / folder).rglob("*.y*ml")
    if path.name != "a-recursive-alias.yaml"
)


def tree(node: yaml.Node | None) -> Any:
    """Return a node as nested tuples with its positions."""
    if node is None:
        return None
    place = (node.tag, node.start_mark.line, node.start_mark.column)
    if isinstance(node, yaml.MappingNode):
        return (*place, *((tree(key), tree(value)) for key, value in node.value))
    if isinstance(node, yaml.SequenceNode):
        return (*place, *map(tree, node.value))
    return (*place, node.value, node.style or None)


def test_pyyaml_has_libyaml() -> None:
    assert yaml.__with_libyaml__


@pytest.mark.parametrize("name", FILES)
def test_both_parsers_give_the_same_nodes(name: str) -> None:
    text = (PROJECT / name).read_bytes().decode("utf-8-sig", "replace")
    try:
        expected = tree(yaml.compose(text, Loader=yaml.SafeLoader))
    except yaml.YAMLError:
        with pytest.raises(yaml.YAMLError):
            compose(text, yaml.resolver.Resolver)
    else:
        assert tree(compose(text, yaml.resolver.Resolver)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", "expected ',' or ']', but got '<stream end>'"),
        ("a: \x00", "character U+0000 is not allowed in YAML"),
        ("a:\n\tb: 1\n", "tabs cannot be used for indentation; use spaces"),
        ("[" * 100_000, "nested more than 60 levels deep"),
        ("- " * 100_000 + "a", "nested more than 60 levels deep"),
        ("a: \ud800", "character U+D800 is not allowed in YAML"),
    ],
)
def test_what_libyaml_refuses_is_explained_by_pyyaml(text: str, message: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_text(text, "a.yaml")
    assert message in str(refused.value)


def test_surrogate_pairs_in_escapes_are_read() -> None:
    assert compose(r'"\ud83d\ude00"').value.encode("utf-16", "surrogatepass").decode("utf-16") == "😀"
