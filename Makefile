# Front door. Every target first installs what packages.txt lists and is missing; nothing here
# needs more than make and git before that.

BUILD := build
RESULTS := results
CONFIGURE := cmake -G Ninja -S . -DCMAKE_BUILD_TYPE=RelWithDebInfo
# Where tests alone run nobody waits for the code, but for the compiler.
TESTS_ALONE := -DALLOCRIG_OPTIMIZE='-O1 -g1'
# Says nothing when there is nothing to do.
NINJA := ninja --quiet

.DEFAULT_GOAL := all
.PHONY: all audit bench bench-full bench-feed bench-guard bench-interp bench-tape fuzz test trees format clean help packages
.DELETE_ON_ERROR:

help:
	@echo 'make           build everything; leaves $(BUILD)/allocrig'
	@echo 'make audit     judge every allocator on this machine; leaves $(RESULTS)/audit.jsonl'
	@echo 'make test      build with gcc, clang and sanitizers, and run every test'
	@echo 'make fuzz      fuzz for FUZZ_TIME=120 seconds; findings in $(RESULTS)/fuzz, small new programs in corpus/fuzzed'
	@echo 'make bench     measure every allocator on the quick set, 3 minutes; leaves $(RESULTS)/bench.jsonl'
	@echo 'make bench-full  all workloads, what is given back, and the map limit; hours; goes on when called again'
	@echo 'make bench-feed    what an input costs that is fed to one child'
	@echo 'make bench-guard   what guard costs beside glibc'
	@echo 'make bench-interp  what running a program costs beyond its calls'
	@echo 'make bench-tape    what seeing every kernel call costs'
	@echo 'make format    lay out the C files as .clang-format says'
	@echo 'make clean     remove $(BUILD)/ and $(RESULTS)/'

packages:
	@tools/install-packages.sh

$(BUILD)/build.ninja: | packages
	@$(CONFIGURE) -B $(BUILD) -DCMAKE_C_COMPILER=gcc -DALLOCRIG_ALL_TREES=ON

$(BUILD)/clang/build.ninja: | packages
	@$(CONFIGURE) -B $(BUILD)/clang -DCMAKE_C_COMPILER=clang $(TESTS_ALONE)

$(BUILD)/asan/build.ninja: | packages
	@$(CONFIGURE) -B $(BUILD)/asan -DCMAKE_C_COMPILER=gcc -DALLOCRIG_SANITIZE=ON $(TESTS_ALONE)

$(BUILD)/tsan/build.ninja: | packages
	@$(CONFIGURE) -B $(BUILD)/tsan -DCMAKE_C_COMPILER=gcc -DALLOCRIG_TSAN=ON

$(BUILD)/libfuzzer/build.ninja: | packages
	@$(CONFIGURE) -B $(BUILD)/libfuzzer -DCMAKE_C_COMPILER=clang -DALLOCRIG_FUZZ=ON

all: packages $(BUILD)/build.ninja
	@$(NINJA) -C $(BUILD)

# Findings are what an audit is for: exit code 1 says that there were some, not that it failed.
audit: all
	@mkdir -p $(RESULTS)
	@$(BUILD)/allocrig audit --json $(RESULTS)/audit.jsonl || [ $$? -eq 1 ]

trees: all $(BUILD)/clang/build.ninja $(BUILD)/asan/build.ninja $(BUILD)/tsan/build.ninja \
		$(BUILD)/libfuzzer/build.ninja
	@grep -q '^ALLOCRIG_ALL_TREES:BOOL=ON' $(BUILD)/CMakeCache.txt || \
		cmake -DALLOCRIG_ALL_TREES=ON $(BUILD)
	@$(NINJA) -C $(BUILD)/clang
	@$(NINJA) -C $(BUILD)/asan unit-tests allocrig
	@$(NINJA) -C $(BUILD)/tsan allocrig allocrig-child
	@$(NINJA) -C $(BUILD)/libfuzzer fuzz-targets

# An allocator that crashes or refuses is a result (exit code 1). The quick set is made anew each
# time; what takes hours goes on where it was interrupted, until FRESH=--fresh is said.
BENCH := $(BUILD)/allocrig bench

bench: all
	@mkdir -p $(RESULTS)
	@$(BENCH) --quick --fresh --json $(RESULTS)/bench.jsonl || [ $$? -eq 1 ]

bench-full: all
	@mkdir -p $(RESULTS)
	@$(BENCH) --reps 10 $(FRESH) --json $(RESULTS)/bench-full.jsonl || [ $$? -eq 1 ]
	@$(BENCH) --after idle --after light --after purge --latency off --reps 3 $(FRESH) \
		--workload 'drain*' --workload larson --workload mstress --workload rptest \
		--workload kv-server --workload fragmenter --json $(RESULTS)/bench-after.jsonl \
		|| [ $$? -eq 1 ]
	@$(BENCH) maps --limit 120s $(FRESH) --json $(RESULTS)/bench-maps.jsonl || [ $$? -eq 1 ]

# What guard costs beside glibc, and what is mapped then and afterwards.
bench-guard: all
	@$(BUILD)/guard-bench

# What the harness itself costs per op.
bench-interp: all
	@$(BUILD)/interp-bench

# What the trap and the ledger cost per kernel call, and per call that makes none.
bench-tape: all
	@$(BUILD)/tape-bench

# What an input of a fuzzer costs.
bench-feed: all
	@$(BUILD)/feed-bench

# Seconds.
FUZZ_TIME ?= 120

fuzz: all $(BUILD)/libfuzzer/build.ninja
	@$(NINJA) -C $(BUILD)/libfuzzer fuzz-targets
	@tools/fuzz_make.py --build $(BUILD) --results $(RESULTS)/fuzz --time $(FUZZ_TIME)

test: trees
	@ctest --test-dir $(BUILD) -j 3 --output-on-failure --no-tests=error

format: packages
	@tools/sources.sh '*.c' '*.h' '*.cc' | xargs -r clang-format -i

clean:
	@rm -rf $(BUILD) $(RESULTS)
