#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Runs the test with the real host that this file is named after, or says why
# it cannot; status 77 is a skipped test for t/run.  HOSTS: where hosts are
# installed; HOSTS_SH: the script that runs them.

cd "$(dirname "$0")" || exit 1
name=$(basename "$0" .sh)
HOSTS=${HOSTS:-$HOME/.cache/ecorelay-hosts}
HOSTS_SH=${HOSTS_SH:-../../../../shared/hosts/hosts.sh}
export HOSTS HOSTS_SH
for program in node tmux; do
	if ! command -v $program >/dev/null 2>&1; then
		echo "$program is not installed"
		exit 77
	fi
done
if [ ! -x "$HOSTS_SH" ]; then
	echo "the script that runs hosts is missing: HOSTS_SH says where it is"
	exit 77
fi
wanted=$name
if [ "$name" = mixed ]; then
	wanted='claude opencode copilot'
fi
for host in $wanted; do
	if [ ! -d "$HOSTS/$host/node_modules" ]; then
		echo "$host is not installed in HOSTS (make hosts-install)"
		exit 77
	fi
done
exec node "$name.mjs"
