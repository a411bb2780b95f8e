# What the files of SNAPSHOT (lines "FILE:LINE", see noise.sh) say of a trial, together with what they say now. Library of
# trial_line.awk. CPUS: the folder of the CPUs. TERMINALS: how many there are.

# read_snapshot: → vmstat_name, vmstat_before, vmstats; worked_before, stolen_before by CPU; load; free_memory, free_pages
# by node, node_list; throttle_before by file
function read_snapshot(    line, colon, file, field) {
    while ((getline line < ENVIRON["SNAPSHOT"]) > 0) {
        colon = index(line, ":")
        file = substr(line, 1, colon - 1)
        line = substr(line, colon + 1)
        split(line, field, " ")
        if (file ~ /\/vmstat$/) {
            vmstat_file = file
            vmstat_name[++vmstats] = field[1]
            vmstat_before[field[1]] = field[2]
        } else if (file ~ /\/stat$/) {
            stat_file = file
            if (field[1] ~ /^cpu/) {
                worked_before[field[1]] = worked(field)
                stolen_before[field[1]] = field[9]
            }
        } else if (file ~ /\/loadavg$/)
            load = field[1]
        else if (file ~ /\/meminfo$/)
            read_memory(field)
        else if (file ~ /_throttle_count$/)
            throttle_before[file] = field[1]
    }
}

# Ticks of a hundredth of a second: user, nice, system, irq, softirq. Time of guests is part of user and nice.
function worked(field) {
    return field[2] + field[3] + field[4] + field[7] + field[8]
}

# Lines "Node 0 MemFree: 12 kB" of a node; "MemFree: 12 kB" of a host whose kernel knows no nodes, which is node 0 then.
function read_memory(field,    node, key, value) {
    node = "whole"
    key = field[1]
    value = field[2]
    if (field[1] == "Node") {
        node = field[2]
        key = field[3]
        value = field[4]
    }
    if (key == "MemFree:") {
        free_memory[node] += value * 1024
        if (node != "whole")
            node_list[++node_count] = node
    } else if (key == "Inactive(file):")
        free_memory[node] += value * 1024
    else if (key == "HugePages_Free:")
        free_pages[node] = value
}

function memory_of_nodes(    i, node, list) {
    if (node_count == 0)
        return sprintf("{\"node\":0,\"free_memory\":%.0f,\"free_huge_pages\":%.0f}", free_memory["whole"], free_pages["whole"])
    for (i = 1; i <= node_count; i++) {
        node = node_list[i]
        list = list sprintf("%s{\"node\":%s,\"free_memory\":%.0f,\"free_huge_pages\":%.0f}", i == 1 ? "" : ",", node, \
            free_memory[node], free_pages[node])
    }
    return list
}

# read_stat: → worked_here, stolen_here, seconds of all CPUs during the trial; busiest, the CPU that worked most of it
function read_stat(    line, field, ticks, most) {
    most = 0
    while ((getline line < stat_file) > 0 && line ~ /^cpu/) {
        split(line, field, " ")
        ticks = worked(field) - worked_before[field[1]]
        if (field[1] == "cpu") {
            worked_here = ticks / 100
            stolen_here = (field[9] - stolen_before["cpu"]) / 100
        } else if (ticks > most) {
            most = ticks
            busiest = field[1]
        }
    }
}

# Hertz, of the CPU that worked most, as soon after the trial as we come to it; null where the host does not tell. No
# other CPU is asked: some kernels take 10 ms for each. Empty where no CPU worked for a tick.
function frequency(    file, line, is_known) {
    if (busiest == "")
        return ""
    file = ENVIRON["CPUS"] "/" busiest "/cpufreq/scaling_cur_freq"
    is_known = (getline line < file) > 0 && line ~ /^[0-9]+$/
    return ",\"frequency\":" (is_known ? sprintf("%.0f", line * 1000) : "null")
}

# How often CPUs or packages were throttled during the trial; null where the host has no such counters.
function throttled(    file, line, sum, found) {
    for (file in throttle_before)
        if ((getline line < file) > 0) {
            found = 1
            sum += line - throttle_before[file]
        }
    return found ? sprintf("%.0f", sum) : "null"
}

function noise(    document) {
    read_stat()
    document = sprintf("\"load\":%s,\"worked\":%.2f,\"stolen\":%.2f", load, worked_here, stolen_here)
    document = document frequency() ",\"throttled\":" throttled() ",\"logins\":" ENVIRON["TERMINALS"]
    return "{" document ",\"nodes\":[" memory_of_nodes() "]}"
}

# Differences of /proc/vmstat.
function counters(    line, field, after, i, name, list) {
    while ((getline line < vmstat_file) > 0) {
        split(line, field, " ")
        after[field[1]] = field[2]
    }
    for (i = 1; i <= vmstats; i++) {
        name = vmstat_name[i]
        if (name in after && after[name] != vmstat_before[name])
            list = list sprintf("%s\"%s\":%.0f", list == "" ? "" : ",", name, after[name] - vmstat_before[name])
    }
    return "{" list "}"
}
