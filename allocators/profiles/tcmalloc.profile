# gperftools' tcmalloc_minimal.
versions 2.10 2.10

# Known findings
known wrong-errno/calloc/failure https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc a product that overflows gives NULL and leaves errno alone
shown-by conformance/04-overflow
known accepted-bad-alignment/aligned_alloc/alignment https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc aligned_alloc is memalign, whose alignment is checked by an assertion alone
shown-by conformance/07-bad-alignment
known wrong-errno/aligned_alloc/failure https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc the same: ENOMEM for an alignment that is no power of two
shown-by regressions/tcmalloc-aligned-alloc-errno
known accepted-overflow/pvalloc/size https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc rounding the size up to whole pages overflows to 0
shown-by conformance/03-overflow-pages
known accepted-overflow/memalign/size https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc rounding the size up to the alignment overflows
shown-by conformance/03-overflow-aligned
known accepted-overflow/aligned_alloc/size https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc the same as memalign
shown-by conformance/03-overflow-aligned
known errno-clobbered/posix_memalign/failure https://man7.org/linux/man-pages/man3/posix_memalign.3.html a mapping that the kernel refuses inside leaves ENOMEM in errno, which is also returned; POSIX leaves errno open
shown-by conformance/08-no-memory

# Where the standards leave a choice
answer aligned-alloc-zero pointer [C17 7.22.3p1 leaves it open; https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc] the smallest size class, 8 bytes
answer calloc-size-zero pointer [C17 7.22.3p1 leaves it open; https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc] the smallest size class, 8 bytes
answer calloc-zero pointer [C17 7.22.3p1 leaves it open; https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc] the smallest size class, 8 bytes
answer malloc-zero pointer [C17 7.22.3p1 leaves it open; https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc] the smallest size class, 8 bytes
answer memalign-zero pointer [C17 7.22.3p1 leaves it open; https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc] the smallest size class, 8 bytes
answer posix-memalign-zero pointer [C17 7.22.3p1 leaves it open; https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc] the smallest size class, 8 bytes
answer pvalloc-zero pointer [no standard has pvalloc; https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc] rounding 0 up to pages
answer valloc-zero pointer [no current standard has valloc; https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc] as malloc(0), aligned to a page
answer realloc-null-zero pointer [C17 7.22.3.5p3: as malloc(0); https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc] the smallest size class, 8 bytes
answer realloc-zero frees [C17 7.22.3.5p4 leaves it open, C23 undefined; https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc] the block is freed, NULL, errno as it was
answer reallocarray-null-zero absent [not in C17, in POSIX since 2024; https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc] no such function in 2.10
answer reallocarray-size-zero absent [not in C17, in POSIX since 2024; https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc] no such function in 2.10
answer reallocarray-zero absent [not in C17, in POSIX since 2024; https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc] no such function in 2.10
answer aligned-alloc-0 accepted [https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc] aligned_alloc is memalign, whose alignment is checked by an assertion alone
answer aligned-alloc-1 accepted [C17 6.2.8p3 leaves it open; https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc] below the alignment that every block has
answer aligned-alloc-3 accepted [https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc] aligned_alloc is memalign, whose alignment is checked by an assertion alone
answer aligned-alloc-below accepted [C17 7.22.3.1p2 lets it support any size, DR 460; https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc] the size need not be a multiple
answer aligned-alloc-max accepted [C17 6.2.8p3 leaves it open; https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc] no largest alignment but the address space
answer aligned-alloc-size accepted [C17 7.22.3.1p2 lets it support any size, DR 460; https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc] the size need not be a multiple
answer posix-memalign-max accepted [POSIX.1-2017 posix_memalign; https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc] no largest alignment but the address space
answer memalign-0 accepted [https://man7.org/linux/man-pages/man3/posix_memalign.3.html leaves it open; https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc] the alignment is checked by an assertion alone
answer memalign-48 rounded-16 [https://man7.org/linux/man-pages/man3/posix_memalign.3.html leaves it open; https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc] the alignment is used as a mask without rounding it: of 48 the lowest bit is left, 16
answer pvalloc-1 usable-4096 [no standard has pvalloc; https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc] a size class of a page
answer valloc-1 usable-4096 [no current standard has valloc; https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc] the smallest size class that is aligned to a page is a page
answer usable-malloc-1 usable-8 [https://man7.org/linux/man-pages/man3/malloc_usable_size.3.html; https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc] the smallest size class, 8 bytes

# When memory goes back
retention https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/page_heap.cc About one page in 1000 that are freed goes back (TCMALLOC_RELEASE_RATE 1), all free spans on MallocExtension::ReleaseFreeMemory.
retention https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/system-alloc.cc Memory comes by brk in steps of 1 MiB or more, and is given back by madvise alone: 0 munmap calls, and the break never falls.
