# shellcheck shell=sh
# Prints what a host can do beyond its facts (hosts/facts.sh), as lines "key=value". Changes nothing; takes a second, in
# which it looks at who uses the CPUs.
# Usage: probe.sh DIRECTORY: ours, of root; that of another user is ~/.orchestrate

# writable FILE: whether root, or we, may write it
writable() {
    if [ -w "$1" ] || sudo -n test -w "$1" 2>/dev/null; then echo yes; else echo no; fi
}

huge_pages() {
    for folder in /sys/kernel/mm/hugepages/hugepages-*kB; do
        [ -e "$folder/nr_hugepages" ] || continue
        kib=${folder##*hugepages-}
        echo "huge.${kib%kB}=$(cat "$folder/free_hugepages") $(cat "$folder/nr_hugepages") $(writable "$folder/nr_hugepages")"
    done
}

# Channels, those that nobody uses, and the drivers.
dma() {
    channels=0 free=0 drivers=
    for channel in /sys/class/dma/*; do
        [ -e "$channel/in_use" ] || continue
        channels=$((channels + 1))
        [ "$(cat "$channel/in_use" 2>/dev/null)" != 0 ] || free=$((free + 1))
        driver=$(readlink "$channel/device/driver") || continue
        case " $drivers " in *" ${driver##*/} "*) ;; *) drivers="$drivers ${driver##*/}" ;; esac
    done
    echo "dma=$channels $free$drivers"
}

# The kernel's names for the counters of CPUs: "cpu", "cpu_core", "armv8_pmuv3_0".
counters() {
    for source in /sys/bus/event_source/devices/*; do
        case ${source##*/} in cpu | cpu_core | cpu_atom | armv* | "") echo "counters=${source##*/}" ;; esac
    done
    [ ! -e /proc/sys/kernel/perf_event_paranoid ] || echo "perf=yes"
}

programs() {
    for name in make cc taskset sudo apt-get; do
        ! command -v "$name" >/dev/null 2>&1 || echo "program=$name"
    done
}

disk() {
    folder=$HOME/.orchestrate
    if [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; then folder=$1; fi
    echo "folder=$folder"
    while [ ! -d "$folder" ]; do folder=$(dirname "$folder"); done
    free=$(df -Pk "$folder" 2>/dev/null | awk 'NR > 1 { print $4 }')
    # df of busybox does not know the file system of an initramfs.
    [ -n "$free" ] || free=$(stat -f -c '%a %S' "$folder" 2>/dev/null | awk '{ printf "%.0f", $1 * $2 / 1024 }')
    echo "disk=$free"
}

# Ticks of each process, without this one and its children: "P pid ticks command".
processes() {
    cat /proc/[0-9]*/stat 2>/dev/null | awk -v self="$$" '
        {
            open = index($0, "("); end = length($0)
            while (end > open && substr($0, end, 1) != ")") end--
            split(substr($0, end + 2), field, " ")
            pid = substr($0, 1, open - 2)
            if (pid != self && field[2] != self)
                print "P", pid, field[12] + field[13], substr($0, open + 1, end - open - 1)
        }'
}

# Ticks in which each CPU worked: "C cpu0 ticks".
cpus() {
    awk '/^cpu[0-9]/ { print "C", $1, $2 + $3 + $4 + $7 + $8 }' /proc/stat
}

# Who used the CPUs for a second: "busy=CPUs pid command", in hundredths of a CPU, and "worked.cpu0=ticks".
busy() {
    before=$(processes; cpus)
    sleep 1
    after=$(cpus; processes)
    printf '%s\n==\n%s\n' "$before" "$after" | awk '
        $0 == "==" { second = 1; next }
        $1 == "C" { if (second) print "worked." $2 "=" $3 - ticks[$2]; else ticks[$2] = $3 }
        $1 == "P" {
            if (!second) { used[$2] = $3; next }
            if (!($2 in used) || $3 <= used[$2]) next
            command = $0
            sub(/^P [0-9]+ [0-9]+ /, "", command)
            print "busy=" $3 - used[$2], $2, command
        }'
}

busy
huge_pages
dma
counters
programs
disk "$1"
exit 0
