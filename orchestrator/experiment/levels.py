"""Read the levels of factors: a list, or a ``range`` or ``geometric`` series."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from orchestrator.cpu_lists import format_cpus, parse_cpus
from orchestrator.documents.document import Node
from orchestrator.documents.draft import Draft
from orchestrator.documents.expressions import Value
from orchestrator.errors import BadInput
from orchestrator.experiment.model import Level
from orchestrator.units import correct_size, format_size, is_number_with_letters, parse_quantity, parse_size

MAX_LEVELS = 10_000
_MAX_NUMBER = Decimal(2**63)
_UNITS = {"_kbytes": 1024, "_kb": 1024, "_mb": 1024**2}
"""What a file of the kernel counts in, by the end of its name."""
_LISTS = ("cpuset.cpus", "cpuset.mems", "ip_local_reserved_ports", "smp_affinity_list")
"""Files that print a list of numbers in their own way, whatever was written."""
_GROUPED = re.compile(r"[-+]?[0-9]{1,3}(_[0-9]{3}){1,5}")
"""A number with groups of digits, as YAML 1.1, Python and C++ programmers write it."""


def read_level(node: Node) -> Level:
    """Return the level for a scalar: its text as written, and the value that expressions see.

    ``0x10`` is 16 and ``1_000`` is 1000 in expressions; the benchmark gets these very characters.
    """
    value = node.content
    if not isinstance(value, str):
        assert isinstance(value, bool | int | float)
        return Level(node.text, value)
    number = int(value) if _GROUPED.fullmatch(value) else parse_quantity(value)
    return Level(value, value if number is None else number)


def computed_level(value: Value) -> Level:
    """Return the level for a computed value."""
    return Level(str(value).lower() if isinstance(value, bool) else str(value), value)


def setting_text(level: Level, path: str) -> str:
    """Return a level in the format of ``/proc/sys`` and ``/sys``, so that it equals what is read back.

    Numbers are decimal: the kernel would read ``010`` as eight, and print ``0x10`` as 16. True and false are 1 and 0. A
    size is in KiB or MiB where the name of the file says so. Lists of CPUs, nodes and ports are ordered and merged.
    """
    name = path.rpartition("/")[2]
    if name in _LISTS:
        return list_text(level.text)
    if not isinstance(level.value, bool | int):
        return level.text
    is_size = isinstance(parse_quantity(level.text), int)
    unit = next((size for ending, size in _UNITS.items() if name.endswith(ending)), 1) if is_size else 1
    value, rest = divmod(int(level.value), unit)
    return level.text if rest else str(value)


def list_text(text: str) -> str:
    """Return a list of numbers as the kernel prints it: ``0-2`` for ``2,0,1``; any other text unchanged."""
    try:
        return format_cpus(parse_cpus(text))
    except BadInput:
        return text


def read_levels(draft: Draft, name: str, node: Node) -> tuple[Level, ...]:
    """Return the levels of one factor. Adds faults and returns no levels if one of them is invalid."""
    path = ("factors", name)
    if isinstance(node.content, list):
        levels = tuple(read_level(item) for item in node.content)
        fault_count = len(draft.faults)
        _check_units(draft, name, node.content, levels)
        return levels if len(draft.faults) == fault_count else ()
    (series,) = node.mapping()
    try:
        return tuple(_series(node.mapping(series), series))
    except BadInput as error:
        draft.add_error(error, *path, series)
        return ()


def _check_units(draft: Draft, name: str, items: list[Node], levels: tuple[Level, ...]) -> None:
    """Add a fault for each size with an unknown unit."""
    sizes = any(isinstance(parse_quantity(level.text), int) for level in levels)
    for item, level in zip(items, levels, strict=True):
        if not isinstance(level.value, str):
            continue
        corrected = correct_size(level.text)
        if corrected:
            draft.add_fault(item.position, f"unknown unit in '{level.text}'; did you mean '{corrected}'?")
        elif sizes and is_number_with_letters(level.text):
            try:
                parse_size(level.text)
            except BadInput as error:
                draft.add_fault(item.position, f"factor '{name}': {error}")


def _series(bounds: dict[str, Node], kind: str) -> Iterator[Level]:
    """Yield the levels of a ``range`` or ``geometric`` series in exact decimal arithmetic. Raises ``BadInput``."""
    first, is_size = _number(bounds["from"])
    last, last_is_size = _number(bounds["to"])
    if is_size != last_is_size and first and last:
        raise BadInput("'from' and 'to' must both be sizes or both be plain numbers")
    is_size = is_size or last_is_size
    change = Decimal(2) if kind == "geometric" else Decimal(1)
    key = "ratio" if kind == "geometric" else "step"
    if key in bounds:
        change, change_is_size = _number(bounds[key])
        if kind == "range" and change_is_size != is_size:
            raise BadInput("'from', 'to' and 'step' must all be sizes or all be plain numbers")
    if kind == "geometric" and first <= 0:
        raise BadInput("'from' of a geometric series must be > 0")
    if change == 0:
        raise BadInput("'step' must not be 0")
    rising = kind == "geometric" or change > 0
    if (last < first) if rising else (last > first):
        direction = "less" if rising else "greater"
        raise BadInput(f"no levels: 'to' is {direction} than 'from'; swap them, or change '{key}'")
    current, count = first, 0
    while (current <= last) if rising else (current >= last):
        count += 1
        if count > MAX_LEVELS:
            raise BadInput(f"more than {MAX_LEVELS} levels; use a larger '{key}'")
        yield _level(current, is_size)
        current = current * change if kind == "geometric" else current + change


def _number(node: Node) -> tuple[Decimal, bool]:
    """Return a number of a series and whether it is a size."""
    if isinstance(node.content, str):
        return Decimal(parse_size(node.content)), True
    number = Decimal(node.text) if isinstance(node.content, float) else Decimal(int(node.content))  # type: ignore[arg-type]
    if abs(number) >= _MAX_NUMBER:
        raise BadInput(f"'{node.text}' does not fit in 64 bits")
    return number, False


def _level(number: Decimal, is_size: bool) -> Level:
    whole = number == number.to_integral_value()
    if is_size:
        if not whole:
            raise BadInput(f"{number.normalize():f} is not an integer number of bytes")
        return Level(format_size(int(number)), int(number))
    return computed_level(int(number)) if whole else Level(f"{number.normalize():f}", float(number))
