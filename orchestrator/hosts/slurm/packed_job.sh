#!/bin/sh
# One block as a job, where the nodes do not share the run's directory: sbatch carries the files, packed below this script.
#
#   sh packed_job.sh RUN ARRAY user|root HOLD   RUN: the run's directory on this node; the other words are those of job.sh
#
# After the block the job keeps its node until the controller has taken the files of the block (collect.sh), for HOLD
# seconds at most. Then they stay on the node, and a job of its own fetches them.

run=$1 array=$2 who=$3 hold=$4
block=$run/jobs/$array/$SLURM_ARRAY_TASK_ID
job=''

# section NAME FILE…: unpacks the lines between "@NAME" and the next "@", all files or those named
section() {
    name=$1
    shift
    sed -e "1,/^@$name\$/d" -e '/^@/,$d' "$0" | base64 -d | gzip -d -c | (cd "$run" && tar -x -o -f - "$@")
}

# safe RUN: no other user can replace the directory, or files there, see storage.py
safe() {
    for path in "$1" "${1%/*}" "${1%/*}/"; do
        [ -n "$(find "$path" -prune '(' -user "$(id -u)" -o -user 0 ')' \
            '(' -type l -o ! -perm -002 -o -perm -1000 ')' 2>/dev/null)" ] || return
    done
}

# The time limit comes near, or the job is cancelled: job.sh ends the trial.
# shellcheck disable=SC2317 # called by the trap
on_signal() {
    [ -z "$job" ] || kill -TERM "$job" 2>/dev/null
}

trap on_signal TERM
cd / || exit 1
umask 077

mkdir -p "$block" && safe "$run" || exit 1

if section common && section array "jobs/$array/expected" "jobs/$array/settings" "jobs/$array/$SLURM_ARRAY_TASK_ID/trials"; then
    sh "$run/bin/job.sh" "$run" "$array" "$who" &
    job=$!
    while kill -0 "$job" 2>/dev/null; do wait "$job"; done
    job=''
else
    rm -rf "${run:?}/bin" "${run:?}/roles" # a full disk has room for the reason then
    echo "cannot write the files of the job to $run on $SLURMD_NODENAME" >"$block/refused"
fi

# Nothing follows these lines: the journal is complete.
{
    [ ! -s "$block/refused" ] || sed 's/^/@refused /' "$block/refused"
    echo @over
} >>"$block/journal.jsonl" || hold=0

while [ -d "$block" ] && [ "$hold" -gt 0 ]; do
    sleep 1
    hold=$((hold - 1))
done

set -- "$run"/jobs/*/*/
[ -d "$1" ] || rm -rf "$run"
exit 0
