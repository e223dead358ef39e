# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# kernel.sh against a made-up release 2.6.99.  Sourced by run.

# the release: odd modes, a link, ignored files, as in a kernel
make_release()
{
	local dir=$1

	mkdir -p "$dir/init" "$dir/include/linux" "$dir/kernel" "$dir/scripts"
	printf 'VERSION = 2\nPATCHLEVEL = 6\nSUBLEVEL = 99\nEXTRAVERSION =\n' >"$dir/Makefile"
	echo 'int main;' >"$dir/init/main.c"
	printf '*.o\n.*\n' >"$dir/.gitignore"
	echo 'shipped' >"$dir/kernel/shipped.o"
	printf 'crlf\r\n' >"$dir/include/linux/crlf.h"
	echo 'exit 0' >"$dir/scripts/run.sh"
	chmod 755 "$dir/scripts/run.sh"
	chmod 600 "$dir/init/main.c"
	ln -s ../init/main.c "$dir/kernel/link.c"
}

store=$tmp/kernels
mkdir "$store" "$tmp/made" "$tmp/www" "$tmp/www/v2.6"
make_release "$tmp/made/linux-2.6.99"
pin=$(tree_id "$tmp/made/linux-2.6.99")
printf '2.6.99\t%s\tv2.6\n' "$pin" >>"$top/configs/kernels"
for suffix in xz gz bz2; do
	tar -C "$tmp/made" -caf "$tmp/made/linux-2.6.99.tar.$suffix" linux-2.6.99
done

# another tree under the same name, one byte off
cp -a "$tmp/made" "$tmp/bad"
printf 'int Main;\n' >"$tmp/bad/linux-2.6.99/init/main.c"
tar -C "$tmp/bad" -cJf "$tmp/bad/linux-2.6.99.tar.xz" linux-2.6.99

get()
{
	ACRYPTO_KERNELS=$store ACRYPTO_KERNEL_URL=$url "$top/scripts/kernel.sh" "$@"
}

# nothing listens here
url=http://127.0.0.1:9/none

# gets NAME: a pristine tree and nothing beside it
gets()
{
	rm -rf "$tmp/got"
	mkdir "$tmp/got"
	get 2.6.99 "$tmp/got/tree" || return 1
	[ "$(tree_id "$tmp/got/tree")" = "$pin" ] || return 1
	[ "$(ls -A "$tmp/got")" = tree ]
}

# the same into a folder that is named from where the caller stands
gets_relative()
{
	rm -rf "$tmp/got"
	mkdir "$tmp/got"
	(cd "$tmp/got" && get 2.6.99 tree) || return 1
	[ "$(tree_id "$tmp/got/tree")" = "$pin" ]
}

# gets_nothing STATUS: that exit status, and neither a tree nor rests of one
gets_nothing()
{
	local want=$1 status=0

	shift
	rm -rf "$tmp/got"
	mkdir "$tmp/got"
	get 2.6.99 "$tmp/got/tree" || status=$?
	[ "$status" -eq "$want" ] || { echo "status $status"; return 1; }
	[ -z "$(ls -A "$tmp/got")" ] || { ls -lA "$tmp/got"; return 1; }
}

# the store holds what it is said to hold
stored()
{
	[ "$(cd "$store" && find . -type f -printf '%P ')" = "$1" ] || {
		find "$store" -type f
		return 1
	}
}

# kernel.sh makes DIR's parent; only what a failed call leaves is judged here
refused "kernel: unknown version" get 2.6.98 "$tmp/none"
refused "kernel: one argument" get 2.6.99
mkdir -p "$tmp/full"
echo keep >"$tmp/full/file"
refused "kernel: folder that is not empty" get 2.6.99 "$tmp/full"
result "kernel: that folder is untouched" "$(cd "$tmp/full" && find . -type f ! -name file)"

cp -a "$tmp/made/linux-2.6.99" "$store/"
check "kernel: from a folder" gets
check "kernel: into a relative folder" gets_relative
mkdir "$store/linux-2.6.99/.git"
echo 'ref: x' >"$store/linux-2.6.99/.git/HEAD"
check "kernel: from a git checkout" gets
result "kernel: without its .git" "$(find "$tmp/got/tree" -name .git)"
rm -rf "$store/linux-2.6.99/.git"
echo object >"$store/linux-2.6.99/kernel/main.o"
check "kernel: folder that was built in is refused" gets_nothing 2
rm -f "$store/linux-2.6.99/kernel/main.o"
chmod 644 "$store/linux-2.6.99/scripts/run.sh"
check "kernel: folder with another mode is refused" gets_nothing 2
rm -rf "$store/linux-2.6.99"

for suffix in xz gz bz2; do
	cp "$tmp/made/linux-2.6.99.tar.$suffix" "$store/"
	check "kernel: from a .tar.$suffix" gets
	rm -f "$store"/*
done
cp "$tmp/bad/linux-2.6.99.tar.xz" "$store/"
check "kernel: archive of another tree is refused" gets_nothing 2
head -c 300 "$tmp/made/linux-2.6.99.tar.xz" >"$store/linux-2.6.99.tar.xz"
check "kernel: damaged archive is refused" gets_nothing 2
rm -f "$store"/*
check "kernel: no source, no network" gets_nothing 3
output=$(get 2.6.99 "$tmp/got/tree" 2>&1 || true)
case $output in
*"put linux-2.6.99.tar.xz from"*"into $store"*)
	pass "kernel: says what to do then" ;;
*)
	fail "kernel: says what to do then" "$output" ;;
esac

# a web server that can break off in the middle: /cut/... promises more than it sends
cat >"$tmp/server.py" <<'PY'
import http.server, os, sys

class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if not self.path.startswith("/cut/"):
            return super().do_GET()
        name = self.translate_path(self.path[4:])
        if not os.path.isfile(name):
            return self.send_error(404)
        data = open(name, "rb").read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[:len(data) // 2])
        self.close_connection = True

os.chdir(sys.argv[1])
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
with open(sys.argv[2] + ".part", "w") as port:
    port.write(str(server.server_port))
os.rename(sys.argv[2] + ".part", sys.argv[2])
server.serve_forever()
PY
python3 "$tmp/server.py" "$tmp/www" "$tmp/port" >/dev/null 2>&1 &
server=$!
for ((i = 0; i < 100; i++)); do
	[ ! -f "$tmp/port" ] || break
	sleep 0.1
done
if [ ! -f "$tmp/port" ]; then
	fail "kernel: the web server of this test starts"
else
	url=http://127.0.0.1:$(cat "$tmp/port")
	check "kernel: server without the file" gets_nothing 3
	for suffix in bz2 gz xz; do
		cp "$tmp/made/linux-2.6.99.tar.$suffix" "$tmp/www/v2.6/"
		check "kernel: downloads a .tar.$suffix" gets
		check "kernel: and keeps it" stored "linux-2.6.99.tar.$suffix "
		rm -f "$store"/* "$tmp/www/v2.6"/*
	done
	cp "$tmp/made/linux-2.6.99.tar.xz" "$tmp/www/v2.6/"
	url=$url/cut
	check "kernel: half a download" gets_nothing 3
	check "kernel: half a download is not kept" stored ""
	url=${url%/cut}
	cp "$tmp/bad/linux-2.6.99.tar.xz" "$tmp/www/v2.6/"
	check "kernel: tampered download is refused" gets_nothing 2
	check "kernel: tampered download is not kept" stored ""
	kill "$server"
	server=
fi
sed -i '/^2\.6\.99\t/d' "$top/configs/kernels"
