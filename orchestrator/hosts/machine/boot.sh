# shellcheck shell=sh
# A kernel beside the old one, booted once by GRUB; the default entry is never touched.
#
#   look                            prints key=value: boot, mark (of the kernel that runs; empty: the machine's own), fault, used
#   install RELEASE MARK WORDS S    files have been put into DIR; makes the initramfs and the menu entry; under this kernel
#                                   a watchdog resets the machine unless "look" was run S seconds after it came up (0: none)
#   once                            the entry is what the next boot takes, and only that
#   forget                          removes all that "install" has made, and a boot that is still due
#
# What is ours is in one folder, in /lib/modules/RELEASE where we made that, and between two marks of GRUB's custom.cfg.
# GRUB's own scripts look for kernels in /boot itself only, so an update-grub never makes ours the default.
# FILES names each file and folder elsewhere that is ours, and next_entry where GRUB had no such variable, before it is made.
DIR=/boot/orchestrate
UNIT=/etc/systemd/system/orchestrate-watchdog.service
FOUND=/run/orchestrate.found
FILES=/var/lib/orchestrate/kernel.record
MARK=orchestrate.kernel
BEGIN='# begin orchestrate'
END='# end orchestrate'

for folder in /boot/grub /boot/grub2; do
    [ -e "$folder/grub.cfg" ] && grub=$folder && break
done
prefix=${grub##*/}
PATH=$PATH:/usr/sbin:/sbin

mark_of() {
    # shellcheck disable=SC2013 # words are what we want
    for word in $(cat /proc/cmdline); do
        case $word in "$MARK="*) echo "${word#*=}" ;; esac
    done
}

fault() {
    if [ "$(id -u)" != 0 ]; then echo "booting kernels takes root"
    elif [ -z "$grub" ]; then echo "no GRUB (neither /boot/grub/grub.cfg nor /boot/grub2/grub.cfg)"
    elif ! command -v "$prefix-reboot" >/dev/null; then echo "no $prefix-reboot"
    elif ! grep -q next_entry "$grub/grub.cfg"; then echo "$grub/grub.cfg does not look at next_entry, so no kernel can be booted once"
    elif ! grep -q custom.cfg "$grub/grub.cfg"; then echo "$grub/grub.cfg does not read custom.cfg"
    elif [ ! -s "$grub/grubenv" ]; then echo "$grub/grubenv is missing, so no kernel can be booted once"
    elif [ -n "$("$prefix-probe" --target=abstraction "$grub" 2>/dev/null)" ]; then
        echo "GRUB cannot write $grub/grubenv there ($("$prefix-probe" --target=abstraction "$grub" | tr '\n' ' ')), so a kernel would not be booted once but for ever"
    else
        case $("$prefix-probe" --target=fs "$grub" 2>/dev/null) in
        btrfs | zfs | f2fs) echo "GRUB cannot write $grub/grubenv on this file system, so a kernel would not be booted once but for ever" ;;
        esac
    fi
}

without_ours() {
    [ ! -e "$grub/custom.cfg" ] || sed "/^$BEGIN\$/,/^$END\$/d" "$grub/custom.cfg"
}

forget() {
    [ -n "$grub" ] || return 0
    if [ -e "$grub/custom.cfg" ] && grep -q "^$BEGIN\$" "$grub/custom.cfg"; then
        without_ours >"$grub/custom.cfg.new" || return 1
        if [ -s "$grub/custom.cfg.new" ]; then mv "$grub/custom.cfg.new" "$grub/custom.cfg"
        else rm "$grub/custom.cfg.new" "$grub/custom.cfg"; fi
    fi
    # A boot that is due, and the empty word that GRUB leaves of one, unless there was such a word before.
    case $("$prefix-editenv" "$grub/grubenv" list | grep '^next_entry='):$(grep -sx 'next_entry' "$FILES") in
    next_entry=orchestrate:* | next_entry=:next_entry) "$prefix-editenv" "$grub/grubenv" unset next_entry ;;
    esac
    [ ! -e "$FILES" ] || while IFS= read -r line; do
        case $line in /lib/modules/?* | /boot/config-?* | "$UNIT") rm -rf "$line" ;; esac
    done <"$FILES"
    rm -rf "$DIR" "$FILES"
    sync
}

