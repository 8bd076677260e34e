#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Installs what service managers want, for each system, into a directory of its
# own: all is there, names what is installed, and is gone after uninstall.
# What systemd-analyze, xmllint and sh say of it, where they are.

cd "$(dirname "$0")/../../etc" || exit 1
if [ ! -f ../config.mk ]; then
	echo "configure has not been run"
	exit 77
fi
make=${MAKE:-make}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/ecorelay-units.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
checks=0 failures=0
unset MAKEFLAGS MAKELEVEL MFLAGS

# check what command ...
check()
{
	what=$1
	shift
	checks=$((checks + 1))
	if ! "$@" > "$tmp/out" 2>&1; then
		failures=$((failures + 1))
		echo "$what"
		sed 's/^/    /' "$tmp/out"
	fi
}

# install_as system file ...: these are there, and no more than the examples.
install_as()
{
	system=$1
	root=$tmp/$system
	shift
	check "$system: make install" "$make" install "DESTDIR=$root" \
	    "SYSTEM=$system"
	for file; do
		check "$system: no $file" find_one "$root" "$file"
	done
	check "$system: a name is left" no_names "$root"
}

find_one()
{
	[ -n "$(find "$1" -name "$2" -type f -size +0)" ]
}

# @home@ is for the user.
no_names()
{
	! grep -rE '@[a-z]+dir@' "$1"
}

uninstall_as()
{
	check "$1: make uninstall" "$make" uninstall "DESTDIR=$tmp/$1" \
	    "SYSTEM=$1"
	check "$1: something is left" none_left "$tmp/$1"
}

none_left()
{
	find "$1" -type f | grep . && return 1
	return 0
}

# Its programs need not be installed here.
runnable()
{
	sed -E 's,^(Exec[A-Za-z]*=)[^ ]*(hubd|hubctl|relayd).*,\1/bin/true,
	    s,^Documentation=.*,,' "$1" > "$tmp/verify/$(basename "$1")"
}

# No more is there on a small system.
ours()
{
	grep "^Exec" "$1" |
	    grep -vE "=/[^ ]*/(hubd|hubctl|relayd|sh) " && return 1
	return 0
}

rated()
{
	systemd-analyze security --offline=true --threshold=15 --no-pager "$1"
}

verified()
{
	systemd-analyze verify --man=no "$@" 2>&1 | grep "ecorelay" && return 1
	return 0
}

install_as Linux ecorelay-hubd.service ecorelay-hubd.socket \
    ecorelay-hubctl.socket ecorelay-relayd.service ecorelay.service \
    ecorelay.socket ecorelay.conf
find "$tmp/Linux" -name '*.service' > "$tmp/list"
while read -r unit; do
	check "$(basename "$unit"): runs other programs" ours "$unit"
done < "$tmp/list"
if systemd-analyze security --help 2>&1 | grep -q -e --threshold; then
	mkdir "$tmp/verify"
	find "$tmp/Linux" -path '*/system/*' -type f > "$tmp/list"
	while read -r unit; do
		runnable "$unit"
	done < "$tmp/list"
	for unit in "$tmp"/verify/*.service; do
		check "$(basename "$unit"): not above 1.5" rated "$unit"
	done
	check "systemd-analyze verify" verified "$tmp"/verify/*
fi
uninstall_as Linux

install_as Darwin org.ecorelay.hubd.plist org.ecorelay.relayd.plist \
    org.ecorelay.agent.plist
if command -v xmllint >/dev/null 2>&1; then
	find "$tmp/Darwin" -name '*.plist' > "$tmp/list"
	while read -r plist; do
		check "$plist" xmllint --nonet --noout "$plist"
	done < "$tmp/list"
fi
uninstall_as Darwin

for system in OpenBSD FreeBSD; do
	install_as "$system" ecorelay_hubd ecorelay_relayd
	find "$tmp/$system" -path '*/rc.d/*' -type f > "$tmp/list"
	while read -r script; do
		check "$script" sh -n "$script"
	done < "$tmp/list"
	uninstall_as "$system"
done
echo "100%: Checks: $checks, Failures: $failures, Errors: 0"
[ $failures -eq 0 ]
