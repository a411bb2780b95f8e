# shellcheck shell=sh disable=SC2154,SC2034 # $run and $place are set by the scripts, which use $error
# Functions of the scripts that boot a guest on the node of a job. The node needs a POSIX shell, ssh and QEMU.
#
# $run: the run's directory. $place: the directory of this guest. Both are on storage that the node shares.
#
# RUN/guest: identity, known_hosts   keys of the run's guests
#            qemu                    name of QEMU's program
#            limit, memory           of a boot in seconds, of a guest in MiB
#            accelerator             kvm or tcg; written by the first guest, and the same for all guests of the run
#            kvm, tcg                one line: environment and clock of a guest; only of accelerators that are allowed
#            probe                   an initramfs that prints $probe_message
# RUN/guest/kernels/KERNEL: image, initramfs; kvm, tcg: command lines of QEMU

up_message='orchestrate: guest is up'
probe_message='orchestrate: this kernel reached user space'
probe_limit=20
boot_attempts=5
node=${SLURMD_NODENAME:-$(uname -n)}
files=$run/guest
qemu='' drain='' stopping=''

# connect LINE: becomes an ssh that runs a line of shell in the guest
connect() {
    cd "$files" && exec ssh -F none -i identity -p "$(cat "$place/port")" -o BatchMode=yes -o IdentitiesOnly=yes \
        -o UserKnownHostsFile=known_hosts -o GlobalKnownHostsFile=/dev/null -o HostKeyAlias=guest -o StrictHostKeyChecking=yes \
        -o LogLevel=ERROR -o ConnectTimeout=30 -o ServerAliveInterval=60 -o ServerAliveCountMax=5 root@127.0.0.1 "$1"
}

# in_guest LINE: runs it and returns; 255 if the guest cannot be reached
in_guest() (
    connect "$1"
)

# quoted TEXT: as one word of a shell
quoted() {
    printf "'%s'" "$(printf %s "$1" | sed "s/'/'\\\\''/g")"
}

# guest_runs: QEMU has not exited; one that has is a zombie until the shell waits for it
guest_runs() {
    [ -n "$qemu" ] && case $(cat "/proc/$qemu/stat" 2>/dev/null) in '' | *') Z '*) return 1 ;; esac
}

# end PID: kills a child and waits until it has exited
end() {
    [ -z "$1" ] || kill -KILL "$1" 2>/dev/null || return 0
    [ -z "$1" ] || wait "$1" 2>/dev/null
}

end_guest() {
    end "$drain"
    end "$qemu"
    qemu='' drain=''
    rm -f "$place/monitor.in" "$place/monitor.out"
}

# last_line: the cause in the console, else its last line, else that of QEMU
last_line() {
    for log in "$place/console" "$place/qemu.log"; do
        line=$(tr -d '\r' <"$log" | grep -a -m 1 -e 'Kernel panic' -e 'BUG:' -e 'Oops' -e 'orchestrate: fail') ||
            line=$(tr -d '\r' <"$log" | grep -a -v '^[[:space:]]*$' | tail -n 1)
        [ -z "$line" ] || break
    done
    printf %s "${line:-no output}"
}

pause() {
    sleep 0.1 2>/dev/null || sleep 1
}

# launch ACCELERATOR INITRAMFS ATTEMPT
launch() {
    port=$((20000 + ($$ + 7919 * $3) % 40000))
    echo "$port" >"$place/port"
    ln -sf "$kernel/image" "$place/image" && ln -sf "$2" "$place/initramfs" && : >"$place/console" || return 1
    words=$(sed "s/@PORT@/$port/" "$kernel/$1")
    case $words in *'pipe:monitor'*)
        mkfifo -m 600 "$place/monitor.in" "$place/monitor.out" || return 1
        cat "$place/monitor.out" >/dev/null &
        drain=$!
        ;;
    esac
    (cd "$place" && eval "exec $words") </dev/null >"$place/qemu.log" 2>&1 &
    qemu=$!
}

# switch_cpu: lets the next CPU run that shares the instruction clock, see icount_boot.py
switch_cpu() {
    [ ! -e "$place/monitor.in" ] || printf 'stop\ncont\n' 1<>"$place/monitor.in"
}

