"""``orchestrate kernel``: valid and invalid recipes, builds, the cache.

The source is a miniature kernel (``small_kernel/``), so a build takes a second. make, the compiler, git, patches,
locks, killed processes and full disks are real. ``tests/kernel`` builds the real kernel.
"""

from __future__ import annotations

import base64
import os
import quopri
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.integration.kernel_builder import SMALL_KERNEL, Kernels
from tests.running import COMMAND, Ended


@pytest.fixture
def kernels(tmp_path: Path) -> Any:
    kernels = Kernels(tmp_path)
    yield kernels
    kernels.user.close()


def refused(ended: Ended) -> str:
    """The one line that says why a kernel was not built."""
    assert ended.code == 4, ended.err
    (line,) = ended.complaints
    return line


def test_a_kernel_is_built_once_and_named_by_its_hash(kernels: Kernels) -> None:
    patch = kernels.patch("faster.patch", "copied += 9;", "copied += 10;")
    built = kernels.built(kernels.recipe(patches=[patch]))
    assert kernels.compiled == ["mm", "start"]
    folder = kernels.cache / "kernels" / built["hash"]
    assert {"bzImage", "System.map", "config", "build.log", "kernel.json"} <= {
        f.name for f in folder.iterdir()
    }
    assert built["release"] == f"6.12.1-{built['hash']}"
    assert len(built["build_id"]) == 40
    assert (folder / "config").read_text() == "CONFIG_FIRST=y\n# CONFIG_SECOND is not set\n"
    assert [each["name"] for each in built["ingredients"]["patches"]] == ["faster.patch"]

    again = kernels.built(kernels.recipe("other-name", patches=[patch]))
    assert again["hash"] == built["hash"]
    assert kernels.compiled == []


def test_the_plan_names_a_kernel_until_it_is_built(kernels: Kernels) -> None:
    line = "kernel k: not built yet; `run` builds it first, which takes minutes to an hour"

    def planned(recipe: Path) -> list[str]:
        file = kernels.folder / "experiment.yaml"
        file.write_text(
            "version: 1\nname: any\nhosts: {provider: qemu}\n"
            f"kernels: {{k: {{recipe: {recipe}}}}}\n"
            "benchmark: {command: [echo, x=1], metrics: {x: {key_value: x, unit: s}}}\n"
        )
        return kernels.user.orchestrate("plan", file).out.splitlines()

    assert line in planned(kernels.recipe())
    assert kernels.compiled == []
    kernels.built(kernels.recipe())
    assert line not in planned(kernels.recipe())
    patch = kernels.patch("faster.patch", "copied += 9;", "copied += 10;")
    assert line in planned(kernels.recipe(patches=[patch]))
    kernels.built(kernels.recipe(patches=[patch]))
    assert line not in planned(kernels.recipe(patches=[patch]))


def test_a_build_has_low_priority(kernels: Kernels) -> None:
    kernels.built(kernels.recipe())
    priorities = (kernels.folder / "compiled.nice").read_text().split()
    assert priorities == ["19"] * (2 if Path("/proc/self/autogroup").exists() else 1)


def test_other_ingredients_give_another_kernel_with_an_incremental_build(kernels: Kernels) -> None:
    first = kernels.built(kernels.recipe())
    assert kernels.compiled == ["mm", "start"]
    patch = kernels.patch("faster.patch", "copied += 9;", "copied += 10;")
    second = kernels.built(kernels.recipe(patches=[patch]))
    assert kernels.compiled == ["mm"]
    kernels.patch("faster.patch", "return 1;", "return 2;", "start.c")
    third = kernels.built(kernels.recipe(patches=[patch]))
    assert kernels.compiled == ["mm", "start"], "the file whose patch went away, too"
    assert len({first["hash"], second["hash"], third["hash"]}) == 3
    assert len({first["build_id"], second["build_id"], third["build_id"]}) == 3
    assert (kernels.tree / "mm.c").read_text() == (SMALL_KERNEL / "mm.c").read_text()


def test_builds_are_reproducible(kernels: Kernels) -> None:
    first = kernels.built(kernels.recipe())
    image = (kernels.cache / "kernels" / first["hash"] / "bzImage").read_bytes()
    shutil.rmtree(kernels.cache)
    second = kernels.built(kernels.recipe())
    assert (second["hash"], second["build_id"]) == (first["hash"], first["build_id"])
    assert (kernels.cache / "kernels" / second["hash"] / "bzImage").read_bytes() == image


