#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Runs uplinkslow.mjs, or says why it cannot; status 77 is a skipped test for t/run.

cd "$(dirname "$0")" || exit 1
if ! command -v node >/dev/null 2>&1; then
	echo "node is not installed"
	exit 77
fi
if [ ! -f node_modules/.stamp ]; then
	echo "t/hosts/node_modules is missing: npm ci in t/hosts makes it"
	exit 77
fi
exec node uplinkslow.mjs
