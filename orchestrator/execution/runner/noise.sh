# shellcheck shell=sh disable=SC2034,SC2154 # $block is set by runner.sh, $terminals is read by trial.sh
# Measures other activity on the host around a trial; the controller judges it. Library of runner.sh.

proc=/proc nodes=/sys/devices/system/node cpus=/sys/devices/system/cpu terminals_folder=/dev/pts

# snapshot: how things are before the trial, as lines "FILE:LINE" in BLOCK/snapshot; noise.awk says what is in it. One
# process for all of it; the interrupts are left out, for they are thousands of words on a large machine.
snapshot() {
    grep -s -v '^intr' "$proc/vmstat" "$proc/stat" "$proc/loadavg" "$proc/meminfo" "$nodes"/node[0-9]*/meminfo \
        "$cpus"/cpu[0-9]*/thermal_throttle/*_throttle_count >"$block/snapshot"
    count_terminals
    terminals=$terminals_now
}

# After the trial: the most of both.
count_terminals_again() {
    count_terminals
    [ "$terminals_now" -le "$terminals" ] || terminals=$terminals_now
}

count_terminals() {
    set -- "$terminals_folder"/[0-9]*
    [ -e "$1" ] || shift
    terminals_now=$#
}
