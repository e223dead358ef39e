# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# test.sh --shell: a guest that fails stays with a shell, and gdb's port is open.
# Sourced by run.

mkdir -p "$tmp/shell/tests/bad" "$tmp/work"
cp -a "$ACRYPTO_TOP"/{scripts,patches,configs} "$ACRYPTO_TOP"/series* "$tmp/shell/"
cp -a "$ACRYPTO_TOP"/tests/{lib.sh,guest} "$tmp/shell/tests/"
cat >"$tmp/shell/tests/bad/script" <<'E2'
. /lib.sh
check "this fails" false
finish
E2
cat >"$tmp/shell/tests/bad/run" <<E2
#!/usr/bin/env bash
set -eu
. "\$(dirname "\$(readlink -f "\$0")")/../lib.sh"
tmp=$tmp/shell
boot guest --kernel "$image/vmlinuz" --mem 512 --icount \
	--script "\$(dirname "\$(readlink -f "\$0")")/script"
E2
chmod +x "$tmp/shell/tests/bad/run"
status=0
# shellcheck disable=SC2016
printf 'echo $((6 * 7)) of %s\n' '$(uname -r)' |
	ACRYPTO_WORK=$tmp/work timeout 600 "$tmp/shell/scripts/test.sh" --shell bad \
	>"$tmp/ran" 2>"$tmp/said" || status=$?
result "shell: the test failed" "$([ $status -eq 1 ] || cat "$tmp/ran" "$tmp/said")"
result "shell: what was typed is done" "$(
	grep -aq "^42 of $(cat "$image/release")" "$tmp/said" || cat "$tmp/said")"
result "shell: gdb's port is told" "$(
	grep -aq "^--- gdb .* -ex 'target remote :[0-9]*'" "$tmp/said" || cat "$tmp/said")"
