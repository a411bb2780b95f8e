# shellcheck shell=sh
# Runs on a machine without power control, with a kernel that is booted once: watchdog.sh SECONDS CONNECTED
#
# Reboots the machine to its own kernel unless the file CONNECTED exists SECONDS after the boot. If the kernel hangs, this
# script stops and a watchdog device resets the machine. All devices are used, as not every kernel shows which is hardware.
# softdog is loaded where there is none; it works only while the kernel handles interrupts.
PING_S=5 # the shortest default timeout of these drivers is 30 s

devices() {
    for device in /dev/watchdog[0-9]*; do
        [ ! -c "$device" ] || echo "$device"
    done
}

# write_all TEXT: writes to each watchdog
write_all() {
    for number in $numbers; do printf '%s' "$1" >&"$number"; done
}

# Distributions blacklist these drivers.
for driver in wdat_wdt iTCO_wdt sp5100_tco hpwdt i6300esb softdog; do
    [ -z "$(devices)" ] || break
    modprobe -q "$driver"
done
numbers='' next=3
for device in $(devices); do
    eval "exec $next>$device" && numbers="$numbers $next" && next=$((next + 1))
    echo "<3>orchestrate: watchdog $device" >/dev/kmsg
done
trap 'write_all V; exit' TERM

while :; do
    write_all .
    if [ ! -e "$2" ] && [ "$(cut -d. -f1 /proc/uptime)" -ge "$1" ]; then
        echo "<3>orchestrate: no controller has connected for $1 s; rebooting" >/dev/kmsg
        trap '' TERM # the watchdogs stay armed in case the reboot hangs
        reboot -f
    fi
    sleep "$PING_S"
done
