# shellcheck shell=sh
# Settings of a host that are set, read back and put back: files below /proc/sys and /sys, and what has no file:
# "service:UNIT" (active, inactive), "enabled:UNIT" (enabled, disabled, static …), "module:NAME" (loaded, absent).
#
#   sh settings.sh apply BASE      reads lines "path value required|optional|off" (quoted for a shell) from its input
#                                  (off: what a kernel has no file for is off)
#   sh settings.sh check BASE      reads the same and says what "apply" would meet; changes nothing
#   sh settings.sh restore BASE    puts back everything that is recorded below BASE
#   sh settings.sh diff BASE       holds what is recorded against what is there now
#
# Prints one JSON object a setting: path, before, asked, found, verdict. Verdicts: "changed" and "unchanged" (it holds
# what was asked), "differs" (it would be changed), "missing" (there is none), "refused" (it kept its value), "kept" (so
# did an optional one: an interrupt that cannot be moved), "clamped" (it took another value), "drifted" (it held what
# was asked once). Exit code 1: some setting does not hold what was asked; 2: usage.
#
# What was there is recorded on disk before it is changed, so whoever comes next can put it back: BASE/settings.record
# for the host, BASE/settings.trial for the trial that runs. A line of a record: boot id, path, before, asked.
# The path of a file may hold wildcards. This file is also a library of runner.sh; only the last lines act.

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

# quote TEXT → $quoted, one word of shell that means TEXT
quote() {
    replace "$1" "'" "'\\''"
    quoted="'$replaced'"
}

# json TEXT → $json, a JSON string; TEXT is one line, control characters other than the tab are dropped
json() {
    replace "$1" "$backslash" "$backslash$backslash"
    replace "$replaced" '"' '\"'
    replace "$replaced" "$tab" '\t'
    case $replaced in
    *[[:cntrl:]]*) replaced=$(printf '%s' "$replaced" | tr -d '[:cntrl:]') ;;
    esac
    json="\"$replaced\""
}

# report PATH BEFORE ASKED FOUND VERDICT: adds a JSON object to $outcomes, and to $failures what must not be
report() {
    json "$1" && report_object="{\"path\":$json"
    json "$2" && report_object="$report_object,\"before\":$json"
    json "$3" && report_object="$report_object,\"asked\":$json"
    json "$4" && report_object="$report_object,\"found\":$json,\"verdict\":\"$5\"}"
    outcomes=$outcomes$report_object$nl
    case $5 in
    refused | clamped | missing | drifted)
        [ ${#failures} -gt 1000 ] || failures="$failures${failures:+; }$1: $5, asked '$3', found '$4'"
        ;;
    esac
}

# value_of FILE → $value, in one line; of a choice such as "always [madvise] never" the chosen word.
# Reads through cat: a shell reads byte by byte, and files of /proc/sys end after the first read.
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

# value_of_unit service:UNIT|enabled:UNIT → $value; fails where systemd does not run or has no such unit
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

# there PATTERN: is there such a file, unit or module?
there() {
    case $1 in
    service:* | enabled:* | module:*) value_of "$1" ;;
    *) [ -e "$1" ] ;;
    esac
}

# write_value PATH VALUE: the reading back tells what became of it
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

# plain WORD → $plain: numbers without leading zeros, yes and no as the kernel's switches mean them
plain() {
    case $1 in
    Y | y | true) plain=1 ;;
    N | n | false) plain=0 ;;
    *[!0-9]* | '') plain=$1 ;;
    *)
        plain=$1
        while case $plain in 0?*) true ;; *) false ;; esac do
            plain=${plain#0}
        done
        ;;
    esac
}

