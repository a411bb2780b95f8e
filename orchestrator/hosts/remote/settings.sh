# shellcheck shell=sh
# Sets, reads back and restores settings of a host: files below /proc/sys and /sys, and
# "service:UNIT" (active, inactive), "enabled:UNIT" (enabled, disabled, static …), "module:NAME" (loaded, absent).
#
#   sh settings.sh apply BASE      reads lines "path value required|optional|off", shell-quoted, from stdin
#                                  (off: if the kernel has no such file, the setting is off)
#   sh settings.sh check BASE      reads the same lines; reports what "apply" would do; changes nothing
#   sh settings.sh restore BASE    restores all settings that are recorded in BASE
#   sh settings.sh diff BASE       compares recorded settings with current values
#
# Prints one JSON object for each setting: path, before, asked (the requested value), found (the actual value), verdict.
# Verdicts: "changed", "unchanged" (both: the requested value is set), "differs" (apply would change it), "missing" (no such
# file), "refused" (the value did not change), "kept" (the same for an optional setting, such as the affinity of an interrupt
# that cannot be moved), "clamped" (another value was set), "drifted" (the value changed after it was set), "written" (a
# file that acts when it is written, such as vm.compact_memory: it is not read back, not recorded, and not restored).
# Exit code 1: a requested value is not set; 2: usage.
#
# The old value is recorded on disk before a change, so that it can be restored after a crash: BASE/settings.record for
# the host, BASE/settings.trial for the running trial. A line of a record: boot id, path, old value, requested value.
# Paths of files may contain wildcards. Sysctls of accelerated page migration have other names on kernels with the series of
# roles/kernel, see in_series; reports and records have the path of the file there. This file is also a library of runner.sh.

nl='
'
tab=$(printf '\t')
backslash=$(printf '\134')
boot_id=$(cat /proc/sys/kernel/random/boot_id)

# replace TEXT OLD NEW → $replaced
replace() {
    replaced=
    replace_rest=$1
    while :; do
        case $replace_rest in
        *"$2"*)
            replaced=$replaced${replace_rest%%"$2"*}$3
            replace_rest=${replace_rest#*"$2"}
            ;;
        *) break ;;
        esac
    done
    replaced=$replaced$replace_rest
}

# quote TEXT → $quoted, TEXT quoted as one shell word
quote() {
    replace "$1" "'" "'\\''"
    quoted="'$replaced'"
}

# json TEXT → $json, a JSON string; TEXT is one line; control characters except tab are dropped
json() {
    replace "$1" "$backslash" "$backslash$backslash"
    replace "$replaced" '"' '\"'
    replace "$replaced" "$tab" '\t'
    case $replaced in
    *[[:cntrl:]]*) replaced=$(printf '%s' "$replaced" | tr -d '[:cntrl:]') ;;
    esac
    json="\"$replaced\""
}

# report PATH BEFORE REQUESTED ACTUAL VERDICT: adds a JSON object to $outcomes, and errors to $failures
report() {
    json "$1" && report_object="{\"path\":$json"
    json "$2" && report_object="$report_object,\"before\":$json"
    json "$3" && report_object="$report_object,\"asked\":$json"
    json "$4" && report_object="$report_object,\"found\":$json,\"verdict\":\"$5\"}"
    outcomes=$outcomes$report_object$nl
    case $5 in
    refused | clamped | missing | drifted)
        [ ${#failures} -gt 1000 ] || failures="$failures${failures:+; }$1: $5, requested '$3', actual '$4'"
        ;;
    esac
}

# value_of FILE → $value, in one line; of a list such as "always [madvise] never" the bracketed word.
# Reads by cat: a shell reads byte by byte, but files of /proc/sys end after the first read.
value_of() {
    case $1 in
    service:* | enabled:*)
        value_of_unit "$1"
        return
        ;;
    module:*)
        value_of_module "${1#module:}"
        return
        ;;
    esac
    value=$(cat "$1" 2>/dev/null) || return 1
    case " $value " in
    *" ["*"] "*)
        value=${value#*"["}
        value=${value%%"]"*}
        ;;
    *"$nl"*)
        replace "$value" "$nl" ' '
        value=$replaced
        ;;
    esac
}

