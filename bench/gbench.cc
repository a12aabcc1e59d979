#include "bench/gbench.h"

#include <algorithm>
#include <benchmark/benchmark.h>
#include <cmath>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/* Exported, but in a header of the library that is not installed. */
namespace benchmark
{
extern std::string FLAGS_benchmark_out, FLAGS_benchmark_out_format;
} // namespace benchmark

using benchmark::BenchmarkReporter;
using benchmark::ConsoleReporter;
using benchmark::Counter;
using benchmark::State;
using Run = BenchmarkReporter::Run;

/* `left`: iterations that were not handed out yet. */
struct gbench_state {
	State &state;
	uint64_t left;
};

namespace
{

/* Rows travel as counters, which get aggregates, under "row\nNAME\nUNIT": no other has a newline.
 */
const std::string ROW = "row\n";
/* What names of rows may add to those of benchmarks, for columns of the console. */
const size_t ROW_WIDTH = 16;

benchmark::internal::Benchmark *family(struct gbench *b)
{
	return reinterpret_cast<benchmark::internal::Benchmark *>(b);
}

bool is_row(const std::pair<const std::string, Counter> &counter)
{
	return counter.first.compare(0, ROW.size(), ROW) == 0;
}

/* What JSON can say: the variation of nothing but zeros is 0 here. */
double finite(double value)
{
	return std::isfinite(value) ? value : 0;
}

/* Passes everything on to a reporter of the library, rows as runs. */
class RowReporter : public BenchmarkReporter
{
      public:
	RowReporter(BenchmarkReporter *to, bool *ret_failed)
	    : to_(to), console_(dynamic_cast<ConsoleReporter *>(to)), failed_(ret_failed)
	{
	}

	bool ReportContext(const Context &context) override;
	void ReportRuns(const std::vector<Run> &runs) override;
	void Finalize() override;

      private:
	void add(const Run &run);
	void print(const Run &row);
	void pass_on();

	BenchmarkReporter *to_;
	ConsoleReporter *console_; /* NULL: in another format */
	bool *failed_;
	int width_ = 0;
	std::vector<Run> runs_; /* not yet passed on */
};

Run row_run(const Run &of, const std::string &key, double value)
{
	size_t end = key.find('\n', ROW.size());
	std::string name = key.substr(ROW.size(), end - ROW.size());
	Run r = of;

	/* The last part of a name. */
	r.run_name.threads += (r.run_name.threads.empty() ? "" : "/") + name;
	r.report_label = key.substr(end + 1);
	r.counters.clear();
	r.time_unit = benchmark::kNanosecond;
	/* So many seconds in 10^9 iterations are as many ns each, and exactly so. A share is shown
	 * as it is. */
	r.iterations = 1000000000;
	r.real_accumulated_time = r.cpu_accumulated_time = finite(value);
	return r;
}

Run plain_run(const Run &of)
{
	Run r = of;

	r.counters.clear();
	for (const auto &counter : of.counters) {
		if (!is_row(counter))
			r.counters.insert(counter);
	}
	for (auto &counter : r.counters)
		counter.second.value = finite(counter.second.value);
	r.real_accumulated_time = finite(r.real_accumulated_time);
	r.cpu_accumulated_time = finite(r.cpu_accumulated_time);
	return r;
}

bool RowReporter::ReportContext(const Context &context)
{
	Context wider = context;

	wider.name_field_width += ROW_WIDTH;
	width_ = static_cast<int>(wider.name_field_width);
	to_->SetOutputStream(&GetOutputStream());
	to_->SetErrorStream(&GetErrorStream());
	return to_->ReportContext(wider);
}

void RowReporter::ReportRuns(const std::vector<Run> &runs)
{
	for (const Run &run : runs)
		add(run);
	pass_on();
}

void RowReporter::Finalize()
{
	to_->Finalize();
	if (!GetOutputStream().flush())
		*failed_ = true;
}

void RowReporter::add(const Run &run)
{
	runs_.push_back(plain_run(run));
	for (const auto &counter : run.counters) {
		if (!is_row(counter))
			continue;
		Run row = row_run(run, counter.first, counter.second.value);

		if (console_)
			print(row);
		else
			runs_.push_back(row);
	}
}

/* The library's own line would say ns. */
void RowReporter::print(const Run &row)
{
	bool share =
		row.run_type == Run::RT_Aggregate && row.aggregate_unit == benchmark::kPercentage;
	std::ios before(nullptr);

	pass_on();
	std::ostream &out = GetOutputStream();

	before.copyfmt(out);
	out << std::left << std::setw(width_) << row.benchmark_name() << ' ' << std::right
	    << std::fixed << std::setw(13) << std::setprecision(share ? 2 : 0)
	    << row.real_accumulated_time * (share ? 100 : 1) << ' '
	    << (share ? "%" : row.report_label) << std::endl;
	out.copyfmt(before);
}

void RowReporter::pass_on()
{
	if (!runs_.empty())
		to_->ReportRuns(runs_);
	runs_.clear();
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
std::unique_ptr<BenchmarkReporter> file_reporter(const std::string &format)
{
	if (format == "csv")
		return std::make_unique<benchmark::CSVReporter>();
	if (format == "console")
		return std::make_unique<ConsoleReporter>(ConsoleReporter::OO_None);
	return std::make_unique<benchmark::JSONReporter>();
}
#pragma GCC diagnostic pop

} // namespace

struct gbench *gbench_register(const char *name, gbench_function *fn, void *ctx)
{
	auto call = [fn, ctx](State &state) {
		struct gbench_state s = {state, static_cast<uint64_t>(state.max_iterations)};

		fn(&s, ctx);
	};

