"""Which secrets of a text are found by scrubbing, and that each text is read in the time of its length."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from orchestrator.bundle.scrub import Scrubber

PROGRAM_TEXT = b"on a laptop of user jane\n"


def scrubbed(text: str, tmp_path: Path) -> str:
    path = tmp_path / "text"
    path.write_text(text)
    scrubber = Scrubber(PROGRAM_TEXT)
    scrubber.collect(path)
    scrubber.replace_in(path)
    return path.read_text()


FOUND = [
    ("password=$ecretXY12", "password=secret-1"),
    ("token=%tok4711abc", "token=secret-1"),
    ("api_key=481516234299", "api_key=secret-1"),
    ("secret=ab;cdHIDDEN", "secret=secret-1"),
    ("password=hunter2;XYZW", "password=secret-1"),
    ("passphrase: correct horse battery staple", "passphrase: secret-1"),
    ("passphrase: correct horse  # of the lab", "passphrase: secret-1  # of the lab"),
    ("password: don't tell", "password: secret-1"),
    ("x=${PASSWORD:-hunter22}", "x=${PASSWORD:-secret-1}"),
    ("password: aptop", "password: secret-1"),  # a part of a word of the program
    ('password="a,bcdefgh"', 'password="secret-1"'),
    ('password: "two words"', 'password: "secret-1"'),
    ("password: 'two words'", "password: 'secret-1'"),
    ("password: 'it''s two'", "password: 'secret-1'"),
    ('password="abcdefgh', 'password="secret-1'),
    ("password:\n  hunter22\nx: 1", "password:\n  secret-1\nx: 1"),
    ("password: |\n  hunter22\nx: 1", "password: |\n  secret-1\nx: 1"),
    ("mount -o password=hunter22,uid=5 and hunter22", "mount -o password=secret-1 and secret-2"),
    ("x: {password: hunter22, user: u}", "x: {password: secret-1, user: u}"),
    ("x: {a: {b: 1}, passphrase: two words}", "x: {a: {b: 1}, passphrase: secret-1}"),
    ("{token: abcd1234, password: hunter22}", "{token: secret-1, password: secret-2}"),
    ("token: abcd1234 password: hunter22", "token: secret-1 password: secret-2"),
    ("ansible_ssh_pass=hunter22", "ansible_ssh_pass=secret-1"),
    ("ansible_become_pass: hunter22", "ansible_become_pass: secret-1"),
    ("CLIENT_SECRET_KEY=hunter22", "CLIENT_SECRET_KEY=secret-1"),
    ("run --token abcd1234 x", "run --token secret-1 x"),
    ("run --auth-token 'two words' x", "run --auth-token 'secret-1' x"),
    ("argv: [run, --token, abcd1234, x]", "argv: [run, --token, secret-1, x]"),
    ('["--password", "two words"]', '["--password", "secret-1"]'),
    ("Authorization: Bearer abcd.1234", "Authorization: Bearer secret-1"),
    ("authorization: basic YWJjZDoxMjM0", "authorization: basic secret-1"),
    ("-H 'Bearer abcd1234'", "-H 'Bearer secret-1'"),
    (f"github_pat_{'a1_B' * 20} x", "secret-1 x"),
    ("-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQ\n-----END PGP PRIVATE KEY BLOCK-----\n", "secret-1\n"),
    ('{"token":481516234299,"x":1}', '{"token":secret-1,"x":1}'),
]


@pytest.mark.parametrize(("text", "expected"), FOUND)
def test_secrets_are_found(tmp_path: Path, text: str, expected: str) -> None:
    assert scrubbed(text, tmp_path) == expected


@pytest.mark.parametrize(("text", "expected"), FOUND)
def test_secrets_in_strings_of_json_are_found(tmp_path: Path, text: str, expected: str) -> None:
    """As in the journal, and in the JSON that a program has printed."""
    for wrapped in (text, json.dumps({"text": text})):
        document = scrubbed(json.dumps({"output": f"first\n{wrapped}\nlast"}), tmp_path)
        shown = json.loads(document)["output"]
        if wrapped != text:
            shown = f"first\n{json.loads(shown.splitlines()[1])['text']}\nlast"
        assert shown == f"first\n{expected}\nlast"


@pytest.mark.parametrize(
    "text",
    [
        "password: {{ vault.password }}",
        "password={{ password }};x",
        "password={{password}}",
        "password={% if x %}a b{% endif %}",
        "password=${PASSWORD}",
        'password="$DB_PASSWORD"',
        "password=$DB_PASSWORD; run",
        "password=$(cat /run/file)",
        "password: <your password>",
        "token: <token>",
        "--token {token} --password $TOKEN --token=<token>",
        "curl -H 'Authorization: Bearer $TOKEN'",
        "password: true",
        "password: False, token: null",
        "tokens: 123456, token: 4096, token=0.25, token: 5 ms",
        '{"token":12,"x":"abcdefgh"}',
        '{"token": 4096, "text": "abcd efgh"}',
        "secret:\n  name: abcdefgh\n  key:\n    path: abcdefgh",
        "token:\n  - abcdefgh",
        'token = strtok(NULL, " ");',
        'if (token == first || password != "abcd")',
        "password_file: ~/.file",
        "password: laptop",
        "--password-file abcdefgh",
        "warm_up_pass: 12345678, first_pass=abcdefgh, pass: abcdefgh",
        "password: ''\nnext: abcdefgh",
    ],
)
def test_what_is_no_secret_stays(tmp_path: Path, text: str) -> None:
    assert scrubbed(text, tmp_path) == text
    quoted = json.dumps({"x": text})
    assert scrubbed(quoted, tmp_path) == quoted


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "a.",
        "-",
        "a@",
        "a:",
        "://a:",
        "password",
        "password:",
        "password: ",
        "token: a ",
        'password="',
        "password='",
        'password=\\"',
        "password=a,",
        "password:\n ",
        "--token ",
        "--a-",
        "Bearer ",
        "authorization:a ",
        "-----BEGIN PRIVATE KEY-----",
        "\\",
        "{",
        " #",
    ],
)
def test_the_time_is_that_of_reading(tmp_path: Path, unit: str) -> None:
    """A search that begins again at each character would take 64 times as long."""
    path = tmp_path / "text"

    def seconds(length: int) -> float:
        path.write_text((unit * length)[:length])
        before = time.process_time()
        Scrubber(PROGRAM_TEXT).collect(path)
        return time.process_time() - before

    seconds(1000)
    assert seconds(80_000) < 24 * max(seconds(10_000), 0.005)
