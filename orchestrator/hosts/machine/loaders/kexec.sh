# shellcheck shell=sh
# kexec, where the boot loader cannot boot a kernel once: the running kernel starts the installed one. Any later reboot goes
# through the firmware to the machine's own kernel.
kexec_obstacle() {
    if ! command -v kexec >/dev/null; then echo "kexec: command not found"
    elif ! command -v systemctl >/dev/null; then echo "kexec requires systemd"
    elif [ ! -e /sys/kernel/kexec_loaded ]; then echo "the running kernel does not support kexec"
    elif [ "$(cat /proc/sys/kernel/kexec_load_disabled)" != 0 ]; then echo "kexec is disabled (kernel.kexec_load_disabled=1)"
    fi
}

# Debian's kexec-tools can replace each reboot by kexec.
kexec_replaces_reboots() { grep -qsx 'LOAD_KEXEC=true' /etc/default/kexec; }

kexec_install() { echo "$1" >"$DIR/words"; }

kexec_once() {
    kexec --kexec-syscall-auto --load "$DIR/vmlinuz" --initrd="$DIR/initrd" --command-line="$(cat "$DIR/words")"
}

kexec_reboot() {
    if [ -e "$DIR/words" ] && [ "$(cat /sys/kernel/kexec_loaded)" = 1 ]; then systemctl kexec
    else systemctl reboot; fi
}

kexec_remove() {
    [ ! -e "$DIR/words" ] || [ "$(cat /sys/kernel/kexec_loaded)" = 0 ] || kexec --unload
}
