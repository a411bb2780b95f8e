# shellcheck shell=sh
# GRUB: an entry of ours between two marks of custom.cfg, booted by grub-reboot. GRUB's own scripts look for kernels in
# /boot itself only, so an update-grub never makes ours the default. FILES has next_entry where GRUB had no such variable.
BEGIN='# begin orchestrate'
END='# end orchestrate'

for folder in /boot/grub /boot/grub2; do
    [ -e "$folder/grub.cfg" ] && grub=$folder && break
done
prefix=${grub##*/}

grub_fault() {
    if [ -z "$grub" ]; then echo "no GRUB (neither /boot/grub/grub.cfg nor /boot/grub2/grub.cfg)"
    elif ! command -v "$prefix-reboot" >/dev/null; then echo "no $prefix-reboot"
    elif ! grep -q next_entry "$grub/grub.cfg"; then echo "$grub/grub.cfg does not look at next_entry, so no kernel can be booted once"
    elif ! grep -q custom.cfg "$grub/grub.cfg"; then echo "$grub/grub.cfg does not read custom.cfg"
    elif [ ! -s "$grub/grubenv" ]; then echo "$grub/grubenv is missing, so no kernel can be booted once"
    elif kexec_takes_reboots; then echo "/etc/default/kexec has reboots go past GRUB"
    elif [ -n "$("$prefix-probe" --target=abstraction "$grub" 2>/dev/null)" ]; then
        echo "GRUB cannot write $grub/grubenv there ($("$prefix-probe" --target=abstraction "$grub" | tr '\n' ' ')), so a kernel would not be booted once but for ever"
    else
        case $("$prefix-probe" --target=fs "$grub" 2>/dev/null) in
        btrfs | zfs | f2fs) echo "GRUB cannot write $grub/grubenv on this file system, so a kernel would not be booted once but for ever" ;;
        esac
    fi
}

grub_without_ours() {
    [ ! -e "$grub/custom.cfg" ] || sed "/^$BEGIN\$/,/^$END\$/d" "$grub/custom.cfg"
}

grub_install() {
    path=$("$prefix-mkrelpath" "$DIR") || return 1
    {
        grub_without_ours
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

grub_forget() {
    [ -n "$grub" ] || return 0
    if [ -e "$grub/custom.cfg" ] && grep -q "^$BEGIN\$" "$grub/custom.cfg"; then
        grub_without_ours >"$grub/custom.cfg.new" || return 1
        if [ -s "$grub/custom.cfg.new" ]; then mv "$grub/custom.cfg.new" "$grub/custom.cfg"
        else rm "$grub/custom.cfg.new" "$grub/custom.cfg"; fi
    fi
    # A boot that is due, and the empty word that GRUB leaves of one, unless there was such a word before.
    case $("$prefix-editenv" "$grub/grubenv" list | grep '^next_entry='):$(grep -sx 'next_entry' "$FILES") in
    next_entry=orchestrate:* | next_entry=:next_entry) "$prefix-editenv" "$grub/grubenv" unset next_entry ;;
    esac
}