@pytest.mark.parametrize("kind", ["folder", "git folder", "git tag", "git branch", "git url", "tarball"])
def test_every_source(kernels: Kernels, kind: str) -> None:
    git = ["git", "-C", str(kernels.tree), "-c", "user.name=n", "-c", "user.email=e@x"]
    if kind.startswith("git"):
        for words in (
            ["init", "-q", "-b", "main"],
            ["add", "-A"],
            ["commit", "-qm", "first"],
            ["tag", "-am", "t", "v1"],
        ):
            subprocess.run([*git, *words], check=True)
    source: dict[str, str] = {
        "folder": {"folder": "tree"},
        "git folder": {"folder": "tree"},
        "git tag": {"git": "tree", "ref": "v1"},
        "git branch": {"git": "tree", "ref": "main"},
        "git url": {"git": f"file://{kernels.tree}", "ref": "v1"},
        "tarball": {"tarball": "tree.tar.gz"},
    }[kind]
    if kind == "tarball":
        subprocess.run(
            ["tar", "-C", kernels.folder, "-czf", kernels.folder / "tree.tar.gz", "tree"], check=True
        )
    first = kernels.built(kernels.recipe(source=source))
    assert kernels.compiled == ["mm", "start"]
    edited = (kernels.tree / "mm.c").read_text().replace("9;", "11;")
    (kernels.tree / "mm.c").write_text(edited)
    second = kernels.built(kernels.recipe(source=source))
    if "folder" in kind:
        assert kernels.compiled == ["mm"], "an edit that is not committed counts where someone works"
    else:
        assert second["hash"] == first["hash"]
        assert kernels.compiled == []
    if kind.startswith("git"):
        status = subprocess.run(
            [*git, "status", "--porcelain"], capture_output=True, text=True, check=True
        ).stdout
        assert status == " M mm.c\n", "a repository that is read stays as it is"


def mail(subject: str, body: str, encoding: str = "8bit") -> str:
    encode = {"base64": base64.encodebytes, "quoted-printable": quopri.encodestring}.get(encoding, bytes)
    return (
        "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n"
        f"From: N <n@example.org>\nSubject: {subject}\nContent-Type: text/plain; charset=UTF-8\n"
        f"Content-Transfer-Encoding: {encoding}\n\n{encode(body.encode()).decode()}\n"
    )


def test_patches_from_an_mbox_a_folder_and_a_series(kernels: Kernels) -> None:
    one = (kernels.folder / kernels.patch("one", "copied += 9;", "copied += 19;")).read_text()
    two = (kernels.folder / kernels.patch("two", "return 1;", "return 2;", "start.c")).read_text()
    cover = mail("[PATCH 0/2] two of them", "Hello,\n\nthis is no patch.\n")
    (kernels.folder / "two.mbox").write_text(
        cover + mail("[PATCH 1/2] mm: one", one) + mail("[PATCH 2/2] start: two", two, "base64")
    )
    folder = kernels.folder / "patches"
    folder.mkdir()
    (folder / "0002-b.patch").write_text(two)
    (folder / "0001-a.patch").write_text(
        one.replace("19", "29")
    )  # other text: the name is no part of a kernel
    (folder / "README").write_text("no patch")
    quilt = kernels.folder / "quilt"
    quilt.mkdir()
    (quilt / "series").write_text("# in this order\nz.patch -p1\na.patch\n")
    (quilt / "z.patch").write_text(one.replace("19", "39"))
    (quilt / "a.patch").write_text(two)

    names = {
        patches: [
            each["name"]
            for each in kernels.built(kernels.recipe(patches=[patches]))["ingredients"]["patches"]
        ]
        for patches in ("two.mbox", "patches", "quilt")
    }
    assert names == {
        "two.mbox": ["mm: one", "start: two"],
        "patches": ["0001-a.patch", "0002-b.patch"],
        "quilt": ["z.patch", "a.patch"],
    }
    (workspace,) = kernels.cache.glob("kernel-workspaces/*/source")
    assert "copied += 39;" in (workspace / "mm.c").read_text()
    assert "return 2;" in (workspace / "start.c").read_text()


