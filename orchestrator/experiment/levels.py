"""Levels of factors: as they are written, listed one by one, or as a ``range`` or ``geometric`` series."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from orchestrator.documents.document import Node
from orchestrator.documents.draft import Draft
from orchestrator.documents.expressions import Value
from orchestrator.errors import BadInput
from orchestrator.experiment.model import Level
from orchestrator.units import format_size, is_number_with_letters, misspelt_size, parse_quantity, parse_size

MOST_LEVELS = 10_000
_LARGEST = Decimal(2**63)


def level(node: Node) -> Level:
    """Make a level of a scalar; its text stays as written, but whole numbers and booleans have one spelling."""
    value = node.content
    if isinstance(value, str):
        number = parse_quantity(value)
        return Level(value, value if number is None else number)
    if isinstance(value, float):
        return Level(node.text, value)
    assert isinstance(value, bool | int)
    return computed(value)


def computed(value: Value) -> Level:
    """Make a level of a value that was computed."""
    return Level(str(value).lower() if isinstance(value, bool) else str(value), value)


def setting_text(level: Level) -> str:
    """Write a level as the kernel's files want it: 1 and 0 for true and false, sizes in bytes."""
    return str(int(level.value)) if isinstance(level.value, bool | int) else level.text


def levels_of(draft: Draft, name: str, node: Node) -> tuple[Level, ...]:
    """Return the levels of one factor; notes its faults, and returns nothing, where it has any."""
    path = ("factors", name)
    if isinstance(node.content, list):
        levels = tuple(level(item) for item in node.content)
        before = len(draft.faults)
        _check_units(draft, name, node.content, levels)
        return levels if len(draft.faults) == before else ()
    (series,) = node.mapping()
    try:
        return tuple(_series(node.mapping(series), series))
    except BadInput as error:
        draft.blame(error, *path, series)
        return ()


def _check_units(draft: Draft, name: str, items: list[Node], levels: tuple[Level, ...]) -> None:
    """Refuse what was meant to be a size but has an unknown unit."""
    sizes = any(isinstance(level.value, int) and level.text != str(level.value) for level in levels)
    for item, one in zip(items, levels, strict=True):
        if not isinstance(one.value, str):
            continue
        mended = misspelt_size(one.text)
        if mended:
            draft.fault(item.position, f"'{one.text}' has an unknown unit; did you mean '{mended}'?")
        elif sizes and is_number_with_letters(one.text):
            try:
                parse_size(one.text)
            except BadInput as error:
                draft.fault(item.position, f"factor '{name}': {error}")


def _series(given: dict[str, Node], kind: str) -> Iterator[Level]:
    """Yield the levels of a ``range`` or ``geometric``, in exact decimal arithmetic. Raises ``BadInput``."""
    first, is_size = _number(given["from"])
    last, last_is_size = _number(given["to"])
    if is_size != last_is_size and first and last:
        raise BadInput("'from' and 'to' must both be sizes or both be plain numbers")
    is_size = is_size or last_is_size
    change = Decimal(2) if kind == "geometric" else Decimal(1)
    key = "ratio" if kind == "geometric" else "step"
    if key in given:
        change, change_is_size = _number(given[key])
        if kind == "range" and change_is_size != is_size:
            raise BadInput("'step' must be a size where 'from' and 'to' are, and a plain number otherwise")
    if kind == "geometric" and first <= 0:
        raise BadInput("'from' of a geometric series must be above 0")
    if change == 0:
        raise BadInput("'step' is 0; the series would never end")
    rising = kind == "geometric" or change > 0
    if (last < first) if rising else (last > first):
        raise BadInput(f"is empty: 'to' is not reached from 'from' by this {key}")
    current, count = first, 0
    while (current <= last) if rising else (current >= last):
        count += 1
        if count > MOST_LEVELS:
            raise BadInput(f"has more than {MOST_LEVELS} levels; take a larger {key}")
        yield _level(current, is_size)
        current = current * change if kind == "geometric" else current + change


def _number(node: Node) -> tuple[Decimal, bool]:
    """Return a bound of a series and whether it is a size."""
    if isinstance(node.content, str):
        return Decimal(parse_size(node.content)), True
    number = Decimal(node.text) if isinstance(node.content, float) else Decimal(int(node.content))  # type: ignore[arg-type]
    if abs(number) >= _LARGEST:
        raise BadInput(f"{node.text} does not fit in 64 bits")
    return number, False


def _level(number: Decimal, is_size: bool) -> Level:
    whole = number == number.to_integral_value()
    if is_size:
        if not whole:
            raise BadInput(f"{number.normalize():f} is not a whole number of bytes")
        return Level(format_size(int(number)), int(number))
    return computed(int(number)) if whole else Level(f"{number.normalize():f}", float(number))