# value_of_unit service:UNIT|enabled:UNIT → $value; fails without systemd or without such a unit
value_of_unit() {
    unit_states=$(systemctl show -p LoadState -p ActiveState -p UnitFileState -- "${1#*:}" 2>/dev/null) || return 1
    unit_states=$nl$unit_states$nl
    case $1:$unit_states in
    *"${nl}LoadState=not-found$nl"*) return 1 ;;
    service:*"${nl}ActiveState=active$nl"* | service:*"${nl}ActiveState=activating$nl"*) value=active ;;
    service:*"${nl}ActiveState=reloading$nl"*) value=active ;;
    service:*) value=inactive ;;
    *)
        value=${unit_states#*"${nl}UnitFileState="}
        value=${value%%"$nl"*}
        [ -n "$value" ]
        ;;
    esac
}

# value_of_module NAME → $value
value_of_module() {
    replace "$1" - _
    if [ -d "/sys/module/$replaced" ]; then value=loaded; else value=absent; fi
}

# exists PATTERN: whether there is such a file, unit or module
exists() {
    case $1 in
    service:* | enabled:* | module:*) value_of "$1" ;;
    *) [ -e "$1" ] ;;
    esac
}

# acts PATH: whether the file is write-only, or acts at each write (older kernels let drop_caches be read)
acts() {
    case $1 in
    service:* | enabled:* | module:*) return 1 ;;
    /proc/sys/vm/drop_caches | /proc/sys/vm/compact_memory) return 0 ;;
    esac
    case $(ls -ldL -- "$1" 2>/dev/null) in
    -[!r]??[!r]??[!r]*) true ;;
    *) false ;;
    esac
}

# write_value PATH VALUE: the caller reads the value back; only of a file that acts is the exit code of use
write_value() {
    case $1:$2 in
    service:*:active) systemctl start -- "${1#*:}" ;;
    service:*:inactive) systemctl stop -- "${1#*:}" ;;
    enabled:*:enabled) systemctl enable -- "${1#*:}" ;;
    enabled:*:disabled) systemctl disable -- "${1#*:}" ;;
    module:*:loaded) modprobe -- "${1#*:}" ;;
    module:*:absent) modprobe -r -- "${1#*:}" ;;
    *) printf '%s\n' "$2" >"$1" ;;
    esac >/dev/null 2>&1
}

# plain WORD → $plain: numbers, also masks such as 00000000,0000000f, without leading zeros; Y, y, true as 1; N, n, false as 0
plain() {
    case $1 in
    Y | y | true) plain=1 ;;
    N | n | false) plain=0 ;;
    *[!0-9a-f,]* | '') plain=$1 ;;
    *)
        plain=$1
        while case $plain in 00000000,?* | 0[0-9a-f]*) true ;; *) false ;; esac do
            plain=${plain#0}
            plain=${plain#0000000,}
        done
        ;;
    esac
}

# same ONE OTHER: whether the words of both are equal
same() {
    [ "$1" = "$2" ] && return 0
    set -f
    # shellcheck disable=SC2086 # to collapse white space
    set -- $1 '' $2
    set +f
    same_left=
    while [ -n "$1" ]; do
        plain "$1"
        same_left="$same_left $plain"
        shift
    done
    shift
    same_right=
    for same_word in "$@"; do
        plain "$same_word"
        same_right="$same_right $plain"
    done
    [ "$same_left" = "$same_right" ]
}

# in_series PATH VALUE → $series_path, $series_value: the file and the value there of a sysctl that the kernel does not have,
# because it has the series of roles/kernel, which has a directory instead. Fails for all other settings.
in_series() {
    series=/sys/kernel/mm/migration_accel series_debug=/sys/kernel/debug/migration_accel series_value=$2
    case $1 in
    /proc/sys/vm/limit_mt_num) set -- "$1" $series/threads ;;
    /proc/sys/vm/mt_copy_node) set -- "$1" $series/threads_node destination source ;;
    /proc/sys/vm/mt_page_copy) set -- "$1" "$series/policy/*" none parallel ;;
    /proc/sys/vm/concur_batch_folios) set -- "$1" $series/batch_folios ;;
    /proc/sys/vm/exchange_bounce_page) set -- "$1" $series/exchange_method words bounce_page ;;
    /proc/sys/vm/limit_dma_chans) set -- "$1" $series/offload/dma/channels ;;
    /proc/sys/vm/use_all_dma_chans) set -- "$1" $series/offload/dma/all_channels ;;
    /proc/sys/vm/dma_copy_timeout_ms) set -- "$1" $series/offload/timeout_ms ;;
    /proc/sys/vm/mt_take_turns) set -- "$1" $series_debug/take_turns ;;
    /proc/sys/vm/migrate_phase_times) set -- "$1" $series_debug/phase_times ;;
    *) return 1 ;;
    esac
    [ ! -e "$1" ] && [ -e $series ] || return 1
    series_path=$2
    plain "$series_value"
    case $#:$plain in
    4:0) series_value=$3 ;;
    4:1) series_value=$4 ;;
    esac
}

