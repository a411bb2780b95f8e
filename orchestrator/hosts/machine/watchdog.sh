# shellcheck shell=sh
# Runs under a kernel that is booted once where nobody can press the machine's button: watchdog.sh SECONDS FOUND
#
# Boots the machine, hence its own kernel, unless the file FOUND is there SECONDS after its start. Where this very script
# does not run for a while, as the kernel hangs, a watchdog resets the machine: the hardware's where there is one, as
# softdog needs a kernel that still has interrupts.
PING_S=5 # the shortest time-out that one of these drivers begins with is 30 s

# Only a watchdog of hardware has a device behind it.
hardware() {
    for dog in /sys/class/watchdog/*; do
        [ ! -e "$dog/device" ] || { echo "/dev/${dog##*/}"; return; }
    done
    return 1
}

# Distributions keep these drivers from being loaded by themselves.
for driver in wdat_wdt iTCO_wdt sp5100_tco hpwdt i6300esb; do
    hardware >/dev/null && break
    modprobe -q "$driver"
done
if dog=$(hardware); then kind=hardware
else
    kind=software dog=/dev/watchdog
    [ -c "$dog" ] || modprobe -q softdog
fi
[ -c "$dog" ] || { kind=no dog=/dev/null; }
exec 3>"$dog"
echo "<3>orchestrate: $kind watchdog $dog" >/dev/kmsg
trap 'printf V >&3; exit' TERM

while printf . >&3; do
    if [ ! -e "$2" ] && [ "$(cut -d. -f1 /proc/uptime)" -ge "$1" ]; then
        echo "<3>orchestrate: nobody has found this machine for $1 s" >/dev/kmsg
        trap '' TERM # the watchdog stays armed for the case that this hangs
        reboot -f
    fi
    sleep "$PING_S"
done