record() {
    mkdir -p "${FILES%/*}" && echo "$1" >>"$FILES" && sync "$FILES"
}

make_initramfs() {
    depmod "$1" || return 1
    if command -v mkinitramfs >/dev/null; then
        # It reads there what the kernel can decompress, and makes nothing without.
        if [ -e "$DIR/config" ] && [ ! -e "/boot/config-$1" ]; then
            record "/boot/config-$1" && cp "$DIR/config" "/boot/config-$1" || return 1
        fi
        mkinitramfs -o "$DIR/initrd" "$1" 2>&1
    elif command -v dracut >/dev/null; then dracut --force "$DIR/initrd" "$1" 2>&1
    else echo "neither mkinitramfs nor dracut"; return 1; fi
}

# Where there is no hardware that can do it the kernel resets itself. What is not fed fires after a minute.
make_watchdog() {
    cat >"$DIR/watchdog.sh" <<END
trap 'printf V >&3; exit' TERM
[ -e /dev/watchdog ] || modprobe softdog
exec 3>/dev/watchdog || exit
left=$1
while [ -e $FOUND ] || [ "\$left" -gt 0 ]; do
    printf . >&3
    sleep 5
    left=\$((left - 5))
done
END
    record "$UNIT" && cat >"$UNIT" <<END
[Unit]
Description=Resets the machine unless the controller of a run finds it
[Service]
ExecStart=/bin/sh $DIR/watchdog.sh
END
}

install() {
    modules=/lib/modules/$1
    if [ ! -e "$modules" ]; then record "$modules" && mkdir -p "$modules" || return 1; fi
    [ ! -e "$DIR/modules.tar" ] || ! grep -qsx "$modules" "$FILES" || tar -x -f "$DIR/modules.tar" -C "$modules" || return 1
    rm -f "$DIR/modules.tar"
    if ! grep -qsx "$modules" "$FILES" && [ -e "/boot/initrd.img-$1" ]; then # this very kernel is installed here
        cp "/boot/initrd.img-$1" "$DIR/initrd" || return 1
    else make_initramfs "$1" || return 1; fi
    words=
    if [ "$4" != 0 ] && [ -d "${UNIT%/*}" ]; then
        make_watchdog "$4" || return 1
        words=" systemd.wants=${UNIT##*/}"
    fi
    # shellcheck disable=SC2013 # words are what we want
    for word in $(cat /proc/cmdline); do
        case $word in BOOT_IMAGE=* | initrd=* | "$MARK="* | panic=*) ;; *) words="$words $word" ;; esac
    done
    path=$("$prefix-mkrelpath" "$DIR") || return 1
    {
        without_ours
        echo "$BEGIN"
        echo "menuentry 'orchestrate' --id orchestrate {"
        echo "  search --no-floppy --fs-uuid --set=root $("$prefix-probe" --target=fs_uuid /boot)"
        echo "  linux $path/vmlinuz$words panic=10 $MARK=$2 $3"
        echo "  initrd $path/initrd"
        echo "}"
        echo "$END"
    } >"$grub/custom.cfg.new" && mv "$grub/custom.cfg.new" "$grub/custom.cfg" && sync
}

case $1 in
look)
    [ -z "$(mark_of)" ] || : >"$FOUND"
    echo "boot=$(cat /proc/sys/kernel/random/boot_id)"
    echo "mark=$(mark_of)"
    echo "fault=$(fault)"
    used=no
    for block in /var/lib/orchestrate/blocks/* /home/*/.orchestrate/blocks/*; do [ ! -d "$block" ] || used=yes; done
    echo "used=$used"
    ;;
install) [ -z "$(mark_of)" ] && install "$2" "$3" "$4" "$5" ;;
once)
    "$prefix-editenv" "$grub/grubenv" list | grep -q '^next_entry=' || record next_entry
    sync && "$prefix-reboot" orchestrate && sync
    ;;
reboot) (sleep 1; systemctl reboot || reboot) >/dev/null 2>&1 </dev/null & ;;
forget) forget ;;
esac
