# shellcheck shell=sh source-path=SCRIPTDIR
# Runs the trials of a block, one after another, and appends what became of each to the block's journal.
#
#   sh runner.sh start BASE BLOCK [CLOCK]   detaches and returns; 3: this block runs already, 4: another one runs here
#   sh runner.sh stop BLOCK [now]           after the trial that runs; or now, and returns when settings are restored
#   sh runner.sh status BLOCK               prints running, complete, stopped, failed, dead (no last word) or new
#
# BASE: what belongs to the host (settings.sh). BLOCK: a folder with the file "trials" (see trial_file.py); the journal
# is BLOCK/journal.jsonl. A block that was interrupted goes on with the first trial that has no line yet.
# CLOCK: what the host's time counts, wall (the default) or instructions. A host cannot see it from inside, so each trial
# finds it in its environment, as ORCHESTRATE_CLOCK.

# shellcheck disable=SC2034 # read by trial.sh
case $0 in */*) here=${0%/*} ;; *) here=. ;; esac
# shellcheck source=../../hosts/remote/settings.sh
. "$here/settings.sh"
# shellcheck source=../../hosts/remote/runner_process.sh
. "$here/runner_process.sh"
# shellcheck source=noise.sh
. "$here/noise.sh"
# shellcheck source=trial.sh
. "$here/trial.sh"

format=1

# claim: makes this process the host's one runner, or fails with 3 or 4 where there is one
claim() {
    identity $$
    runner_identity=$identity
    printf '%s\n%s\n%s\n' "$identity" "$base" "$block" >"$base/running.$$" || return 1
    until ln "$base/running.$$" "$base/running" 2>/dev/null; do
        if alive "$base/running"; then
            rm -f "$base/running.$$"
            if [ "$runner_block" = "$block" ]; then return 3; else return 4; fi
        fi
        # Of two that find a dead one, the later may take the claim of the earlier: then it is given back.
        mv "$base/running" "$base/running.dead.$$" 2>/dev/null || continue
        ! alive "$base/running.dead.$$" || ln "$base/running.dead.$$" "$base/running"
        rm -f "$base/running.dead.$$"
    done
    mv "$base/running.$$" "$block/runner"
}

# clean_up: ends the trial that a dead runner has left behind, and its alarm, and puts its settings back
clean_up() {
    if [ -s "$block/group" ]; then
        read -r clean_group clean_start clean_boot clean_nap <"$block/group"
        [ "$clean_boot" != "$boot_id" ] || clean_processes
        : >"$block/group"
    fi
    settings_restore "$base/settings.trial"
}

clean_processes() {
    # A group outlives its leader; a leader of another birth means that the number was given away again.
    if ! identity "$clean_group" || [ "$identity" = "$clean_group $clean_start $boot_id" ]; then sweep "$clean_group"; fi
    if identity "$clean_nap"; then
        case $identity_stat in *'(sleep)'*) kill -KILL "$clean_nap" ;; esac
    fi
}

# mend: cuts off a last line that a power cut has torn, and an end that was not the end
mend() {
    [ -s "$journal" ] || return 0
    [ "$(tail -c 1 "$journal" | wc -l)" -eq 1 ] || cut_line
    case $(tail -n 1 "$journal") in '{"event":"end",'*) cut_line ;; esac
}

cut_line() {
    cut_length=$(tail -n 1 "$journal" | wc -c)
    cut_size=$(wc -c <"$journal")
    dd if=/dev/null of="$journal" bs=1 seek=$((cut_size - cut_length)) 2>/dev/null
}

event() {
    printf '%s\n' "$1" >>"$journal"
    sync "$journal"
}

# Which boot the lines after it belong to, and what time an uptime means.
begin() {
    epoch=$(date +%s.%N)
    case $epoch in *[!0-9.]*) epoch=$(date +%s) ;; esac
    uptime
    log_readable=true # with levels; and "-S", where it is known, asks for the log by one call instead of one a line
    if dmesg -S -r >/dev/null 2>&1; then
        kernel_log='dmesg -S -r'
    elif dmesg -r >/dev/null 2>&1; then
        kernel_log='dmesg -r'
    else
        kernel_log=: log_readable=false
    fi
    log_seen=$block/kernel_log.$boot_id
    [ -e "$log_seen" ] || $kernel_log 2>/dev/null | tail -n 1 >"$log_seen"
    event "{\"event\":\"begin\",\"format\":$format,\"boot\":\"$boot_id\",\"epoch\":$epoch,\"uptime\":$uptime}"
}

# remaining: the trials that have no line yet
remaining() {
    JOURNAL=$journal awk '
        BEGIN {
            while ((getline line < ENVIRON["JOURNAL"]) > 0)
                if (index(line, "{\"event\":\"trial\",\"trial\":\"") == 1) {
                    split(line, part, "\"")
                    done[part[8]] = 1
                }
        }
        !($1 in done)' "$block/trials"
}

# run_block → $block_end: complete, stopped, or failed (could not restore settings, $failures names them)
run_block() {
    remaining >"$block/remaining"
    while IFS= read -r trial_line <&3; do
        block_end=stopped
        [ ! -e "$block/stop" ] || return 0
        block_end=failed
        eval "run_trial $trial_line" || return 0
        block_end=stopped
        [ -z "$stopping" ] || return 0
    done 3<"$block/remaining"
    block_end=complete
}

# make_alarm → $alarm_pipe: a FIFO; some network file systems have none
make_alarm() {
    for alarm_pipe in "$block/alarm" "/tmp/orchestrate-alarm.$$"; do
        rm -f "$alarm_pipe"
        mkfifo -m 600 "$alarm_pipe" 2>/dev/null && return 0
    done
    return 1
}

# answer CODE MESSAGE: what "start" returns and says
answer() {
    printf '%s\n%s' "$1" "$2" >&3
    exec 3>&-
}

# The detached part of "start"; it answers on descriptor 3.
run() {
    base=$1 block=$2 journal=$2/journal.jsonl
    claim
    case $? in
    0) ;;
    3) answer 3 "this block is already running (pid $runner_pid)" && return ;;
    4) answer 4 "another run is active on this host (pid $runner_pid, $runner_block)" && return ;;
    *) answer 1 "cannot write to $base" && return ;;
    esac
    clean_up
    if [ -n "$failures" ]; then
        rm -f "$base/running"
        answer 1 "cannot restore settings of an earlier trial: $failures"
        return
    fi
    rm -f "$block/stop"
    if ! make_alarm; then
        rm -f "$base/running"
        answer 1 "cannot create a FIFO in $block or /tmp"
        return
    fi
    mend
    trap on_alarm USR1
    trap on_stop TERM
    answer 0
    begin
    run_block
    json "$failures"
    uptime
    rm -f "$alarm_pipe"
    rm -f "$base/running" # first: whoever reads the last line may start the next block
    event "{\"event\":\"end\",\"reason\":\"$block_end\",\"detail\":$json,\"uptime\":$uptime}"
}

start() {
    mkdir -p "$1" && start_base=$(cd "$1" && pwd) && start_block=$(cd "$2" && pwd) && start_here=$(cd "$here" && pwd) ||
        return 1
    if [ ! -r "$start_block/trials" ]; then
        echo "$start_block/trials: cannot be read" >&2
        return 1
    fi
    start_answer=$(env -i HOME="$HOME" PATH="$PATH" LC_ALL=C LANG=C ORCHESTRATE_CLOCK="${3:-wall}" setsid sh "$start_here/runner.sh" \
        run "$start_base" "$start_block" 3>&1 >>"$start_block/runner.log" 2>&1 </dev/null \
        4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &)
    start_code=${start_answer%%"$nl"*}
    [ "$start_code" = 0 ] && return 0
    echo "${start_answer#*"$nl"}" >&2
    return "${start_code:-1}"
}

stop() {
    block=$1
    if ! alive "$block/runner"; then
        base=$runner_base
        failures=
        # What lies below base belongs to another block if one runs.
        [ -z "$base" ] || alive "$base/running" || clean_up
        [ -z "$failures" ] || {
            echo "cannot restore settings: $failures" >&2
            return 1
        }
        return 0
    fi
    if [ "$2" = now ]; then end_runner "$block"; else : >"$block/stop"; fi
}

status() {
    if alive "$1/runner"; then
        echo running
    elif [ ! -s "$1/journal.jsonl" ]; then
        echo new
    else
        case $(tail -n 1 "$1/journal.jsonl") in
        '{"event":"end","reason":"complete"'*) echo complete ;;
        '{"event":"end","reason":"stopped"'*) echo stopped ;;
        '{"event":"end","reason":"failed"'*) echo failed ;;
        *) echo dead ;;
        esac
    fi
}

case $1:$# in
start:3 | start:4) start "$2" "$3" "${4-}" ;;
run:3) run "$2" "$3" ;;
stop:2) stop "$2" later ;;
stop:3) stop "$2" "$3" ;;
status:2) status "$2" ;;
*)
    echo "usage: sh runner.sh start BASE BLOCK [CLOCK] | stop BLOCK [now] | status BLOCK" >&2
    exit 2
    ;;
esac
