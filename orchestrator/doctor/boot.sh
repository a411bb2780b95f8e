# shellcheck shell=sh
# Starts a guest of a few instructions under KVM: a boot sector that writes three letters to QEMU's debug port and ends
# QEMU. The file /dev/kvm says little: a hypervisor may hand it to its guest and not support what it needs.
# Usage: boot.sh QEMU SECONDS
# Prints one line: ok, absent, "absent no-modules" (the kernel has none to load), denied, no-qemu, or "failed REASON".

if [ ! -e /dev/kvm ]; then
    if [ -d "/lib/modules/$(uname -r)" ]; then echo absent; else echo absent no-modules; fi
    exit 0
fi
if [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; then echo denied; exit 0; fi
command -v "$1" >/dev/null 2>&1 || { echo no-qemu; exit 0; }

folder=$(mktemp -d) || { echo "failed no temporary directory"; exit 0; }
pid=
trap '[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null; rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
{
    # mov al,'K'; out 0xe9,al; 'V'; 'M'; mov al,16; out 0xf4,al; hlt; jmp to hlt
    printf '\260K\346\351\260V\346\351\260M\346\351\260\020\346\364\364\353\375'
    dd if=/dev/zero bs=1 count=491 2>/dev/null
    printf '\125\252'
} >"$folder/sector"
# A QEMU that crashes would leave its core in the working directory.
# shellcheck disable=SC3045 # dash and busybox ash have it
ulimit -c 0 2>/dev/null
"$1" -nodefaults -no-user-config -display none -machine pc,accel=kvm -cpu max -m 16 \
    -drive "file=$folder/sector,format=raw,if=floppy,readonly=on" -boot a \
    -device isa-debug-exit,iobase=0xf4,iosize=4 \
    -chardev "file,id=port,path=$folder/printed" -device isa-debugcon,iobase=0xe9,chardev=port \
    >/dev/null 2>"$folder/complaint" </dev/null &
pid=$!
tenths=0
while kill -0 "$pid" 2>/dev/null && [ "$tenths" -lt $(($2 * 10)) ]; do
    sleep 0.1 2>/dev/null || { sleep 1; tenths=$((tenths + 9)); }
    tenths=$((tenths + 1))
done
if kill -9 "$pid" 2>/dev/null; then late=yes; else late=; fi
wait "$pid" 2>/dev/null
printed=$(cat "$folder/printed" 2>/dev/null)
if [ "$printed" = KVM ]; then
    echo ok
elif [ -n "$late" ]; then
    echo "failed no instruction of the guest was executed within $2 s"
else
    echo "failed $(tail -n 1 "$folder/complaint" | cut -c 1-200)"
fi
exit 0
