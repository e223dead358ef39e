# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For suites whose guests are searched for keys; after tests/lib.sh.
#
#	searched NAME MEGABYTES PROVIDER ARGUMENT...
#				as `boot NAME ARGUMENT...` with keys.sh and so much
#				memory; what memory.py finds is reported, too.
#				PROVIDER: soft, padlock or hifn

# each suite has a folder tmp of its own, and boot its results
# shellcheck disable=SC2154
searched()
{
	local name=$1 size=$2 provider=$3 pid looks told
	local here=$ACRYPTO_TOP/tests/core

	shift 3
	need_packages python3
	rm -f "$tmp/memory" "$tmp/qmp" "$tmp/over"
	python3 "$here/memory.py" "$tmp/qmp" "$tmp/memory" "$tmp/out/console.log" \
		"$tmp/over" >"$tmp/searched" 2>&1 &
	pid=$!
	boot "$name" --mem "$size" --script "$here/keys.sh" --file "$here/core.sh" \
		--env "PROVIDER=$provider" --timeout 1800 \
		--qemu-arg -qmp --qemu-arg "unix:$tmp/qmp,server=on,wait=off" \
		--qemu-arg -device --qemu-arg pvpanic --qemu-arg -action \
		--qemu-arg panic=pause --qemu-arg -machine \
		--qemu-arg memory-backend=ram --qemu-arg -object --qemu-arg \
		"memory-backend-file,id=ram,size=${size}M,mem-path=$tmp/memory,share=on" \
		"$@"
	touch "$tmp/over"
	wait "$pid" || true
	rm -f "$tmp/memory"
	sed -n "s/^\(ok\|not ok\) - /\1 - $name: /p" "$tmp/searched"
	grep -v '^\(ok\|not ok\) - ' "$tmp/searched" >&2 || true
	looks=$(grep -ac 'look: ' "$tmp/out/console.log") || true
	told=$(grep -c '^\(ok\|not ok\) - ' "$tmp/searched") || true
	if [ "$looks" -gt 0 ] && [ "$told" -eq "$looks" ]; then
		pass "$name: memory was searched each time"
	else
		fail "$name: memory was searched each time: $told of $looks"
	fi
}
