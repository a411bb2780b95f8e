# shellcheck shell=sh
# A kernel beside the old one, booted once by what the machine has; the default entry is never touched. Follows the files
# in loaders/, of which each has for its loader NAME: NAME_fault (why it cannot boot a kernel once; silent: it can),
# NAME_install WORDS, NAME_once, NAME_reboot and NAME_forget.
#
#   look                            prints key=value: boot, mark (of the kernel that runs; empty: the machine's own), fault, used
#   install RELEASE MARK WORDS S    files have been put into DIR; makes the initramfs and the menu entry; under this kernel
#                                   DIR/watchdog.sh boots the machine unless "look" was run S seconds after its start (0: none)
#   once                            the entry is what the next boot takes, and only that
#   forget                          removes all that "install" has made, and a boot that is still due
#
# What is ours is in one folder, and in what FILES names, before it is made.
DIR=/boot/orchestrate
UNIT=/etc/systemd/system/orchestrate-watchdog.service
FOUND=/run/orchestrate.found
FILES=/var/lib/orchestrate/kernel.record
MARK=orchestrate.kernel
LOADERS='systemd_boot grub kexec'

PATH=$PATH:/usr/sbin:/sbin

mark_of() {
    # shellcheck disable=SC2013 # words are what we want
    for word in $(cat /proc/cmdline); do
        case $word in "$MARK="*) echo "${word#*=}" ;; esac
    done
}

# The first that can boot a kernel once; empty: none can.
loader() {
    for name in $LOADERS; do
        [ -n "$("${name}_fault")" ] || { echo "$name" && return; }
    done
}

fault() {
    if [ "$(id -u)" != 0 ]; then echo "booting kernels takes root"
    elif [ -z "$(loader)" ]; then
        for name in $LOADERS; do printf '%s; ' "$("${name}_fault")"; done | sed 's/; $//'
    fi
}

forget() {
    for name in $LOADERS; do "${name}_forget" || return 1; done
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

make_watchdog() {
    record "$UNIT" && cat >"$UNIT" <<END
[Unit]
Description=Boots the machine unless the controller of a run finds it
DefaultDependencies=no
RequiresMountsFor=$DIR
[Service]
ExecStart=/bin/sh $DIR/watchdog.sh $1 $FOUND
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
    "$(loader)_install" "$words panic=10 $MARK=$2 $3" && sync
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
once) "$(loader)_once" ;;
reboot)
    how=$(loader)
    (sleep 1; if [ -n "$how" ]; then "${how}_reboot"; else systemctl reboot || reboot; fi) >/dev/null 2>&1 </dev/null &
    ;;
forget) forget ;;
esac
