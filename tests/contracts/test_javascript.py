"""The JavaScript serializer, beside a real Node."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hookferry.contracts.javascript import javascript
from hookferry.errors import Invalid

Node = Callable[[str, str], str | None]
"""Evaluates an expression over `text`, to a text; None if it throws."""

LOOP = """
    require("readline").createInterface({ input: process.stdin }).on("line", line => {
        const [expression, text] = JSON.parse(line);
        let result = null;
        try { result = eval(expression); } catch {}
        process.stdout.write(JSON.stringify(result) + "\\n");
    });
"""
AGAIN = "JSON.stringify(JSON.parse(text))"
WHOLE = "String(BigInt(Number(text)) === BigInt(text) || String(Number(text)) === text)"


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    """One process answers all examples."""
    if shutil.which("node") is None:
        pytest.skip("Node is not installed")
    with subprocess.Popen(["node", "--eval", LOOP], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        pipe, answers = process.stdin, process.stdout

        def ask(expression: str, text: str) -> str | None:
            pipe.write(json.dumps([expression, text]).encode() + b"\n")
            pipe.flush()
            answer: str | None = json.loads(answers.readline())
            return answer

        yield ask


def same_as(node: Node, text: str) -> bool:
    """Whether a text comes out as Node writes it, and Node leaves that as it is."""
    written = javascript(text.encode()).decode()
    return node(AGAIN, text) == written == node(AGAIN, written)


def accepts(text: str) -> bool:
    try:
        javascript(text.encode())
    except Invalid:
        return False
    return True


def joined(*parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map("".join)


def listed(opening: str, item: st.SearchStrategy[str], closing: str) -> st.SearchStrategy[str]:
    return st.lists(item, max_size=6).map(lambda items: f"{opening}{','.join(items)}{closing}")


TRAPS = [
    "-0", "-0.0", "0.0", "1.0", "-1.50", "1e0", "1E+2", "0e999", "-0e-5", "12.3e1",
    "1e15", "1e16", "123456789012345680.0", "1e20", "999999999999999934463e0", "999999999999999999999e0",
    "1e21", "1.5e+21", "1e22", "1e23", "1.7976931348623157e308",
    "0.001", "0.0001", "0.00012", "1e-4", "1e-5", "0.00001", "1.234e-5", "1e-6", "0.000001", "9.5e-7", "1e-7",
    "0.0000001", "1e-9", "1e-10", "1.5e-10", "1e-100",
    "5e-324", "4e-324", "2e-324", "1e-400", "2.2250738585072014e-308", "2.2250738585072011e-308",
    "0.1000000000000000055511151231257827", "0.30000000000000004", "100.12345678901234567890",
    "9007199254740991", "-9007199254740992", "9007199254740994", "9007199254740993.0",
    "9223372036854775808", "9223372036854776000", "18446744073709551616", "-18446744073709551616",
    "100000000000000000000", "1000000000000000000000", "10000000000000000000000", str(2**1023),
    "[9223372036854775808]", "[0,9223372036854775808]", '{"a":9223372036854775808}', "[-9223372036854775808]",
    '"\\ud800"', '"\\udC00"', '"\\ud800x"', '"\\ud800\\ud800\\udc00"', '"\\udc00\\ud800"', '"\\ud83d\\ude00"',
    '"\\ud800\\ue000"', '{"\\ud800": 1}', '{"\\udfff": 1, "1": 2}', '"\\\\ud800"',
    '"\\u0000\\u0001\\u001F\\b\\t\\n\\f\\r\\u000b"', '"\\u007f\x7f\x80\x9f\xa0"', '"\\/\\"\\\\"', '"\\u0041"',
    '"\u2028\u2029"', '"\\u2028\\u2029"', '"\ufeff\ufffe\uffff"', '"<&>\'"', '"\U0001f600\U0010ffff"',
    '{"b": 1, "10": 2, "9": 3, "a": 4, "0": 5}', '{"b": 1, "\\u0031": 2}', '{"b": 1, "1"\n:\t2}',
    '{"a": 1, "4294967295": 2, "4294967294": 3, "4294967296": 4, "0": 5}',
    '{"a": 1, "00": 2, "01": 3, "1": 4}',
    '{"a": 1, "-1": 2, "1.5": 3, "1e1": 4, "+1": 5, " 1": 6, "1": 7}', '{"a": 1, "9999999999": 2, "5": 3}',
    '{"a": 1, "12345678901": 2, "9007199254740991": 3, "4": 5}',
    '{"a": 1, "\u0661": 2, "1\u0660": 3, "2": 4}',
    '{"a": 1, "b": 2, "a": 3}', '{"1": 1, "b": 2, "1": 3, "0": 4}', '{"a": {"x": 1}, "a": {"y": 2}}',
    '{"a": 1, "__proto__": {"2": 1, "1": 2}, "a": 2, "__proto__": null}',
    '{"__proto__": 1, "constructor": 2, "toString": 3, "length": 4, "0": 5}',
    '{"": 1, "a": {"": {}}, "": []}',
    '{"id": "1234567890123456789", "at": ",1234567890123456", "1": 1}', '{"x": "\\"12\\":"}',
    '{"sha256": 1.0}',
    " [ ] ", "\t{\r\n}", "null", " true ", "false", '""', "[" * 100 + "1.0" + "]" * 100,
]  # fmt: skip

BLANKS = st.sampled_from(["", "", "", " ", "\n", "\t\r"])
DIGITS = r"-?(0|[1-9][0-9]{0,%d})(\.[0-9]{1,25})?"
NUMBERS = st.one_of(
    st.from_regex(DIGITS % 14, fullmatch=True),
    st.from_regex(DIGITS % 24 + r"[eE][+-]?(2[0-7]|1?[0-9])?[0-9]", fullmatch=True),
    st.from_regex(r"-?[1-9]\.[0-9]{0,17}1e(-[4-9]|-3[0-2][0-9]|1[5-7]|2[0-2]|30[0-7])", fullmatch=True),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-(2**53), 2**53).map(str),
    st.integers(-(2**70), 2**70).map(lambda whole: str(int(float(whole)))),
)
PLAIN = st.characters(exclude_categories=["Cs"], exclude_characters='"\\' + "".join(map(chr, range(32))))
SURROGATE = st.integers(0xD800, 0xDFFF).map("\\u{:04x}".format)
ESCAPE = st.sampled_from('"\\/bfnrt').map("\\".__add__) | st.integers(0, 0xFFFF).map("\\u{:04X}".format)
STRINGS = st.lists(PLAIN | ESCAPE | SURROGATE, max_size=6).map("".join).map('"{}"'.format)
INDICES = st.one_of(st.integers(0, 12), st.integers(2**32 - 3, 2**32), st.integers(0, 10**11)).map(str)
NAMES = st.sampled_from(["", "a", "b", "__proto__", "00", "01", "-1", "1.0", "1e3", "\\u0032"])
KEYS = STRINGS | (INDICES | NAMES).map('"{}"'.format)
TEXTS = st.recursive(
    NUMBERS | STRINGS | st.sampled_from(["null", "true", "false", *TRAPS]),
    lambda inner: st.one_of(
        listed("[", joined(BLANKS, inner, BLANKS), "]"),
        listed("{", joined(BLANKS, KEYS, BLANKS, st.just(":"), BLANKS, inner), "}"),
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("text", TRAPS)
def test_trap(node: Node, text: str) -> None:
    """Each known difference between a JSON library and JavaScript comes out as JavaScript has it."""
    assert same_as(node, text)


@pytest.mark.parametrize("text", TRAPS)
def test_trap_beside_others(node: Node, text: str) -> None:
    """The same, inside of something."""
    assert same_as(node, f'{{"items": [{text}, 1,{text}], "deep": {{"it": {text}}}}}')


@settings(max_examples=500)
@given(text=NUMBERS)
def test_numbers(node: Node, text: str) -> None:
    """Every number that is carried is printed as JavaScript prints it."""
    assert same_as(node, text)


@settings(max_examples=300)
@given(text=STRINGS)
def test_strings(node: Node, text: str) -> None:
    """Every string is escaped as JavaScript escapes it, lone surrogates included."""
    assert same_as(node, text)


@settings(max_examples=300)
@given(keys=st.lists(KEYS, max_size=8))
def test_keys(node: Node, keys: list[str]) -> None:
    """Keys stand in JavaScript's order: array indices first, a key given twice at its first place."""
    assert same_as(node, "{" + ",".join(f"{key}:{number}" for number, key in enumerate(keys)) + "}")


