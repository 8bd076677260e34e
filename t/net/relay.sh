#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Runs relay.mjs, or says why it cannot.

cd "$(dirname "$0")" || exit 1
# shellcheck source=t/net/namespaces
. ./namespaces
need node ip openssl
exec node relay.mjs
