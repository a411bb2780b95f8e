# shellcheck shell=sh
# The lock of a host: the file BASE/lock, one line that names the holder. It survives lost connections and reboots.
#
#   sh lock.sh take BASE LINE [OLD]   writes LINE to the lock if there is no lock, or if the lock contains OLD
#   sh lock.sh release BASE LINE      removes the lock if it contains LINE
#   sh lock.sh show BASE              prints the line of the lock, if there is one
#
# Exit code 3 of "take": the lock contains another line, which is printed; none, if that lock has just been removed.
# Exit code 1 of "take" and "show": the lock cannot be written or read, or is something else than a file.
# A lock that is empty, as after a power cut, or a link to nothing has an empty line: it can be released and replaced.

# The files beside the lock, "lock.OWNER" and "lock.old.OWNER", belong to a process of a boot and a PID namespace.
boot=$(cat /proc/sys/kernel/random/boot_id)
namespace=$(readlink /proc/self/ns/pid | tr -dc 0-9)
owner=$boot.$namespace.$$

# is_no_file BASE: says so if the lock is a directory, in which "ln" would make a file, or a FIFO, which "cat" waits for
is_no_file() {
    # Not "-e and not -f": a lock that is released between the two would be none of these.
    { [ -d "$1/lock" ] || [ -p "$1/lock" ] || [ -S "$1/lock" ] || [ -c "$1/lock" ] || [ -b "$1/lock" ]; } &&
        echo "$1/lock is not a regular file; remove it" >&2
}

# print_lock BASE: prints the line of the lock, if there is one
print_lock() {
    [ -e "$1/lock" ] || [ -L "$1/lock" ] || return 0
    if is_no_file "$1"; then return 1; fi
    if line=$(cat "$1/lock"); then
        printf '%s\n' "$line"
    elif [ -L "$1/lock" ]; then
        echo
    else
        [ ! -e "$1/lock" ]
    fi
}

# remove_lock BASE LINE: removes the lock if it contains LINE; fails for all but one of several concurrent callers
remove_lock() {
    [ "$(cat "$1/lock" 2>/dev/null)" = "$2" ] && mv "$1/lock" "$1/lock.old.$owner" 2>/dev/null || return 1
    if [ "$(cat "$1/lock.old.$owner")" = "$2" ]; then
        rm "$1/lock.old.$owner"
    else
        ln "$1/lock.old.$owner" "$1/lock"
        rm "$1/lock.old.$owner"
        return 1
    fi
}

# remove_left BASE: removes what processes have left that were killed, also by a power cut; those that live need theirs
remove_left() {
    for file in "$1"/lock.*; do
        case $file in
        *".$boot.$namespace."*) kill -0 "${file##*.}" 2>/dev/null || rm -f "$file" ;;
        *".$boot."*) ;; # in another PID namespace, so it may live
        *) rm -f "$file" ;;
        esac
    done
}

# take BASE LINE [OLD]: see above
take() {
    ! is_no_file "$1" || return 1
    # cat says why it cannot write; the printf of dash only says "I/O error". A file that has vanished could be written:
    # on another machine with the same home directory, who took the lock has removed it.
    if ! { mkdir -p "$1" && printf '%s\n' "$2" | cat >"$1/lock.$owner" &&
        { sync "$1/lock.$owner" || [ ! -e "$1/lock.$owner" ]; }; }; then
        rm -f "$1/lock.$owner"
        return 1
    fi
    take_code=0
    if ! ln "$1/lock.$owner" "$1/lock"; then
        { [ $# = 3 ] && remove_lock "$1" "$3" && ln "$1/lock.$owner" "$1/lock"; } || take_code=3
    fi
    rm -f "$1/lock.$owner"
    if [ "$take_code" = 0 ]; then remove_left "$1"; else print_lock "$1"; fi
    return "$take_code"
}

case $1:$# in
take:3 | take:4) shift && take "$@" ;;
release:3) remove_lock "$2" "$3" || : ;;
show:2) print_lock "$2" ;;
*)
    echo "usage: sh lock.sh take BASE LINE [OLD] | release BASE LINE | show BASE" >&2
    exit 2
    ;;
esac
