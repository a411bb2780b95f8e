# shellcheck shell=sh
# The runner process of a host. Library of runner.sh, and a command:
#
#   sh runner_process.sh who BASE     prints pid and block of the active runner, if there is one
#   sh runner_process.sh stop BLOCK   stops the block's runner and its trial; returns when settings are restored
#
# A runner's file has three lines: its identity, BASE and BLOCK.
# shellcheck disable=SC2034 # runner_base is read by runner.sh

[ -n "${boot_id-}" ] || read -r boot_id </proc/sys/kernel/random/boot_id

# identity PID|self → $identity: pid, start time, boot id; fails if there is no such process
identity() {
    { read -r identity_stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    # shellcheck disable=SC2086 # the fields after the command name, which may contain any character
    set -- ${identity_stat##*") "}
    [ "$1" != Z ] || return 1
    identity="${identity_stat%% *} ${20} $boot_id"
}

# alive FILE: whether the runner of the file is running → $runner_pid, $runner_base, $runner_block
alive() {
    runner_pid='' runner_base='' runner_block=''
    [ -s "$1" ] || return 1
    {
        read -r alive_identity
        IFS= read -r runner_base
        IFS= read -r runner_block
    } <"$1"
    runner_pid=${alive_identity%% *}
    identity "$runner_pid" && [ "$identity" = "$alive_identity" ]
}

# end_runner BLOCK: stops the block's running runner and waits until it has exited
end_runner() {
    : >"$1/stop"
    kill -TERM "$runner_pid"
    for end_try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
        alive "$1/runner" || return 0
        sleep "0.$end_try" 2>/dev/null || sleep 1
    done
    echo "timed out: the runner (pid $runner_pid) is still running" >&2
    return 1
}

runner_process_main() {
    case $1:$# in
    who:2) ! alive "$2/running" || printf '%s\n%s\n' "$runner_pid" "$runner_block" ;;
    stop:2) ! alive "$2/runner" || end_runner "$2" ;;
    *)
        echo "usage: sh runner_process.sh who BASE | stop BLOCK" >&2
        return 2
        ;;
    esac
}

case ${0##*/} in
runner_process.sh) runner_process_main "$@" ;;
esac
