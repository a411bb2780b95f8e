# shellcheck shell=sh
# Calls the runner that was built for this machine; hosts of several architectures may share a home directory.
exec "${0%/*}/runner-$(uname -m)" "$@"
