# jemalloc as Debian packages it.
versions 5.3.0 5.3.0

# Known findings
known wrong-errno/realloc/failure https://github.com/jemalloc/jemalloc/pull/2620 realloc does not set errno when it fails; fixed after 5.3.0
shown-by conformance/05-failed
known wrong-errno/memalign/failure https://github.com/jemalloc/jemalloc/blob/5.3.0/src/jemalloc.c je_memalign does not ask for errno to be set
shown-by conformance/09-memalign-odd
known wrong-errno/valloc/failure https://github.com/jemalloc/jemalloc/blob/5.3.0/src/jemalloc.c je_valloc does not ask for errno to be set
shown-by conformance/03-overflow-pages
known misaligned/memalign/requested https://github.com/jemalloc/jemalloc/pull/2606 memalign of 0 bytes takes the smallest size class and forgets the alignment; fixed after 5.3.0
shown-by regressions/jemalloc-memalign-zero
known errno-clobbered/posix_memalign/failure https://man7.org/linux/man-pages/man3/posix_memalign.3.html a mapping that the kernel refuses inside leaves ENOMEM in errno, which is also returned; POSIX leaves errno open
shown-by conformance/08-no-memory
known errno-clobbered/posix_memalign/success https://man7.org/linux/man-pages/man3/posix_memalign.3.html a mapping that the kernel refuses inside leaves ENOMEM in errno where the call succeeds in another way; POSIX leaves errno open
shown-by regressions/jemalloc-posix-memalign-success
known errno-clobbered/free/free https://github.com/jemalloc/jemalloc/pull/2906 a purge that the kernel refuses inside free leaves its errno; fixed after 5.3.0
shown-by regressions/jemalloc-free-errno
known crash/*/SIGSEGV/pthread_mutex_trylock<libjemalloc.so.2* https://github.com/jemalloc/jemalloc/issues/2289 a refused mmap while a thread gets its arena leaves it without one, and it is used all the same
shown-by conformance/15-thread-start

# Where the standards leave a choice
answer aligned-alloc-zero pointer [C17 7.22.3p1 leaves it open; https://github.com/jemalloc/jemalloc/blob/5.3.0/src/jemalloc.c] the smallest size class, 8 bytes
answer calloc-size-zero pointer [C17 7.22.3p1 leaves it open; https://github.com/jemalloc/jemalloc/blob/5.3.0/src/jemalloc.c] the smallest size class, 8 bytes
answer calloc-zero pointer [C17 7.22.3p1 leaves it open; https://github.com/jemalloc/jemalloc/blob/5.3.0/src/jemalloc.c] the smallest size class, 8 bytes
answer malloc-zero pointer [C17 7.22.3p1 leaves it open; https://github.com/jemalloc/jemalloc/blob/5.3.0/src/jemalloc.c] the smallest size class, 8 bytes
answer memalign-zero pointer [C17 7.22.3p1 leaves it open; https://github.com/jemalloc/jemalloc/blob/5.3.0/src/jemalloc.c] the smallest size class, 8 bytes
answer posix-memalign-zero pointer [C17 7.22.3p1 leaves it open; https://github.com/jemalloc/jemalloc/blob/5.3.0/src/jemalloc.c] the smallest size class, 8 bytes
answer pvalloc-zero absent [no standard has it; https://github.com/jemalloc/jemalloc/blob/5.3.0/src/jemalloc.c] Debian's libjemalloc2 exports no pvalloc
answer valloc-zero pointer [no current standard has valloc; https://github.com/jemalloc/jemalloc/blob/5.3.0/src/jemalloc.c] as malloc(0), aligned to a page
answer realloc-null-zero pointer [C17 7.22.3.5p3: as malloc(0); https://github.com/jemalloc/jemalloc/blob/5.3.0/src/jemalloc.c] the smallest size class, 8 bytes
answer realloc-zero frees [C17 7.22.3.5p4 leaves it open, C23 undefined; https://jemalloc.net/jemalloc.3.html opt.zero_realloc] the default on Linux is free
answer reallocarray-null-zero absent [not in C17, in POSIX since 2024; https://github.com/jemalloc/jemalloc/blob/5.3.0/src/jemalloc.c] no such function in 5.3.0
answer reallocarray-size-zero absent [not in C17, in POSIX since 2024; https://github.com/jemalloc/jemalloc/blob/5.3.0/src/jemalloc.c] no such function in 5.3.0
answer reallocarray-zero absent [not in C17, in POSIX since 2024; https://github.com/jemalloc/jemalloc/blob/5.3.0/src/jemalloc.c] no such function in 5.3.0
answer aligned-alloc-0 EINVAL [https://jemalloc.net/jemalloc.3.html, RETURN VALUES] an alignment that is no power of 2 is EINVAL
answer aligned-alloc-1 accepted [C17 6.2.8p3 leaves it open; https://github.com/jemalloc/jemalloc/blob/5.3.0/src/jemalloc.c] below the alignment that every block has
answer aligned-alloc-3 EINVAL [https://jemalloc.net/jemalloc.3.html, RETURN VALUES] an alignment that is no power of 2 is EINVAL
answer aligned-alloc-below accepted [C17 7.22.3.1p2 lets it support any size, DR 460; https://github.com/jemalloc/jemalloc/blob/5.3.0/src/jemalloc.c] the size need not be a multiple
answer aligned-alloc-max accepted [C17 6.2.8p3 leaves it open; https://github.com/jemalloc/jemalloc/blob/5.3.0/src/jemalloc.c] no largest alignment but the address space
answer aligned-alloc-size accepted [C17 7.22.3.1p2 lets it support any size, DR 460; https://github.com/jemalloc/jemalloc/blob/5.3.0/src/jemalloc.c] the size need not be a multiple
answer posix-memalign-max accepted [POSIX.1-2017 posix_memalign; https://github.com/jemalloc/jemalloc/blob/5.3.0/src/jemalloc.c] no largest alignment but the address space
answer memalign-0 null [https://man7.org/linux/man-pages/man3/posix_memalign.3.html leaves it open; https://github.com/jemalloc/jemalloc/blob/5.3.0/src/jemalloc.c] refused, and je_memalign does not ask for errno to be set
answer memalign-48 null [https://man7.org/linux/man-pages/man3/posix_memalign.3.html leaves it open; https://github.com/jemalloc/jemalloc/blob/5.3.0/src/jemalloc.c] refused, and je_memalign does not ask for errno to be set
answer pvalloc-1 absent [no standard has it; https://github.com/jemalloc/jemalloc/blob/5.3.0/src/jemalloc.c] Debian's libjemalloc2 exports no pvalloc
answer valloc-1 usable-4096 [no current standard has valloc; https://github.com/jemalloc/jemalloc/blob/5.3.0/src/jemalloc.c] the smallest size class that is aligned to a page is a page
answer usable-malloc-1 usable-8 [https://man7.org/linux/man-pages/man3/malloc_usable_size.3.html; https://jemalloc.net/jemalloc.3.html, IMPLEMENTATION NOTES] the smallest size class, 8 bytes

# When memory goes back
retention https://jemalloc.net/jemalloc.3.html Free pages go back within 10 s (opt.dirty_decay_ms 10000, a sigmoid; then opt.muzzy_decay_ms 0: MADV_DONTNEED), while the arena is used: opt.background_thread is false.
retention https://jemalloc.net/jemalloc.3.html Address space is kept for good (opt.retain true, 0 munmap calls); blocks from 8 MiB (opt.oversize_threshold) have an arena whose pages go back at once. A thread caches sizes up to 32 KiB (opt.tcache_max).
