#!/bin/sh
# First process of the guest. When it ends the kernel panics, and QEMU with it (panic=-1, -no-reboot).

export PATH=/usr/sbin:/usr/bin

fail() {
	echo "orchestrate: failed: $*"
	exit 1
}

mount -t devtmpfs -o mode=0755 none /dev || fail "no devtmpfs in this kernel"
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

# Where CPUs are isolated from load balancing a program may still ask for any of them.
taskset -p "$(printf %x $(((1 << $(grep -c ^processor /proc/cpuinfo)) - 1)))" $$ >/dev/null

hostname guest
ip link set lo up
ip link set eth0 up || fail "no network device: virtio_net and virtio_pci are neither built in nor among the modules"
ip addr add 10.0.2.15/24 dev eth0

dropbear -F -E -s -r /etc/dropbear/host_key -p 22 2>/run/dropbear.log &
echo "orchestrate: guest is up"
wait
fail "the SSH server ended: $(tail -n 1 /run/dropbear.log)"
