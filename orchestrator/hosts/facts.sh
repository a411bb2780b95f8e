# shellcheck shell=sh
# Prints the facts about a host as lines "key=value". Empty values are left out.
# "file.PATH=content" is the first line of a file of /proc or /sys; facts_parser.py parses it.

print_fact() {
    [ -z "$2" ] || printf '%s=%s\n' "$1" "$2"
}

# print_files FILE…: prints the first line of each readable file. One process for all: hosts with many nodes or CPUs have
# hundreds of files. (`read` of the shell is no substitute: dash reads one byte at a time, and /proc/sys has only the first.)
print_files() {
    LC_ALL=C grep -s -m 1 -H '' "$@" | LC_ALL=C sed -n 's/^\([^:]*\):\(..*\)/file.\1=\2/p'
}

# The GNU build id (note type 3, name "GNU") from the kernel's notes. Integers there are in native byte order.
build_id() {
    od -An -v -tu1 /sys/kernel/notes 2>/dev/null | awk '
        { for (i = 1; i <= NF; i++) byte[n++] = $i }
        function word(at) {
            if (little)
                return byte[at] + 256 * (byte[at + 1] + 256 * (byte[at + 2] + 256 * byte[at + 3]))
            return byte[at + 3] + 256 * (byte[at + 2] + 256 * (byte[at + 1] + 256 * byte[at]))
        }
        function padded(size) { return size + (4 - size % 4) % 4 }
        END {
            little = byte[0] > 0 # the size of a name fits into one byte
            for (at = 0; at + 12 <= n; at += 12 + padded(name) + padded(size)) {
                name = word(at); size = word(at + 4)
                if (word(at + 8) == 3 && name == 4 && byte[at + 12] == 71 && byte[at + 13] == 78 && byte[at + 14] == 85) {
                    for (i = 0; i < size; i++) printf "%02x", byte[at + 16 + i]
                    exit
                }
            }
        }'
}

# SHA-256 of the configuration of a kernel with IKCONFIG_PROC.
config_hash() {
    [ -r /proc/config.gz ] && command -v gzip >/dev/null && command -v sha256sum >/dev/null || return 0
    gzip -dc /proc/config.gz | sha256sum | cut -d ' ' -f 1
}

# Fields of /proc/cpuinfo that are the same for all CPUs: the first value of each. Each architecture has names of its own;
# s390 has one line for each CPU: "processor 0: version = FF,  identification = 2733E8,  machine = 8561".
cpu_info() {
    awk '
        function print_first(key, value) {
            if (value == "" || key in seen)
                return
            seen[key] = 1
            gsub(/ /, "_", key)
            print "cpu." key "=" value
        }
        /^processor [0-9]+:.* machine = / { value = $0; sub(/.* machine = */, "", value); print_first("machine type", value) }
        {
            colon = index($0, ":")
            key = substr($0, 1, colon - 1); sub(/[ \t]+$/, "", key)
            value = substr($0, colon + 1); sub(/^[ \t]+/, "", value)
        }
        key ~ /^(vendor_id|model name|Model Name|cpu model|cpu|uarch|isa|mvendorid|microcode|flags|Features|features)$/ ||
            key ~ /^CPU (implementer|part)$/ { print_first(key, value) }' /proc/cpuinfo
}

# On arm64 /proc/cpuinfo has numbers only; lscpu knows the names.
cpu_name() {
    grep -q '^CPU part' /proc/cpuinfo && command -v lscpu >/dev/null 2>&1 || return 0
    LC_ALL=C lscpu 2>/dev/null | sed -n 's/^ *Model name: *\([^-].*\)/\1/p' | head -n 1
}

# Bytes of a base page. (busybox has no getconf.)
page_size() {
    awk '/^KernelPageSize:/ { print $2 * 1024; exit }' /proc/self/smaps 2>/dev/null
}

# Machines without DMI describe themselves in the device tree.
device_tree() {
    for file in model compatible hypervisor/compatible; do
        [ ! -r "/proc/device-tree/$file" ] || tr '\0' ' ' <"/proc/device-tree/$file"
        printf ' '
    done | tr -s ' '
}

