#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Runs mesh.mjs, or says why it cannot.

cd "$(dirname "$0")" || exit 1
# shellcheck source=t/net/namespaces
. ./namespaces
need node ip tc
exec node mesh.mjs
