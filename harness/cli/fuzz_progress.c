#include "harness/cli/fuzz_progress.h"

#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "harness/cli/fuzz_clock.h"
#include "harness/cli/print.h"

#define POLL_MS	  250
#define MINUTE_NS (60 * (uint64_t)FUZZ_NS_PER_S)
#define RATE_NS	  (2 * (uint64_t)FUZZ_NS_PER_S)

struct time_text {
	char s[24];
};

static struct time_text time_text(uint64_t ns)
{
	uint64_t s = ns / FUZZ_NS_PER_S;
	struct time_text t;

	snprintf(t.s, sizeof(t.s), "%" PRIu64 ":%02" PRIu64, s / 60, s % 60);
	return t;
}

int progress_poll_ms(void)
{
	return POLL_MS;
}

void progress_begin(struct fuzz_progress *p, const struct fuzz_session *s)
{
	*p = (struct fuzz_progress){.said_ns = s->begin_ns, .rate_ns = s->begin_ns};
}

static void measure(struct fuzz_progress *p, uint64_t inputs, uint64_t now)
{
	double seconds = (double)(now - p->rate_ns) / FUZZ_NS_PER_S;

	if (p->rate > 0 && now - p->rate_ns < RATE_NS)
		return;
	p->rate = seconds > 0 ? (double)(inputs - p->inputs) / seconds : 0;
	p->inputs = inputs;
	p->rate_ns = now;
}

static void put(const struct fuzz_progress *p, const struct fuzz_session *s, char *line,
		size_t size)
{
	struct fuzz_totals all = session_totals(s), own = session_own(s);
	uint64_t now = fuzz_now_ns(), end = s->targets_plan.end_ns;
	bool fuzzing = targets_run(&s->targets);
	const struct worker_words doing = worker_says(&s->worker);
	size_t len = (size_t)snprintf(line, size, "%s %s", s->subject->ref.name,
				      time_text(now - s->begin_ns).s);

	if (fuzzing && len < size)
		len += (size_t)snprintf(line + len, size - len, "/%s  %.0f inputs/s",
					time_text(end - s->begin_ns).s, p->rate);
	if (len < size)
		len += (size_t)snprintf(
			line + len, size - len,
			"  corpus %" PRIu64 "  features %" PRIu64
			"  findings %zu+%zu  known %" PRIu64 "  worst maps %" PRIu64,
			targets_corpus(&s->targets), all.features, s->filing.nnew,
			s->filing.n - s->filing.nnew, own.known_inputs, all.peak_maps);
	if (doing.s[0] && len < size)
		snprintf(line + len, size - len, "  %s", doing.s);
}

/* A line that wraps could not be replaced. */
static void cut_to_terminal(char *line)
{
	struct winsize w;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 1 && strlen(line) >= w.ws_col)
		line[w.ws_col - 1] = '\0';
}

void progress_say(struct fuzz_progress *p, const struct fuzz_session *s)
{
	bool terminal = isatty(STDERR_FILENO);
	uint64_t now = fuzz_now_ns();
	char line[512];

	if (now - p->said_ns < (terminal ? POLL_MS * UINT64_C(1000000) : MINUTE_NS))
		return;
	p->said_ns = now;
	measure(p, session_own(s).inputs, now);
	put(p, s, line, sizeof(line));
	if (!terminal) {
		fprintf(stderr, "%s\n", line);
		return;
	}
	cut_to_terminal(line);
	print_progress("%s", line);
}
