#!/bin/sh
# First process of the guest. When it exits, the kernel panics and QEMU exits (panic=-1, -no-reboot).

export PATH=/usr/sbin:/usr/bin

fail() {
	echo "orchestrate: failed: $*"
	exit 1
}

mount -t devtmpfs -o mode=0755 none /dev || fail "the kernel does not support devtmpfs"
mount -t proc none /proc
mount -t sysfs none /sys
mkdir -p /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 none /dev/pts
mount -t tmpfs -o mode=1777 none /dev/shm
mount -t tmpfs -o mode=1777 none /tmp
mount -t tmpfs -o mode=0755 none /run
[ -d /sys/kernel/debug ] && mount -t debugfs none /sys/kernel/debug

while read -r module; do
	insmod "/lib/modules/$module.ko" || fail "cannot load module $module"
done </etc/modules

# Programs may use CPUs that are isolated from load balancing.
taskset -p "$(printf %x $(((1 << $(grep -c ^processor /proc/cpuinfo)) - 1)))" $$ >/dev/null

hostname guest
ip link set lo up
ip link set eth0 up || fail "no network device: the kernel has no virtio_net or virtio_pci, built in or as module"
ip addr add 10.0.2.15/24 dev eth0

dropbear -F -E -s -r /etc/dropbear/host_key -p 22 2>/run/dropbear.log &
echo "orchestrate: guest is up"
wait
fail "the SSH server exited: $(tail -n 1 /run/dropbear.log)"
