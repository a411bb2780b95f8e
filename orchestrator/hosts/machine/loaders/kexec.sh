# shellcheck shell=sh
# kexec, where the boot loader cannot boot a kernel once: the running kernel starts ours, and whatever ends ours leads
# through the firmware to the machine's own.
kexec_fault() {
    if ! command -v kexec >/dev/null; then echo "no kexec"
    elif ! command -v systemctl >/dev/null; then echo "kexec without systemd"
    elif [ ! -e /sys/kernel/kexec_loaded ]; then echo "this kernel has no kexec"
    elif [ "$(cat /proc/sys/kernel/kexec_load_disabled)" != 0 ]; then echo "kernel.kexec_load_disabled is set"
    fi
}

# Debian's kexec-tools can make each reboot one by kexec.
kexec_takes_reboots() { grep -qsx 'LOAD_KEXEC=true' /etc/default/kexec; }

kexec_install() { echo "$1" >"$DIR/words"; }

kexec_once() {
    kexec --kexec-syscall-auto --load "$DIR/vmlinuz" --initrd="$DIR/initrd" --command-line="$(cat "$DIR/words")"
}

kexec_reboot() {
    if [ -e "$DIR/words" ] && [ "$(cat /sys/kernel/kexec_loaded)" = 1 ]; then systemctl kexec
    else systemctl reboot; fi
}

kexec_forget() {
    [ ! -e "$DIR/words" ] || [ "$(cat /sys/kernel/kexec_loaded)" = 0 ] || kexec --unload
}
