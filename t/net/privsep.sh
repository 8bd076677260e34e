#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Runs privsep.mjs where there is a user _ecorelay, and in place of what the
# system has in /etc, /var/lib and /run a copy or nothing; or says why it
# cannot.

cd "$(dirname "$0")" || exit 1
if [ "${1:-}" = --inside ]; then
	set -e
	ip link set lo up
	mount -t tmpfs -o mode=755 tmpfs /run
	cp -a /etc /run/etc
	mount --rbind /run/etc /etc
	mount -t tmpfs -o mode=755 tmpfs /var/lib
	mount -t tmpfs -o mode=755 tmpfs "$EMPTYDIR"
	# the build tree may be where nobody else comes
	build=${ECORELAY_BUILD:-$PWD/../..}
	for program in hubd channeld bridged relayd hubctl; do
		mkdir -p /run/build/$program
		cp "$build/$program/$program" /run/build/$program
	done
	cp -R "$build/etc" /run/build
	chmod -R go=u-w /run/build
	export ECORELAY_BUILD=/run/build
	# not exec: somebody must wait for those whose parent has died
	node privsep.mjs
	exit
fi

# shellcheck source=t/net/namespaces
. ./namespaces
need node ip openssl setpriv unshare
EMPTYDIR=$(cd ../.. && make -s emptydir) || exit 1
export EMPTYDIR
# All processes end with the first one.
exec sh ../asroot unshare -n -p --fork --kill-child --mount-proc \
    sh privsep.sh --inside
