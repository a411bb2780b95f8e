"""Placeholders: which names are replaced, which stay, and that a name has one placeholder everywhere."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestrator.bundle.scrub import Scrubber
from orchestrator.results.codec import to_line
from orchestrator.results.journal import read
from tests.run_samples import BLOCK, END, RUN, trial

PROGRAM_TEXT = b"sysctl vm.stat_refresh on a laptop at 10.0.2.2, written by author@example.org\n"


def scrubbed(text: str, tmp_path: Path, *hosts: str, words: tuple[str, ...] = ()) -> str:
    path = tmp_path / "text"
    path.write_text(text)
    scrubber = Scrubber(PROGRAM_TEXT, frozenset({b"1.2.3.4"}))
    for word in words:
        scrubber.add("word", word)
    for host in hosts:
        scrubber.add_host(host)
    scrubber.collect(path)
    scrubber.replace_in(path)
    assert not list(scrubber.leftovers(tmp_path, [path]))
    return path.read_text()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from 203.0.113.77 to 203.0.113.77", "from 198.18.0.1 to 198.18.0.1"),
        ("10.1.2.3 and 10.1.2.30", "198.18.0.1 and 198.18.0.2"),
        ("[fd12:3456::7]:22", "[2001:db8::1]:22"),
        ("link 52:54:00:AB:cd:ef up", "link 02:00:00:00:00:01 up"),
        ("/home/jane/x and jane@", "/home/user-1/x and user-1@"),
        ("mail jane.doe@lab.example", "mail person-1@example.invalid"),
        ("password: hunter22", "password: secret-1"),
        ('{"api_key": "abcd-1234"}', '{"api_key": "secret-1"}'),
        ("https://me:hunter22@host/", "https://me:secret-1@host/"),
        ("https://me:hunt@er22@host/", "https://me:secret-1@host/"),
        ("key AKIAABCDEFGHIJKLMNOP used", "key secret-1 used"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\n", "secret-1\n"),
        (r'"-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\n"', r'"secret-1\n"'),
    ],
)
def test_names_are_found_and_replaced(tmp_path: Path, text: str, expected: str) -> None:
    assert scrubbed(text, tmp_path) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("to\njane.doe@lab.example\tx", "to\nperson-1@example.invalid\tx"),
        ("to\n203.0.113.77\n", "to\n198.18.0.1\n"),
        ("to\tfd12:3456::7\n", "to\t2001:db8::1\n"),
        ("to\r52:54:00:AB:cd:ef\n", "to\r02:00:00:00:00:01\n"),
        ("to\nvm\n", "to\nhost-1\n"),
    ],
)
def test_a_name_at_the_start_of_a_line_in_a_string_of_json(tmp_path: Path, text: str, expected: str) -> None:
    """Its line end is written as a letter, which is no part of the name."""
    assert json.loads(scrubbed(json.dumps({"stderr": text}), tmp_path, "vm"))["stderr"] == expected


def test_a_host_with_the_name_of_a_key_does_not_change_the_key(tmp_path: Path) -> None:
    manifest = {
        "controller": {"host": "controller"},
        "benchmark": {"controller": "controller: refused"},
        "text": "name: x\ncontroller:\n  - controller: controller\n  path: /controller\n",
    }
    path = tmp_path / "manifest.json"
    log = tmp_path / "console.log"
    path.write_text(json.dumps(manifest, indent=2))
    log.write_text("controller: Welcome\n")
    scrubber = Scrubber(b"the controller")
    scrubber.add_host("controller")
    assert scrubber.replace_in(path)
    assert scrubber.replace_in(log)
    assert json.loads(path.read_text()) == {
        "controller": {"host": "host-1"},
        "benchmark": {"controller": "host-1: refused"},
        "text": "name: x\ncontroller:\n  - controller: host-1\n  path: /controller\n",
    }
    assert log.read_text() == "host-1: Welcome\n"


@pytest.mark.parametrize(
    "text",
    [
        "listening on 127.0.0.1, ::1 and 0.0.0.0",
        "netmask 255.255.255.0",
        "version 1.2.3.4 of a package",
        "at 02:39:30 and 10:11:12",
        "release 6.1.0.56.1",
        "the guest's 10.0.2.2, and author@example.org",
        "token: {{ token }}, password: null",
        "tokens left: 12",
        "password: laptop",
        "pci 0000:00:01.0, std::vector",
    ],
)
def test_common_addresses_and_other_text_stay(tmp_path: Path, text: str) -> None:
    assert scrubbed(text, tmp_path) == text


def test_a_host_is_replaced_everywhere(tmp_path: Path) -> None:
    text = "node17 node17.cluster.example xnode17-eth0 /net/node17/x node17-1.console.log"
    expected = "host-2 host-1 xhost-2-eth0 /net/host-2/x host-2-1.console.log"
    assert scrubbed(text, tmp_path, "node17.cluster.example") == expected


def test_a_host_with_a_public_name_is_replaced_as_a_whole_word_only(tmp_path: Path) -> None:
    text = '"host": "vm", ssh://vm:22, me@vm, vm.stat_refresh, /proc/sys/vm/stat, vm-icount'
    expected = '"host": "host-1", ssh://host-1:22, me@host-1, vm.stat_refresh, /proc/sys/vm/stat, vm-icount'
    assert scrubbed(text, tmp_path, "vm") == expected


@pytest.mark.parametrize(
    ("host", "text", "expected"),
    [
        ("jane@node17:2222", "jane on node17:2222", "user-1 on host-1:2222"),
        ("203.0.113.9:22", "at 203.0.113.9", "at 198.18.0.1"),
        ("[fd12::7]:22", "at fd12::7", "at 2001:db8::1"),
        ("fd12::7", "at fd12::7", "at 2001:db8::1"),
        ("root@127.0.0.1:2222", "127 times at 127.0.0.1 as root", "127 times at 127.0.0.1 as root"),
        ("::1", "at ::1", "at ::1"),
    ],
)
def test_a_host_may_be_named_with_user_and_port(tmp_path: Path, host: str, text: str, expected: str) -> None:
    assert scrubbed(text, tmp_path, host) == expected


def test_words_are_replaced_in_json_spelling_too(tmp_path: Path) -> None:
    text = "projekt Größe, " + json.dumps("projekt Größe")
    assert scrubbed(text, tmp_path, words=("Größe",)) == 'projekt word-1, "projekt word-1"'


def test_many_addresses_have_different_placeholders(tmp_path: Path) -> None:
    text = " ".join(f"10.{a}.{b}.9" for a in range(20) for b in range(50))
    assert len(set(scrubbed(text, tmp_path).split())) == 1000


def test_a_binary_file_is_not_changed_but_reported(tmp_path: Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(b"\x7fELF\0\0node17\0")
    scrubber = Scrubber(PROGRAM_TEXT)
    scrubber.add_host("node17")
    assert not scrubber.replace_in(path)
    assert list(scrubber.leftovers(tmp_path, [path])) == [(path, b"node17")]


def test_a_public_name_in_a_binary_file_is_not_reported(tmp_path: Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(b"\0 vm \0")
    scrubber = Scrubber(PROGRAM_TEXT)
    scrubber.add_host("vm")
    assert not list(scrubber.leftovers(tmp_path, [path]))
    assert scrubber.public_names == ["vm"]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"k": 'tök"en 17'}),
        json.dumps({"k": 'tök"en 17'}, ensure_ascii=False),
        "https://x/?k=t%C3%B6k%22en%2017",
        *(base64.b64encode(b"a" * before + 'tök"en 17'.encode() + b"more").decode() for before in range(3)),
    ],
)
def test_a_word_is_replaced_in_all_its_spellings(tmp_path: Path, text: str) -> None:
    assert "word-1" in scrubbed(text, tmp_path, words=('tök"en 17',))


def test_a_name_of_a_folder_is_left_over(tmp_path: Path) -> None:
    path = tmp_path / "t0ken17" / "file"
    path.parent.mkdir()
    path.touch()
    scrubber = Scrubber(PROGRAM_TEXT)
    scrubber.add("word", "t0ken17")
    assert list(scrubber.leftovers(tmp_path, [path])) == [(path, b"t0ken17")]


def test_the_lines_of_a_scrubbed_journal_have_their_checksums(tmp_path: Path) -> None:
    """A line that was damaged before stays damaged."""
    first, second, third = (to_line(record) for record in (RUN, replace(BLOCK, host="numa1.lab"), END))
    path = tmp_path / "journal.jsonl"
    path.write_bytes(first + second + second.replace(b'"block":0', b'"block":8') + third)
    scrubber = Scrubber(b"")
    scrubber.add_host("numa1.lab")
    assert scrubber.replace_in(path)
    damage: list[str] = []
    assert list(read(path, damage.append)) == [RUN, replace(BLOCK, host="host-1"), END]
    assert [line.partition("jsonl:")[2][:4] for line in damage] == ["3:1:"]


def test_a_key_that_begins_and_ends_in_two_lines_of_a_journal_leaves_them_two(tmp_path: Path) -> None:
    """Of the output of trials only the end is kept."""
    records = [
        replace(trial({"mode": "serial"}, n), stderr=f"-----{word} PRIVATE KEY-----")
        for n, word in enumerate(("BEGIN", "END"))
    ]
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"".join(map(to_line, (RUN, *records, END))))
    scrubber = Scrubber(b"")
    scrubber.collect(path)
    scrubber.replace_in(path)
    assert list(read(path)) == [RUN, *records, END]