@settings(max_examples=500)
@given(text=TEXTS)
def test_texts(node: Node, text: str) -> None:
    """Whatever is carried is written as Node writes it, with or without blanks, at any depth."""
    assert same_as(node, text)


@given(text=TEXTS)
def test_fixed_point(text: str) -> None:
    """What was written once is written the same again."""
    written = javascript(text.encode())

    assert javascript(written) == written


@settings(max_examples=500)
@given(
    text=st.one_of(st.integers(), st.integers(-(2**80), 2**80), st.integers(2**53 - 9, 2**53 + 9)).map(str)
)
@example(str(2**53 + 1))
@example(str(-(2**53) - 1))
@example(str(2**63 - 1))
@example(str(2**64 - 1))
@example("9223372036854776000")
@example("100000000000000000000000")
def test_integers(node: Node, text: str) -> None:
    """An integer is carried just if a double holds it exactly or JavaScript prints its very digits."""
    assert accepts(text) == (node(WHOLE, text) == "true")


@settings(max_examples=500)
@given(text=st.text('{}[]":,0-+.e \n\\u/abtrufalsn\x00\x0b\x1f\x7f\xa0\ufeff', max_size=12))
@example("")
@example("\ufeff{}")
@example("NaN")
@example("-Infinity")
@example('{"a": Infinity}')
@example("[0,]")
@example("{'a': 0}")
@example("00")
@example("0.")
@example('"\n"')
@example('"\\x00"')
@example('"\\u00"')
@example('"\\u 000"')
@example("null null")
def test_grammar(node: Node, text: str) -> None:
    """What is no JSON for Node is refused, and nothing else."""
    assert accepts(text) == (node(AGAIN, text) is not None)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('{"items": [0, 1, 2, {"price": 9007199254740993}]}', "payload.items[3].price"),
        ("9007199254740993", "payload"),
        ("[[-9223372036854775807]]", "payload[0][0]"),
        ('{"unit price": 1e400}', 'payload["unit price"]'),
        ('{"": -1e400}', 'payload[""]'),
        ('{"\\ud800": 1e309}', 'payload["\\ud800"]'),
        ('{"größe": 1e309}', 'payload["gr\\u00f6\\u00dfe"]'),
        ('{"1": ' + "9" * 310 + "}", 'payload["1"]'),
        ('{"a": -' + "9" * 5000 + "}", "payload.a"),
        ('{"a": 1e400, "b": [nul]}', "payload"),
    ],
)
def test_place_of_a_refusal(text: str, field: str) -> None:
    """What cannot be carried is refused by the place where it stands."""
    with pytest.raises(Invalid) as refused:
        javascript(text.encode())

    assert refused.value.field == field


