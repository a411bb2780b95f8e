# shellcheck shell=sh
# systemd-boot: an entry of the Boot Loader Specification, booted by the EFI variable LoaderEntryOneShot. An entry without
# sort-key whose name starts with "~" comes last, so it never becomes the default by its place.
ENTRY='~orchestrate.conf'
EFI=/sys/firmware/efi/efivars
VENDOR=4a67b082-0a4c-41cf-b6c7-440b29bb8c4f

systemd_boot_variable() {
    [ ! -e "$EFI/$1-$VENDOR" ] || tr -d '\0' <"$EFI/$1-$VENDOR"
}

systemd_boot_fault() {
    if ! systemd_boot_variable LoaderInfo | grep -q systemd-boot; then echo "not started by systemd-boot"
    elif ! command -v bootctl >/dev/null; then echo "no bootctl"
    elif kexec_takes_reboots; then echo "/etc/default/kexec has reboots go past systemd-boot"
    elif ! bootctl --print-boot-path >/dev/null 2>&1; then echo "systemd-boot's partition is not mounted"
    fi
}

systemd_boot_install() {
    place=$(bootctl --print-boot-path) || return 1
    mkdir -p "$place/orchestrate" "$place/loader/entries" || return 1
    cp "$DIR/vmlinuz" "$DIR/initrd" "$place/orchestrate/" || return 1
    cat >"$place/loader/entries/$ENTRY" <<END
title orchestrate
linux /orchestrate/vmlinuz
initrd /orchestrate/initrd
options $1
END
}

systemd_boot_once() { sync && bootctl set-oneshot "$ENTRY" && sync; }

systemd_boot_reboot() { systemctl reboot || reboot; }

systemd_boot_forget() {
    command -v bootctl >/dev/null && place=$(bootctl --print-boot-path 2>/dev/null) || return 0
    rm -rf "$place/orchestrate" "$place/loader/entries/$ENTRY"
    ! systemd_boot_variable LoaderEntryOneShot | grep -qF "$ENTRY" || bootctl set-oneshot ''
}
