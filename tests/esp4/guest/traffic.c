// SPDX-License-Identifier: GPL-2.0
/*
 * Traffic whose content can be checked, for the guests of the IPsec tests.
 *
 *	traffic serve PORT		answer what comes by UDP and TCP with itself
 *	traffic udp ADDR PORT SIZE...	send one datagram of each size to such a
 *					server and compare what comes back
 *	traffic icmp ADDR SIZE...	the same with echo requests
 *	traffic tcp ADDR PORT BYTES	the same with a stream
 *	traffic sendfile ADDR PORT FILE BYTES
 *					the same with the pages of a file, which is
 *					made first and has to be unchanged then
 *	traffic flood ADDR PORT SIZE COUNT WINDOW
 *					number datagrams and send them; wait when the
 *					sink is more than WINDOW behind (0: never)
 *	traffic sink PORT FILE		take them; on SIGTERM, or a datagram that says
 *					so, write to FILE how many were good, bad,
 *					double, and out of order
 *	traffic encap PORT espinudp|espinudp-nonike
 *					have the kernel take ESP from this UDP port, and
 *					stay in the background
 *	traffic tap DEVICE FILE		look at every frame; on SIGTERM write to FILE
 *					the number and the sum of those with ESP
 *	traffic blast SIZE COUNT FROM TO...
 *					send datagrams from one address of this machine
 *					to another, between as many pairs as there are
 *					at once, and print how long that took: in ns,
 *					or in ticks of the CPU with CLOCK=ticks in the
 *					environment; marks where it begins and ends
 *	traffic stream BYTES FROM TO...	the same with TCP connections
 *
 * Datagrams of one size have one content, a stream has one from its start: both
 * are parts of a table that tests/esp4/esp.py makes as well.  A lost datagram is
 * sent again, three times at most, and told.
 *
 * exit: 0 all was right, 1 it was not, 2 wrong usage
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/xfrm.h>

#define TABLE		131071		/* prime: no block is at the same place twice */
#define LONGEST		65507
#define PATIENCE	20000		/* ms: the host may be very busy */

/* of headers that don't go well with musl's */
#define IP_XFRM_POLICY			17
#define UDP_ENCAP			100
#define UDP_ENCAP_ESPINUDP_NON_IKE	1
#define UDP_ENCAP_ESPINUDP		2
#define ETH_P_ALL			3

static uint8_t table[TABLE];
static volatile sig_atomic_t ended;

static void die(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "traffic: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	exit(1);
}

static void fill_table(void)
{
	uint32_t x = 2463534242u;
	size_t i;

	for (i = 0; i < TABLE; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		table[i] = x >> 11;
	}
}

/* what a datagram with this number of bytes has in it */
static const uint8_t *content(size_t size)
{
	return table + size * 7919 % 65521;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static unsigned long number(const char *text, unsigned long most)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (!*text || *end || errno || n > most) {
		fprintf(stderr, "traffic: no number up to %lu: %s\n", most, text);
		exit(2);
	}
	return n;
}

static struct sockaddr_in address(const char *host, unsigned long port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };

	if (!inet_aton(host, &to.sin_addr)) {
		fprintf(stderr, "traffic: no address: %s\n", host);
		exit(2);
	}
	return to;
}

static int new_socket(int type, int protocol)
{
	int fd = socket(AF_INET, type, protocol);
	int on = 1, size = 1 << 20;

	if (fd < 0)
		die("socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return fd;
}

static int bound_socket(int type, const char *host, unsigned long port)
{
	struct sockaddr_in at = address(host, port);
	int fd = new_socket(type, 0);

	if (bind(fd, (struct sockaddr *)&at, sizeof(at)))
		die("bind: %s", strerror(errno));
	return fd;
}

static int connected_socket(int type, int protocol, struct sockaddr_in to)
{
	int fd = new_socket(type, protocol);

	if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
		die("connect: %s", strerror(errno));
	return fd;
}

static int ready(int fd, int events, int timeout)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, timeout) > 0;
}

/* --- echo ----------------------------------------------------------------- */

