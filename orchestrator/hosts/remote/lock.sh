# shellcheck shell=sh
# The lock of a host: the file BASE/lock, one line that names the holder. It survives lost connections and reboots.
#
#   sh lock.sh take BASE LINE [OLD]   writes LINE to the lock if there is no lock, or if the lock contains OLD
#   sh lock.sh release BASE LINE      removes the lock if it contains LINE
#   sh lock.sh show BASE              prints the line of the lock, if there is one
#
# Exit code 3 of "take": the lock contains another line, which is printed.

# remove_lock BASE LINE: removes the lock if it contains LINE; fails for all but one of several concurrent callers
remove_lock() {
    mv "$1/lock" "$1/lock.old.$$" 2>/dev/null || return 1
    if [ "$(cat "$1/lock.old.$$")" = "$2" ]; then
        rm "$1/lock.old.$$"
    else
        ln "$1/lock.old.$$" "$1/lock"
        rm "$1/lock.old.$$"
        return 1
    fi
}

take() {
    # cat says why it cannot write; the printf of dash only says "I/O error".
    if ! { mkdir -p "$1" && printf '%s\n' "$2" | cat >"$1/lock.$$" && sync "$1/lock.$$"; }; then
        rm -f "$1/lock.$$"
        return 1
    fi
    take_code=0
    if ! ln "$1/lock.$$" "$1/lock" 2>/dev/null; then
        { [ -n "$3" ] && remove_lock "$1" "$3" && ln "$1/lock.$$" "$1/lock" 2>/dev/null; } || take_code=3
    fi
    # Who holds the lock removes what others have left that were killed; those that are at it find it taken.
    if [ "$take_code" = 0 ]; then rm -f "$1"/lock.*; else rm -f "$1/lock.$$" && cat "$1/lock"; fi
    return "$take_code"
}

case $1:$# in
take:3 | take:4) take "$2" "$3" "${4-}" ;;
release:3) remove_lock "$2" "$3" || : ;;
show:2) [ ! -e "$2/lock" ] || cat "$2/lock" ;;
*)
    echo "usage: sh lock.sh take BASE LINE [OLD] | release BASE LINE | show BASE" >&2
    exit 2
    ;;
esac
