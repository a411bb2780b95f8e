"""``orchestrate kernel``: valid and invalid recipes, builds, the cache.

The source is a miniature kernel (``small_kernel/``), so a build takes a second. make, the compiler, git, patches,
locks, killed processes and full disks are real. ``tests/kernel`` builds the real kernel.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.integration.kernel_builder import SMALL_KERNEL, Kernels, refused
from tests.running import COMMAND


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
    line = "kernel k: not built yet; `run` builds it first, which takes minutes to hours and 2 GB of disk"

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
    own = os.nice(0)
    assert priorities == [str(min(19, own + 10)), *(["10"] if Path("/proc/self/autogroup").exists() else [])]


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
    ended = kernels.user.kill(process, number)
    kernels.user.wait_for(lambda: not makes_in(kernels.folder))
    assert kernels.kept == []
    if number == signal.SIGINT:
        told = f"{Path(recipe).stem} is not built yet; the same command continues the build"
        assert ended.complaints[-1] == told
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