def test_place_in_another_text() -> None:
    """The name of the text is the caller's."""
    with pytest.raises(Invalid) as refused:
        javascript(b'{"weight": {"current": 1e400}}', "changes")

    assert refused.value.field == "changes.weight.current"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b'{"id": 9007199254740993}',
         "`payload.id` is an integer that a JavaScript number cannot hold exactly: send it as a string."),
        (b"[1e309]", "`payload[0]` is too large for a JavaScript number, which ends at about 1.8e308."),
        (b'"a\xff"', "Byte 2 of `payload` is not valid UTF-8."),
        (b'"\xed\xa0\x80"', "Byte 1 of `payload` is not valid UTF-8."),
        (b'{"\xc3": 1}', "Byte 2 of `payload` is not valid UTF-8."),
        (b'{"a": }', "`payload` is not valid JSON: Expecting value: line 1 column 7 (char 6)."),
        (b"NaN", "`payload` is not valid JSON: NaN is no number."),
        (b"[" * 100_000 + b"]" * 100_000, "`payload` is nested too deeply."),
    ],
)  # fmt: skip
def test_sentence_of_a_refusal(text: bytes, sentence: str) -> None:
    """A refusal says what is wrong, and where."""
    with pytest.raises(Invalid) as refused:
        javascript(text)

    assert refused.value.message == sentence
