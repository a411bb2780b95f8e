# shellcheck shell=sh disable=SC2154 # $alarm_pipe, $base, $block, $journal, $kernel_log and so on are set by runner.sh
# One trial: settings, quiet CPUs, the program under its time limit, one line of the journal. Library of runner.sh. Nothing here wakes up while a program runs: on a guest whose clock
# counts instructions that would be measured.

grace=2              # seconds between TERM and KILL
output_limit=98304   # bytes of standard output that are kept, the last; an environment variable holds 128 KiB
error_limit=16384    # the same of standard error
group='' ending='' timed_out=false stopping='' settled_once='' failures='' outcomes=''

# uptime → $uptime, seconds since boot
uptime() {
    read -r uptime _ </proc/uptime
}

# hundredths SECONDS → $hundredths, of a number with two decimals
hundredths() {
    hundredths=${1%.*}${1#*.}
    while case $hundredths in 0?*) true ;; *) false ;; esac do
        hundredths=${hundredths#0}
    done
}

# set_alarm SECONDS: USR1 to this shell when they are over. Meanwhile one process sleeps, and one waits for the sleeper's
# end of a pipe to close. Both are ours, so that they can be ended with KILL: a child of a shell loses other signals
# that come before its traps are in order.
set_alarm() {
    sleep "$1" >"$alarm_pipe" 3<&- &
    nap=$!
    (
        read -r _ <"$alarm_pipe"
        identity $$ && [ "$identity" = "$runner_identity" ] && kill -USR1 $$
    ) 3<&- &
    alarm=$!
}

end_alarm() {
    kill -KILL "$alarm" "$nap" 2>/dev/null
}

# USR1: the time is over; the second time, the grace
on_alarm() {
    interrupted=1
    if [ -n "$ending" ]; then
        kill -KILL "-$group" 2>/dev/null
    else
        timed_out=true
        end_group
    fi
}

# TERM: stop now. Without a running trial the loop of runner.sh sees it.
on_stop() {
    interrupted=1 stopping=1
    [ -n "$ending" ] || end_group
}

end_group() {
    [ -n "$group" ] || return 0 # execute looks again once it has one
    ending=1
    kill -TERM "-$group" 2>/dev/null || kill -TERM "$group" 2>/dev/null
}

# Not part of the traps: in a shell that runs a trap a new alarm would not hear its own.
set_grace() {
    [ -n "$ending" ] && [ -z "$grace_set" ] || return 0
    grace_set=1
    end_alarm # and no `wait` here: after an interrupted one bash may wait forever
    set_alarm "$grace"
}

# wait_once PID → $code, which is empty before; fails where a trap interrupted it
wait_once() {
    interrupted=
    wait "$1" 2>/dev/null
    wait_status=$?
    # 127 after an interruption: the status was reported with the signal
    [ "$wait_status" -eq 127 ] && [ -n "$code" ] || code=$wait_status
    [ -z "$interrupted" ]
}

# busy → $busy: for each CPU the ticks it has worked since boot
busy() {
    busy=
    while read -r busy_cpu busy_user busy_nice busy_system _ _ busy_irq busy_soft busy_steal _; do
        case $busy_cpu in
        cpu) ;;
        cpu*) busy="$busy $((busy_user + busy_nice + busy_system + busy_irq + busy_soft + busy_steal))" ;;
        *) break ;;
        esac
    done </proc/stat
}

# quiet SECONDS TICKS: did no CPU work for more than so many ticks of a hundredth of a second?
quiet() {
    busy
    quiet_before=$busy
    sleep "$1" 2>/dev/null || sleep 1 # a sleep without fractions
    busy
    # shellcheck disable=SC2086
    set -- "$2" $quiet_before
    quiet_ticks=$1
    for quiet_now in $busy; do
        shift
        [ $((quiet_now - ${1:-0})) -le "$quiet_ticks" ] || return 1
    done
}

# settle LIMIT → $settled, $waited; LIMIT has two decimals. Right after boot the other CPUs' start-up work shares the clock of some guests,
# so the first trial wants a second of quiet, the others a short look.
settle() {
    settled=true waited=0
    case $1 in *[1-9]*) ;; *) return 0 ;; esac
    uptime
    hundredths "$uptime"
    settle_start=$hundredths
    hundredths "$1"
    settle_end=$((settle_start + hundredths))
    while [ -z "$stopping" ]; do
        if [ -n "$settled_once" ]; then quiet 0.1 1; else quiet 1 2; fi && settled_once=1 && break
        uptime
        hundredths "$uptime"
        if [ "$hundredths" -ge "$settle_end" ]; then
            settled=false
            break
        fi
    done
    uptime
    hundredths "$uptime"
    waited=$((hundredths - settle_start))
    waited=$((waited / 100)).$((waited / 10 % 10))$((waited % 10))
}