node_memory() {
    nodes=/sys/devices/system/node
    print_files $nodes/node[0-9]*/cpulist $nodes/node[0-9]*/distance \
        $nodes/node[0-9]*/hugepages/hugepages-*kB/*_hugepages
    # lines such as "Node 0 MemTotal:  1024 kB"
    set -- $nodes/node[0-9]*/meminfo
    [ ! -e "$1" ] || awk '
        $3 ~ /^(MemTotal|MemFree|Inactive\(file\)):$/ { sub(/:$/, "", $3); print "node." $2 "." $3 "=" $4 }' \
        "$@"
    awk '$1 ~ /^(MemTotal|MemFree|Inactive\(file\)|Hugepagesize):$/ { sub(/:$/, "", $1); print "memory." $1 "=" $2 }' \
        /proc/meminfo
}

compilers() {
    for compiler in cc gcc clang tcc; do
        command -v "$compiler" >/dev/null 2>&1 || continue
        print_fact "compiler.$compiler" "$("$compiler" --version 2>/dev/null | head -n 1)"
    done
}

print_existing() {
    for file in "$@"; do
        [ ! -e "$file" ] || print_fact exists "$file"
    done
}

print_fact uname.release "$(uname -r)"
print_fact uname.version "$(uname -v)"
print_fact uname.machine "$(uname -m)"
print_fact boot "$(cat /proc/sys/kernel/random/boot_id)"
print_fact build_id "$(build_id)"
print_fact config_hash "$(config_hash)"
print_fact user "$(id -u)"
if [ "$(id -u)" = 0 ] || sudo -n true >/dev/null 2>&1; then print_fact root yes; else print_fact root no; fi
for release in /etc/os-release /usr/lib/os-release; do
    [ -r "$release" ] && print_fact os "$(sed -n 's/^PRETTY_NAME=//p' "$release" | tr -d '"')" && break
done
print_fact cpus "$(if grep -q '^processor' /proc/cpuinfo; then grep -c '^processor' /proc/cpuinfo; else nproc; fi)" # SPARC and Alpha list no processors
cpu_info
print_fact cpu.name "$(cpu_name)"
print_fact page_size "$(page_size)"
print_fact device_tree "$(device_tree)"
node_memory
compilers
print_files /proc/cmdline \
    /sys/class/dmi/id/sys_vendor /sys/class/dmi/id/product_name /sys/class/dmi/id/chassis_asset_tag \
    /sys/devices/system/clocksource/clocksource0/*_clocksource /sys/hypervisor/type \
    /sys/devices/system/cpu/online /sys/devices/system/cpu/smt/active \
    /sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor \
    /sys/devices/system/cpu/cpufreq/boost /sys/devices/system/cpu/intel_pstate/no_turbo \
    /sys/kernel/mm/transparent_hugepage/enabled /sys/kernel/mm/transparent_hugepage/defrag \
    /sys/kernel/mm/transparent_hugepage/shmem_enabled /sys/kernel/mm/transparent_hugepage/use_zero_page \
    /sys/kernel/mm/transparent_hugepage/khugepaged/defrag /sys/kernel/mm/transparent_hugepage/hpage_pmd_size \
    /sys/kernel/mm/transparent_hugepage/hugepages-*kB/enabled \
    /sys/kernel/mm/hugepages/hugepages-*kB/*_hugepages /sys/kernel/mm/numa/demotion_enabled \
    /proc/sys/kernel/numa_balancing /proc/sys/vm/zone_reclaim_mode /proc/sys/vm/compaction_proactiveness \
    /proc/sys/vm/overcommit_memory /proc/sys/vm/nr_overcommit_hugepages /proc/sys/vm/swappiness \
    /proc/sys/kernel/randomize_va_space /proc/sys/kernel/perf_event_paranoid /proc/sys/vm/mt_page_copy \
    /proc/sys/vm/accel_page_copy /proc/sys/vm/limit_mt_num /proc/sys/vm/use_mt_copy /proc/sys/vm/push_0_pull_1 \
    /proc/sys/vm/use_all_dma_chans /proc/sys/vm/limit_dma_chans /proc/sys/vm/migration_batch_size
print_existing /proc/sys/vm/mt_page_copy /proc/sys/vm/use_all_dma_chans /proc/sys/vm/accel_page_copy \
    /proc/sys/vm/limit_mt_num /proc/sys/vm/migration_batch_size /proc/sys/vm/use_mt_copy /proc/sys/vm/push_0_pull_1 \
    /sys/kernel/cpu_mt /sys/kernel/cpu_mt_copy /sys/kernel/dcbm /sys/module/dcbm /proc/self/move_pages_breakdown \
    /sys/kernel/mm/migration_accel/flags/* /sys/kernel/mm/migration_accel/exchange_pages
exit 0
