from __future__ import annotations

import math
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.documents.expressions import Expression, ExpressionError

CELL = {
    "pages": 16,
    "page_size": 2**21,
    "mode": "copy",
    "probe": True,
    "share": 0.25,
    "sysctl.vm.mt_page_copy": 1,
    "settle": 0.5,
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("pages * page_size", 2**25),
        ("pages * page_size <= '32MiB'", True),
        ("page_size == '2MiB' and mode != 'serial'", True),
        ("settle == '500ms'", True),
        ("mode in ['serial', 'copy']", True),
        ("page_size not in ('4KiB', '64KiB')", True),
        ("sysctl.vm.mt_page_copy == 1", True),
        ("1 < pages < 10", False),
        ("'32MiB' / page_size", 16),
        ("pages / 3", 16 / 3),
        ("7 // 2 + 7 % 4 - -1", 7),
        ("min(pages, 3) + max(1, 2, share) + abs(-4) + round(2.6) + ceil(1.2) + floor(1.8)", 15),
        ("int(log2(page_size))", 21),
        ("'node' + str(pages)", "node16"),
        ("float('2.5')", 2.5),
        ("1 if probe else 2", 1),
        ("not probe or false", False),
        ("true and True", True),
        (" pages ", 16),
    ],
)
def test_expressions_are_evaluated(text: str, value: object) -> None:
    found = Expression(text).evaluate(CELL)
    assert found == value
    assert type(found) is type(value)


def test_a_float_with_an_integer_value_becomes_an_integer() -> None:
    assert repr(Expression("pages / 2").evaluate(CELL)) == "8"


def test_names_are_the_names_that_an_expression_uses() -> None:
    expression = Expression("pages * page_size > '1GiB' and sysctl.vm.mt_page_copy == 1 or max(pages, 1)")
    assert expression.names == {"pages", "page_size", "sysctl.vm.mt_page_copy"}


def test_expressions_are_equal_by_text_and_survive_pickling() -> None:
    one = Expression("pages > 1")
    assert one == Expression("pages > 1")
    assert len({one, Expression("pages > 1"), Expression("pages > 2")}) == 2
    assert pickle.loads(pickle.dumps(one)).holds(CELL)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty expression"),
        ("pages = 1", "use '==' to compare (column 7"),
        ("pages > 1 && pages < 3", "use 'and' instead of '&&'"),
        ("!probe", "use 'not' instead of '!'"),
        ("pages ** 2", "unsupported operator; supported: + - * / // %"),
        ("  pages ** 2", "(column 3 of"),
        ("pages << 2", "unsupported operator"),
        ("open('/etc/passwd')", "unknown function 'open'"),
        ("flor(pages)", "unknown function 'flor'; did you mean 'floor'? (column 1"),
        ("'é' + flor(pages)", "(column 7 of"),
        ("pages.bit_length()", "unknown function 'pages.bit_length'"),
        ("().__class__", "a dot is only allowed in the name of a factor"),
        ("(lambda: 1)", "'lambda: 1' is not supported"),
        ("[pages for pages in mode]", "is not supported"),
        ("f'{pages}'", "is not supported"),
        ("mode[0]", "'mode[0]' is not supported"),
        ("(x := 1)", "is not supported"),
        ("{'a': 1}", "is not supported"),
        ("pages is 1", "unsupported comparison"),
        ("'a' in mode", "'in' requires a list"),
        ("[1] == [1]", "unsupported comparison"),
        ("min(1)", "function 'min' takes 2 to 20 arguments, not 1"),
        ("max(1, *[2])", "is not supported"),
        ("round(1.5, ndigits=1)", "function 'round' takes no argument 'ndigits='"),
        ("round(1.5, 1)", "function 'round' takes 1 argument, not 2"),
        ("round()", "function 'round' takes 1 argument, not 0"),
        ("(min or max)(1, 2)", "unknown function 'min or max'"),
        ("f()()", "unknown function 'f()'"),
        ("~pages", "unsupported operator '~'"),
        ("1j", "unsupported constant 1j"),
        ("None", "unsupported constant None"),
        ("b'x' == mode", "unsupported constant b'x'"),
        ("1e999", "not a finite number"),
        ("9" * 30, "does not fit in 64 bits"),
        ("9" * 999, "does not fit in 64 bits"),
        ("x" * 1001, "longer than 1000 characters"),
        ("(" * 400 + ")" * 400, "syntax error in"),
        ("-" * 900 + "1", "nested too deeply"),
        ("a; b", "syntax error in"),
        ("a\nb", "syntax error in"),
        ("page_size == 2MiB", "put a value with a unit in quotes: '2MiB' (column"),
        ("mode == '2MiB' and pages = 1", "use '==' to compare (column"),
        ("\0", "expression"),
    ],
)
def test_invalid_expressions_are_refused_when_compiled(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        Expression(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pages // 0", "cannot compute 16 // 0: division by zero"),
        ("mode < 3", "cannot compare 'copy' < 3: a number and a string"),
        ("mode * 1000", "cannot compute 'copy' * 1000: 'copy' is a string, not a number"),
        ("mode % 3", "cannot compute 'copy' % 3"),
        ("'%99999999d' % pages", "cannot compute"),
        ("'%99999999s' % mode", "cannot compute"),
        ("-mode", "cannot apply a sign to the string"),
        ("min(mode, 3)", "cannot compute min('copy', 3): 'copy' is a string, not a number"),
        ("int('x')", "cannot compute int('x'): 'x' is a string, not a number"),
        ("log2(0)", "cannot compute log2(0): the logarithm needs a number > 0"),
        ("pages / 0", "cannot compute 16 / 0: division by zero"),
        ("pages % 0.0", "cannot compute 16 % 0.0: division by zero"),
        ("mode - mode", "cannot compute 'copy' - 'copy': strings can only be joined, with +"),
        ("ceil(mode)", "cannot compute ceil('copy'): 'copy' is a string, not a number"),
        ("abs(mode)", "cannot compute abs('copy'): 'copy' is a string, not a number"),
        ("float('nan')", "not a finite number"),
        ("1e308 * 10", "not a finite number"),
        ("page_size * page_size * page_size * page_size", "does not fit in 64 bits"),
        ("page > 1", "'page' is not a factor or an argument; did you mean 'pages'?"),
    ],
)
def test_errors_of_evaluation(text: str, message: str) -> None:
    expression = Expression(text)
    with pytest.raises(ExpressionError) as caught:
        expression.evaluate(CELL)
    assert message in str(caught.value)