static void serve_stream(int fd)
{
	static uint8_t buffer[65536];
	ssize_t n, sent, some;

	while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
		for (sent = 0; sent < n; sent += some) {
			some = write(fd, buffer + sent, n - sent);
			if (some < 0)
				return;
		}
	}
}

static int serve(unsigned long port)
{
	static uint8_t buffer[65536];
	int udp = bound_socket(SOCK_DGRAM, "0.0.0.0", port);
	int tcp = bound_socket(SOCK_STREAM, "0.0.0.0", port);
	struct pollfd fds[] = {
		{ .fd = udp, .events = POLLIN },
		{ .fd = tcp, .events = POLLIN },
	};
	struct sockaddr_in from;
	socklen_t len;
	ssize_t n;
	int fd;

	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (listen(tcp, 16))
		die("listen: %s", strerror(errno));
	while (poll(fds, 2, -1) >= 0 || errno == EINTR) {
		if (fds[0].revents) {
			len = sizeof(from);
			n = recvfrom(udp, buffer, sizeof(buffer), 0,
				     (struct sockaddr *)&from, &len);
			if (n >= 0)
				sendto(udp, buffer, n, 0, (struct sockaddr *)&from, len);
		}
		if (!fds[1].revents)
			continue;
		fd = accept(tcp, NULL, NULL);
		if (fd < 0)
			continue;
		if (!fork()) {
			close(tcp);
			close(udp);
			serve_stream(fd);
			_exit(0);
		}
		close(fd);
	}
	return 1;
}

