"""The CPU's name from /proc/cpuinfo of other architectures, in a mount namespace, compared with what lscpu says.

The texts are those of real machines, shortened.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from orchestrator.hosts import facts
from orchestrator.hosts.facts import Facts

SCRIPT = Path(facts.__file__).parent / "facts.sh"
POWER9 = """\
processor\t: 0
cpu\t\t: POWER9, altivec supported
clock\t\t: 3800.000000MHz
revision\t: 2.2 (pvr 004e 1202)

timebase\t: 512000000
platform\t: PowerNV
model\t\t: 8335-GTW
machine\t\t: PowerNV 8335-GTW
firmware\t: OPAL
MMU\t\t: Radix
"""
POWER_GUEST = """\
processor\t: 0
cpu\t\t: POWER10 (architected), altivec supported
clock\t\t: 2750.000000MHz
revision\t: 2.0 (pvr 0080 0200)

timebase\t: 512000000
platform\t: pSeries
model\t\t: IBM pSeries (emulated by qemu)
machine\t\t: CHRP IBM pSeries (emulated by qemu)
"""
Z15 = """\
vendor_id       : IBM/S390
# processors    : 2
bogomips per cpu: 3241.00
max thread id   : 0
features\t: esan3 zarch stfle msa ldisp eimm dfp edat etf3eh highgprs vx vxd vxe gs vxe2 vxp sort dflt
facilities      : 0 1 2 3 4 6 7 8 9 10 12 14 15 16 17 18 19 20
cache0          : level=1 type=Data scope=Private size=128K line_size=256 associativity=8
processor 0: version = FF,  identification = 2733E8,  machine = 8561
processor 1: version = FF,  identification = 2733E8,  machine = 8561

cpu number      : 0
physical id     : 1
version         : FF
identification  : 2733E8
machine         : 8561
cpu MHz dynamic : 5200
"""
U74 = """\
processor\t: 0
isa\t\t: rv64imafdc_zba_zbb
mmu\t\t: sv39
uarch\t\t: sifive,u74-mc
mvendorid\t: 0x489
marchid\t\t: 0x8000000000000007
mimpid\t\t: 0x4210427
"""
RISCV_GUEST = """\
processor\t: 0
isa\t\t: rv64imafdch_zicbom_zicboz_zicsr
mmu\t\t: sv57
mvendorid\t: 0x0
marchid\t\t: 0x0
mimpid\t\t: 0x0
"""
LOONGSON = """\
system type\t\t: generic-loongson-machine

processor\t\t: 0
package\t\t\t: 0
core\t\t\t: 0
CPU Family\t\t: Loongson-64bit
Model Name\t\t: Loongson-3A5000
CPU Revision\t\t: 0x10
CPU MHz\t\t\t: 2500.00
BogoMIPS\t\t: 5000.00
Address Sizes\t\t: 48 bits physical, 48 bits virtual
ISA\t\t\t: loongarch32 loongarch64
Features\t\t: cpucfg lam ual fpu lsx lasx crc32 complex crypto lvz
"""
GRAVITON2 = """\
processor\t: 0
BogoMIPS\t: 243.75
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp ssbs
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x3
CPU part\t: 0xd0c
CPU revision\t: 1
"""
RASPBERRY = """\
processor\t: 0
model name\t: ARMv7 Processor rev 3 (v7l)
BogoMIPS\t: 108.00
Features\t: half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 lpae evtstrm crc32
CPU implementer\t: 0x41
CPU part\t: 0xd08
"""
LOONGSON_MIPS = """\
system type\t\t: generic-loongson-machine
machine\t\t\t: loongson,loongson64c-4core-ls7a
processor\t\t: 0
cpu model\t\t: ICT Loongson-3 V0.9  FPU V0.1
model name\t\t: ICT Loongson-3A R4 (Loongson-3A4000) @ 1800MHz
BogoMIPS\t\t: 3594.02
isa\t\t\t: mips1 mips2 mips3 mips4 mips5 mips32r1
"""
NIAGARA = """\
cpu\t\t: UltraSparc T3 (Niagara3)
fpu\t\t: UltraSparc T3 integrated FPU
prom\t\t: OBP 4.33.6.b 2013/03/20 14:28
type\t\t: sun4v
ncpus probed\t: 256
"""


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("unshare"),
    reason="needs to be root, with unshare, to replace /proc/cpuinfo",
)
@pytest.mark.parametrize(
    ("text", "model", "vendor", "flag"),
    [
        (POWER9, "POWER9, altivec supported", "", ""),
        (POWER_GUEST, "POWER10 (architected), altivec supported", "", ""),
        (Z15, "machine type 8561", "IBM/S390", "vxe2"),
        (U74, "sifive,u74-mc", "0x489", "rv64imafdc_zba_zbb"),
        (RISCV_GUEST, "rv64imafdch", "0x0", "rv64imafdch_zicbom_zicboz_zicsr"),
        (LOONGSON, "Loongson-3A5000", "", "lasx"),
        (GRAVITON2, "Neoverse-N1", "0x41", "atomics"),
        (RASPBERRY, "ARMv7 Processor rev 3 (v7l)", "0x41", "neon"),
        (LOONGSON_MIPS, "ICT Loongson-3A R4 (Loongson-3A4000) @ 1800MHz", "", "mips5"),
        (NIAGARA, "UltraSparc T3 (Niagara3)", "", ""),
    ],
    ids=["power9", "power guest", "z15", "u74", "riscv guest", "loongarch", "arm64", "arm", "mips", "sparc"],
)
def test_the_name_of_the_cpu(tmp_path: Path, text: str, model: str, vendor: str, flag: str) -> None:
    found, named = described(tmp_path, text)
    if text is GRAVITON2 and named != model:  # an lscpu that does not know the part, or none
        model = "0xd0c"
    assert (found.cpu_model, found.cpu_vendor) == (model, vendor)
    assert flag in found.cpu_flags or not flag
    assert found.cpus >= 1
    if named not in ("", "-") and text is not RASPBERRY:  # of 32 bits we keep the kernel's own name
        assert named == model


def described(folder: Path, text: str) -> tuple[Facts, str]:
    """Return the facts of a machine with this /proc/cpuinfo, and the CPU's name according to lscpu."""
    (folder / "cpuinfo").write_text(text)
    script = (
        f"mount --bind {folder}/cpuinfo /proc/cpuinfo && sh {SCRIPT} >{folder}/facts; "
        "LC_ALL=C lscpu 2>/dev/null | sed -n 's/^ *Model name: *//p'"
    )
    ended = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, check=True
    )
    return facts.parse((folder / "facts").read_text()), ended.stdout.strip()