def test_patches_of_all_kinds_are_those_of_git_and_quilt(kernels: Kernels) -> None:
    one = (kernels.folder / kernels.patch("one", "copied += 9;", "copied += 1 == 1 ? 19 : 0;")).read_text()
    two = (kernels.folder / kernels.patch("two", "return 1;", "return 2;", "start.c")).read_text()
    cover = (
        "Why.\n\n---\nA B (1):\n      mm: one\n---\nbase-commit: 0123456789abcdef\n"  # as `b4 prep` makes it
    )
    words = "From userspace nothing changes, see 2024\n\n---\n"
    (kernels.folder / "series.mbox").write_text(
        mail("[PATCH 0/1] mm: cover", cover)
        + mail("[PATCH 1/1] =?UTF-8?q?mm:_gr=C3=B6=C3=9Fer?=", words + one, "quoted-printable")
    )
    (kernels.folder / "crlf.eml").write_text(mail("[PATCH] start: two", two), newline="\r\n")
    git = ("new file mode 100644", "old mode 100644\nnew mode 100755", "rename from new.h\nrename to other.h")
    for number, (text, names) in enumerate(
        zip(git, ("new.h b/new.h", "Kbuild b/Kbuild", "new.h b/other.h"), strict=True)
    ):
        (kernels.folder / f"{number}.patch").write_text(f"diff --git a/{names}\n{text}\n")
    quilt = kernels.folder / "quilt"
    quilt.mkdir()
    (quilt / "series").write_bytes(b"undo.patch -R  # not needed, says J\xf6rg\n")
    (quilt / "undo.patch").write_text(two)

    recipe = kernels.recipe(patches=["series.mbox", "crlf.eml", "0.patch", "1.patch", "2.patch", "quilt"])
    built = kernels.built(recipe)
    names = [patch["name"] for patch in built["ingredients"]["patches"]]
    assert names == ["mm: größer", "crlf.eml", "0.patch", "1.patch", "2.patch", "undo.patch -R"]
    (source,) = kernels.cache.glob("kernel-workspaces/*/source")
    assert "copied += 1 == 1 ? 19 : 0;" in (source / "mm.c").read_text()
    assert (source / "start.c").read_text() == (SMALL_KERNEL / "start.c").read_text()
    assert os.access(source / "Kbuild", os.X_OK)
    assert (source / "other.h").read_text() == ""
    assert not (source / "new.h").exists()


def test_patches_that_git_and_quilt_refuse_are_refused_in_one_line(kernels: Kernels) -> None:
    one = (kernels.folder / kernels.patch("one.patch", "copied += 9;", "copied += 19;")).read_text()
    quilt = kernels.folder / "quilt"
    quilt.mkdir()
    (quilt / "one.patch").write_text(one)
    files = {
        "crlf.patch": (
            one.replace("\n", "\r\n").encode(),
            "patch crlf.patch does not apply: hunk 1 of mm.c (@@ -10,6 +10,6 @@): the patch has CRLF line endings, "
            "mm.c has LF; convert the patch with dos2unix",
        ),
        "latin1.mbox": (
            b"From J\xf6rg Thu Jan  1 00:00:00 1970\nSubject: Re: [PATCH] gr\xf6\xdfer\n\n> why?\n",
            f"{kernels.folder}/latin1.mbox: no diff found in the mail; remove the mail if it is not a patch",
        ),
        "quilt/series": (
            b"# J\xf6rg\none.patch -pab\n",
            f"{quilt}/series:2: unsupported option '-pab'; supported: -pN, -R",
        ),
    }
    for name, (content, message) in files.items():
        (kernels.folder / name).write_bytes(content)
        recipe = kernels.recipe(patches=[name.removesuffix("/series")])
        assert refused(kernels.build(recipe)) == message
    assert kernels.kept == kernels.leftovers == []