static uint16_t checksum(const uint8_t *data, size_t size)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i + 1 < size; i += 2)
		sum += data[i] << 8 | data[i + 1];
	if (size & 1)
		sum += data[size - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

/* one datagram out and back; head is the size of the ICMP header, if any */
static int echo(int fd, size_t size, int icmp)
{
	static uint8_t out[8 + LONGEST], in[60 + 8 + LONGEST];
	static uint16_t sequence;
	uint16_t id = htons(getpid() & 0xffff), sum;
	size_t head = icmp ? 8 : 0;
	uint8_t *data;
	int try;
	ssize_t n;

	memcpy(out + head, content(size), size);
	for (try = 0; try < 4; try++) {
		if (icmp) {
			memset(out, 0, 8);
			out[0] = 8;
			memcpy(out + 4, &id, 2);
			out[6] = ++sequence >> 8;
			out[7] = sequence;
			sum = checksum(out, head + size);
			memcpy(out + 2, &sum, 2);
		}
		if (send(fd, out, head + size, 0) != (ssize_t)(head + size))
			die("send %zu: %s", size, strerror(errno));
		while (ready(fd, POLLIN, try == 3 ? PATIENCE : PATIENCE / 4)) {
			n = recv(fd, in, sizeof(in), 0);
			if (n < 0)
				die("recv: %s", strerror(errno));
			data = in;
			if (icmp) {
				if (n < 28)
					die("short answer");
				data += 4 * (in[0] & 15);
				n -= 4 * (in[0] & 15);
				/* others' answers, and earlier ones */
				if (data[0] != 0 || memcmp(data + 4, out + 4, 4))
					continue;
				data += head;
				n -= head;
			}
			if (n != (ssize_t)size) {
				/* the late answer to one that was sent again */
				if (try || !icmp)
					continue;
				die("%zu bytes came back as %zd", size, n);
			}
			if (memcmp(data, content(size), size))
				die("%zu bytes came back changed", size);
			if (try)
				printf("traffic: %zu bytes: sent %d times\n", size, try + 1);
			return 0;
		}
	}
	die("%zu bytes: no answer", size);
	return 1;
}

static int echoes(int fd, int icmp, char **sizes)
{
	for (; *sizes; sizes++)
		echo(fd, number(*sizes, LONGEST), icmp);
	return 0;
}

/* bytes of the stream's content from an offset on, as many as lie in a row */
static size_t stream_part(uint64_t offset, uint64_t left, const uint8_t **data)
{
	size_t n = TABLE - offset % TABLE;

	*data = table + offset % TABLE;
	return left < n ? left : n;
}

/* a stream out and back, both at once; with a file its pages are sent */
static int stream(int fd, uint64_t size, int file)
{
	static uint8_t in[65536];
	uint64_t sent = 0, got = 0, done;
	struct pollfd p = { .fd = fd };
	const uint8_t *data;
	ssize_t n;
	size_t part;
	int on = 1;

	signal(SIGPIPE, SIG_IGN);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	while (got < size) {
		p.events = POLLIN | (sent < size ? POLLOUT : 0);
		if (poll(&p, 1, 6 * PATIENCE) <= 0)
			die("stream: stuck at %llu of %llu bytes",
			    (unsigned long long)got, (unsigned long long)size);
		if (p.revents & POLLOUT) {
			if (file >= 0) {
				n = sendfile(fd, file, NULL, size - sent);
			} else {
				part = stream_part(sent, size - sent, &data);
				n = send(fd, data, part, 0);
			}
			if (n < 0 && errno != EAGAIN)
				die("stream: %s after %llu bytes", strerror(errno),
				    (unsigned long long)sent);
			if (n > 0)
				sent += n;
		}
		if (!(p.revents & (POLLIN | POLLHUP | POLLERR)))
			continue;
		n = recv(fd, in, sizeof(in), 0);
		if (n < 0 && errno == EAGAIN)
			continue;
		if (n <= 0)
			die("stream: %s after %llu of %llu bytes",
			    n ? strerror(errno) : "closed", (unsigned long long)got,
			    (unsigned long long)size);
		for (done = 0; done < (uint64_t)n; done += part) {
			part = stream_part(got + done, n - done, &data);
			if (memcmp(in + done, data, part))
				die("stream: changed near byte %llu",
				    (unsigned long long)(got + done));
		}
		got += n;
	}
	close(fd);
	return 0;
}

static int send_file(int fd, const char *name, uint64_t size)
{
	static uint8_t in[65536];
	int file = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	const uint8_t *data;
	uint64_t done;
	size_t part;

	if (file < 0)
		die("%s: %s", name, strerror(errno));
	for (done = 0; done < size; done += part) {
		part = stream_part(done, size - done, &data);
		if (write(file, data, part) != (ssize_t)part)
			die("%s: %s", name, strerror(errno));
	}
	lseek(file, 0, SEEK_SET);
	stream(fd, size, file);
	for (done = 0; done < size; done += part) {
		part = stream_part(done, size - done, &data);
		if (part > sizeof(in))
			part = sizeof(in);
		if (pread(file, in, part, done) != (ssize_t)part)
			die("%s: %s", name, strerror(errno));
		if (memcmp(in, data, part))
			die("the file has changed");
	}
	return 0;
}

/* --- numbered datagrams ------------------------------------------------------ */

struct numbered {
	uint32_t magic;
	uint32_t number;
};

#define MAGIC	0x6573703ful		/* the sink says how far it is */
#define PLAIN	0x65737021ul
#define END	0x65737045ul		/* there will be no more */

static void on_signal(int signal)
{
	(void)signal;
	ended = 1;
}

static void end_on_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

static int flood(struct sockaddr_in to, size_t size, uint32_t count, uint32_t window)
{
	static uint8_t out[LONGEST], in[64];
	int fd = connected_socket(SOCK_DGRAM, 0, to);
	struct numbered *head = (struct numbered *)out;
	uint32_t i, behind = 0;
	ssize_t n;
	int asked;

	if (size < sizeof(*head))
		die("flood: at least %zu bytes", sizeof(*head));
	for (i = 0; i < count; i++) {
		/* every half window the sink is asked to answer */
		asked = window && (i % ((window + 1) / 2) == 0 || i == count - 1);
		head->magic = htonl(asked ? MAGIC : PLAIN);
		head->number = htonl(i);
		memcpy(out + sizeof(*head), content(size - sizeof(*head)),
		       size - sizeof(*head));
		n = send(fd, out, size, 0);
		if (n < 0 && window)
			die("flood: %s", strerror(errno));
		while (window && (i - behind >= window || i == count - 1)) {
			if (!ready(fd, POLLIN, PATIENCE))
				die("flood: no answer since %u of %u", behind, i);
			n = recv(fd, in, sizeof(in), 0);
			if (n < (ssize_t)sizeof(*head))
				die("flood: a short answer");
			memcpy(&behind, in + 4, 4);
			behind = ntohl(behind);
			if (behind == count - 1)
				break;
		}
	}
	return 0;
}

static int sink(unsigned long port, const char *name)
{
	static uint8_t in[65536], seen[1 << 21];
	int fd = bound_socket(SOCK_DGRAM, "0.0.0.0", port);
	unsigned long good = 0, bad = 0, twice = 0, disordered = 0;
	struct numbered *head = (struct numbered *)in;
	uint32_t i, next = 0;
	struct sockaddr_in from;
	socklen_t len;
	FILE *file;
	ssize_t n;

	end_on_signals();
	while (!ended) {
		if (!ready(fd, POLLIN, 100))
			continue;
		len = sizeof(from);
		n = recvfrom(fd, in, sizeof(in), 0, (struct sockaddr *)&from, &len);
		if (n < 0)
			continue;
		if (n == (ssize_t)sizeof(*head) && ntohl(head->magic) == END)
			break;
		if (n < (ssize_t)sizeof(*head) ||
		    (ntohl(head->magic) != MAGIC && ntohl(head->magic) != PLAIN) ||
		    memcmp(in + sizeof(*head), content(n - sizeof(*head)),
			   n - sizeof(*head))) {
			bad++;
			continue;
		}
		i = ntohl(head->number);
		if (i / 8 < sizeof(seen)) {
			if (seen[i / 8] & 1 << i % 8)
				twice++;
			seen[i / 8] |= 1 << i % 8;
		}
		if (i < next)
			disordered++;
		next = i + 1;
		good++;
		if (ntohl(head->magic) == MAGIC)
			sendto(fd, in, sizeof(*head), 0, (struct sockaddr *)&from, len);
	}
	file = fopen(name, "w");
	if (!file)
		die("%s: %s", name, strerror(errno));
	fprintf(file, "good %lu bad %lu double %lu disordered %lu\n",
		good, bad, twice, disordered);
	fclose(file);
	return 0;
}

/* --- IPsec --------------------------------------------------------------------- */

/* As a key daemon does: what comes in here was not protected before. */
static void bypass(int fd)
{
	struct xfrm_userpolicy_info policy = {
		.sel = { .family = AF_INET },
		.lft = {
			.soft_byte_limit = XFRM_INF, .hard_byte_limit = XFRM_INF,
			.soft_packet_limit = XFRM_INF, .hard_packet_limit = XFRM_INF,
		},
		.action = XFRM_POLICY_ALLOW,
		.share = XFRM_SHARE_ANY,
	};

	for (policy.dir = XFRM_POLICY_IN; policy.dir <= XFRM_POLICY_OUT; policy.dir++)
		if (setsockopt(fd, IPPROTO_IP, IP_XFRM_POLICY, &policy, sizeof(policy)))
			die("IP_XFRM_POLICY: %s", strerror(errno));
}

static int encap(unsigned long port, const char *name)
{
	int fd = bound_socket(SOCK_DGRAM, "0.0.0.0", port);
	int type = UDP_ENCAP_ESPINUDP;

	if (!strcmp(name, "espinudp-nonike"))
		type = UDP_ENCAP_ESPINUDP_NON_IKE;
	else if (strcmp(name, "espinudp"))
		return 2;
	if (setsockopt(fd, IPPROTO_UDP, UDP_ENCAP, &type, sizeof(type)))
		die("UDP_ENCAP: %s", strerror(errno));
	bypass(fd);
	/* who waited for this may send now */
	if (daemon(1, 1))
		die("daemon: %s", strerror(errno));
	/* what the kernel leaves is for a key daemon, which there is not */
	while (1)
		pause();
}

/* as zlib has it */
static uint32_t adler32(const uint8_t *data, size_t size)
{
	uint32_t a = 1, b = 0;

	while (size--) {
		a = (a + *data++) % 65521;
		b = (b + a) % 65521;
	}
	return b << 16 | a;
}

/*
 * Frames are read late: a kernel that decrypts in the buffers that it shares
 * with this socket shows plain text here.
 */
static int tap(const char *device, const char *name)
{
	static uint8_t in[65536];
	struct { uint16_t family, protocol; int index; uint8_t rest[12]; } at;
	struct ifreq ifr = { 0 };
	unsigned long frames = 0;
	uint32_t sum = 0;
	int size = 8 << 20;
	FILE *file;
	ssize_t n;
	int fd;

	fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	if (fd < 0)
		die("packet socket: %s", strerror(errno));
	strncpy(ifr.ifr_name, device, IFNAMSIZ - 1);
	if (ioctl(fd, SIOCGIFINDEX, &ifr))
		die("%s: %s", device, strerror(errno));
	memset(&at, 0, sizeof(at));
	at.family = AF_PACKET;
	at.protocol = htons(ETH_P_ALL);
	at.index = ifr.ifr_ifindex;
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)))
		die("bind: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	end_on_signals();
	while (!ended || ready(fd, POLLIN, 0)) {
		if (!ended) {
			usleep(50000);
			if (!ready(fd, POLLIN, 100))
				continue;
		}
		while ((n = recv(fd, in, sizeof(in), MSG_DONTWAIT)) > 0) {
			/* IPv4 without options, protocol ESP */
			if (n < 34 || in[12] != 8 || in[13] || in[14] != 0x45 ||
			    in[23] != 50)
				continue;
			if (n > 14 + (in[16] << 8 | in[17]))
				n = 14 + (in[16] << 8 | in[17]);
			sum += adler32(in + 14, n - 14);
			frames++;
		}
	}
	file = fopen(name, "w");
	if (!file)
		die("%s: %s", name, strerror(errno));
	fprintf(file, "frames %lu sum %u\n", frames, sum);
	fclose(file);
	return 0;
}

