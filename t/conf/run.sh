#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Checks configurations: hubd/*.in and relayd/*.in, with @DIR@ for the directory
# that their files are in.  x.err has what is said of a wrong x.in, without time
# and process; without x.err it must be good.  The examples in etc/, with what
# is commented out in force, are checked, too.
# usage: t/conf/run.sh [-w]	(-w: writes x.err anew, to be looked at)

cd "$(dirname "$0")" || exit 1
build=${ECORELAY_BUILD:-$PWD/../..}
write=${1:-}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/ecorelay-conf.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
export HOME="$tmp/home" ECORELAY_DATA="$tmp/data"
unset RELAY_HUB_SOCKET ECORELAY_IDLE_MS ECORELAY_WS_PORT RELAY_MACHINE_NAME
unset RELAY_REMOTE_URL
checks=0 failures=0

mkdir "$HOME"
umask 077
echo "a secret of all hubs" > "$tmp/secret"
echo "a secret of all hubs" > "$tmp/open"
chmod 644 "$tmp/open"
echo "1234567" > "$tmp/short"
printf 'hub id "other"\nkeep some messages per mailbox\n' > "$tmp/other.conf"
# shellcheck disable=SC2016 # a macro of the configuration
printf 'name = "good"\nhub id $name\n' > "$tmp/good.conf"

# check program file: in $tmp/out what it says; its status.
check()
{
	sed "s,@DIR@,$tmp,g" "$2" > "$tmp/x.conf"
	"$build/$1/$1" -n -f "$tmp/x.conf" > "$tmp/raw" 2>&1
	status=$?
	sed -e 's/^[-0-9T:.]*Z [a-z]*\[[0-9]*\] [a-z]*: //' \
	    -e "s,$tmp,@DIR@,g" "$tmp/raw" > "$tmp/out"
	return $status
}

fail()
{
	failures=$((failures + 1))
	echo "$1"
	sed 's/^/    /' "$tmp/out"
}

for in in hubd/*.in relayd/*.in; do
	checks=$((checks + 1))
	check "${in%/*}" "$in"
	status=$?
	err=${in%.in}.err
	if [ -n "$write" ]; then
		rm -f "$err"
		[ $status -eq 0 ] || cp "$tmp/out" "$err"
	elif [ ! -f "$err" ]; then
		[ $status -eq 0 ] || fail "$in: is good, but refused"
	elif [ $status -ne 1 ]; then
		fail "$in: status $status"
	elif ! cmp -s "$tmp/out" "$err"; then
		fail "$in: something else is said"
	fi
done
# Of an example all statements are in force, but tls where there can be none.
tls=
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -keyout "$tmp/key" -out "$tmp/pem" -days 1 -subj /CN=relay >"$tmp/out" 2>&1 ||
    tls='s/ tls certificate .*//'
for program in hubd relayd; do
	checks=$((checks + 1))
	sed -e 's/^#\([a-z]\)/\1/' -e "$tls" \
	    -e "s,/etc/ecorelay/relay.key,$tmp/key,g" \
	    -e "s,/etc/ecorelay/relay.pem,$tmp/pem,g" \
	    -e "s,/etc/[a-z/]*\.[a-z]*,$tmp/secret,g" \
	    "../../etc/ecorelay/$program.conf" > "$tmp/example"
	check $program "$tmp/example" || fail "etc/ecorelay/$program.conf"
done
echo "100%: Checks: $checks, Failures: $failures, Errors: 0"
[ $failures -eq 0 ]