	return reinterpret_cast<struct gbench *>(benchmark::RegisterBenchmark(name, call));
}

void gbench_arg(struct gbench *b, int64_t value)
{
	family(b)->Arg(value);
}

void gbench_args(struct gbench *b, const int64_t *values, size_t n)
{
	family(b)->Args(std::vector<int64_t>(values, values + n));
}

void gbench_range_multiplier(struct gbench *b, int multiplier)
{
	family(b)->RangeMultiplier(multiplier);
}

void gbench_range(struct gbench *b, struct gbench_span span)
{
	family(b)->Range(span.first, span.last);
}

void gbench_dense_range(struct gbench *b, struct gbench_span span, int step)
{
	family(b)->DenseRange(span.first, span.last, step);
}

void gbench_ranges(struct gbench *b, const struct gbench_span *spans, size_t n)
{
	std::vector<std::pair<int64_t, int64_t>> all;

	for (size_t i = 0; i < n; i++)
		all.emplace_back(spans[i].first, spans[i].last);
	family(b)->Ranges(all);
}

void gbench_product(struct gbench *b, const struct gbench_list *lists, size_t n)
{
	std::vector<std::vector<int64_t>> all;

	for (size_t i = 0; i < n; i++)
		all.emplace_back(lists[i].values, lists[i].values + lists[i].n);
	family(b)->ArgsProduct(all);
}

void gbench_arg_names(struct gbench *b, const char *const *names, size_t n)
{
	family(b)->ArgNames(std::vector<std::string>(names, names + n));
}

void gbench_threads(struct gbench *b, int threads)
{
	family(b)->Threads(threads);
}

void gbench_thread_range(struct gbench *b, int least, int most)
{
	family(b)->ThreadRange(least, most);
}

void gbench_dense_thread_range(struct gbench *b, int least, int most, int step)
{
	family(b)->DenseThreadRange(least, most, step);
}

void gbench_thread_per_cpu(struct gbench *b)
{
	family(b)->ThreadPerCpu();
}

void gbench_iterations(struct gbench *b, int64_t n)
{
	family(b)->Iterations(n);
}

void gbench_repetitions(struct gbench *b, int n)
{
	family(b)->Repetitions(n);
}

void gbench_min_time(struct gbench *b, double s)
{
	family(b)->MinTime(s);
}

void gbench_min_warmup_time(struct gbench *b, double s)
{
	family(b)->MinWarmUpTime(s);
}

void gbench_unit(struct gbench *b, enum gbench_unit unit)
{
	static const benchmark::TimeUnit units[] = {benchmark::kNanosecond, benchmark::kMicrosecond,
						    benchmark::kMillisecond, benchmark::kSecond};

	family(b)->Unit(units[unit]);
}

void gbench_real_time(struct gbench *b)
{
	family(b)->UseRealTime();
}

void gbench_manual_time(struct gbench *b)
{
	family(b)->UseManualTime();
}

void gbench_process_cpu_time(struct gbench *b)
{
	family(b)->MeasureProcessCPUTime();
}

void gbench_aggregates_only(struct gbench *b)
{
	family(b)->ReportAggregatesOnly();
}

uint64_t gbench_batch(struct gbench_state *s, uint64_t most)
{
	uint64_t n = std::min(s->left, most);

	/* At the end the library is asked once more, which stops its clock. */
	if (!s->state.KeepRunningBatch(n > 0 ? static_cast<int64_t>(n) : 1))
		n = 0;
	s->left -= n;
	return n;
}

uint64_t gbench_total(const struct gbench_state *s)
{
	return static_cast<uint64_t>(s->state.max_iterations);
}

int64_t gbench_value(const struct gbench_state *s, size_t arg)
{
	return s->state.range(arg);
}

unsigned gbench_thread(const struct gbench_state *s)
{
	return static_cast<unsigned>(s->state.thread_index());
}

unsigned gbench_thread_count(const struct gbench_state *s)
{
	return static_cast<unsigned>(s->state.threads());
}

void gbench_pause(struct gbench_state *s)
{
	s->state.PauseTiming();
}

void gbench_resume(struct gbench_state *s)
{
	s->state.ResumeTiming();
}

void gbench_set_time(struct gbench_state *s, double seconds)
{
	s->state.SetIterationTime(seconds);
}

void gbench_skip(struct gbench_state *s, const char *why)
{
	s->state.SkipWithError(why);
}

bool gbench_skipped(const struct gbench_state *s)
{
	return s->state.error_occurred();
}

void gbench_label(struct gbench_state *s, const char *label)
{
	s->state.SetLabel(label);
}

void gbench_items(struct gbench_state *s, uint64_t items)
{
	s->state.SetItemsProcessed(static_cast<int64_t>(items));
}

void gbench_bytes(struct gbench_state *s, uint64_t bytes)
{
	s->state.SetBytesProcessed(static_cast<int64_t>(bytes));
}

void gbench_count(struct gbench_state *s, const char *name, double value, unsigned flags)
{
	static const std::pair<unsigned, Counter::Flags> each[] = {
		{GBENCH_RATE, Counter::kIsRate},
		{GBENCH_THREAD_AVERAGE, Counter::kAvgThreads},
		{GBENCH_PER_ITERATION, Counter::kIsIterationInvariant},
		{GBENCH_AVERAGE, Counter::kAvgIterations},
		{GBENCH_INVERT, Counter::kInvert},
	};
	Counter::Flags theirs = Counter::kDefaults;

	for (const auto &flag : each) {
		if (flags & flag.first)
			theirs = theirs | flag.second;
	}
	s->state.counters[name] =
		Counter(value, theirs, flags & GBENCH_1024 ? Counter::kIs1024 : Counter::kIs1000);
}

void gbench_row(struct gbench_state *s, const char *name, double value, const char *unit)
{
	s->state.counters[ROW + name + "\n" + unit] = Counter(value);
}

void gbench_context(const char *key, const char *value)
{
	benchmark::AddCustomContext(key, value);
}

int gbench_main(int argc, char **argv)
{
	bool failed = false;

	benchmark::Initialize(&argc, argv);
	if (benchmark::ReportUnrecognizedArguments(argc, argv))
		return 3;
	RowReporter display(benchmark::CreateDefaultDisplayReporter(), &failed);
	std::unique_ptr<BenchmarkReporter> to =
		file_reporter(benchmark::FLAGS_benchmark_out_format);
	RowReporter file(to.get(), &failed);
	bool has_file = !benchmark::FLAGS_benchmark_out.empty();
	size_t matched = benchmark::RunSpecifiedBenchmarks(&display, has_file ? &file : nullptr);

	benchmark::Shutdown();
	if (failed)
		std::cerr << "cannot write all of the output\n";
	else if (matched == 0)
		return 3;
	return failed ? 2 : 0;
}
