# Composes the journal's line of one trial. Its input is the kernel's log; all else comes by the environment:
# TRIAL, TAG (JSON, verbatim), EXIT, TIMED_OUT, REFUSED, START, END, SETTLED, WAITED, STRAYS, STDOUT, STDERR,
# STDOUT_CUT, STDERR_CUT, LOG_READABLE and what noise.awk needs; and by files: SETTINGS (a JSON object a line), LOG_SEEN (the last
# line of the kernel's log already reported; renewed here).

function text(s,    code) {
    gsub(/\\/, "&&", s)
    gsub(/"/, "\\\\&", s)
    gsub(/\n/, "\\n", s)
    gsub(/\t/, "\\t", s)
    gsub(/\r/, "\\r", s)
    if (s ~ /[\001-\037]/)
        for (code = 1; code < 32; code++)
            gsub(sprintf("%c", code), sprintf("\\u%04x", code), s)
    return "\"" s "\""
}

# At most 200 lines, the newest.
function kernel_log(    first, i, list) {
    if (ENVIRON["LOG_READABLE"] != "true")
        return "null"
    first = reported + 1
    if (first < lines - 199)
        first = lines - 199
    for (i = first; i <= lines; i++)
        list = list (i == first ? "" : ",") text(log_line[i])
    if (lines > 0)
        print log_line[lines] > ENVIRON["LOG_SEEN"]
    return "[" list "]"
}

function settings(    line, list) {
    while ((getline line < ENVIRON["SETTINGS"]) > 0)
        list = list (list == "" ? "" : ",") line
    return "[" list "]"
}

function number_or_null(s) {
    return s == "" ? "null" : s
}

# A shell tells a signal by a status over 128; 31 is the last one with a name.
function ending(code) {
    if (code == "")
        return "\"exit\":null,\"signal\":null"
    if (code > 128 && code <= 159)
        return "\"exit\":null,\"signal\":" (code - 128)
    return "\"exit\":" code ",\"signal\":null"
}

BEGIN {
    counted = "{}"
    told_noise = "null"
    if (ENVIRON["START"] != "") {
        read_snapshot()
        told_noise = noise()
        counted = counters()
    }
    getline seen < ENVIRON["LOG_SEEN"]
    close(ENVIRON["LOG_SEEN"])
    lines = reported = 0
}

{
    log_line[++lines] = $0
    if ($0 == seen)
        reported = lines
}

END {
    printf "{\"event\":\"trial\",\"trial\":\"%s\",\"tag\":", ENVIRON["TRIAL"]
    printf "%s", ENVIRON["TAG"]
    printf ",%s,\"timed_out\":%s", ending(ENVIRON["EXIT"]), ENVIRON["TIMED_OUT"]
    printf ",\"refused\":%s", text(ENVIRON["REFUSED"])
    printf ",\"start\":%s,\"end\":%s", number_or_null(ENVIRON["START"]), number_or_null(ENVIRON["END"])
    printf ",\"settled\":%s,\"waited\":%s", ENVIRON["SETTLED"], ENVIRON["WAITED"]
    printf ",\"strays\":%s,\"settings\":%s", ENVIRON["STRAYS"], settings()
    printf ",\"counters\":%s,\"noise\":%s,\"kernel_log\":%s", counted, told_noise, kernel_log()
    printf ",\"stdout\":%s,\"stdout_cut\":%s", text(ENVIRON["STDOUT"]), ENVIRON["STDOUT_CUT"]
    printf ",\"stderr\":%s,\"stderr_cut\":%s}\n", text(ENVIRON["STDERR"]), ENVIRON["STDERR_CUT"]
}
