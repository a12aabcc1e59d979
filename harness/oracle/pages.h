/*
 * pages.h - the reference model of the program's own mappings, page by page.
 *
 * It is told of every mapping call that the program makes and what the kernel answered, and
 * predicts from that alone, by the rules of mmap(2), mremap(2), madvise(2), mprotect(2), mlock(2),
 * fork(2): which pages are there, what an access to each does, what it reads, and how much is
 * resident. Any difference is a finding: the kernel is wrong, or somebody else (the allocator under
 * test) laid hands on the program's memory, or we are.
 *
 * Nouns. A region is a run of pages of one mapping with the same protection and advice. An object
 * is what shared pages belong to: a file, memfd or shm object, or the nameless one behind each
 * shared anonymous mapping (a shared mapping of /dev/zero is such a one). A private page is the
 * process's own: anonymous, or the copy of an object's page that a write has made. Content of a
 * page is its first word (8 bytes); all other bytes are zero, and are looked at too. A page whose
 * content or access cannot be predicted is unknown, and is not judged until it is known again.
 *
 * Everything is kept as runs of pages, so a mapping of terabytes costs as much as one of a page;
 * runs are split and joined where neighbours carry on. Memory is fixed (`capacity` runs per store);
 * what does not fit any more becomes unknown and is counted (pages_forgotten).
 *
 * Processes. After fork() each process has its own regions and private pages (its memory is a
 * copy); the content of objects is one for all, and lives in shared memory. One process at a time
 * works with a model (the caller sees to it).
 *
 * Cost: O(log n) per run touched; residency is kept up to date and costs nothing to ask.
 * Pure but for pages_access and pages_check_touched, which read and write the pages themselves.
 */
#ifndef ORACLE_PAGES_H
#define ORACLE_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/base/arena.h"
#include "harness/kernel/kernel_call.h"
#include "harness/oracle/finding.h"
#include "harness/oracle/model.h"

struct pages;

/*
 * Rules that may be switched to a wrong one, to show that the difference is seen. Each names the
 * rule as it is right. pages_rule_name gives the word for the command line: "dontneed-zeroes".
 */
enum pages_rule {
	PAGES_ALL_RIGHT,
	PAGES_DONTNEED_ZEROES,	     /* private anonymous pages read zero after MADV_DONTNEED */
	PAGES_DONTNEED_KEEPS_SHARED, /* shared ones keep their content */
	PAGES_UNMAP_ROUNDS_UP,	     /* a length is rounded up to whole pages */
	PAGES_PROTECT_STOPS_AT_HOLE, /* mprotect over a hole has changed what lies before it */
	PAGES_ADVICE_PASSES_HOLE,    /* madvise over a hole applies to what lies behind it too */
	PAGES_MREMAP_MOVES_CONTENT,
	PAGES_MREMAP_SHRINKS_TAIL,   /* and not the head */
	PAGES_DONTUNMAP_LEAVES_ZERO, /* the private source reads zero */
	PAGES_DUPLICATE_IS_SHARED,   /* old size 0: both mappings show one object */
	PAGES_FORK_COPIES_PRIVATE,   /* in both directions */
	PAGES_FORK_SHARES_SHARED,
	PAGES_DONTFORK_ABSENT,
	PAGES_WIPEONFORK_ZERO,
	PAGES_PRIVATE_FILE_COPIES, /* writes to a private file mapping never reach the file */
	PAGES_GUARD_DROPS_CONTENT, /* MADV_GUARD_INSTALL drops what was there */
	PAGES_MLOCK_POPULATES,
	PAGES_READ_COSTS_NOTHING, /* reading a fresh private anonymous page: the zero page */
	PAGES_RULES
};

const char *pages_rule_name(unsigned rule); /* NULL for PAGES_ALL_RIGHT */
int pages_rule_by_name(const char *name);   /* or -ENOENT */

struct pages_options {
	size_t page_bytes;
	uint64_t seed;	   /* of the words written */
	uint32_t capacity; /* runs in each store */
	bool thp_always;   /* any private anonymous region may get huge pages */
	bool shmem_huge;   /* and any that shows a memfd, shm object or shared anonymous memory */
	/*
	 * The kernel is the subject: an access that must not succeed but does is a finding, and an
	 * access that must succeed but does not is FINDING_WRONG_ACCESS. Else (an allocator is the
	 * subject) the latter is FINDING_LOST_CONTENT (RULE_CONTENT_VANISHED), and the former is
	 * not judged.
	 */
	bool kernel;
	enum pages_rule wrong;
};

/* Memory of the process's own, and memory that must be MAP_SHARED and at one place in all. */
size_t pages_private_bytes(const struct pages_options *o);
size_t pages_shared_bytes(const struct pages_options *o);
/* Both from arenas: the second one's memory is shared. Returns 0 or -ENOMEM. */
int pages_new(struct arena *own, struct arena *shared, const struct pages_options *o,
	      struct pages **ret_pages);