# same ONE OTHER: equal word by word
same() {
    [ "$1" = "$2" ] && return 0
    set -f
    # shellcheck disable=SC2086 # to fold white space
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

# plan_setting PATTERN VALUE required|optional|off: adds to $plan (path before asked flag …) and $record_lines
plan_setting() {
    plan_ifs=$IFS
    IFS=
    # shellcheck disable=SC2086 # wildcards shall expand, and nothing else
    for plan_file in $1; do
        IFS=$plan_ifs
        if ! there "$plan_file"; then
            [ "$3" != required ] || report "$plan_file" '' "$2" '' missing
        elif ! value_of "$plan_file"; then
            report "$plan_file" '' "$2" '' refused # what cannot be read cannot be put back
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

# change FILE BEFORE ASKED required|optional|off
change() {
    same "$2" "$3" || write_value "$1" "$3"
    value_of "$1"
    if ! same "$value" "$3" && same "$2" "$3"; then # an earlier line of the same list changed it
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

# plan_settings [PATH VALUE required|optional|off]…: sets $plan, $record_lines, and of what cannot be planned $failures
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
        if same "$2" "$3"; then report "$1" "$2" "$3" "$2" unchanged; else report "$1" "$2" "$3" "$2" differs; fi
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
        failures="$apply_record: cannot be written, so nothing was changed"
        echo "$failures" >&2
        return 0
    fi
    eval "set -- $plan"
    while [ $# -gt 0 ]; do
        change "$1" "$2" "$3" "$4"
        shift 4
    done
}

# once_each first|last RECORD… → $entries, one line of the records for each path: the first with what was there
# before anything was changed, newest path first; or the last, with what was asked for last
once_each() {
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
    once_result=
    while IFS= read -r entry_line; do
        [ -n "$entry_line" ] || continue
        eval "set -- $entry_line"
        case $entries_seen in *"$nl$2$nl"*) continue ;; esac
        entries_seen=$entries_seen$2$nl
        once_result=$entry_line$nl$once_result
    done <<END
$entries
END
    entries=$once_result
}

# settings_restore RECORD: sets $outcomes and $failures; what could not be put back stays recorded
settings_restore() {
    outcomes='' failures='' restore_kept=''
    [ -s "$1" ] || return 0
    restore_record=$1
    once_each first "$restore_record"
    while IFS= read -r restore_line; do
        [ -n "$restore_line" ] || continue
        eval "set -- $restore_line"
        restore_failures=$failures
        if there "$2" && value_of "$2"; then
            change "$2" "$value" "$3" required
        elif [ "$1" = "$boot_id" ]; then
            report "$2" '' "$3" '' missing
        fi
        if [ "$failures" != "$restore_failures" ]; then
            # A reboot has undone it already: what this kernel does not take is not ours to put back.
            if [ "$1" = "$boot_id" ]; then restore_kept=$restore_line$nl$restore_kept; else failures=$restore_failures; fi
        fi
    done <<END
$entries
END
    printf '%s' "$restore_kept" >"$restore_record.new" && sync "$restore_record.new" &&
        mv "$restore_record.new" "$restore_record"
}

# settings_diff RECORD…: sets $outcomes and $failures; of a path in several records the last one counts
settings_diff() {
    outcomes='' failures=''
    once_each last "$@"
    while IFS= read -r diff_line; do
        [ -n "$diff_line" ] || continue
        eval "set -- $diff_line"
        value_of "$2" || value=
        if same "$value" "$4"; then report "$2" "$3" "$4" "$value" unchanged; else report "$2" "$3" "$4" "$value" drifted; fi
    done <<END
$entries
END
}

# read_settings → $settings_list, the lines of the input as words of shell
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
        settings_restore "$settings_base/settings.trial" # it lies above the other: the trial changed a tuned host
        printf '%s' "$outcomes"
        settings_trial_failures=$failures
        settings_restore "$settings_base/settings.record"
        failures=$settings_trial_failures$failures
        ;;
    diff) settings_diff "$settings_base/settings.record" "$settings_base/settings.trial" ;;
    *)
        echo "settings.sh: no such verb: $settings_verb (apply, check, restore, diff)" >&2
        return 2
        ;;
    esac
    printf '%s' "$outcomes"
    [ -z "$failures" ]
}

case ${0##*/} in
settings.sh) settings_main "$@" ;;
esac
