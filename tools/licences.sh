#!/bin/sh
# Print docs/licences.md: the licences of the installed packages of a lock file. One that is not in the list below is an
# error. usage: licences.sh FILE; `pip-licenses` is on PATH
set -eu

# What may be distributed together with a program under MIT, in the spelling of the packages. LGPL and MPL ask for the
# source of that package alone.
accepted='0BSD;MIT;MIT-0;MIT License;BSD License;BSD-2-Clause;BSD-3-Clause;Apache Software License;PSF-2.0;LGPL-2.1'
accepted="$accepted;Mozilla Public License 2.0 (MPL 2.0);Apache-2.0 OR BSD-2-Clause;Apache-2.0 OR BSD-3-Clause"
accepted="$accepted;Apache-2.0 AND CNRI-Python;BSD-3-Clause AND 0BSD AND MIT AND Zlib AND CC0-1.0"

# shellcheck disable=SC2046 # one word for each package
table=$(pip-licenses --format=markdown --no-version --allow-only="$accepted" \
	--packages $(sed -n 's/^\([A-Za-z0-9._-]*\)==.*/\1/p' "$1" | sort -u))
cat <<END
# Licences

The program is under the MIT licence, see LICENSE. This is what the metadata of the Python packages say that \`make setup\`
installs: those that the program needs, and those that its own package is built with. Made by \`make licences\`. \`make lint\` fails
if a licence is not one that \`tools/licences.sh\` accepts, such as the GPL; a unit test compares the names with
\`requirements/run.txt\`. The optional packages ansible-core, b4 and diptest are under the GPL.

$table
END
