#!/bin/bash
# First process of a lab, inside namespaces of its own: a /run that nobody else sees, and the supervisor. Bash reaps what is orphaned.
# Arguments: the supervisor's command.
set -u
mount -t tmpfs -o mode=0755 tmpfs /run || exit 1
mkdir -p /run/netns /run/lock /run/lab/hosts || exit 1
"$@" &
wait $!