# populated GROUP: does a process of it live? Dead ones that nobody has waited for yet do not count.
populated() {
    kill -0 "-$1" 2>/dev/null || return 1
    cat /proc/[0-9]*/stat 2>/dev/null | GROUP=$1 awk '
        { sub(/.*\) /, "") }
        $3 == ENVIRON["GROUP"] && $1 !~ /[ZX]/ { found = 1 }
        END { exit !found }'
}

# sweep GROUP: ends what is left of it → $strays
sweep() {
    strays=false
    populated "$1" || return 0
    strays=true
    kill -KILL "-$1" 2>/dev/null
    for sweep_pause in 0.01 0.1 0.5 1 5; do
        populated "$1" || return 0
        sleep "$sweep_pause" 2>/dev/null || sleep 1
    done
}

# execute LIMIT FOLDER ARGV… → $start, $end, $code, $timed_out, $strays
execute() {
    execute_folder=$2
    timed_out=false ending='' grace_set='' group=''
    set_alarm "$1" # before the snapshot, so that it sleeps by the time the program starts
    snapshot
    shift 2
    uptime
    start=$uptime
    (
        trap - USR1 TERM
        identity self && printf '%s %s\n' "$identity" "$nap" >"$block/group"
        cd "$execute_folder" && unset OLDPWD && exec setsid "$@"
    ) >"$block/stdout" 2>"$block/stderr" </dev/null 3<&- &
    group=$!
    # A signal that came before the group was known
    if [ "$timed_out$stopping" != false ] && [ -z "$ending" ]; then end_group; fi
    code=
    until set_grace && wait_once "$group"; do :; done
    uptime
    end=$uptime
    execute_group=$group
    group=
    end_alarm
    wait "$alarm" "$nap" 2>/dev/null # a late USR1 must not hit the next trial
    sweep "$execute_group"
    : >"$block/group"
}

# is_longer FILE LIMIT
is_longer() {
    [ -s "$1" ] && [ "$(wc -c <"$1")" -gt "$2" ]
}

# journal_line: composes the line of the trial from the variables of this file and appends it. It goes to disk with the
# line that comes next: the start of the next trial, or the end.
journal_line() {
    journal_stdout='' journal_stderr='' stdout_cut=false stderr_cut=false
    if [ -n "$start" ]; then
        { # what a shell says of NUL bytes, which it drops here
            [ ! -s "$block/stdout" ] || journal_stdout=$(tail -c "$output_limit" "$block/stdout")
            [ ! -s "$block/stderr" ] || journal_stderr=$(tail -c "$error_limit" "$block/stderr")
        } 2>/dev/null
        ! is_longer "$block/stdout" "$output_limit" || stdout_cut=true
        ! is_longer "$block/stderr" "$error_limit" || stderr_cut=true
    fi
    [ -z "$start" ] || count_terminals_again
    printf '%s' "$outcomes" >"$block/settings"
    $kernel_log 2>/dev/null | TRIAL=$trial TAG=$tag EXIT=$code TIMED_OUT=$timed_out REFUSED=$refused START=$start \
        END=$end SETTLED=$settled WAITED=$waited STRAYS=$strays STDOUT=$journal_stdout STDERR=$journal_stderr \
        STDOUT_CUT=$stdout_cut STDERR_CUT=$stderr_cut SETTINGS=$block/settings SNAPSHOT=$block/snapshot LOG_SEEN=$log_seen \
        LOG_READABLE=$log_readable CPUS=$cpus TERMINALS=$terminals \
        awk -f "$here/noise.awk" -f "$here/trial_line.awk" >>"$journal"
}

# run_trial ID LIMIT TAG FOLDER SETTLE COUNT [PATH VALUE FLAG]… ARGV…: see trial_file.py
# Fails when the settings could not be restored; no line is written for a trial that was stopped.
run_trial() {
    trial=$1 limit=$2 tag=$3 folder=$4 settle_limit=$5 count=$6
    code='' start='' end='' refused='' timed_out=false settled=true waited=0 strays=false
    shift 6
    uptime
    printf '{"event":"start","trial":"%s","uptime":%s}\n' "$trial" "$uptime" >>"$journal"
    sync "$journal"
    trial_settings=
    while [ "$count" -gt 0 ]; do
        for trial_word in "$1" "$2" "$3"; do quote "$trial_word" && trial_settings="$trial_settings $quoted"; done
        shift 3
        count=$((count - 1))
    done
    eval "settings_apply \"\$base/settings.trial\" $trial_settings"
    trial_outcomes=$outcomes
    if [ -n "$failures" ]; then
        refused="setting $failures"
    elif [ ! -d "$folder" ]; then
        refused="$folder: No such file or directory"
    else
        settle "$settle_limit"
        [ -n "$stopping" ] || execute "$limit" "$folder" "$@"
    fi
    settings_restore "$base/settings.trial"
    if [ -z "$stopping" ]; then
        outcomes=$trial_outcomes
        journal_line
    fi
    [ -z "$failures" ]
}
