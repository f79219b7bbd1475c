#!/bin/sh
# Runs a command in a lab's node, in its namespaces and cgroups. It ends when this process is ended.
#
#   enter.sh FOLDER COMMAND [ARGUMENT]...    FOLDER: the node's in the lab's state
folder=$1
shift
read -r pid _ <"$folder/pid" || exit 125
while read -r procs; do echo 0 >"$procs"; done <"$folder/cgroups" || exit 125
exec nsenter --target "$pid" --mount --uts --ipc --net --pid --cgroup setpriv --pdeathsig KILL "$@"
