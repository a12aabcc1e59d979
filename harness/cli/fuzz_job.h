/*
 * fuzz_job.h - what a fuzz target (fuzz/target.h) and its supervisor (cmd_fuzz.c) tell each other.
 *
 * The supervisor starts targets with the flags below beside libFuzzer's own. A target that is told
 * where to report goes on after a finding: it confirms it, makes a folder of it there
 * (finding_folder.h, folder_create in the inbox), and counts it. All counts are on one page in a
 * file that both map; the supervisor may read at any time and after the target's end.
 *
 *	--allocator=NAME|FILE   also ALLOCRIG_FUZZ_ALLOCATOR; glibc without
 *	--other=NAME|FILE       of fuzz_diff: whom it is compared with; also ALLOCRIG_FUZZ_OTHER
 *	--load=preload|dlopen
 *	--inbox=FOLDER          findings go there and fuzzing goes on; without, the first new one
 *				is told and ends the target by abort(), as engines expect it
 *	--skip=FILE             signatures that are filed already, one a line: not reported again
 *	--stats=FILE            a struct job_stats
 *	--hang-after=TIME       1s
 *	--climb=maps|retained|lost|latency
 *	--worst=FILE            of --climb: the worst program so far, as text, replaced by renaming
 *	--strict                findings that the profile knows count as new
 *	--no-state              code coverage of the allocator alone is told to the engine
 *	--bytes                 mutations by bytes alone
 */
#ifndef CLI_FUZZ_JOB_H
#define CLI_FUZZ_JOB_H

#include <stdatomic.h>
#include <stdint.h>

#define JOB_STATS_ABI 1

struct job_stats {
	_Atomic uint32_t abi; /* JOB_STATS_ABI once the target has begun */
	_Atomic uint32_t pid;
	_Atomic uint64_t inputs;      /* run to their end, whatever it was */
	_Atomic uint64_t executed;    /* ops */
	_Atomic uint64_t children;    /* that were started to be fed */
	_Atomic uint64_t findings;    /* inputs with findings that are not known */
	_Atomic uint64_t known;	      /* inputs with known findings alone */
	_Atomic uint64_t reported;    /* folders in the inbox */
	_Atomic uint64_t unconfirmed; /* signatures that neither a fresh child nor history showed */
	_Atomic uint64_t refused;     /* inputs that could not be run (ballast, ...) */
	_Atomic uint64_t edges, edges_seen; /* of an instrumented allocator */
	_Atomic uint64_t peak_maps;	    /* the highest */
	_Atomic uint64_t worst_milli;	    /* --climb: of the goal, in thousandths */
	_Atomic uint64_t ns_child;	    /* spent waiting for the child */
	_Atomic uint64_t ns_confirming;
};

#endif