# plan_setting PATTERN VALUE required|optional|off: adds to $plan (path, before, requested, flag) and $record_lines;
# the flag of a file that acts is prefixed with "acts:"
plan_setting() {
    ! in_series "$1" "$2" || set -- "$series_path" "$series_value" "$3"
    plan_ifs=$IFS
    IFS=
    # shellcheck disable=SC2086 # expand wildcards only
    for plan_file in $1; do
        IFS=$plan_ifs
        if ! exists "$plan_file"; then
            [ "$3" != required ] || report "$plan_file" '' "$2" '' missing
        elif acts "$plan_file"; then
            quote "$plan_file" && plan_words=$quoted
            quote "$2" && plan="$plan $plan_words '' $quoted acts:$3"
        elif ! value_of "$plan_file"; then
            report "$plan_file" '' "$2" '' refused # unreadable, so it could not be restored
        else
            quote "$plan_file" && plan_words=$quoted
            quote "$value" && plan_words="$plan_words $quoted"
            quote "$2" && plan_words="$plan_words $quoted"
            plan="$plan $plan_words $3"
            record_lines="$record_lines$boot_id $plan_words$nl"
        fi
    done
    IFS=$plan_ifs
}

# write_to_acting FILE VALUE acts:required|optional|off
write_to_acting() {
    if write_value "$1" "$2"; then
        change_verdict=written
    elif [ "$3" = acts:optional ]; then
        change_verdict=kept
    else
        change_verdict=refused
    fi
    report "$1" '' "$2" '' "$change_verdict"
}

# change FILE BEFORE REQUESTED required|optional|off, with or without acts:
change() {
    case $4 in acts:*)
        write_to_acting "$1" "$3" "$4"
        return
        ;;
    esac
    same "$2" "$3" || write_value "$1" "$3"
    value_of "$1"
    if ! same "$value" "$3" && same "$2" "$3"; then # an earlier line of the same list has changed it
        write_value "$1" "$3"
        value_of "$1"
    fi
    if same "$value" "$3"; then
        if same "$2" "$3"; then change_verdict=unchanged; else change_verdict=changed; fi
    elif same "$value" "$2"; then
        if [ "$4" = optional ]; then change_verdict=kept; else change_verdict=refused; fi
    else
        change_verdict=clamped
    fi
    report "$1" "$2" "$3" "$value" "$change_verdict"
}

# plan_settings [PATH VALUE required|optional|off]…: sets $plan, $record_lines and $failures
plan_settings() {
    outcomes='' failures='' plan='' record_lines=''
    while [ $# -gt 0 ]; do
        plan_setting "$1" "$2" "$3"
        shift 3
    done
}

# settings_check [PATH VALUE required|optional|off]…: sets $outcomes and $failures, changes nothing
settings_check() {
    plan_settings "$@"
    eval "set -- $plan"
    while [ $# -gt 0 ]; do
        settings_verdict=differs
        case $4 in
        acts:*) ;;
        *) ! same "$2" "$3" || settings_verdict=unchanged ;;
        esac
        report "$1" "$2" "$3" "$2" "$settings_verdict"
        shift 4
    done
}

