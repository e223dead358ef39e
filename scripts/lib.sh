#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Functions that the scripts share.  Source it, after `set -eu`:
#
#	. "$(dirname "$(readlink -f "$0")")/lib.sh"
#
# Names set here:
#	ACRYPTO_TOP	the project's folder
#	ACRYPTO_CACHE	what is slow is kept here	(~/.cache/acrypto)
#	ACRYPTO_WORK	trees being built		(~/.cache/acrypto/work)
#	ACRYPTO_KERNELS	pristine kernel sources		(~/.cache/acrypto/kernels)
#
# Messages (all on stderr; stdout is for results):
#	say TEXT...			progress, with the seconds since the start
#	warn TEXT...			something is odd, but the work goes on
#	die TEXT...			failed: exit 1
#	refuse TEXT...			wrong usage or unfit input: exit 2
#	unavailable TEXT...		what is needed can't be had on this machine: exit 3,
#					which every script means by that status
#	usage_error TEXT...		the same, and point to --help
#	show_help			print the comment at the top of "$0"
#
# Command line:
#	options SPEC... -- "$@"		read it.  SPEC is NAME for a switch, which sets
#					NAME to yes ('-' is '_' there), NAME=[VARIABLE]
#					for an option with a value, NAME+=[ARRAY] for one
#					that may come several times.  After the options
#					comes nothing, or, if the last SPEC is "...",
#					what `shift $((OPTIND - 1))` leaves
#
# Machine:
#	need_packages NAME...		install missing Debian packages, saying which
#	need_tool TOOL PACKAGE		the same, when the tool is all that counts
#	jobs_count			how many jobs to run at once
#	run_logged WHAT LOG CMD...	run CMD with its output in LOG, show progress,
#					show the end of LOG when it fails
#	download URL FILE		whole file or nothing
#
# Content:
#	hash_of ARG...			sha256 of all arguments; @PATH stands for the
#					content of a file or of a whole folder
#	revision			git's name for the project as it is, with -dirty
#					after local changes; results don't count
#	project_files			what the project consists of: paths in it, each with
#					a NUL behind it
#	project_version			the version at the top of RELEASE-NOTES; -gREVISION
#					follows where it isn't checked out by that tag
#	project_date			when that was committed, in seconds since 1970
#	tree_id DIR			git's tree id of DIR, whatever its .gitignore says
#	cached NAME KEY CMD ARG...	print the folder NAME-KEY in the cache; build it
#					first with `CMD FOLDER ARG...` if it isn't there or
#					has changed since it was built.  To be called as
#					DIR=$(cached ...): CMD runs under set -e
#	with_lock NAME CMD...		one at a time on this machine
#	take_cores N			wait until N of the machine's processors, or all if
#					it has fewer, are nobody else's.  They are ours until
#					this process and all that it starts have ended.
#					ACRYPTO_CORES: of how many (all); 0: don't wait
#	guest_cores ARGUMENT...		how many a guest wants that guest.sh starts so
#
# Kernel trees:
#	kernel_version TREE		the version its Makefile states; 1: no kernel
#	kernel_landmarks		files by which a tree is known to be a kernel
#	kernel_series VERSION		the series file for a version; 1: none
#	supported_kernels		the versions that have a series
#	kernel_at_hand VERSION		is its source here, without a download?
#	series_patches SERIES		the patches of a series file, one per line
#	patch_field FILE NAME		a field of a patch's header (Subject, Kernel...)
#	patch_files FILE		the files a patch touches
#	built_tree VERSION CONFIG [N]	print the folder of a patched and built kernel
#					under ACRYPTO_WORK, after bringing it up to
#					date; with the first N patches alone, if N is
#					given (a tree of its own)
#
# Debian source packages:
#	fetch_source_package PKG[=VERSION] DIR
#					unpack Debian's patched source of PKG, of its
#					newest version or of VERSION, into DIR, which
#					must not exist yet
#	source_package_version PKG	the version that would be fetched

ACRYPTO_TOP=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
ACRYPTO_CACHE=${ACRYPTO_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/acrypto}
ACRYPTO_WORK=${ACRYPTO_WORK:-$ACRYPTO_CACHE/work}
ACRYPTO_KERNELS=${ACRYPTO_KERNELS:-$ACRYPTO_CACHE/kernels}
export ACRYPTO_TOP ACRYPTO_CACHE ACRYPTO_WORK ACRYPTO_KERNELS

