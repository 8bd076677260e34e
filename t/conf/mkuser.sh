#!/bin/sh
# SPDX-License-Identifier: ISC
#
# etc/mkuser on each system, with stand-ins for the programs that add users;
# and, as root on Linux, with those that are here, in a copy of /etc.

cd "$(dirname "$0")/../../etc" || exit 1
tmp=$(mktemp -d "${TMPDIR:-/tmp}/ecorelay-mkuser.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
checks=0 failures=0
unset MAKEFLAGS MAKELEVEL MFLAGS

failed()
{
	failures=$((failures + 1))
	echo "$1"
	sed 's/^/    /' "$2"
}

# The programs that mkuser itself is made of, and a stand-in for all others:
# it logs how it was called.  What was added is there from then on.
mkdir "$tmp/base"
for tool in sh cat dirname grep awk sed; do
	ln -s "$(command -v $tool)" "$tmp/base/$tool"
done
cat > "$tmp/stand-in" <<'END'
#!/bin/sh
name=${0##*/}
case "$name $*" in
"uname -s")	echo "$SYSTEM" ;;
"id -u")	echo "$ID" ;;
"id -u "*)	grep -Eq "^([a-z ]*useradd|adduser) .*$2" "$LOG" ;;
"getent group "*)
		grep -Eq "^([a-z ]*groupadd|addgroup) (-[a-zA-Z] )*$2\$" "$LOG" ;;
"dscl "*)	exit 1 ;;
"systemd-sysusers "*)
		[ -n "$BROKEN" ] || printf '%s\n' "useradd _ecorelay" \
		    "groupadd _ecorelay" "groupadd ecorelay" >> "$LOG" ;;
esac
status=$?
case $name in
uname|id|getent|dscl|systemd-sysusers) ;;
*)	echo "$name $*" |
	    sed -E 's,[^ ]*/(nologin|false),NOLOGIN,' >> "$LOG" ;;
esac
exit $status
END
chmod 755 "$tmp/stand-in"

# try name system tool ...: prints what was added, and to stderr.
try()
{
	export SYSTEM="$2" LOG="$tmp/log"
	name=$1
	shift 2
	rm -rf "${tmp:?}/bin"
	cp -R "$tmp/base" "$tmp/bin"
	for tool in uname id getent "$@"; do
		cp "$tmp/stand-in" "$tmp/bin/$tool"
	done
	[ "$SYSTEM" != Darwin ] || rm "$tmp/bin/getent"
	: > "$LOG"
	PATH=$tmp/bin sh ./mkuser > "$tmp/out" 2>&1
	status=$?
	sort "$LOG" > "$tmp/got"
	sort > "$tmp/wanted"
	checks=$((checks + 1))
	diff "$tmp/got" "$tmp/wanted" > "$tmp/diff" || failed "$name" "$tmp/diff"
	checks=$((checks + 1))
	[ "$status" -eq "$WANTED" ] || failed "$name: status $status" "$tmp/out"
}

export ID=0 BROKEN='' WANTED=0
try systemd-sysusers Linux systemd-sysusers useradd groupadd <<'END'
useradd _ecorelay
groupadd _ecorelay
groupadd ecorelay
END
BROKEN=yes
try "systemd-sysusers fails" Linux systemd-sysusers useradd groupadd <<'END'
groupadd -r ecorelay
groupadd -r _ecorelay
useradd -r -M -g _ecorelay -d / -s NOLOGIN -c EcoRelay _ecorelay
END
BROKEN=
try busybox Linux adduser addgroup <<'END'
addgroup -S ecorelay
addgroup -S _ecorelay
adduser -S -D -H -G _ecorelay -h / -s NOLOGIN -g EcoRelay _ecorelay
END
try FreeBSD FreeBSD pw adduser <<'END'
pw groupadd ecorelay
pw groupadd _ecorelay
pw useradd _ecorelay -g _ecorelay -d /nonexistent -s NOLOGIN -c EcoRelay
END
for system in OpenBSD NetBSD; do
	try $system $system useradd groupadd adduser <<-'END'
	groupadd ecorelay
	groupadd _ecorelay
	useradd -g _ecorelay -d /var/empty -s NOLOGIN -c EcoRelay _ecorelay
	END
done
ID=1000
try "not root" Linux useradd groupadd </dev/null
ID=0 WANTED=1
try "no program" Linux </dev/null
try macOS Darwin dscl </dev/null
checks=$((checks + 1))
grep -q sysadminctl "$tmp/out" || failed "macOS: not said what to do" "$tmp/out"

# The rest changes /etc, but one that only this sees.
cat > "$tmp/real" <<'END'
set -e
tmp=$1
shift
mount --bind "$tmp/etc" /etc
for file in passwd group shadow gshadow; do
	[ ! -f /etc/$file ] || sed -i -E '/^_?ecorelay:/d' /etc/$file
done
"$@"
getent passwd _ecorelay |
    grep -E '^_ecorelay:[^:]*:[0-9]{1,3}:[0-9]+:EcoRelay:/:.*(nologin|false)$'
getent group _ecorelay ecorelay
[ "$(id -gn _ecorelay)" = _ecorelay ]
cat /etc/passwd /etc/group > "$tmp/before"
"$@"
cat /etc/passwd /etc/group | diff "$tmp/before" -
END

# real name command ...: the user is there then, and added once.
real()
{
	name=$1
	shift
	rm -rf "${tmp:?}/etc"
	cp -a /etc "$tmp/etc"
	checks=$((checks + 1))
	unshare -m sh "$tmp/real" "$tmp" "$@" > "$tmp/out" 2>&1 ||
	    failed "$name" "$tmp/out"
}

# mkuser takes systemd-sysusers where it is there.
without_sysusers()
{
	rm -rf "${tmp:?}/bin"
	cp -R "$tmp/base" "$tmp/bin"
	for tool in uname id getent useradd groupadd; do
		ln -s "$(command -v "$tool")" "$tmp/bin/$tool"
	done
	echo "PATH=$tmp/bin sh ./mkuser" > "$tmp/mkuser"
}

if [ "$(uname -s)" = Linux ] && [ "$(id -u)" -eq 0 ] &&
    unshare -m mount --bind /etc /etc 2>/dev/null; then
	if command -v systemd-sysusers >/dev/null; then
		real "mkuser, systemd-sysusers" sh ./mkuser
	fi
	if command -v useradd >/dev/null; then
		without_sysusers
		real "mkuser, useradd" sh "$tmp/mkuser"
	fi
	real "make install" "${MAKE:-make}" install "prefix=$tmp/usr"
	checks=$((checks + 1))
	[ -d "$tmp/usr/var/empty/ecorelay" ] ||
	    failed "make install: no empty directory" "$tmp/out"
	real "mkuser, as installed" "$tmp/usr/share/examples/ecorelay/mkuser"
fi
echo "100%: Checks: $checks, Failures: $failures, Errors: 0"
[ $failures -eq 0 ]