# settings_apply RECORD [PATH VALUE required|optional|off]…: sets $outcomes and $failures
settings_apply() {
    apply_record=$1
    shift
    plan_settings "$@"
    [ -n "$plan" ] || return 0
    if ! { printf '%s' "$record_lines" >>"$apply_record" && sync "$apply_record"; }; then
        failures="$apply_record: cannot write the record; nothing was changed"
        echo "$failures" >&2
        return 0
    fi
    eval "set -- $plan"
    while [ $# -gt 0 ]; do
        change "$1" "$2" "$3" "$4"
        shift 4
    done
}

# unique_entries first|last RECORD… → $entries, one line for each recorded path: the first one, with the original value,
# newest path first; or the last one, with the last requested value
unique_entries() {
    entries='' entries_seen=$nl entries_which=$1
    shift
    for entries_record in "$@"; do
        [ -s "$entries_record" ] || continue
        while IFS= read -r entry_line; do
            case $entries_which in
            last) entries=$entry_line$nl$entries ;;
            *) entries=$entries$entry_line$nl ;;
            esac
        done <"$entries_record"
    done
    unique_result=
    while IFS= read -r entry_line; do
        [ -n "$entry_line" ] || continue
        eval "set -- $entry_line"
        case $entries_seen in *"$nl$2$nl"*) continue ;; esac
        entries_seen=$entries_seen$2$nl
        unique_result=$entry_line$nl$unique_result
    done <<END
$entries
END
    entries=$unique_result
}

# settings_restore RECORD: sets $outcomes and $failures; a setting that cannot be restored stays recorded
settings_restore() {
    outcomes='' failures='' restore_kept=''
    [ -s "$1" ] || return 0
    restore_record=$1
    unique_entries first "$restore_record"
    while IFS= read -r restore_line; do
        [ -n "$restore_line" ] || continue
        eval "set -- $restore_line"
        restore_failures=$failures
        if exists "$2" && value_of "$2"; then
            change "$2" "$value" "$3" required
        elif [ "$1" = "$boot_id" ]; then
            report "$2" '' "$3" '' missing
        fi
        if [ "$failures" != "$restore_failures" ]; then
            # After a reboot, a setting that this kernel refuses need not be restored.
            if [ "$1" = "$boot_id" ]; then restore_kept=$restore_line$nl$restore_kept; else failures=$restore_failures; fi
        fi
    done <<END
$entries
END
    printf '%s' "$restore_kept" >"$restore_record.new" && sync "$restore_record.new" &&
        mv "$restore_record.new" "$restore_record"
}

# settings_diff RECORD…: sets $outcomes and $failures; for a path in several records, the last one is used
settings_diff() {
    outcomes='' failures=''
    unique_entries last "$@"
    while IFS= read -r diff_line; do
        [ -n "$diff_line" ] || continue
        eval "set -- $diff_line"
        value_of "$2" || value=
        if same "$value" "$4"; then report "$2" "$3" "$4" "$value" unchanged; else report "$2" "$3" "$4" "$value" drifted; fi
    done <<END
$entries
END
}

# read_settings → $settings_list, the lines of stdin as shell words
read_settings() {
    settings_list=
    while IFS= read -r settings_line; do settings_list="$settings_list $settings_line"; done
}

settings_main() {
    [ $# -eq 2 ] || {
        echo "usage: sh settings.sh apply|check|restore|diff BASE" >&2
        return 2
    }
    settings_verb=$1 settings_base=$2
    case $settings_verb in
    apply)
        mkdir -p "$settings_base" || return 1
        read_settings
        eval "settings_apply \"\$settings_base/settings.record\" $settings_list"
        ;;
    check)
        read_settings
        eval "settings_check $settings_list"
        ;;
    restore)
        settings_restore "$settings_base/settings.trial" # first: the trial changed settings after the host was tuned
        printf '%s' "$outcomes"
        settings_trial_failures=$failures
        settings_restore "$settings_base/settings.record"
        failures=$settings_trial_failures$failures
        ;;
    diff) settings_diff "$settings_base/settings.record" "$settings_base/settings.trial" ;;
    *)
        echo "settings.sh: unknown verb: $settings_verb (apply, check, restore, diff)" >&2
        return 2
        ;;
    esac
    printf '%s' "$outcomes"
    [ -z "$failures" ]
}

case ${0##*/} in
settings.sh) settings_main "$@" ;;
esac
