#!/bin/sh
# One block as a job: sbatch runs it on the node; the controller may be gone. Needs nothing but a POSIX shell there.
#
#   sh job.sh RUN ARRAY user|root   RUN: the run's directory, ARRAY: the number of the job array below RUN/jobs
#
# RUN/jobs/ARRAY holds "expected" (lines of facts.sh that the node must print) and "settings" (input of "runner settings apply");
# RUN/jobs/ARRAY/TASK holds "trials". The job adds, beside the runner's journal:
#   place      node, job and facts: where the block runs
#   tuned      its output
#   refused    one line: why no trial was run
# root: the job changes settings, and keeps their record where every run on the node finds it.

run=$1 array=$run/jobs/$2 who=$3
block=$array/$SLURM_ARRAY_TASK_ID
runner=''

refuse() {
    printf '%s\n' "$1" >"$block/refused"
    exit 1
}

# The time limit comes near, or the job is cancelled: end the trial and restore its settings.
on_signal() {
    [ -z "$runner" ] || sh "$run/bin/runner.sh" stop "$block" now
}

# A signal ends a wait, so the runner is waited for until it has exited.
wait_for_runner() {
    while kill -0 "$runner" 2>/dev/null; do wait "$runner"; done
}

trap on_signal TERM

# Slurm does not start jobs twice that were submitted with --no-requeue, but an administrator can.
mkdir "$block/started" 2>/dev/null || refuse "job $SLURM_JOB_ID was started again"

{
    printf 'slurm.node=%s\nslurm.job=%s\n' "$SLURMD_NODENAME" "$SLURM_JOB_ID"
    sh "$run/bin/facts.sh"
} >"$block/place.new" || exit 1
while IFS= read -r line; do
    grep -q -x -F -e "$line" "$block/place.new" || {
        mv "$block/place.new" "$block/place"
        refuse "another kernel is running on $SLURMD_NODENAME: $(uname -r); expected $line"
    }
done <"$array/expected"

base=$run/nodes/$SLURMD_NODENAME
[ "$who" = user ] || base=/var/lib/orchestrate
mkdir -p "$base" || refuse "cannot write to $base on $SLURMD_NODENAME"

if [ "$who" = root ]; then
    sh "$run/bin/runner.sh" settings restore "$base" >/dev/null || refuse "cannot restore settings of an earlier run on $SLURMD_NODENAME"
    sh "$run/bin/runner.sh" settings apply "$base" <"$array/settings" >"$block/tuned" || {
        sh "$run/bin/runner.sh" settings restore "$base" >/dev/null
        refuse "cannot change settings of $SLURMD_NODENAME: $(grep -v -e '"changed"}' -e '"kept"}' "$block/tuned")"
    }
fi

mv "$block/place.new" "$block/place" # whoever reads it finds the settings beside it
{
    sh "$run/bin/runner.sh" run "$base" "$block" "${ORCHESTRATE_CLOCK:-wall}" 2>"$block/answer"
    echo $? >"$block/code"
} >/dev/null </dev/null &
runner=$!
wait_for_runner

[ "$who" = user ] || sh "$run/bin/runner.sh" settings restore "$base" >/dev/null
[ "$(cat "$block/code")" = 0 ] || refuse "$SLURMD_NODENAME: $(tail -n 1 "$block/answer")"
