#!/bin/sh
# shellcheck source-path=SCRIPTDIR
# The guest on the node that is held to prepare a run.
#
#   sh guest_prepare.sh hold RUN KERNEL   boots it, prints "@ready JOB NODE", and ends it at the end of the input
#   sh guest_prepare.sh run RUN LINE      runs a line of shell in it
#   sh guest_prepare.sh keep RUN          copies what was built in it to the run's directory
#
# Before "@ready", "hold" prints "@note TEXT" and, if it fails, "@failed TEXT".

run=$2 place=$2/guest/prepare.$SLURM_JOB_ID
# shellcheck source=guest.sh
. "$run/bin/guest.sh"

note() {
    echo "@note $1"
}

hold() {
    trap end_guest EXIT
    trap 'stopping=1' TERM
    note "booting a guest on $node"
    error="$node: cannot copy files to the guest"
    if ! boot "$1" </dev/null || ! send bin; then
        echo "@failed $error"
        return 1
    fi
    echo "@ready $SLURM_JOB_ID $node"
    cat >/dev/null
}

case $1 in
hold) hold "$3" ;;
run) in_guest "$3" ;;
keep) in_guest "cd $(quoted "$run") && mkdir -p roles && tar -cf - bin/runner-* roles" </dev/null | (cd "$run" && tar -xmf -) ;;
esac
