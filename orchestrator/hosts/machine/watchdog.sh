# shellcheck shell=sh
# Runs under a kernel that is booted once where nobody can press the machine's button: watchdog.sh SECONDS FOUND
#
# Boots the machine, hence its own kernel, unless the file FOUND is there SECONDS after its start. Where this very script
# does not run for a while, as the kernel hangs, a watchdog resets the machine. All that there are are fed, as not each
# kernel tells which is the hardware's; softdog, which needs a kernel that still has interrupts, is loaded where there is none.
PING_S=5 # the shortest time-out that one of these drivers begins with is 30 s

dogs() {
    for dog in /dev/watchdog[0-9]*; do
        [ ! -c "$dog" ] || echo "$dog"
    done
}

# feed TEXT: to each watchdog
feed() {
    for number in $numbers; do printf '%s' "$1" >&"$number"; done
}

# Distributions keep these drivers from being loaded by themselves.
for driver in wdat_wdt iTCO_wdt sp5100_tco hpwdt i6300esb softdog; do
    [ -z "$(dogs)" ] || break
    modprobe -q "$driver"
done
numbers='' next=3
for dog in $(dogs); do
    eval "exec $next>$dog" && numbers="$numbers $next" && next=$((next + 1))
    echo "<3>orchestrate: watchdog $dog" >/dev/kmsg
done
trap 'feed V; exit' TERM

while :; do
    feed .
    if [ ! -e "$2" ] && [ "$(cut -d. -f1 /proc/uptime)" -ge "$1" ]; then
        echo "<3>orchestrate: nobody has found this machine for $1 s" >/dev/kmsg
        trap '' TERM # the watchdogs stay armed for the case that this hangs
        reboot -f
    fi
    sleep "$PING_S"
done