# a command substitution keeps set -e
shopt -s inherit_errexit

# the start time survives into scripts that call each other
ACRYPTO_STARTED=${ACRYPTO_STARTED:-$EPOCHSECONDS}
export ACRYPTO_STARTED

# --- messages ---------------------------------------------------------------

say()
{
	printf '[%4ds] %s\n' $((EPOCHSECONDS - ACRYPTO_STARTED)) "$*" >&2
}

warn()
{
	printf '%s: warning: %s\n' "$(basename "$0")" "$*" >&2
}

die()
{
	printf '%s: %s\n' "$(basename "$0")" "$*" >&2
	exit 1
}

refuse()
{
	printf '%s: %s\n' "$(basename "$0")" "$*" >&2
	exit 2
}

unavailable()
{
	printf '%s: %s\n' "$(basename "$0")" "$*" >&2
	exit 3
}

usage_error()
{
	printf '%s: %s\n' "$(basename "$0")" "$*" >&2
	printf "Try '%s --help'.\n" "$0" >&2
	exit 2
}

show_help()
{
	sed -n '4,/^[^#]/ { s/^# \{0,1\}//p }' "$0"
}

# --- command line -----------------------------------------------------------

options()
{
	# what starts with _ is no name of an option's variable
	local -A _kind=() _variable=()
	local _name _given _more=''

	while [ "$1" != -- ] && [ "$1" != ... ]; do
		_name=${1%%[+=]*}
		_kind[$_name]=${1#"$_name"}
		_variable[$_name]=${1#"$_name"*=}
		case ${_kind[$_name]} in
		'' | *=)	_variable[$_name]=${_name//-/_} ;;
		esac
		shift
	done
	if [ "$1" = ... ]; then
		_more=yes
		shift
	fi
	shift
	_given=$#
	while [ $# -gt 0 ]; do
		case $1 in
		-h | --help)
			show_help
			exit 0
			;;
		--)
			shift
			break
			;;
		--*[!a-z0-9-]* | -[!-]* | -) usage_error "unknown option '$1'" ;;
		-*) ;;
		*) break ;;
		esac
		_name=${1#--}
		case ${_kind[$_name]-unknown} in
		'')
			printf -v "${_variable[$_name]}" yes
			shift
			continue
			;;
		unknown) usage_error "unknown option '$1'" ;;
		esac
		[ $# -ge 2 ] || usage_error "$1 needs a value"
		case ${_kind[$_name]} in
		+*)
			local -n _array=${_variable[$_name]}
			_array+=("$2")
			unset -n _array
			;;
		*) printf -v "${_variable[$_name]}" %s "$2" ;;
		esac
		shift 2
	done
	if [ $# -gt 0 ] && [ -z "$_more" ]; then
		usage_error "unknown argument '$1'"
	fi
	OPTIND=$((_given - $# + 1))
}

# --- machine ----------------------------------------------------------------

jobs_count()
{
	printf '%s\n' "${ACRYPTO_JOBS:-$(nproc)}"
}

with_lock()
{
	local name=$1 fd status

	shift
	mkdir -p "$ACRYPTO_CACHE/locks"
	exec {fd}>"$ACRYPTO_CACHE/locks/$name"
	flock "$fd"
	# no "||" here: that would switch set -e off in all that is called
	"$@" {fd}>&-
	status=$?
	exec {fd}>&-
	return $status
}

# A lock for each processor.  Who waits for several has the gate, so that nobody who
# wants fewer slips in.  The kernel opens the locks of whatever dies.
take_cores()
{
	local n=$1 all=${ACRYPTO_CORES:-$(nproc)} dir=$ACRYPTO_CACHE/locks core gate fd
	local -A ours=()

	[ "$all" -gt 0 ] && [ -z "${ACRYPTO_CORES_TAKEN-}" ] || return 0
	[ "$n" -le "$all" ] || n=$all
	mkdir -p "$dir"
	exec {gate}>"$dir/gate"
	flock "$gate"
	while :; do
		for ((core = 0; core < all && n > 0; core++)); do
			[ -z "${ours[$core]-}" ] || continue
			exec {fd}>"$dir/core-$core"
			if flock -n "$fd"; then
				ours[$core]=$fd
				n=$((n - 1))
			else
				exec {fd}>&-
			fi
		done
		[ "$n" -gt 0 ] || break
		sleep 0.2
	done
	exec {gate}>&-
	# for guests that take them together
	export ACRYPTO_CORES_TAKEN=yes
}

guest_cores()
{
	local smp=1

	while [ $# -gt 0 ]; do
		[ "$1" != --smp ] || smp=$2
		shift
	done
	printf '%s\n' "$smp"
}

missing_packages()
{
	local name

	for name in "$@"; do
		dpkg-query -W -f '${db:Status-Status}\n' "$name" 2>/dev/null |
			grep -qx installed || printf '%s\n' "$name"
	done
}

install_packages()
{
	local log=$ACRYPTO_CACHE/apt-install.log
	local -a apt=(apt-get -y -q --no-install-recommends
		-o DPkg::Lock::Timeout=600 install "$@")

	export DEBIAN_FRONTEND=noninteractive
	if ! "${apt[@]}" >"$log" 2>&1 </dev/null; then
		# the package lists are old, or were never there
		apt-get -q -o DPkg::Lock::Timeout=600 update >>"$log" 2>&1 </dev/null || true
		"${apt[@]}" >>"$log" 2>&1 </dev/null || {
			tail -n 15 "$log" >&2
			return 1
		}
	fi
}

need_packages()
{
	local -a missing

	mapfile -t missing < <(missing_packages "$@")
	[ ${#missing[@]} -gt 0 ] || return 0
	[ "$(id -u)" -eq 0 ] ||
		unavailable "missing packages; as root: apt-get install ${missing[*]}"
	say "installing Debian packages: ${missing[*]}"
	with_lock apt install_packages "${missing[@]}" ||
		unavailable "could not install: ${missing[*]}"
}

need_tool()
{
	command -v "$1" >/dev/null 2>&1 || need_packages "$2"
}

run_logged()
{
	local what=$1 log=$2 start pid status=0 last=0 now=0

	shift 2
	start=$EPOCHSECONDS
	mkdir -p "$(dirname "$log")"
	say "$what"
	"$@" >"$log" 2>&1 </dev/null &
	pid=$!
	# shellcheck disable=SC2064
	trap "kill $pid 2>/dev/null; exit 1" INT TERM
	while kill -0 "$pid" 2>/dev/null; do
		sleep $((now < 3 ? 0 : 1)).2
		now=$((EPOCHSECONDS - start))
		if [ $((now - last)) -ge 15 ]; then
			last=$now
			say "$what: $(wc -l <"$log") lines of output: $(tail -n 1 "$log" |
				tr -d '\r' | tr -s '[:blank:]' ' ' | cut -c 1-60)"
		fi
	done
	wait "$pid" || status=$?
	trap - INT TERM
	if [ "$status" -ne 0 ]; then
		tail -n 25 "$log" >&2
		say "$what: failed ($status); all of it: $log"
		return 1
	fi
	say "$what: done in $((EPOCHSECONDS - start)) s"
}

download()
{
	local url=$1 file=$2 part

	need_packages curl ca-certificates
	mkdir -p "$(dirname "$file")"
	part=$(mktemp "$(dirname "$file")/.part.XXXXXX")
	if curl -fsSL --retry 2 --connect-timeout 30 -o "$part" "$url"; then
		chmod 644 "$part"
		mv "$part" "$file"
	else
		rm -f "$part"
		return 1
	fi
}

# --- content ----------------------------------------------------------------

hash_of()
{
	local arg

	for arg in "$@"; do
		case $arg in
		@*)
			arg=${arg#@}
			if [ -d "$arg" ]; then
				printf 'folder %s\n' "$(manifest "$arg" | sha256sum)"
			else
				[ -f "$arg" ] || die "hash_of: no such file: $arg"
				printf 'file %s\n' "$(sha256sum <"$arg")"
			fi
			;;
		*)
			printf 'text %s %s\n' "${#arg}" "$arg"
			;;
		esac
	done | sha256sum | cut -c 1-64
}

# every file of a folder: content, mode and, for links, the target
manifest()
(
	cd "$1" || exit 1
	find . -type f ! -name .manifest -print0 | LC_ALL=C sort -z |
		xargs -0 -r sha256sum
	find . ! -name .manifest ! -type f -printf '%y %m %p %l\n' | LC_ALL=C sort
	find . -type f ! -name .manifest -printf '%m %p\n' | LC_ALL=C sort
)

revision()
{
	local name

	name=$(git -C "$ACRYPTO_TOP" describe --always 2>/dev/null) || name=unknown
	[ "$name" = unknown ] ||
		git -C "$ACRYPTO_TOP" diff --quiet HEAD -- . ':!benchmarks/results' ||
		name+=-dirty
	printf '%s\n' "$name"
}

# what is not committed belongs to it, too
project_files()
(
	cd "$ACRYPTO_TOP" || exit
	if [ -e .git ]; then
		git ls-files -z --cached --others --exclude-standard
	else
		find . -type f -printf '%P\0'
	fi | while IFS= read -r -d '' file; do
		# what was deleted is still listed
		[ ! -f "$file" ] || printf '%s\0' "$file"
	done
)

# outside of git, release.sh has left a note of what it packed
project_version()
{
	local version tagged head

	if [ ! -e "$ACRYPTO_TOP/.git" ] && [ -f "$ACRYPTO_TOP/.version" ]; then
		sed -n '2s/ .*//p' "$ACRYPTO_TOP/.version"
		return 0
	fi
	version=$(grep -m 1 -oE '^[0-9]{4}_[0-9]{2}_[0-9]{2}' "$ACRYPTO_TOP/RELEASE-NOTES") ||
		die "RELEASE-NOTES begins with no version"
	# git may be missing, or not trust whose folder this is
	head=
	[ ! -e "$ACRYPTO_TOP/.git" ] ||
		head=$(git -C "$ACRYPTO_TOP" rev-parse HEAD 2>/dev/null) || true
	if [ -z "$head" ]; then
		printf '%s-local\n' "$version"
		return 0
	fi
	tagged=$(git -C "$ACRYPTO_TOP" rev-parse -q --verify "refs/tags/$version^{commit}") || true
	if [ -n "$(git -C "$ACRYPTO_TOP" status --porcelain)" ]; then
		version+=-g${head:0:7}-dirty
	elif [ "$tagged" != "$head" ]; then
		version+=-g${head:0:7}
	fi
	printf '%s\n' "$version"
}

project_date()
{
	if [ -e "$ACRYPTO_TOP/.git" ]; then
		git -C "$ACRYPTO_TOP" log -1 --format=%ct 2>/dev/null || echo 0
	elif [ -f "$ACRYPTO_TOP/.version" ]; then
		sed -n '2s/.* //p' "$ACRYPTO_TOP/.version"
	else
		echo 0
	fi
}

tree_id()
{
	local dir=$1 tmp id

	need_tool git git
	tmp=$(mktemp -d)
	id=$(
		export GIT_DIR=$tmp/git GIT_INDEX_FILE=$tmp/index
		export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
		git init -q 2>/dev/null
		git config core.autocrlf false
		git config core.fileMode true
		git config core.safecrlf false
		git config core.bare false
		git config core.looseCompression 0
		git --work-tree="$dir" -C "$dir" add -A -f . &&
			git write-tree
	) || id=
	rm -rf "$tmp"
	[ -n "$id" ] || return 1
	printf '%s\n' "$id"
}

cached_build()
{
	local dir=$1 tmp

	shift
	if [ -d "$dir" ]; then
		if manifest "$dir" | cmp -s - "$dir/.manifest"; then
			return 0
		fi
		warn "$dir changed since it was built: building it again"
		rm -rf "$dir"
	fi
	mkdir -p "$(dirname "$dir")"
	rm -rf "$dir".part.*
	tmp=$(mktemp -d "$dir.part.XXXXXX")
	"$1" "$tmp" "${@:2}" >&2
	chmod 755 "$tmp"
	manifest "$tmp" >"$tmp/.manifest"
	mv "$tmp" "$dir"
}

cached()
{
	local dir=$ACRYPTO_CACHE/built/$1-${2:0:16}

	# the first command that fails ends the build, so set -e has to be in
	# force: not so after "if" or before "||"
	case $(false; echo off) in
	off)	die "cached: call it as DIR=\$(cached ...), without if, && or ||" ;;
	esac
	shift 2
	with_lock "built-$(basename "$dir")" cached_build "$dir" "$@"
	printf '%s\n' "$dir"
}

# --- kernel trees -----------------------------------------------------------

makefile_field()
{
	sed -n "s/^$2[[:blank:]]*=[[:blank:]]*\([^[:blank:]]*\)[[:blank:]]*\$/\1/p" "$1" | head -n 1
}

kernel_version()
{
	local makefile=$1/Makefile v p s

	[ -f "$makefile" ] && [ -d "$1/kernel" ] && [ -d "$1/include/linux" ] &&
		[ -f "$1/init/main.c" ] || return 1
	v=$(makefile_field "$makefile" VERSION)
	p=$(makefile_field "$makefile" PATCHLEVEL)
	s=$(makefile_field "$makefile" SUBLEVEL)
	[ -n "$v" ] && [ -n "$p" ] && [ -n "$s" ] || return 1
	printf '%s.%s.%s%s\n' "$v" "$p" "$s" "$(makefile_field "$makefile" EXTRAVERSION)"
}

kernel_landmarks()
{
	printf '%s\n' Makefile init/main.c kernel/sys.c include/linux/kernel.h
}

kernel_series()
{
	local version=$1

	case $version in
	2.6.20)		version=series ;;
	2.6.*)		version=series-$version ;;
	[3-9].*.*)	version=series-${version%.*} ;;
	*)		version=series-$version ;;
	esac
	[ -f "$ACRYPTO_TOP/$version" ] || return 1
	printf '%s\n' "$ACRYPTO_TOP/$version"
}

