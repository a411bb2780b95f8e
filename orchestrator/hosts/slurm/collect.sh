# shellcheck shell=sh
# On the login host: brings what jobs have written from their nodes, where these do not share the run's directory.
#
#   sh collect.sh RUN NODE_RUN NAME [OPTION]…   RUN: the run's directory here, NODE_RUN: on the nodes
#
# Reads lines "JOB NODE PATH". PATH is the directory of a block below RUN. JOB: a job that runs; its journal is followed
# by a step of the job. JOB "-": it has ended; a small job with this NAME and these OPTIONs of srun fetches the files from
# NODE (or "-": the node that "place" names). Returns at once and prints each PATH of an ended job that is being fetched,
# and "@NODE: ERROR" if that has failed. What it starts goes on without the controller.
# PATH/over: all files of the block are here. nodes/NODE.error: why they cannot be fetched from there.

run=$1 node_run=$2 name=$3
shift 3
cd "$run" || exit 1
mkdir -p nodes
deliver=$(cat bin/deliver.sh)

# known PATH → $lines: of its journal are here; a last line that has no end is cut off
known() {
    lines=0
    [ -s "$1/journal.jsonl" ] || {
        rm -f "$1/place" "$1/tuned" "$1/place.new" "$1/tuned.new" # may be a part
        return
    }
    lines=$(wc -l <"$1/journal.jsonl")
    [ "$(tail -c 1 "$1/journal.jsonl" | wc -l)" -eq 1 ] ||
        { head -n "$lines" "$1/journal.jsonl" >"$1/journal.new" && mv "$1/journal.new" "$1/journal.jsonl"; }
}

# Whoever reads "place" finds all of it, and "tuned" beside it.
settle() {
    for file in tuned place; do
        [ ! -e "$path/$file.new" ] || mv "$path/$file.new" "$path/$file"
    done
}

# receive: writes the output of deliver.sh to files, and answers on descriptor 3
receive() {
    while IFS= read -r line; do
        case $line in
        '@path '*) path=${line#@path } ;;
        '@place '*) printf '%s\n' "${line#@place }" >>"$path/place.new" ;;
        '@tuned '*) printf '%s\n' "${line#@tuned }" >>"$path/tuned.new" ;;
        '@refused '*)
            settle
            printf '%s\n' "${line#@refused }" >"$path/refused.new" && mv "$path/refused.new" "$path/refused"
            ;;
        @over)
            settle
            sync "$path"/* 2>/dev/null || sync # before the node's copy is removed
            echo taken >&3
            : >"$path/over" # later, for where the answer is lost the files are still on the node
            ;;
        *)
            settle
            printf '%s\n' "$line" >>"$path/journal.jsonl"
            ;;
        esac
    done
}

# fetch ERRORS COMMAND…: runs deliver.sh on the node and receives its output
fetch() {
    errors=$1
    shift
    pipe=$(mktemp -d) && mkfifo "$pipe/answer" || return
    # shellcheck disable=SC2094 # a pipe
    { "$@" <"$pipe/answer" 2>"$errors.new" || mv "$errors.new" "$errors"; } | receive 3>"$pipe/answer"
    rm -rf "$pipe" "$errors.new"
}

# follow JOB PATH: a step of the job
follow() {
    id=$(printf '%s\n' "$ids" | sed -n "s/^$1 //p")
    [ -n "$id" ] || return 0
    known "$2"
    fetch "$2/errors" srun --quiet --chdir=/ --overlap --jobid="$id" --nodes=1 --ntasks=1 \
        sh -c "$deliver" deliver.sh "$node_run" live "$lines" "$2"
}

# fetch_from NODE OPTION…: a job of its own for all blocks in $ended
fetch_from() {
    node=$1 known=''
    shift
    for word in $ended; do
        [ "${word%%:*}" = "$node" ] || continue
        known "${word#*:}"
        known="$known $lines ${word#*:}"
    done
    # shellcheck disable=SC2086 # words
    fetch "nodes/$node.error" srun --quiet --chdir=/ --job-name="$name-$node" --nodelist="$node" --nodes=1 --ntasks=1 \
        --time=5 --mem=50 "$@" sh -c "$deliver" deliver.sh "$node_run" ended $known
}

live='' ended='' nodes=''
while read -r job node path; do
    [ ! -e "$path/over" ] || continue
    if [ "$job" != - ]; then
        ! flock -n "$path/following" true || live="$live $job:$path"
        continue
    fi
    [ "$node" != - ] || node=$(sed -n 's/^slurm\.node=//p' "$path/place" 2>/dev/null)
    [ -n "$node" ] || continue
    if [ -e "nodes/$node.error" ]; then
        printf '@%s: %s\n' "$node" "$(tail -n 1 "nodes/$node.error")"
        continue
    fi
    echo "$path"
    flock -n "$path/following" true || continue # the last lines of a step are being written
    ended="$ended $node:$path"
    case " $nodes " in *" $node "*) ;; *) nodes="$nodes $node" ;; esac
done

# srun takes ids of jobs, not of tasks of an array.
[ -z "$live" ] || ids=$(squeue --me --noheader --states=RUNNING --array --format='%i %A')
for word in $live; do
    (flock -n 9 && follow "${word%%:*}" "${word#*:}") </dev/null >/dev/null 2>&1 9>"${word#*:}/following" &
done
for node in $nodes; do
    (flock -n 9 && fetch_from "$node" "$@") </dev/null >/dev/null 2>&1 9>"nodes/$node.lock" &
done
