#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Completes hubctl's command line in the shells that are here, with a hubctl
# that is asked for names.

cd "$(dirname "$0")/../.." || exit 1
build=${ECORELAY_BUILD:-$PWD}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/ecorelay-completion.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
checks=0 failures=0

# Of a hub with two sessions, and another hub.
cat > "$tmp/hubctl" <<'EOF'
#!/bin/sh
case "$*" in
"show sessions") printf 'NAME STATE\napi online\nweb away\n' ;;
"show links") printf 'HUB KIND\ndesk relay\n- uplink\n' ;;
esac
EOF
chmod 755 "$tmp/hubctl"

cat > "$tmp/try.bash" <<'EOF'
source <("$hubctl" completion bash)
COMP_WORDS=(hubctl "$@") COMP_CWORD=$#
_hubctl
printf '%s\n' "${COMPREPLY[@]}" | sort -u | xargs
EOF
cat > "$tmp/try.zsh" <<'EOF'
compdef() { }
compadd() { shift; printf '%s\n' "$@" | grep -e "^$words[CURRENT]" | sort -u |
    xargs }
_files() { }
source <("$hubctl" completion zsh)
words=(hubctl "$@") CURRENT=$(($# + 1))
_hubctl
EOF

# try shell result word ...
try()
{
	shell=$1 wanted=$2
	shift 2
	checks=$((checks + 1))
	got=$(PATH=$tmp:$PATH hubctl=$build/hubctl/hubctl "$shell" \
	    "$tmp/try.$shell" "$@" 2>&1)
	if [ "$got" != "$wanted" ]; then
		failures=$((failures + 1))
		echo "$shell: hubctl $*: \"$got\" in place of \"$wanted\""
	fi
}

for shell in bash zsh; do
	command -v "$shell" >/dev/null || continue
	try "$shell" 'search send setup show stop' s
	try "$shell" 'peers processes' show p
	try "$shell" 'sessions stats status' -s /x -j show s
	try "$shell" '-j -s -u' send -
	try "$shell" 'api web' send ''
	try "$shell" 'web' send -u w
	try "$shell" 'api' inbox a
	try "$shell" 'desk' trust d
	try "$shell" 'claude codex copilot cursor' setup -n c
	try "$shell" 'bash' completion b
	try "$shell" 'debug' log level d
	try "$shell" '' nothing x
	try "$shell" '' stop x
done
echo "100%: Checks: $checks, Failures: $failures, Errors: 0"
[ $failures -eq 0 ]