/*
 * A new file, memfd or shm object of `bytes` (all hole), known by the number that is returned; 0
 * when there is no room: mappings of object 0 that are not anonymous are unknown. It lives until
 * pages_object_drop was called and nothing maps it any more.
 */
uint32_t pages_object(struct pages *p, uint64_t bytes);
void pages_object_drop(struct pages *p, uint32_t object);
/*
 * It is a file of a file system (not memfd, shm, tmpfs): its pages may be dropped from the cache at
 * any time, and are cached in units of many pages, which one access maps.
 */
void pages_object_reclaimable(struct pages *p, uint32_t object);
void pages_truncate(struct pages *p, uint32_t object, uint64_t bytes);

/*
 * Follows one call that was made: mmap, munmap, mremap, mprotect, madvise, msync, mlock, munlock,
 * whether it succeeded or not (some fail half way). `object`: for an mmap with a descriptor what it
 * was of; /dev/zero and MAP_ANONYMOUS: 0.
 */
struct pages_call {
	const struct kernel_call *call;
	uint32_t object;
	bool anonymous; /* of an mmap: MAP_ANONYMOUS, or a descriptor of /dev/zero */
	/*
	 * The map count was so near its limit that a refusal may come from there: what a refused
	 * mprotect or munlock has changed before a hole is then not known.
	 */
	bool at_limit;
};
void pages_follow(struct pages *p, const struct pages_call *call);

/* Others may have changed these: unknown from here on, until the program maps or touches them. */
void pages_unknown(struct pages *p, uintptr_t start, uintptr_t end);

/* In the new process, right behind fork(). `proc` is unique among the processes of the run. */
void pages_forked(struct pages *p, unsigned proc);
/*
 * In its parent, when it is gone: objects that only it had are freed. `cut`: it did not come to its
 * end (killed), maybe in the middle of a change: the content of all objects is unknown.
 */
void pages_child_gone(struct pages *p, unsigned proc, bool cut);

enum page_access_kind {
	PAGES_CHECK, /* reads: OP_CHECK */
	PAGES_TOUCH, /* writes a new word: OP_TOUCH */
	PAGES_ADD    /* adds to the word: OP_ADD; judges what was there before */
};

struct page_access {
	enum page_access_kind kind;
	uintptr_t start, end; /* whole pages */
	uint64_t add;
};

/*
 * Accesses the pages one after the other and judges each against the prediction. Returns 0 when all
 * were accessed. Any access may fault: the caller guards it (crash_guard), and after a fault calls
 * pages_access_faulted with the address and the signal; that judges it, and the model knows of all
 * pages before. The access ends there.
 */
int pages_access(struct pages *p, const struct page_access *a, const struct call_event *e,
		 struct finding_sink *sink);
void pages_access_faulted(struct pages *p, uintptr_t address, int signal,
			  const struct call_event *e, struct finding_sink *sink);

/*
 * Reads and judges what the program wrote in [start, end) and what must be resident and readable
 * now, and nothing else: costs no memory. For the moment before pages go away, and the end. Faults
 * as above.
 */
int pages_check_touched(struct pages *p, uintptr_t start, uintptr_t end, const struct call_event *e,
			struct finding_sink *sink);

/* What an access at one page will do, and up to where the same holds. */
enum page_can {
	PAGE_FAULTS, /* SIGSEGV: nothing mapped, PROT_NONE, or a guard */
	PAGE_BUS,    /* SIGBUS: behind the end of the file */
	PAGE_READS,  /* and does not write: SIGSEGV */
	PAGE_WRITES, /* and reads */
	PAGE_UNKNOWN
};

struct page_view {
	enum page_can can;
	uintptr_t end;	  /* the same holds in [at, end) */
	bool known;	  /* the word is one of these two */
	uint64_t word[2]; /* at `at`; after MADV_FREE either may be read, else both are equal */
	bool mapped;
	bool shows_object; /* a read may bring a page into being for everyone who maps the object */
};
void pages_look(const struct pages *p, uintptr_t at, struct page_view *ret_view);

/*
 * Resident bytes of all the program's mappings are at least low and at most high. Between the two:
 * what may have been prefetched, freed lazily, collapsed into huge pages or dropped from a file's
 * cache.
 */
struct pages_resident {
	uint64_t low_bytes, high_bytes;
};
void pages_resident(const struct pages *p, struct pages_resident *ret_resident);

/*
 * Judges a measured number against it: FINDING_WRONG_RESIDENCY. `swapped`: pages may have gone to
 * swap, so only too much is wrong.
 */
void pages_judge_resident(struct pages *p, uint64_t measured_bytes, bool swapped,
			  const struct call_event *e, struct finding_sink *sink);

/* Runs that did not fit: what they hold is not judged. */
uint64_t pages_forgotten(const struct pages *p);

#endif