supported_kernels()
{
	local file

	[ ! -f "$ACRYPTO_TOP/series" ] || printf '2.6.20\n'
	for file in "$ACRYPTO_TOP"/series-*; do
		[ ! -f "$file" ] || printf '%s\n' "${file##*/series-}"
	done
}

# where the configurations and notes of a version are kept
kernel_configs()
{
	local series

	series=$(kernel_series "$1") || return 1
	series=${series##*/series}
	series=${series#-}
	printf '%s\n' "$ACRYPTO_TOP/configs/${series:-2.6.20}"
}

kernel_archive()
{
	local suffix

	for suffix in xz gz bz2; do
		[ -f "$ACRYPTO_KERNELS/linux-$1.tar.$suffix" ] || continue
		printf '%s\n' "$ACRYPTO_KERNELS/linux-$1.tar.$suffix"
		return 0
	done
	return 1
}

kernel_at_hand()
{
	[ -d "$ACRYPTO_KERNELS/linux-$1" ] || kernel_archive "$1" >/dev/null
}

series_patches()
{
	sed -e 's/[[:blank:]]*#.*//' -e 's/[[:blank:]].*//' -e '/^$/d' "$1"
}

patch_field()
{
	sed -n -e '/^---/q' -e "s/^$2:[[:blank:]]*//p" "$1" | head -n 1
}

# paths are quoted by nobody: no file of a kernel has a blank in its name
patch_files()
{
	awk '/^--- / { from = $2 }
	     /^\+\+\+ / {
		name = ($2 == "/dev/null") ? from : $2
		sub(/^[^\/]*\//, "", name)
		print name
	     }' "$1" | LC_ALL=C sort -u
}

# The state that a work tree was brought to is kept beside it, patch by patch:
# what differs is taken back and applied anew, then make does the rest.
update_built_tree()
{
	local version=$1 config=$2 dir=$3 limit=$4 series tree state key have n=0
	local -a want old

	# called from a condition: nothing stops here by itself
	series=$(kernel_series "$version") || die "no series for Linux $version"
	tree=$dir/linux
	state=$dir/state
	mkdir -p "$dir"
	mapfile -t want < <(series_patches "$series" | while read -r patch; do
		# the header builds nothing
		printf '%s %s\n' "$patch" \
			"$(sed '1,/^---$/d' "$ACRYPTO_TOP/patches/$patch" | sha256sum)"
	done)
	[ -z "$limit" ] || want=("${want[@]:0:limit}")
	key=$(hash_of "$version" "$config" "${want[@]}" \
		"@$(kernel_configs "$version")" "@$ACRYPTO_TOP/scripts/build.sh")
	if [ -f "$state/key" ] && [ "$(cat "$state/key")" = "$key" ]; then
		return 0
	fi
	rm -f "$state/key"

	old=()
	[ ! -f "$state/patches" ] || mapfile -t old <"$state/patches"
	if [ ! -d "$tree" ] || [ ${#old[@]} -eq 0 ]; then
		rm -rf "$tree" "$state"
		mkdir -p "$state"
		"$ACRYPTO_TOP/scripts/kernel.sh" "$version" "$tree" || return
		"$ACRYPTO_TOP/scripts/apply.sh" "$tree" || return
		n=${#want[@]}
		have=$(wc -l <"$tree/.pc/applied-patches")
	else
		while [ "$n" -lt ${#want[@]} ] && [ "$n" -lt ${#old[@]} ] &&
		      [ "${want[n]}" = "${old[n]}" ]; do
			n=$((n + 1))
		done
		have=${#old[@]}
	fi
	if [ "$n" -lt "$have" ] || [ "$n" -lt ${#want[@]} ]; then
		say "$tree: keeping $n patches, $((have - n)) out, $((${#want[@]} - n)) in"
		rm -f "$state/patches"
		retune_tree "$tree" "$series" "$((have - n))" "$((${#want[@]} - n))" ||
			return
	fi
	printf '%s\n' "${want[@]}" >"$state/patches"
	# guests that run meanwhile keep their time
	nice -n 5 "$ACRYPTO_TOP/scripts/build.sh" --config "$config" "$tree" \
		>"$state/built" ||
		return
	printf '%s\n' "$key" >"$state/key"
}

# retune_tree TREE SERIES OUT IN
retune_tree()
(
	cd "$1" || exit 1
	# another checkout of the project may have made it
	ln -sfn "$(dirname "$2")/patches" patches
	ln -sfn "$2" series
	if [ "$3" -gt 0 ]; then
		project_quilt pop -q -f "$3" >/dev/null || die "$1: could not take patches back"
	fi
	if [ "$4" -gt 0 ]; then
		project_quilt push -q "$4" >/dev/null || die "$1: the series does not apply"
	fi
)

# quilt as the project means it, whatever the user's own settings are
project_quilt()
{
	need_tool quilt quilt
	env -u QUILT_PATCHES -u QUILT_SERIES -u QUILT_PC LC_ALL=C \
		QUILT_PATCH_OPTS=-F0 quilt --quiltrc - "$@"
}

built_tree()
{
	local dir=$ACRYPTO_WORK/$1-$2${3:+-part}

	with_lock "tree-$(hash_of "$dir" | cut -c 1-16)" \
		update_built_tree "$1" "$2" "$dir" "${3-}" >&2 || return
	printf '%s\n' "$dir/linux"
}

# --- Debian source packages ---------------------------------------------------

# deb-src entries made from the binary entries of the system's own
# configuration, with lists and caches of their own: the system is not changed
apt_source_options()
{
	local base=$ACRYPTO_CACHE/apt etc parts list

	etc=$base/sources.list.d
	rm -rf "$etc"
	mkdir -p "$etc" "$base/lists/partial" "$base/cache/archives/partial"
	eval "$(apt-config shell list Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d)"
	: "${list:=/etc/apt/sources.list}" "${parts:=/etc/apt/sources.list.d}"

	local file name
	for file in "$list" "$parts"/*.list; do
		[ -f "$file" ] || continue
		name=$(basename "$file" .list).list
		sed -n 's/^[[:blank:]]*deb\([[:blank:]]\)/deb-src\1/p' "$file" >"$etc/$name"
	done
	for file in "$parts"/*.sources; do
		[ -f "$file" ] || continue
		# whole stanzas; a disabled one and one for sources alone are left out
		awk 'BEGIN { RS = ""; ORS = "\n\n" }
		     tolower($0) ~ /(^|\n)enabled:[ \t]*no/ { next }
		     {
			n = split($0, line, "\n"); deb = 0; out = ""
			for (i = 1; i <= n; i++) {
				if (tolower(line[i]) ~ /^types:/) {
					if ((line[i] " ") ~ /[: \t]deb[ \t]/)
						deb = 1
					line[i] = "Types: deb-src"
				}
				out = out line[i] (i < n ? "\n" : "")
			}
			if (deb)
				print out
		     }' "$file" >"$etc/$(basename "$file")"
	done
	find "$etc" -type f -empty -delete
	APT_SOURCE=(-o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$etc"
		-o "Dir::State::lists=$base/lists" -o "Dir::Cache=$base/cache"
		-o APT::Sandbox::User=root -o Acquire::Languages=none
		-o APT::Get::Only-Source=true)
}

apt_source_lists()
{
	local stamp=$ACRYPTO_CACHE/apt/updated key

	need_packages dpkg-dev xz-utils
	apt_source_options
	key=$(hash_of "@$ACRYPTO_CACHE/apt/sources.list.d")
	if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$key" ] &&
	   [ -n "$(find "$stamp" -mtime -1)" ]; then
		return 0
	fi
	say "reading the lists of Debian's source packages"
	# a third-party archive without sources is no failure of ours: what
	# matters is whether the package is found afterwards
	if apt-get -q "${APT_SOURCE[@]}" update >"$ACRYPTO_CACHE/apt/update.log" 2>&1; then
		printf '%s\n' "$key" >"$stamp"
	fi
}

source_versions()
{
	apt-cache "${APT_SOURCE[@]}" showsrc "$1" 2>/dev/null |
		awk -v p="$1" '$1 == "Package:" { n = $2 }
			$1 == "Version:" && n == p { print $2 }' | sort -V
}

newest_source()
{
	source_versions "$1" | tail -n 1
}

source_package_version()
{
	local version kept=$ACRYPTO_CACHE/apt/versions/$1
	local stamp=$ACRYPTO_CACHE/apt/updated

	# asking apt is slow, and its answer is as old as its lists
	if [ -s "$kept" ] && [ "$kept" -nt "$stamp" ] &&
	   [ -n "$(find "$stamp" -mtime -1 2>/dev/null)" ]; then
		cat "$kept"
		return 0
	fi
	mkdir -p "$ACRYPTO_CACHE/apt/versions"
	with_lock apt-source apt_source_lists
	version=$(newest_source "$1")
	[ -n "$version" ] || return 1
	printf '%s\n' "$version" >"$kept.$$"
	mv "$kept.$$" "$kept"
	printf '%s\n' "$version"
}

# The .dsc names the checksum of every part, apt checks the .dsc against the
# signed lists when it is fetched, and its own sum is kept beside it.
fetch_source_package_locked()
{
	local pkg=${1%%=*} dir=$2 version store dsc wanted='*'

	apt_source_lists
	if [ "$pkg" = "$1" ]; then
		version=$(newest_source "$pkg")
	else
		wanted=${1#*=}
		version=$(source_versions "$pkg" | grep -Fx "$wanted") || version=
		wanted=${wanted#*:}
	fi
	store=
	if [ -n "$version" ]; then
		store=$ACRYPTO_CACHE/sources/${pkg}_${version#*:}
	else
		# no network: what was fetched before will do
		store=$(find "$ACRYPTO_CACHE/sources" -maxdepth 1 -name "${pkg}_$wanted" \
			! -name '*.tmp' 2>/dev/null | sort -V | tail -n 1) || store=
		[ -n "$store" ] || unavailable "Debian's source package '$1' can't be had:" \
			"see $ACRYPTO_CACHE/apt/update.log"
	fi
	if [ -d "$store" ] && ! (cd "$store" && sha256sum --quiet -c SHA256SUMS) >&2; then
		warn "$store is damaged: fetching it again"
		rm -rf "$store"
	fi
	if [ ! -d "$store" ]; then
		say "fetching Debian's source package $pkg $version"
		rm -rf "$store.tmp"
		mkdir -p "$store.tmp"
		(cd "$store.tmp" && apt-get -q "${APT_SOURCE[@]}" --download-only \
			source "$pkg=$version") >"$ACRYPTO_CACHE/apt/source.log" 2>&1 || {
			tail -n 10 "$ACRYPTO_CACHE/apt/source.log" >&2
			rm -rf "$store.tmp"
			unavailable "could not fetch the source package $pkg $version"
		}
		(cd "$store.tmp" && sha256sum -- *.* >SHA256SUMS)
		mv "$store.tmp" "$store"
	fi
	dsc=$(find "$store" -name '*.dsc')
	dpkg-source --no-check -x "$dsc" "$dir" >"$ACRYPTO_CACHE/apt/unpack.log" 2>&1 || {
		tail -n 10 "$ACRYPTO_CACHE/apt/unpack.log" >&2
		die "could not unpack $dsc"
	}
}

fetch_source_package()
{
	[ ! -e "$2" ] || die "fetch_source_package: $2 exists"
	mkdir -p "$ACRYPTO_CACHE" "$(dirname "$2")"
	with_lock apt-source fetch_source_package_locked "$1" "$2"
}