def test_a_patch_that_does_not_apply_is_reported_with_its_hunk(kernels: Kernels) -> None:
    good = kernels.patch("good.patch", "return 1;", "return 2;", "start.c")
    first = kernels.patch("bad.patch", "copied = 0;", "copied = 1;")
    text = (kernels.folder / first).read_text()
    late = (kernels.folder / kernels.patch("late.patch", "return copied;", "return 0;")).read_text()
    (kernels.folder / "bad.patch").write_text(
        text + late[late.index("@@") :].replace("copied += 9;", "copied += 99;")
    )
    message = refused(kernels.build(kernels.recipe(patches=[good, "bad.patch"])))
    assert message.startswith("patch bad.patch does not apply: hunk 2 of mm.c (@@ -11,5 +11,5 @@"), message
    assert kernels.kept == []
    assert kernels.leftovers == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "CONFIG_THIRD=y",
            "fragment.config:3: CONFIG_THIRD=y is not in the final .config: unknown symbol",
        ),
        (
            "CONFIG_NEEDS_MORE=y",
            "fragment.config:3: CONFIG_NEEDS_MORE=y is not in the final .config: actual value n; check",
        ),
        (
            "CONFIG-X=y",
            "fragment.config:3: expected CONFIG_NAME=value or '# CONFIG_NAME is not set'; found 'CONFIG-X=y'",
        ),
    ],
)
def test_a_request_missing_in_the_final_config_is_reported(kernels: Kernels, line: str, message: str) -> None:
    with (kernels.folder / "fragment.config").open("a") as fragment:
        fragment.write(f"{line}\n")
    assert refused(kernels.build(kernels.recipe())).startswith(message)
    assert kernels.compiled == []
    assert kernels.kept == kernels.leftovers == []


def test_invalid_recipes_give_one_line(kernels: Kernels) -> None:
    assert "gcc-99: command not found" in refused(kernels.build(kernels.recipe(compiler="gcc-99")))
    assert "unknown revision 'v9'" in refused(
        kernels.build(kernels.recipe(source={"git": str(SMALL_KERNEL.parents[2]), "ref": "v9"}))
    )
    (kernels.folder / "no.patch").write_text("nothing\n")
    assert "is not a patch" in refused(kernels.build(kernels.recipe(patches=["no.patch"])))
    (kernels.tree / "Kbuild").unlink()
    assert "is not a kernel source tree" in refused(kernels.build(kernels.recipe()))
    ended = kernels.build("no-such-recipe")
    assert (ended.code, ended.complaints) == (
        2,
        [
            "recipe 'no-such-recipe' not found; known: linux-6.12-accel, linux-6.12-accel-machine, "
            "linux-6.12-base, linux-6.12-debug, linux-7.3-accel, linux-7.3-base, linux-7.3-debug"
        ],
    )
    assert kernels.kept == kernels.leftovers == []


def test_a_compiler_error_is_reported_with_its_position(kernels: Kernels) -> None:
    (kernels.tree / "mm.c").write_text("int migrate(void) { return missing; }\n")
    message = refused(kernels.build(kernels.recipe()))
    assert (
        "mm.c:1:28: error: ‘missing’ undeclared" in message
        or "mm.c:1:28: error: 'missing' undeclared" in message
    ), message
    log = Path(message.rpartition("log: ")[2].rstrip(")"))
    assert "missing" in log.read_text()
    assert kernels.kept == kernels.leftovers == []