def test_strings_cannot_grow_without_limit() -> None:
    double = Expression("text + text")
    assert double.evaluate({"text": "x" * 500}) == "x" * 1000
    with pytest.raises(ExpressionError, match="longer than 1000"):
        double.evaluate({"text": "x" * 501})


def test_unknown_names_have_a_column_and_a_suggestion() -> None:
    errors = Expression("pagez > 1 and threds < 2").unknown(["pages", "threads"])
    assert [(error.column, str(error)) for error in errors.values()] == [
        (1, "'pagez' is not a factor or an argument; did you mean 'pages'? (column 1 of the expression)"),
        (
            15,
            "'threds' is not a factor or an argument; did you mean 'threads'? (column 15 of the expression)",
        ),
    ]


NUMBERS = st.integers(-1000, 1000).map(str) | st.sampled_from(["a", "b", "c", "0.5", "2.25"])


def _combine(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    arithmetic = st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%"]), inner)
    comparison = st.tuples(inner, st.sampled_from(["<", "<=", "==", "!=", ">", ">="]), inner)
    logic = st.tuples(inner, st.sampled_from(["and", "or"]), inner)
    return st.one_of(
        st.one_of(arithmetic, comparison).map(lambda parts: f"({' '.join(parts)})"),
        logic.map(lambda parts: f"bool_({' '.join(parts)})"),
        inner.map(lambda part: f"(not {part})"),
        inner.map(lambda part: f"(-{part})"),
        st.tuples(inner, inner, inner).map(lambda parts: "({} if {} else {})".format(*parts)),
        st.tuples(inner, inner).map(lambda parts: f"max({parts[0]}, {parts[1]})"),
        st.tuples(inner, inner).map(lambda parts: f"({parts[0]} in [{parts[1]}, 1, 2])"),
        inner.map(lambda part: f"floor({part})"),
    )


@settings(max_examples=300)
@given(
    st.recursive(NUMBERS, _combine, max_leaves=12), st.integers(-9, 9), st.integers(0, 9), st.floats(-4, 4)
)
def test_values_are_those_of_python(text: str, a: int, b: int, c: float) -> None:
    """``and`` and ``or`` return true or false, not one of their operands; all else is as in Python."""
    plain = text.replace("bool_(", "(")
    if len(plain) > 1000:
        return
    values = {"a": a, "b": b, "c": c}
    try:
        expected = eval(text, {"__builtins__": {"max": max, "floor": math.floor, "bool_": bool}}, values)
    except ZeroDivisionError:
        with pytest.raises(ExpressionError):
            Expression(plain).evaluate(values)
        return
    try:
        found = Expression(plain).evaluate(values)
    except ExpressionError as error:
        if any(bound in str(error) for bound in ("64 bits", "not a finite number", "too deeply")):
            return
        raise
    assert found == expected


@pytest.mark.parametrize(("text", "shown"), [("threads", "4"), ("mode", "'serial'"), ("threads - 1", "3")])
def test_a_predicate_must_be_true_or_false(text: str, shown: str) -> None:
    with pytest.raises(
        ExpressionError, match=f"expected true or false; the result is {shown}; add a comparison"
    ):
        Expression(text).holds({"threads": 4, "mode": "serial"})


def test_zero_and_one_are_predicates() -> None:
    assert [Expression("probe").holds({"probe": value}) for value in (0, 1, True)] == [False, True, True]


def test_what_pythons_parser_warns_of_is_not_shown(recwarn: pytest.WarningsRecorder) -> None:
    assert Expression("1if a else 2").evaluate({"a": True}) == 1
    assert not recwarn.list
