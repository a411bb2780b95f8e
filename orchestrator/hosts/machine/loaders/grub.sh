# shellcheck shell=sh
# GRUB: an entry between two marker lines of custom.cfg, booted by grub-reboot. GRUB's own scripts look for kernels in /boot
# only, so update-grub never makes it the default. RECORD contains next_entry if grubenv had no such variable before.
BEGIN='# begin orchestrate'
END='# end orchestrate'

for folder in /boot/grub /boot/grub2; do
    [ -e "$folder/grub.cfg" ] && grub=$folder && break
done
prefix=${grub##*/}

grub_obstacle() {
    if [ -z "$grub" ]; then echo "GRUB is not installed (no /boot/grub/grub.cfg and no /boot/grub2/grub.cfg)"
    elif ! command -v "$prefix-reboot" >/dev/null; then echo "$prefix-reboot: command not found"
    elif ! grep -q next_entry "$grub/grub.cfg"; then echo "$grub/grub.cfg does not use next_entry, so GRUB cannot boot a kernel once"
    elif ! grep -q custom.cfg "$grub/grub.cfg"; then echo "$grub/grub.cfg does not read custom.cfg"
    elif [ ! -s "$grub/grubenv" ]; then echo "$grub/grubenv: No such file, so GRUB cannot boot a kernel once"
    elif kexec_replaces_reboots; then echo "LOAD_KEXEC=true in /etc/default/kexec: reboots bypass GRUB"
    elif [ -n "$("$prefix-probe" --target=abstraction "$grub" 2>/dev/null)" ]; then
        echo "GRUB cannot write $grub/grubenv on $("$prefix-probe" --target=abstraction "$grub" | tr '\n' ' '), so it would boot the kernel every time"
    else
        case $("$prefix-probe" --target=fs "$grub" 2>/dev/null) in
        btrfs | zfs | f2fs) echo "GRUB cannot write $grub/grubenv on this file system, so it would boot the kernel every time" ;;
        esac
    fi
}

grub_other_entries() {
    [ ! -e "$grub/custom.cfg" ] || sed "/^$BEGIN\$/,/^$END\$/d" "$grub/custom.cfg"
}

grub_install() {
    path=$("$prefix-mkrelpath" "$DIR") || return 1
    {
        grub_other_entries
        echo "$BEGIN"
        echo "menuentry 'orchestrate' --id orchestrate {"
        echo "  search --no-floppy --fs-uuid --set=root $("$prefix-probe" --target=fs_uuid /boot)"
        echo "  linux $path/vmlinuz $1"
        echo "  initrd $path/initrd"
        echo "}"
        echo "$END"
    } >"$grub/custom.cfg.new" && mv "$grub/custom.cfg.new" "$grub/custom.cfg"
}

grub_once() {
    "$prefix-editenv" "$grub/grubenv" list | grep -q '^next_entry=' || record next_entry
    sync && "$prefix-reboot" orchestrate && sync
}

grub_reboot() { systemctl reboot || reboot; }

grub_remove() {
    [ -n "$grub" ] || return 0
    if [ -e "$grub/custom.cfg" ] && grep -q "^$BEGIN\$" "$grub/custom.cfg"; then
        grub_other_entries >"$grub/custom.cfg.new" || return 1
        if [ -s "$grub/custom.cfg.new" ]; then mv "$grub/custom.cfg.new" "$grub/custom.cfg"
        else rm "$grub/custom.cfg.new" "$grub/custom.cfg"; fi
    fi
    # Unset a pending boot, or the empty value that GRUB leaves after it, unless next_entry existed before.
    case $("$prefix-editenv" "$grub/grubenv" list | grep '^next_entry='):$(grep -sx 'next_entry' "$RECORD") in
    next_entry=orchestrate:* | next_entry=:next_entry) "$prefix-editenv" "$grub/grubenv" unset next_entry ;;
    esac
}
