"""Compose YAML text into PyYAML's nodes, by libyaml where PyYAML was built with it."""

from __future__ import annotations

import re

import yaml


class CoreSchema(yaml.resolver.Resolver):
    """Resolves scalars by the YAML 1.2 core schema instead of YAML 1.1."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", INTEGER.pattern, list("-+0123456789")),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
):
    CoreSchema.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})$"), _first)


def compose(text: str, resolver: type[yaml.resolver.Resolver] = CoreSchema) -> yaml.Node | None:
    """Return the root node of a document; None if it is empty. Raises ``YAMLError`` or ``RecursionError``.

    libyaml parses 5 to 10 times as fast. What it refuses is parsed again in Python, whose messages are better; so are
    pairs of ``\\u`` escapes, which it does not know.

    :param resolver: gives the tags of plain scalars.
    """
    if yaml.__with_libyaml__:
        try:
            return _tree(resolver, yaml.CSafeLoader, text)
        except (yaml.YAMLError, UnicodeEncodeError):
            pass
    return _tree(resolver, yaml.SafeLoader, text)


def _tree(resolver: type[yaml.resolver.Resolver], loader: type, text: str) -> yaml.Node | None:
    composer = type("Composer", (loader,), {"yaml_implicit_resolvers": resolver.yaml_implicit_resolvers})(
        text
    )
    try:
        node: yaml.Node | None = composer.get_single_node()
        return node
    finally:
        composer.dispose()
