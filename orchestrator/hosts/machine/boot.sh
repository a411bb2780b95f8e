# shellcheck shell=sh
# Installs a kernel beside the default one and boots it once. The default entry of the boot loader is never changed.
# Follows the files in loaders/. Each defines for its loader NAME: NAME_obstacle (prints why it cannot boot a kernel once;
# nothing: it can), NAME_install PARAMETERS, NAME_once, NAME_reboot and NAME_remove.
#
#   state                            prints key=value: boot, tag (of the running kernel; empty: the machine's own),
#                                    obstacle, has_blocks
#   install RELEASE TAG PARAMETERS S makes the initramfs and the boot entry of the files in DIR; with this kernel
#                                    DIR/watchdog.sh reboots unless "state" runs within S seconds of the boot (0: never)
#   once                             selects the entry for the next boot only
#   reboot                           reboots in a second, by the loader that "once" used
#   remove                           removes all that "install" made, and a pending "once"
#
# All files are in DIR or listed in RECORD before they are made.
DIR=/boot/orchestrate
UNIT=/etc/systemd/system/orchestrate-watchdog.service
CONNECTED=/run/orchestrate.found
RECORD=/var/lib/orchestrate/kernel.record
TAG_PARAMETER=orchestrate.kernel
LOADERS='systemd_boot grub kexec'

PATH=$PATH:/usr/sbin:/sbin

running_tag() {
    # shellcheck disable=SC2013 # split into words
    for word in $(cat /proc/cmdline); do
        case $word in "$TAG_PARAMETER="*) echo "${word#*=}" ;; esac
    done
}

# Prints the first loader that can boot a kernel once, if any.
loader() {
    for name in $LOADERS; do
        [ -n "$("${name}_obstacle")" ] || { echo "$name" && return; }
    done
}

obstacle() {
    if [ "$(id -u)" != 0 ]; then echo "booting kernels requires root"
    elif [ -z "$(loader)" ]; then
        for name in $LOADERS; do printf '%s; ' "$("${name}_obstacle")"; done | sed 's/; $//'
    fi
}

remove() {
    for name in $LOADERS; do "${name}_remove" || return 1; done
    [ ! -e "$RECORD" ] || while IFS= read -r line; do
        case $line in /lib/modules/?* | /boot/config-?* | "$UNIT") rm -rf "$line" ;; esac
    done <"$RECORD"
    rm -rf "$DIR" "$RECORD"
    sync
}

record() {
    mkdir -p "${RECORD%/*}" && echo "$1" >>"$RECORD" && sync "$RECORD"
}

make_initramfs() {
    depmod "$1" || return 1
    if command -v mkinitramfs >/dev/null; then
        # mkinitramfs reads the compression formats of the kernel from this file and fails without it.
        if [ -e "$DIR/config" ] && [ ! -e "/boot/config-$1" ]; then
            record "/boot/config-$1" && cp "$DIR/config" "/boot/config-$1" || return 1
        fi
        mkinitramfs -o "$DIR/initrd" "$1" 2>&1
    elif command -v dracut >/dev/null; then dracut --force "$DIR/initrd" "$1" 2>&1
    else echo "cannot make an initramfs: install initramfs-tools or dracut"; return 1; fi
}

make_watchdog() {
    record "$UNIT" && cat >"$UNIT" <<END
[Unit]
Description=Reboots the machine unless the controller of a run connects
DefaultDependencies=no
RequiresMountsFor=$DIR
[Service]
ExecStart=/bin/sh $DIR/watchdog.sh $1 $CONNECTED
END
}

install() {
    modules=/lib/modules/$1
    if [ ! -e "$modules" ]; then record "$modules" && mkdir -p "$modules" || return 1; fi
    [ ! -e "$DIR/modules.tar" ] || ! grep -qsx "$modules" "$RECORD" || tar -x -f "$DIR/modules.tar" -C "$modules" || return 1
    rm -f "$DIR/modules.tar"
    if ! grep -qsx "$modules" "$RECORD" && [ -e "/boot/initrd.img-$1" ]; then # the same kernel is installed as a package
        cp "/boot/initrd.img-$1" "$DIR/initrd" || return 1
    else make_initramfs "$1" || return 1; fi
    parameters=
    if [ "$4" != 0 ] && [ -d "${UNIT%/*}" ]; then
        make_watchdog "$4" || return 1
        parameters=" systemd.wants=${UNIT##*/}"
    fi
    # shellcheck disable=SC2013 # split into words
    for word in $(cat /proc/cmdline); do
        case $word in BOOT_IMAGE=* | initrd=* | "$TAG_PARAMETER="* | panic=*) ;; *) parameters="$parameters $word" ;; esac
    done
    "$(loader)_install" "$parameters panic=10 $TAG_PARAMETER=$2 $3" && sync
}

case $1 in
state)
    [ -z "$(running_tag)" ] || : >"$CONNECTED"
    echo "boot=$(cat /proc/sys/kernel/random/boot_id)"
    echo "tag=$(running_tag)"
    echo "obstacle=$(obstacle)"
    has_blocks=no
    for block in /var/lib/orchestrate/blocks/* /home/*/.orchestrate/blocks/*; do [ ! -d "$block" ] || has_blocks=yes; done
    echo "has_blocks=$has_blocks"
    ;;
install) [ -z "$(running_tag)" ] && install "$2" "$3" "$4" "$5" ;;
once) "$(loader)_once" ;;
reboot)
    boot_loader=$(loader)
    (sleep 1; if [ -n "$boot_loader" ]; then "${boot_loader}_reboot"; else systemctl reboot || reboot; fi) >/dev/null 2>&1 </dev/null &
    ;;
remove) remove ;;
esac
