#!/bin/sh
# Complains of each line that ends in white space, as checkpatch does.
for file in "$@"; do :; done
grep -n '^+.*[ ]$' "$file" | sed "s|^\([0-9]*\):.*|$file:\1: ERROR:TRAILING_WHITESPACE: trailing whitespace|"
! grep -q '^+.*[ ]$' "$file"
