#include "bench/whole/whole_redis.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIPELINE   "16"
#define SOCKET	   "socket" /* relative: paths of sockets are short */
#define VALUES	   2000
#define VALUE_MOST 20000
#define REPLY_MOST (1u << 16)

struct client {
	int fd;
	size_t begin, end; /* what is unread of buf */
	char buf[REPLY_MOST];
};

static struct client client;

static int client_open(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET};

	client.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client.fd < 0)
		return -errno;
	if (connect(client.fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return 0;
	int err = -errno;

	close(client.fd);
	return err;
}

static int send_all(const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = send(client.fd, bytes, len, MSG_NOSIGNAL);

		if (n <= 0)
			return n < 0 ? -errno : -EPIPE;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

static int next_byte(void)
{
	if (client.begin == client.end) {
		ssize_t n = recv(client.fd, client.buf, sizeof(client.buf), 0);

		if (n <= 0)
			return -1;
		client.begin = 0;
		client.end = (size_t)n;
	}
	return (unsigned char)client.buf[client.begin++];
}

/* One reply that is a line, or a text of a stated length. Its length; -1 on any trouble. */
static int64_t read_reply(char *ret, size_t size)
{
	size_t len = 0;
	int c, kind = next_byte();

	while ((c = next_byte()) >= 0 && c != '\n') {
		if (c != '\r' && len + 1 < size)
			ret[len++] = (char)c;
	}
	ret[len] = '\0';
	if (c < 0 || kind == '-' || kind < 0)
		return -1;
	if (kind != '$')
		return (int64_t)len;
	int64_t want = strtoll(ret, NULL, 10);

	if (want < 0 || (size_t)want >= size)
		return -1;
	for (int64_t i = 0; i < want + 2; i++) {
		if ((c = next_byte()) < 0)
			return -1;
		ret[i < want ? i : want] = (char)c;
	}
	ret[want] = '\0';
	return want;
}

static int64_t ask(const char *command, char *ret, size_t size)
{
	char line[256];
	int len = snprintf(line, sizeof(line), "%s\r\n", command);

	return send_all(line, (size_t)len) == 0 ? read_reply(ret, size) : -1;
}

static size_t value_of(unsigned n, char *ret)
{
	size_t len = (size_t)n * 7919 % VALUE_MOST;

	for (size_t i = 0; i < len; i++)
		ret[i] = (char)('a' + (n + i * i) % 26);
	return len;
}

/* Each value is set in one part and grown by another, so that it moves. */
static int store_value(const char *command, unsigned n, const char *value, size_t len)
{
	char head[128], reply[64];
	int head_len = snprintf(head, sizeof(head), "*3\r\n$%zu\r\n%s\r\n$8\r\nv%07u\r\n$%zu\r\n",
				strlen(command), command, n, len);

	if (send_all(head, (size_t)head_len) != 0 || send_all(value, len) != 0 ||
	    send_all("\r\n", 2) != 0)
		return -EPIPE;
	return read_reply(reply, sizeof(reply)) < 0 ? -EPROTO : 0;
}

static bool values_hold(void)
{
	static char value[VALUE_MOST], reply[REPLY_MOST];

	for (unsigned n = 0; n < VALUES; n++) {
		size_t len = value_of(n, value), half = len / 2;

		if (store_value("SET", n, value, half) != 0 ||
		    store_value("APPEND", n, value + half, len - half) != 0)
			return false;
	}
	for (unsigned n = 0; n < VALUES; n++) {
		char command[32];
		size_t len = value_of(n, value);

		snprintf(command, sizeof(command), "GET v%07u", n);
		if (ask(command, reply, sizeof(reply)) != (int64_t)len ||
		    memcmp(reply, value, len) != 0)
			return false;
	}
	return true;
}

/* "cmdstat_get:calls=300000,...,failed_calls=0": the calls and what failed. */
static void say_calls(FILE *out, const char *stats, const char *command)
{
	char name[32];

	snprintf(name, sizeof(name), "cmdstat_%s:calls=", command);
	const char *at = strstr(stats, name);
	const char *line_end = at ? strchr(at, '\r') : NULL;
	const char *failed = at ? strstr(at, "failed_calls=") : NULL;

	fprintf(out, "%s %lld failed %lld\n", command,
		at ? strtoll(at + strlen(name), NULL, 10) : -1,
		failed && failed < line_end ? strtoll(failed + 13, NULL, 10) : -1);
}

/* Until the server listens. The launcher ends this process when time is over. */
static int await_server(struct job *j)
{
	char reply[64];

	(void)j;
	while (client_open() != 0)
		poll(NULL, 0, 1);
	return ask("PING", reply, sizeof(reply)) == 4 && strcmp(reply, "PONG") == 0 ? 0 : 1;
}

static int check_values(struct job *j)
{
	static char stats[REPLY_MOST];
	FILE *out = fopen(j->program->output, "wxe");

	if (!out || client_open() != 0)
		return 1;
	fprintf(out, "values %s\n", values_hold() ? "hold" : "do not hold");
	if (ask("INFO commandstats", stats, sizeof(stats)) < 0)
		return 1;
	say_calls(out, stats, "set");
	say_calls(out, stats, "get");
	say_calls(out, stats, "lpush");
	say_calls(out, stats, "lpop");
	say_calls(out, stats, "append");
	return fclose(out) == 0 ? 0 : 1;
}

static int flush_all(struct job *j)
{
	char reply[64];

	(void)j;
	return client_open() == 0 && ask("FLUSHALL SYNC", reply, sizeof(reply)) >= 0 ? 0 : 1;
}

/* It answers by hanging up. */
static int shut_down(struct job *j)
{
	char reply[64];

	(void)j;
	if (client_open() != 0)
		return 1;
	ask("SHUTDOWN NOSAVE", reply, sizeof(reply));
	return 0;
}

/*
 * A client's failure may be the first sign of a server that is dying: it gets a second for that.
 * JOB_EXIT with j->main_status -1: the server stands, and does not do its work.
 */
static enum job_end judge_failure(struct job *j, const char *stage)
{
	uint64_t deadline = j->deadline_ns, patience = watch_now_ns() + 1000000000u;
	int status;

	j->client_failed = true;
	snprintf(j->text, sizeof(j->text), "%s failed", stage);
	j->deadline_ns = patience < deadline ? patience : deadline;
	enum job_end end = job_wait(j, j->main_pid, &status);

	if (end == JOB_TIMEOUT && patience < deadline)
		end = JOB_EXIT;
	else
		j->client_failed = false;
	j->deadline_ns = deadline;
	return end;
}

/* One client, from start to end. JOB_EXIT, the server running, none failed: it did its work. */
static enum job_end run_client(struct job *j, const char *stage, const struct job_command *c)
{
	int status;
	pid_t pid;

	j->stage = stage;
	int err = job_start(j, c, &pid);

	if (err) {
		snprintf(j->text, sizeof(j->text), "%s: %s", stage, strerror(-err));
		return JOB_BROKEN;
	}
	enum job_end end = job_wait(j, pid, &status);

	return end == JOB_EXIT && j->main_status == -1 && status != 0 ? judge_failure(j, stage)
								      : end;
}

static bool goes_on(const struct job *j, enum job_end end)
{
	return end == JOB_EXIT && j->main_status == -1 && !j->client_failed;
}

static enum job_end run_work(struct job *j, const char *stage, int (*work)(struct job *))
{
	struct job_command c = {.work = work, .output = "client"};

	return run_client(j, stage, &c);
}

/* `requests` of each sort, of values of `size` bytes under `keys` names. */
static enum job_end run_benchmark(struct job *j, unsigned requests, unsigned keys, unsigned size)
{
	char count[16], range[16], bytes[16], tool[PATH_MAX];
	const char *args[] = {"redis-benchmark",
			      "-s",
			      SOCKET,
			      "-n",
			      count,
			      "-r",
			      range,
			      "-d",
			      bytes,
			      "-P",
			      PIPELINE,
			      "-c",
			      "20",
			      "-t",
			      "set,get,lpush,lpop",
			      "--csv",
			      NULL};
	struct job_command c = {.tool = tool, .args = args, .output = "benchmark"};
	/* Whole pipelines: their number is then exact. */
	unsigned n = (unsigned)((uint64_t)requests * j->percent / 100 / 16 + 1) * 16;

	snprintf(count, sizeof(count), "%u", n);
	snprintf(range, sizeof(range), "%u", keys);
	snprintf(bytes, sizeof(bytes), "%u", size);
	if (whole_find_tool("redis-benchmark", tool) != 0) {
		snprintf(j->text, sizeof(j->text), "redis-benchmark is not there");
		return JOB_BROKEN;
	}
	return run_client(j, "redis-benchmark", &c);
}

/* From the first request to the last. */
static enum job_end run_load(struct job *j)
{
	uint64_t began = watch_now_ns();
	enum job_end end = run_benchmark(j, 100000, 50000, 100);

	if (goes_on(j, end))
		end = run_benchmark(j, 20000, 5000, 2000);
	if (goes_on(j, end))
		end = run_work(j, "reading values back", check_values);
	j->load_ns = watch_now_ns() - began;
	return end;
}

enum job_end redis_run(struct job *j)
{
	int status;
	enum job_end end = run_work(j, "connecting", await_server);

	if (goes_on(j, end))
		end = run_load(j);
	if (goes_on(j, end))
		watch_read(&j->watch, j->main_pid, &j->final_rss, &j->final_maps);
	if (goes_on(j, end))
		end = run_work(j, "FLUSHALL", flush_all);
	if (goes_on(j, end))
		watch_read(&j->watch, j->main_pid, &j->final_rss, &j->final_maps);
	if (goes_on(j, end))
		end = run_work(j, "SHUTDOWN", shut_down);
	return goes_on(j, end) ? job_wait(j, j->main_pid, &status) : end;
}
