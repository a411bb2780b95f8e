# shellcheck shell=sh
# Where the program of a trial is, as the runner would find it, and what it is. Prints lines "key=value".
#
#   sh program.sh FOLDER NAME   FOLDER: where trials run; NAME: the first word of their command; exit code 3: there is none

cd "$1" 2>/dev/null || exit 3
path=$(command -v "$2") || exit 3
printf 'path=%s\n' "$path"
[ -f "$path" ] || exit 0 # built into the shell

sum=$(sha256sum <"$path" 2>/dev/null) && printf 'sha256=%s\n' "${sum%% *}"

if command -v dpkg-query >/dev/null; then
    # A package may still say /bin where the file is found in /usr/bin.
    owner=$(dpkg-query -S "$path" 2>/dev/null || dpkg-query -S "${path#/usr}" 2>/dev/null) || exit 0
    # shellcheck disable=SC2016 # dpkg's variables, not the shell's
    dpkg-query -W -f 'package=${Package} ${Version}\n' "${owner%%:*}" 2>/dev/null | head -n 1
elif command -v rpm >/dev/null; then
    rpm -qf --qf 'package=%{NAME} %{VERSION}-%{RELEASE}\n' "$path" 2>/dev/null | grep '^package='
fi
exit 0