def test_concurrent_builds_build_once(kernels: Kernels) -> None:
    recipe = kernels.recipe()
    both = [kernels.user.begin("kernel", "build", recipe) for _ in range(2)]
    ended = [kernels.user.end(process) for process in both]
    assert [each.code for each in ended] == [0, 0]
    assert ended[0].out == ended[1].out
    assert kernels.compiled == ["mm", "start"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_build_that_is_stopped_leaves_no_kernel_and_no_process(
    kernels: Kernels, number: signal.Signals
) -> None:
    recipe = kernels.recipe()
    (kernels.folder / "slow").touch()
    process = kernels.user.begin("kernel", "build", recipe)
    kernels.user.wait_for(kernels.has_started_compiling, process)
    kernels.user.kill(process, number)
    kernels.user.wait_for(lambda: not makes_in(kernels.folder))
    assert kernels.kept == []
    (kernels.folder / "slow").unlink()
    assert kernels.compiled
    kernels.built(recipe)
    assert kernels.compiled == ["mm", "start"]
    assert kernels.leftovers == []


def makes_in(folder: Path) -> list[int]:
    """Processes whose command line names the folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if f"{folder}/cache".encode() in command:
                found.append(int(entry.name))
    return found


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
@pytest.mark.parametrize("size", ["40k", "84k", "100k", "112k", "124k"])
def test_a_full_disk_ends_with_one_line_and_leaves_no_kernel(kernels: Kernels, size: str) -> None:
    cache = kernels.folder / "cache"
    cache.mkdir()
    mounted = (
        f'mount -t tmpfs -o size={size} none "$1" && shift && "$@"; code=$?; find cache >left; exit $code'
    )
    done = subprocess.run(
        [
            "unshare",
            "--mount",
            "sh",
            "-c",
            mounted,
            "sh",
            cache,
            COMMAND,
            "kernel",
            "build",
            kernels.recipe(),
        ],
        cwd=kernels.folder,
        env={**os.environ, **kernels.user.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("orchestrate: ")]
    assert "no space left" in line
    assert "kernel.json" not in (kernels.folder / "left").read_text()
    assert ".part" not in (kernels.folder / "left").read_text()


def test_list_show_and_gc(kernels: Kernels) -> None:
    assert "no kernels in" in kernels.user.orchestrate("kernel", "list").err
    first = kernels.built(kernels.recipe())
    second = kernels.built(kernels.recipe("patched", patches=[kernels.patch("p.patch", "9;", "8;")]))
    listed = kernels.user.orchestrate("kernel", "list").out.splitlines()
    assert [line.split()[0] for line in listed[2:]] == [second["hash"], first["hash"]]

    shown = kernels.user.orchestrate("kernel", "show", second["hash"][:6]).out
    assert second["build_id"] in shown
    assert "p.patch" in shown
    assert kernels.user.orchestrate("kernel", "show", "patched").out == shown
    ended = kernels.user.orchestrate("kernel", "show", "ffffffffffff")
    assert (ended.code, len(ended.complaints)) == (2, 1)

    assert kernels.user.orchestrate("kernel", "gc").out == "0 MiB freed\n"
    printed = kernels.user.orchestrate("kernel", "gc", "--unused-for", "0", "--dry-run").out
    assert printed.count("would remove kernel") == 2
    assert len(kernels.kept) == 2
    old = kernels.cache / "kernels" / first["hash"]
    os.utime(old, (0, 0))
    assert (
        f"removed kernel {first['hash']}"
        in kernels.user.orchestrate("kernel", "gc", "--unused-for", "7d").out
    )
    assert kernels.kept == [second["hash"]]
    assert kernels.user.orchestrate("kernel", "gc", "--unused-for", "0").code == 0
    assert kernels.kept == []
    assert not list(kernels.cache.glob("kernel-workspaces/*/source"))
    kernels.built(kernels.recipe())


@pytest.mark.slow
def test_directories_in_use_are_not_removed(kernels: Kernels) -> None:
    recipe = kernels.recipe()
    (kernels.folder / "slow").touch()
    process = kernels.user.begin("kernel", "build", recipe)
    kernels.user.wait_for(kernels.has_started_compiling, process)
    ended = kernels.user.orchestrate("kernel", "gc", "--unused-for", "0")
    assert "skipped (in use): workspace" in ended.out
    kernels.user.kill(process, signal.SIGINT)


def test_all_kernels_of_an_experiment_are_built(kernels: Kernels) -> None:
    kernels.recipe()
    file = kernels.user.file(
        "benchmark: {command: ['true'], metrics: {x: {unit: s, key_value: x}}}\n"
        "kernels: {a: {recipe: ./small.yaml}, b: {recipe: {source: {folder: tree}, config: {base: defconfig}}}}\n"
    )
    ended = kernels.build(file)
    assert ended.code == 0, ended.err
    assert len(ended.out.splitlines()) == 2
    assert len(kernels.kept) == 2


def test_a_posted_series_requires_b4(kernels: Kernels) -> None:
    kernels.user.environment["PATH"] = "/usr/bin:/bin"
    recipe = kernels.recipe(patches=[{"b4": "20170217150551.117028-1-zi.yan@sent.com"}])
    assert "-m pip install 'b4>=" in refused(kernels.build(recipe))
    assert kernels.leftovers == []
