# shellcheck shell=sh
# Queries of task modules. Each verb prints lines "key=value" and changes nothing. Those of files continue a value of
# several lines in lines that begin with a blank.
#
#   sh probe.sh all LINE…                        runs several shell commands in one round trip
#   sh probe.sh files LARGEST PATH…              type, mode, owner of each path; text of files up to LARGEST bytes
#   sh probe.sh packages                         the package manager, then the installed packages
#   sh probe.sh program FOLDER NAME              the built program in the directory, and the compiler
#   sh probe.sh grub FILE                        kernel parameters in FILE and of each entry of the boot menu
#   sh probe.sh needed CREATES REMOVES           exit code 1: CREATES exists, 2: REMOVES does not; each may be empty
#   sh probe.sh await path|port|command WHAT present|absent SECONDS
#                                               waits for the condition; exit code 9: timed out

# Prints for each command its output indented by one space, its exit code, and a line "#".
probe_all() {
    for line; do
        { (eval "$line"); printf '\n!%s\n' "$?"; } 2>&1 </dev/null | sed 's/^/ /'
        echo '#'
    done
}

# field KEY VALUE
field() {
    printf '%s=%s\n' "$1" "$2" | sed '2,$s/^/ /'
}

probe_files() {
    largest=$1
    shift
    for path; do
        field path "$path"
        if [ -L "$path" ]; then
            echo kind=link
            field target "$(readlink "$path")"
            field real "$(readlink -f "$path")"
            [ -f "$path" ] || continue
        elif [ -d "$path" ]; then
            echo kind=directory
        elif [ -f "$path" ]; then
            echo kind=file
        elif [ -e "$path" ]; then
            echo kind=other
        else
            echo kind=absent
            continue
        fi
        stat -L -c 'mode=%a
owner=%U
group=%G' "$path" 2>/dev/null
        [ -f "$path" ] || continue
        sum=$(sha256sum <"$path") && printf 'sha256=%s\n' "${sum%% *}"
        [ "$(wc -c <"$path")" -gt "$largest" ] || { echo text=yes && sed 's/^/ /' "$path" && echo; }
    done
}

probe_packages() {
    if command -v apt-get >/dev/null; then
        echo manager=apt
        # shellcheck disable=SC2016 # dpkg's variables
        dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null | sed -n 's/^installed //p'
    elif command -v dnf >/dev/null; then
        echo manager=dnf
        rpm -qa --qf '%{NAME}\n'
    elif command -v zypper >/dev/null; then
        echo manager=zypper
        rpm -qa --qf '%{NAME}\n'
    fi
}

probe_program() {
    printf 'machine=%s\n' "$(uname -m)"
    if command -v make >/dev/null && command -v cc >/dev/null; then
        printf 'compiler=%s\n' "$(cc --version | head -n 1)"
    fi
    [ -x "$1/$2" ] || return 0
    sum=$(sha256sum <"$1/$2") && printf 'sha256=%s\n' "${sum%% *}"
    [ ! -e "$1/$2.built-from" ] || printf 'identity=%s\n' "$(cat "$1/$2.built-from")"
}

probe_grub() {
    if command -v update-grub >/dev/null; then
        echo how=grub.d
        printf 'words=%s\n' "$(sed -n 's/^# words: //p' "$1" 2>/dev/null)"
        for menu in /boot/grub/grub.cfg /boot/grub2/grub.cfg; do
            [ ! -r "$menu" ] || sed -n '/memtest/d; s/^[[:space:]]*linux\(efi\|16\)\{0,1\}[[:space:]]/entry /p' "$menu"
        done
    elif command -v grubby >/dev/null; then
        echo how=grubby
        grubby --info=ALL | sed -n 's/^args="\(.*\)"$/entry kernel \1/p'
    fi
    printf 'running=%s\n' "$(cat /proc/cmdline)"
}

probe_needed() {
    [ -z "$1" ] || [ ! -e "$1" ] || return 1
    [ -z "$2" ] || [ -e "$2" ] || return 2
}

# is_present path|port|command WHAT
is_present() {
    case $1 in
    path) [ -e "$2" ] ;;
    port) # a listening TCP port (state 0A), IPv4 or IPv6
        awk -v port="$(printf '%04X' "$2")" '
            { n = split($2, part, ":"); if (part[n] == port && $4 == "0A") found = 1 }
            END { exit !found }' /proc/net/tcp /proc/net/tcp6 2>/dev/null
        ;;
    command) sh -c "$2" >/dev/null 2>&1 ;;
    esac
}

probe_await() {
    seconds=$4
    while if is_present "$1" "$2"; then [ "$3" = absent ]; else [ "$3" = present ]; fi; do
        [ "$seconds" -gt 0 ] || return 9
        sleep 1
        seconds=$((seconds - 1))
    done
}

verb=$1
[ $# -eq 0 ] || shift
case $verb in
all | files | packages | program | grub | needed | await) "probe_$verb" "$@" ;;
*)
    echo "probe.sh: unknown verb: $verb" >&2
    exit 2
    ;;
esac
