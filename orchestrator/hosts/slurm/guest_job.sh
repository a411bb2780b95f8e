#!/bin/sh
# shellcheck source-path=SCRIPTDIR disable=SC2317 # functions are called by a trap and by guest.sh
# One block in a guest, as a job: sbatch runs it on the node; the controller may be gone. Boots the guest, runs job.sh
# there, and copies what that writes to the run's directory, the journal as it grows.
#
#   sh guest_job.sh RUN ARRAY user|root KERNEL   the first three as for job.sh
#
# Beside the files of job.sh it writes into RUN/jobs/ARRAY/TASK:
#   crashed    one line: the guest has exited before its block ended
# and appends to "place" the facts of the node that the guest runs on, as guest.KEY.

run=$1 block=jobs/$2/$SLURM_ARRAY_TASK_ID
out=$run/$block place=$run/$block/guest
job='' follower=''
# shellcheck source=guest.sh
. "$run/bin/guest.sh"

note() {
    echo "$1" >&2
}

# say FILE TEXT: why the job ends before its block does
say() {
    printf '%s\n' "$2" >"$out/$1.new" && mv "$out/$1.new" "$out/$1"
    exit 1
}

# The time limit comes near, or the job is cancelled: job.sh ends the trial and restores its settings.
on_signal() {
    stopping=1
    # shellcheck disable=SC2016 # it is read there
    [ -z "$job" ] || in_guest 'until [ -s /run/job ]; do sleep 0.2; done; kill "$(cat /run/job)"' </dev/null
}

describe_node() {
    cat "$files/$accelerator"
    printf 'guest.qemu=%s\n' "$("$(cat "$files/qemu")" --version | head -n 1)"
    printf 'guest.cpu=%s\n' "$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)"
    printf 'guest.kernel=%s\n' "$(uname -r)"
    printf 'guest.cpus=%s\n' "$(grep -c '^processor' /proc/cpuinfo)"
    printf 'guest.memory=%s MiB\n' "$(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo)"
    set -- /sys/devices/system/node/node[0-9]*
    printf 'guest.numa_nodes=%s\n' "$#"
}

# copy_place: waits until job.sh has written where it runs, or why it does not, or has ended
copy_place() {
    in_guest "cd $there && until [ -e place ] || [ -e refused ]; do
            [ ! -s /run/job ] || kill -0 \"\$(cat /run/job)\" || break
            sleep 0.2
        done
        mkdir copy && cp place tuned copy 2>/dev/null; cd copy && tar -cf - ." </dev/null | (cd "$place" && tar -xmf -) || return
    [ ! -e "$place/tuned" ] || mv "$place/tuned" "$out/tuned"
    [ ! -e "$place/place" ] || {
        describe_node >>"$place/place"
        mv "$place/place" "$out/place"
    }
}

# copy_rest: what the follower of the journal has not copied
copy_rest() {
    : >>"$out/journal.jsonl"
    copied=$(wc -c <"$out/journal.jsonl")
    in_guest "tail -c +$((copied + 1)) $there/journal.jsonl" </dev/null >>"$out/journal.jsonl" &&
        in_guest "cat $there/refused 2>/dev/null || :" </dev/null >"$place/refused" || return
    [ ! -s "$place/refused" ] || mv "$place/refused" "$out/refused"
}

trap end_guest EXIT
trap on_signal TERM

# Slurm does not start jobs twice that were submitted with --no-requeue, but an administrator can.
mkdir "$out/started" 2>/dev/null || say refused "job $SLURM_JOB_ID was started again"
boot "$4" || say refused "$error"
there=$(quoted "$out")
clock=$(sed -n 's/^guest.clock=//p' "$files/$accelerator")
roles=''
[ ! -d "$run/roles" ] || roles=roles
# shellcheck disable=SC2086 # it may be empty
send bin $roles "jobs/$2/expected" "jobs/$2/settings" "$block/trials" || say crashed "the guest on $node cannot be reached"

(connect "echo \$\$ >/run/job && export SLURM_JOB_ID=$SLURM_JOB_ID SLURM_ARRAY_TASK_ID=$SLURM_ARRAY_TASK_ID \
    SLURMD_NODENAME=$(quoted "$node") ORCHESTRATE_CLOCK=$clock &&
    exec sh $(quoted "$run/bin/job.sh") $(quoted "$run") $2 $3") </dev/null &
job=$!
[ -z "$stopping" ] || on_signal # it came before there was a job
copy_place && {
    (connect ": >>$there/journal.jsonl; exec tail -n +1 -f $there/journal.jsonl") </dev/null >>"$out/journal.jsonl" &
    follower=$!
}
# A signal ends a wait.
while kill -0 "$job" 2>/dev/null; do wait "$job"; done
end "$follower"
guest_runs && copy_rest && exit
[ -z "$stopping" ] || say refused "job $SLURM_JOB_ID was ended"
say crashed "the guest on $node has exited: $(last_line)"
