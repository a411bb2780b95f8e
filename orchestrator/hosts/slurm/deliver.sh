# shellcheck shell=sh
# On a node that does not share the run's directory: prints what jobs have written, for collect.sh on the login host.
#
#   sh deliver.sh RUN live|ended [LINES PATH]…   RUN: the run's directory here; LINES of the journal in PATH are known
#
# live: the job runs, and its journal is followed. ended: the jobs have ended. For each PATH come the lines "@path PATH",
# "@tuned …", "@place …", the lines of the journal, "@refused …" and "@over". A line "taken" of the input is the answer to
# "@over"; then PATH is removed.

run=$1 mode=$2
shift 2

# prefixed WORD: the file with the word before each line
prefixed() {
    [ ! -s "$block/$1" ] || sed "s/^/@$1 /" "$block/$1"
}

deliver() {
    printf '@path %s\n' "$2"
    block=$run/$2
    # The job writes "place" before the journal.
    [ "$mode" = ended ] || until [ -s "$block/journal.jsonl" ]; do sleep 1; done
    [ "$1" != 0 ] || { prefixed tuned && prefixed place; }
    if [ "$mode" = live ]; then
        tail -n "+$(($1 + 1))" -f "$block/journal.jsonl" & # packed_job.sh appends "@refused" and "@over"
        tail=$!
        read -r taken
        kill "$tail"
    else
        if [ -s "$block/journal.jsonl" ]; then # without a last line that has no end
            head -n "$(wc -l <"$block/journal.jsonl")" "$block/journal.jsonl" | grep -v '^@' | tail -n "+$(($1 + 1))"
        fi
        prefixed refused
        echo @over
        read -r taken
    fi
    [ "$taken" = taken ] || exit 1
    rm -rf "$block"
}

while [ $# -gt 1 ]; do
    deliver "$1" "$2"
    shift 2
done
[ "$mode" = ended ] || exit 0 # packed_job.sh removes the rest
set -- "$run"/jobs/*/*/
[ -d "$1" ] || rm -rf "$run"
