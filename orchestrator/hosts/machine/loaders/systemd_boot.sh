# shellcheck shell=sh
# systemd-boot: an entry of the Boot Loader Specification, booted by the EFI variable LoaderEntryOneShot. An entry without
# sort-key whose name starts with "~" sorts last, so it never becomes the default.
ENTRY='~orchestrate.conf'
EFI=/sys/firmware/efi/efivars
VENDOR=4a67b082-0a4c-41cf-b6c7-440b29bb8c4f

systemd_boot_variable() {
    [ ! -e "$EFI/$1-$VENDOR" ] || tr -d '\0' <"$EFI/$1-$VENDOR"
}

systemd_boot_obstacle() {
    if ! systemd_boot_variable LoaderInfo | grep -q systemd-boot; then echo "systemd-boot is not the boot loader"
    elif ! command -v bootctl >/dev/null; then echo "bootctl: command not found"
    elif kexec_replaces_reboots; then echo "LOAD_KEXEC=true in /etc/default/kexec: reboots bypass systemd-boot"
    elif ! bootctl --print-boot-path >/dev/null 2>&1; then echo "the boot partition of systemd-boot is not mounted"
    fi
}

systemd_boot_install() {
    boot_path=$(bootctl --print-boot-path) || return 1
    mkdir -p "$boot_path/orchestrate" "$boot_path/loader/entries" || return 1
    cp "$DIR/vmlinuz" "$DIR/initrd" "$boot_path/orchestrate/" || return 1
    cat >"$boot_path/loader/entries/$ENTRY" <<END
title orchestrate
linux /orchestrate/vmlinuz
initrd /orchestrate/initrd
options $1
END
}

systemd_boot_once() { sync && bootctl set-oneshot "$ENTRY" && sync; }

systemd_boot_reboot() { systemctl reboot || reboot; }

systemd_boot_remove() {
    command -v bootctl >/dev/null && boot_path=$(bootctl --print-boot-path 2>/dev/null) || return 0
    rm -rf "$boot_path/orchestrate" "$boot_path/loader/entries/$ENTRY"
    ! systemd_boot_variable LoaderEntryOneShot | grep -qF "$ENTRY" || bootctl set-oneshot ''
}
