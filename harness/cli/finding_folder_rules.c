/*
 * Which rule says that a finding is wrong, and where that stands.
 */
#include "harness/cli/finding_folder_priv.h"

static const struct folder_rule kinds[FINDING_KINDS] = {
	[FINDING_OVERLAP] =
		{"Each allocation yields a pointer to an object disjoint from any other.",
		 "C17 7.22.3p1"},
	[FINDING_MISALIGNED] = {"The pointer is suitably aligned for any object with a fundamental "
				"alignment that fits the size.",
				"C17 7.22.3p1"},
	[FINDING_CORRUPTED] =
		{"An object retains its last-stored value throughout its lifetime, "
		 "and an allocated one lives from the allocation to the deallocation.",
		 "C17 6.2.4p2, 7.22.3p1"},
	[FINDING_LOST_CONTENT] = {"The contents of the new object are those of the old one up to "
				  "the lesser of both sizes.",
				  "C17 7.22.3.5p2"},
	[FINDING_DIRTY_ZERO] = {"The space is initialised to all bits zero, recycled memory "
				"included.",
				"C17 7.22.3.2p2"},
	[FINDING_SHORT_USABLE] = {"The usable size of a block is at least what was asked for, and "
				  "all of it is the program's; that of NULL is 0.",
				  "malloc_usable_size(3)"},
	[FINDING_WRONG_ERRNO] = {"A call that fails says so by its errno: ENOMEM where there is no "
				 "memory or no such size, EINVAL for an alignment that is none.",
				 "POSIX.1-2024 malloc, aligned_alloc, posix_memalign: ERRORS"},
	[FINDING_ERRNO_CLOBBERED] = {"free does not modify errno when it is given NULL or a "
				     "pointer to an allocated block.",
				     "POSIX.1-2024 free; free(3), since glibc 2.33"},
	[FINDING_ACCEPTED_OVERFLOW] = {"A size above PTRDIFF_MAX, or a product that overflows, "
				       "cannot be had: NULL, and errno is ENOMEM.",
				       "malloc(3); POSIX.1-2024 calloc, reallocarray; C17 6.5.6p9"},
	[FINDING_ACCEPTED_BAD_ALIGNMENT] = {"An alignment that is no power of two is refused with "
					    "EINVAL.",
					    "C17 7.22.3.1p2; glibc manual 3.2.3.6; "
					    "POSIX.1-2024 posix_memalign"},
	[FINDING_NULL_WITHOUT_CAUSE] = {"A call returns NULL where memory cannot be had; here the "
					"kernel refused nothing.",
					"C17 7.22.3p1; malloc(3): ERRORS"},
	[FINDING_CRASH] = {"Every call of the program is a valid one: each block was allocated, "
			   "is given back once, and was written within its size alone. Such a call "
			   "returns.",
			   "C17 7.22.3; malloc(3)"},
	[FINDING_HANG] = {"Every call of the program is a valid one, and such a call returns.",
			  "C17 7.22.3; malloc(3)"},
	[FINDING_UNEXPECTED_RESULT] = {"The program itself says in that line what may come of the "
				       "call.",
				       "the program, behind its ->"},
	[FINDING_EXPECTATION] = {"The program itself says in that line what must hold there.",
				 "the program, its expect"},
	[FINDING_LOST_MAPPING] =
		{"What free takes is made available for further allocation, also "
		 "where the kernel refuses to take it back: munmap fails with "
		 "ENOMEM when a mapping would fall in two and no more are to be had.",
		 "C17 7.22.3.3p2; munmap(2): ERRORS, ENOMEM"},
	[FINDING_MAP_GROWTH] = {"What is freed is made available for further allocation: a program "
				"that holds the same each time round needs no more mappings.",
				"C17 7.22.3.3p2"},
	[FINDING_FOOTPRINT_GROWTH] = {"What is freed is made available for further allocation: a "
				      "program that holds the same each time round needs no more "
				      "memory.",
				      "C17 7.22.3.3p2"},
	[FINDING_FORK_BROKEN] =
		{"After fork the child of a process may allocate and free, whatever "
		 "other threads did at that moment.",
		 "fork(2); glibc manual 26.4; POSIX.1-2024 pthread_atfork: RATIONALE"},
	[FINDING_WRONG_ACCESS] = {"A page can be accessed as its protection says, and in no other "
				  "way.",
				  "mmap(2); mprotect(2)"},
	[FINDING_WRONG_RESIDENCY] =
		{"Mapping costs no resident memory, a touch costs its page, and "
		 "what is unmapped is given back.",
		 "mmap(2); munmap(2)"},
	[FINDING_PROFILE_MISMATCH] = {"The allocator's profile says otherwise.", "its profile"},
};

/* Where the rule of a kind is another one. */
static const struct {
	uint8_t rule;
	struct folder_rule text;
} others[] = {
	{RULE_OVERLAP_MAPPING,
	 {"A block is disjoint from every other object, what the program mapped included.",
	  "C17 7.22.3p1; mmap(2)"}},
	{RULE_OVERLAP_HARNESS,
	 {"A block lies in memory of the allocator's own: this one is memory that others of the "
	  "process have.",
	  "C17 7.22.3p1"}},
	{RULE_ALIGN_REQUESTED,
	 {"The block is aligned as was asked for.",
	  "C17 7.22.3.1p2; POSIX.1-2024 posix_memalign; memalign(3)"}},
	{RULE_ALIGN_PAGE, {"The block is aligned to a page.", "valloc(3), pvalloc(3)"}},
	{RULE_CONTENT_FAILED_REALLOC,
	 {"Where realloc fails the old object is not deallocated and its value is unchanged.",
	  "C17 7.22.3.5p3"}},
	{RULE_CONTENT_MAPPING,
	 {"A page of a mapping holds what was written to it until the program says otherwise.",
	  "mmap(2); mremap(2); madvise(2)"}},
	{RULE_CONTENT_VANISHED,
	 {"A mapping stays until the program unmaps it.", "mmap(2); munmap(2)"}},
	{RULE_ZERO_MAPPING,
	 {"The pages of a fresh anonymous mapping are zero.", "mmap(2): MAP_ANONYMOUS"}},
	{RULE_ERRNO_RETURNED,
	 {"posix_memalign returns its error, EINVAL or ENOMEM.", "POSIX.1-2024 posix_memalign"}},
	{RULE_ERRNO_POSIX_MEMALIGN,
	 {"posix_memalign returns its error and does not set errno.", "posix_memalign(3)"}},
	{RULE_ERRNO_POSIX_SUCCESS, {"posix_memalign does not set errno.", "posix_memalign(3)"}},
	{RULE_MEMPTR_CHANGED,
	 {"posix_memalign leaves *memptr alone when it fails.",
	  "posix_memalign(3); POSIX.1-2008 TC2"}},
	{RULE_TRIM_RESULT,
	 {"malloc_trim returns 1 where memory was released, else 0.", "malloc_trim(3)"}},
	{RULE_LOST_PAGES,
	 {"What free takes is made available for further allocation, also where the kernel refuses "
	  "to purge it.",
	  "C17 7.22.3.3p2; madvise(2): ERRORS"}},
	{RULE_HARNESS_WRITTEN,
	 {"An allocator writes to memory of its own alone; here results of the harness were "
	  "written over.",
	  "C17 6.2.4p2"}},
};

const struct folder_rule *folder_rule(unsigned kind, unsigned rule)
{
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (others[i].rule == rule)
			return &others[i].text;
	return kind < FINDING_KINDS ? &kinds[kind] : &kinds[FINDING_CRASH];
}