/* --- speed, with both ends on one machine -------------------------------------- */

/* flows say that they are ready, and begin together */
static int are_ready[2], may_begin[2];

static void say_ready(void)
{
	if (write(are_ready[1], "", 1) != 1)
		die("no pipe: %s", strerror(errno));
}

static void await_begin(void)
{
	char byte;

	if (read(may_begin[0], &byte, 1) != 1)
		die("no pipe: %s", strerror(errno));
}

/*
 * One process is both ends, so that the receiver is never behind: a few
 * datagrams are out at a time, as many as a busy sender has in its queues.
 */
static int blast(const char *own, const char *host, size_t size, uint64_t count)
{
	static uint8_t in[65536];
	struct sockaddr_in at = address(host, 0);
	socklen_t len = sizeof(at);
	int to = bound_socket(SOCK_DGRAM, host, 0);
	int from = bound_socket(SOCK_DGRAM, own, 0);
	uint64_t sent = 0, got = 0;
	ssize_t n;

	if (getsockname(to, (struct sockaddr *)&at, &len) ||
	    connect(from, (struct sockaddr *)&at, sizeof(at)))
		die("connect: %s", strerror(errno));
	say_ready();
	await_begin();
	while (got < count) {
		while (sent < count && sent - got < 32) {
			if (send(from, content(size), size, 0) != (ssize_t)size)
				die("send: %s", strerror(errno));
			sent++;
		}
		n = recv(to, in, sizeof(in), sent == count || sent - got == 32 ?
			 0 : MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			continue;
		if (n != (ssize_t)size || memcmp(in, content(size), size))
			die("datagram %llu is wrong", (unsigned long long)got);
		got++;
	}
	return 0;
}

static int bulk(const char *own, const char *host, uint64_t bytes)
{
	static uint8_t in[65536];
	struct sockaddr_in at = address(host, 0);
	socklen_t len = sizeof(at);
	int server = bound_socket(SOCK_STREAM, host, 0), from, to;
	uint64_t sent = 0, got = 0;
	ssize_t n;

	if (getsockname(server, (struct sockaddr *)&at, &len) || listen(server, 1))
		die("listen: %s", strerror(errno));
	if (!fork()) {
		from = bound_socket(SOCK_STREAM, own, 0);
		if (connect(from, (struct sockaddr *)&at, sizeof(at)))
			_exit(1);
		await_begin();
		while (sent < bytes) {
			n = bytes - sent < 65536 ? bytes - sent : 65536;
			n = write(from, table, n);
			if (n <= 0)
				_exit(1);
			sent += n;
		}
		_exit(0);
	}
	to = accept(server, NULL, NULL);
	if (to < 0)
		die("accept: %s", strerror(errno));
	say_ready();
	while ((n = read(to, in, sizeof(in))) > 0)
		got += n;
	if (got != bytes)
		die("%llu of %llu bytes came", (unsigned long long)got,
		    (unsigned long long)bytes);
	return 0;
}

/* see tests/qemu/insn.c */
static uint64_t mark(void)
{
	const char *clock = getenv("CLOCK");

	if (sethostname("traffic", 7))
		die("sethostname: %s", strerror(errno));
	return clock && !strcmp(clock, "ticks") ? __builtin_ia32_rdtsc() : now_ns();
}

/* all flows at once; pairs are their ends */
static int flows(int is_blast, size_t size, uint64_t amount, char **pairs)
{
	uint64_t start;
	char byte;
	int n, status;

	if (pipe(are_ready) || pipe(may_begin))
		die("pipe: %s", strerror(errno));
	for (n = 0; pairs[2 * n] && pairs[2 * n + 1]; n++)
		if (!fork())
			_exit(is_blast ?
			      blast(pairs[2 * n], pairs[2 * n + 1], size, amount) :
			      bulk(pairs[2 * n], pairs[2 * n + 1], amount));
	if (!n || pairs[2 * n])
		die("a flow has two ends");
	close(are_ready[1]);
	for (status = 0; status < n; status++)
		if (read(are_ready[0], &byte, 1) != 1)
			die("a flow does not begin");
	start = mark();
	for (status = 0; status < n; status++)
		if (write(may_begin[1], "", 1) != 1)
			die("no pipe: %s", strerror(errno));
	while (wait(&status) > 0)
		if (status)
			die("a flow has failed");
	printf("%llu\n", (unsigned long long)(mark() - start));
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	char **arg = argv + 2;
	int n = argc - 2;

	setvbuf(stdout, NULL, _IOLBF, 0);
	fill_table();
	if (!strcmp(what, "serve") && n == 1)
		return serve(number(arg[0], 65535));
	if (!strcmp(what, "udp") && n >= 3)
		return echoes(connected_socket(SOCK_DGRAM, 0,
			address(arg[0], number(arg[1], 65535))), 0, arg + 2);
	if (!strcmp(what, "icmp") && n >= 2)
		return echoes(connected_socket(SOCK_RAW, IPPROTO_ICMP,
			address(arg[0], 0)), 1, arg + 1);
	if (!strcmp(what, "tcp") && n == 3)
		return stream(connected_socket(SOCK_STREAM, 0,
			address(arg[0], number(arg[1], 65535))),
			number(arg[2], 1ul << 40), -1);
	if (!strcmp(what, "sendfile") && n == 4)
		return send_file(connected_socket(SOCK_STREAM, 0,
			address(arg[0], number(arg[1], 65535))), arg[2],
			number(arg[3], 1ul << 40));
	if (!strcmp(what, "flood") && n == 5)
		return flood(address(arg[0], number(arg[1], 65535)),
			number(arg[2], LONGEST), number(arg[3], 1 << 24),
			number(arg[4], 1 << 16));
	if (!strcmp(what, "sink") && n == 2)
		return sink(number(arg[0], 65535), arg[1]);
	if (!strcmp(what, "encap") && n == 2)
		return encap(number(arg[0], 65535), arg[1]);
	if (!strcmp(what, "tap") && n == 2)
		return tap(arg[0], arg[1]);
	if (!strcmp(what, "blast") && n >= 4)
		return flows(1, number(arg[0], LONGEST), number(arg[1], 1 << 30), arg + 2);
	if (!strcmp(what, "stream") && n >= 3)
		return flows(0, 0, number(arg[0], 1ul << 40), arg + 1);
	fprintf(stderr, "traffic: wrong usage; see the top of traffic.c\n");
	return 2;
}
