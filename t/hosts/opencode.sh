#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Runs opencode.mjs, or says why it cannot; status 77 is a skipped test for
# t/run.  HOSTS: where OpenCode is; HOSTS_SH: the script that runs it.

cd "$(dirname "$0")" || exit 1
HOSTS=${HOSTS:-$HOME/.cache/ecorelay-hosts}
HOSTS_SH=${HOSTS_SH:-../../../shared/hosts/hosts.sh}
export HOSTS HOSTS_SH
if ! command -v node >/dev/null 2>&1; then
	echo "node is not installed"
	exit 77
fi
if [ ! -x "$HOSTS_SH" ]; then
	echo "the script that runs hosts is missing: HOSTS_SH says where it is"
	exit 77
fi
if [ ! -d "$HOSTS/opencode/node_modules" ] ||
    [ ! -d "$HOSTS/opencode-config/node_modules" ]; then
	echo "OpenCode is not installed in HOSTS"
	exit 77
fi
exec node opencode.mjs