# wait_for MESSAGE SECONDS: until the console has it; 1: QEMU has exited, 2: timed out, 3: the job is to end
wait_for() {
    deadline=$(($(date +%s) + $2))
    until grep -q -a -F -e "$1" "$place/console"; do
        guest_runs || {
            grep -q -a -F -e "$1" "$place/console"
            return
        }
        [ -z "$stopping" ] || return 3
        [ "$(date +%s)" -lt "$deadline" ] || return 2
        switch_cpu
        pause
    done
}

# kvm_works: a guest under KVM reaches user space; else $obstacle says why not
kvm_works() {
    obstacle="/dev/kvm: No such file or directory"
    [ -e /dev/kvm ] || return 1
    obstacle="/dev/kvm: Permission denied"
    [ -r /dev/kvm ] && [ -w /dev/kvm ] || return 1
    launch kvm "$files/probe" 0 && wait_for "$probe_message" "$probe_limit"
    case $? in
    0) obstacle='' ;;
    2) obstacle="a guest under /dev/kvm timed out after $probe_limit s: it did not reach user space" ;;
    *) obstacle="a guest under /dev/kvm exited before it reached user space" ;;
    esac
    end_guest
    [ -z "$obstacle" ]
}

# choose_accelerator → $accelerator; 1: there is none, see $error
choose_accelerator() {
    if [ -e "$files/accelerator" ]; then
        read -r accelerator <"$files/accelerator"
        return
    fi
    accelerator=tcg
    if [ -e "$files/kvm" ] && kvm_works; then
        accelerator=kvm
    elif [ ! -e "$files/tcg" ]; then
        error="hosts.qemu.acceleration is kvm, but on $node $obstacle"
        return 1
    elif [ -e "$files/kvm" ]; then
        note "$node: no KVM: $obstacle; using software emulation (TCG)"
    fi
    echo "$accelerator" >"$files/accelerator"
}

# check_node: 1 if a guest cannot run here, see $error
check_node() {
    for program in "$(cat "$files/qemu")" ssh; do
        command -v "$program" >/dev/null || {
            error="$node: $program: command not found; guests need it; choose nodes that have it with hosts.slurm.constraint or nodelist"
            return 1
        }
    done
    needed=$(cat "$files/memory")
    free=$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo)
    [ "$free" -ge "$needed" ] || {
        error="$node: not enough memory: hosts.qemu.nodes has $needed MiB, $free MiB are available"
        return 1
    }
}

# may_boot_again: the boot failed because the port was taken, or by a defect of QEMU before 8.1, see guest.py
may_boot_again() {
    attempt=$((attempt + 1))
    [ "$attempt" -lt "$boot_attempts" ] && {
        grep -q 'Could not set up host forwarding rule' "$place/qemu.log" ||
            { [ "$accelerator" = tcg ] && grep -q -a 'Oops: int3: ' "$place/console"; }
    }
}

# boot KERNEL: returns when the guest's SSH server answers; 1 if it does not, see $error
boot() {
    kernel=$files/kernels/$1 attempt=0
    mkdir -p "$place" && check_node && choose_accelerator || return 1
    limit=$(cat "$files/limit")
    until launch "$accelerator" "$kernel/initramfs" "$attempt" && wait_for "$up_message" "$limit"; do
        case $? in
        2) error="$node: the guest's boot timed out after $limit s (limits.boot): $(last_line)" ;;
        3) error="$node: the job was ended while its guest booted" ;;
        *) error="$node: the guest exited during boot: $(last_line)" ;;
        esac
        end_guest
        may_boot_again || return 1
    done
    until in_guest true </dev/null 2>"$place/ssh.log"; do
        error="$node: the guest's SSH server does not answer: $(tail -n 1 "$place/ssh.log")"
        [ -z "$stopping" ] && guest_runs && [ "$(date +%s)" -lt "$deadline" ] || return 1
        switch_cpu
        pause
    done
    end "$drain"
    drain=''
}

# send PATH…: copies files of the run to the same place in the guest
send() {
    (cd "$run" && tar -cf - "$@") | in_guest "mkdir -p $(quoted "$run") && cd $(quoted "$run") && tar -xmf -"
}
