#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Runs relay.mjs, or says why it cannot; status 77 is a skipped test for t/run.

cd "$(dirname "$0")" || exit 1
skip()
{
	echo "$*"
	exit 77
}

for program in node ip openssl; do
	command -v $program >/dev/null 2>&1 || skip "$program is not installed"
done
[ "$(id -u)" -eq 0 ] || skip "network namespaces: only root can make them"

# A namespace with what the test needs in it.
ns=er$$-try
trap 'ip netns del $ns 2>/dev/null' EXIT
trap 'exit 1' HUP INT TERM
if ! { ip netns add $ns && ip netns exec $ns true &&
    ip -n $ns link add br0 type bridge &&
    ip -n $ns link add eth0 type veth peer name eth1; } >/dev/null 2>&1
then
	skip "ip netns, bridges or veth: not permitted, or not in the kernel"
fi
ip netns del $ns
trap - EXIT HUP INT TERM
exec node relay.mjs
