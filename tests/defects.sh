#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: tests/defects.sh SUITE [NAME]...
#
# Are the guests' tests of SUITE any good?  Each patch in tests/SUITE/defects puts a
# mistake back, most of them such as mainline's code has had in the same place.  It
# is built into a copy of the kernel, and the run of SUITE that its header names has
# to fail.  Without a defect the same run has to pass; a guest that then takes five
# times as long, and a minute, has failed.
#
#  SUITE	dm-crypt or esp4
#  NAME		these patches alone (all)
#
# exit: 0 every defect was noticed, 1 one was not, 2 wrong usage

set -eu
. "$(dirname "$(readlink -f "$0")")/lib.sh"

kernel=${ACRYPTO_KERNEL:-2.6.20}

case ${1-} in
-h | --help)
	show_help
	exit 0
	;;
'')	usage_error "which suite?" ;;
esac
here=$ACRYPTO_TOP/tests/$1/defects
suite=$ACRYPTO_TOP/tests/$1/run
[ -d "$here" ] || usage_error "no defects for $1"
shift

names=("$@")
if [ ${#names[@]} -eq 0 ]; then
	for patch in "$here"/*.patch; do
		patch=${patch##*/}
		names+=("${patch%.patch}")
	done
fi
for name in "${names[@]}"; do
	[ -f "$here/$name.patch" ] || usage_error "no such defect: $name"
done

mkdir -p "$ACRYPTO_WORK"
tmp=$(mktemp -d "$ACRYPTO_WORK/defects.XXXXXX")
trap 'rm -rf "$tmp"' EXIT

# guest TREE RUN: what the suite reports of it
guest()
{
	ACRYPTO_TREE=$1 "$suite" "$2"
}

passed='' missed=0
declare -A took=()
for name in "${names[@]}"; do
	patch=$here/$name.patch
	run=$(patch_field "$patch" Run)
	config=${run#*:}
	config=${config%:*}
	tree=$(built_tree "$kernel" "$config")
	case $passed in
	*" $run "*)
		;;
	*)
		took[$run]=$SECONDS
		guest "$tree" "$run" >"$tmp/lines"
		took[$run]=$((SECONDS - took[$run]))
		if grep '^not ok' "$tmp/lines" >&2; then
			fail "$run passes without a defect"
			exit 1
		fi
		pass "$run passes without a defect"
		passed+=" $run "
		;;
	esac
	if [ ! -d "$tmp/$config" ]; then
		say "copying $tree"
		cp -a "$tree" "$tmp/$config"
	fi
	patch -s -p1 -F0 --no-backup-if-mismatch -d "$tmp/$config" <"$patch"
	"$ACRYPTO_TOP/scripts/build.sh" --config "$config" "$tmp/$config" >"$tmp/built"
	ACRYPTO_GUEST_LIMIT=$((5 * took[$run] + 60)) guest "$tmp/$config" "$run" >"$tmp/lines"
	if grep '^not ok' "$tmp/lines" >"$tmp/noticed"; then
		pass "$name is noticed: $(sed -n '1s/^not ok - //p' "$tmp/noticed")"
	else
		fail "$name is noticed by $run"
		missed=1
	fi
	patch -s -R -p1 -F0 --no-backup-if-mismatch -d "$tmp/$config" <"$patch"
done
exit $missed
