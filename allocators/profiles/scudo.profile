# Scudo standalone, of LLVM's compiler-rt.
versions 19 19

# Known findings
known crash/*/SIGABRT/*/Scudo-ERROR-internal-map-failure https://github.com/llvm/llvm-project/issues/87473 a refused mmap inside the allocator ends the process
shown-by conformance/15-null
known crash/*/SIGABRT/*/Scudo-ERROR-internal-unmap-failure https://github.com/llvm/llvm-project/blob/main/compiler-rt/lib/scudo/standalone/report_linux.cpp a refused munmap inside the allocator ends the process
shown-by regressions/scudo-unmap-abort
known crash/*/SIGABRT/*/Scudo-ERROR-internal-protect-failure https://github.com/llvm/llvm-project/blob/main/compiler-rt/lib/scudo/standalone/report_linux.cpp a refused mprotect inside the allocator ends the process
known fork-broken/*/SIGABRT/*/Scudo-ERROR-internal-map-failure https://github.com/llvm/llvm-project/issues/87473 the same in a child
shown-by regressions/scudo-map-abort-fork
known fork-broken/*/SIGABRT/*/Scudo-ERROR-internal-unmap-failure https://github.com/llvm/llvm-project/blob/main/compiler-rt/lib/scudo/standalone/report_linux.cpp the same in a child
shown-by conformance/10-errno-unmap
known errno-clobbered/free/free https://github.com/llvm/llvm-project/blob/llvmorg-19.1.7/compiler-rt/lib/scudo/standalone/mem_map_linux.cpp pages that the kernel does not take (as of locked memory) leave its errno when free gives them back; and a thread that has to wait for a lock in free keeps EAGAIN of the futex (linux.cpp)
shown-by conformance/10-errno-purge
known wrong-errno/memalign/failure https://github.com/llvm/llvm-project/blob/main/compiler-rt/lib/scudo/standalone/wrappers_c.inc memalign alone does not set errno when it fails
shown-by conformance/03-errno-aligned
known null-without-cause/*memalign/no-cause https://github.com/llvm/llvm-project/blob/main/compiler-rt/lib/scudo/standalone/combined.h alignments over 16 MiB (2^24) are not supported and refused
shown-by regressions/scudo-alignment-limit
known errno-clobbered/posix_memalign/success https://github.com/llvm/llvm-project/blob/llvmorg-19.1.7/compiler-rt/lib/scudo/standalone/linux.cpp a thread that has to wait for a lock keeps EAGAIN of the futex; POSIX leaves errno open where the call succeeds
known errno-clobbered/posix_memalign/failure https://man7.org/linux/man-pages/man3/posix_memalign.3.html a mapping that the kernel refuses inside leaves ENOMEM in errno, which is also returned; POSIX leaves errno open
shown-by conformance/15-posix-memalign
known fork-broken/*/stuck/syscall<libclang_rt.scudo* https://github.com/llvm/llvm-project/pull/169440 a lock of its thread registry is not taken at fork: the child waits for it for ever; fixed after 21
known fork-broken/*/SIGILL/libclang_rt.scudo* https://github.com/llvm/llvm-project/blob/llvmorg-19.1.7/compiler-rt/lib/scudo/standalone/wrappers_c.inc a child that is forked while another thread makes the first allocation of the process sets it up once more, and GWP-ASan ends it; the fork handlers are registered behind that
known null-without-cause/aligned_alloc/no-cause https://github.com/llvm/llvm-project/blob/release/19.x/compiler-rt/lib/scudo/standalone/combined.h the same: alignments over 16 MiB (2^24) are not supported
shown-by conformance/07-alignments-large

# Where the standards leave a choice
answer aligned-alloc-zero pointer [C17 7.22.3p1 leaves it open; https://github.com/llvm/llvm-project/blob/release/19.x/compiler-rt/lib/scudo/standalone/wrappers_c.inc] a chunk of 1 byte: the size is raised to 1
answer calloc-size-zero pointer [C17 7.22.3p1 leaves it open; https://github.com/llvm/llvm-project/blob/release/19.x/compiler-rt/lib/scudo/standalone/wrappers_c.inc] a chunk of 1 byte: the size is raised to 1
answer calloc-zero pointer [C17 7.22.3p1 leaves it open; https://github.com/llvm/llvm-project/blob/release/19.x/compiler-rt/lib/scudo/standalone/wrappers_c.inc] a chunk of 1 byte: the size is raised to 1
answer malloc-zero pointer [C17 7.22.3p1 leaves it open; https://github.com/llvm/llvm-project/blob/release/19.x/compiler-rt/lib/scudo/standalone/wrappers_c.inc] a chunk of 1 byte: the size is raised to 1
answer memalign-zero pointer [C17 7.22.3p1 leaves it open; https://github.com/llvm/llvm-project/blob/release/19.x/compiler-rt/lib/scudo/standalone/wrappers_c.inc] a chunk of 1 byte: the size is raised to 1
answer posix-memalign-zero pointer [C17 7.22.3p1 leaves it open; https://github.com/llvm/llvm-project/blob/release/19.x/compiler-rt/lib/scudo/standalone/wrappers_c.inc] a chunk of 1 byte: the size is raised to 1
answer pvalloc-zero pointer [no standard has pvalloc; https://github.com/llvm/llvm-project/blob/release/19.x/compiler-rt/lib/scudo/standalone/wrappers_c.inc] rounding 0 up to pages
answer valloc-zero pointer [no current standard has valloc; https://github.com/llvm/llvm-project/blob/release/19.x/compiler-rt/lib/scudo/standalone/wrappers_c.inc] as malloc(0), aligned to a page
answer realloc-null-zero pointer [C17 7.22.3.5p3: as malloc(0); https://github.com/llvm/llvm-project/blob/release/19.x/compiler-rt/lib/scudo/standalone/wrappers_c.inc] a chunk of 1 byte: the size is raised to 1
answer realloc-zero frees [C17 7.22.3.5p4 leaves it open, C23 undefined; https://github.com/llvm/llvm-project/blob/release/19.x/compiler-rt/lib/scudo/standalone/wrappers_c.inc] the block is freed, NULL, errno as it was
answer reallocarray-null-zero absent [not in C17, in POSIX since 2024; https://github.com/llvm/llvm-project/blob/release/19.x/compiler-rt/lib/scudo/standalone/wrappers_c.inc] Debian's build of 19 exports no reallocarray
answer reallocarray-size-zero absent [not in C17, in POSIX since 2024; https://github.com/llvm/llvm-project/blob/release/19.x/compiler-rt/lib/scudo/standalone/wrappers_c.inc] Debian's build of 19 exports no reallocarray
answer reallocarray-zero absent [not in C17, in POSIX since 2024; https://github.com/llvm/llvm-project/blob/release/19.x/compiler-rt/lib/scudo/standalone/wrappers_c.inc] Debian's build of 19 exports no reallocarray
answer aligned-alloc-0 EINVAL [C17 7.22.3.1p2; https://github.com/llvm/llvm-project/blob/release/19.x/compiler-rt/lib/scudo/standalone/wrappers_c.inc] an alignment that is no power of two is EINVAL
answer aligned-alloc-1 accepted [C17 6.2.8p3 leaves it open; https://github.com/llvm/llvm-project/blob/release/19.x/compiler-rt/lib/scudo/standalone/wrappers_c.inc] below the alignment that every block has
answer aligned-alloc-3 EINVAL [C17 7.22.3.1p2; https://github.com/llvm/llvm-project/blob/release/19.x/compiler-rt/lib/scudo/standalone/wrappers_c.inc] an alignment that is no power of two is EINVAL
answer aligned-alloc-below EINVAL [C11 7.22.3.1p2; C17 leaves it open; https://github.com/llvm/llvm-project/blob/release/19.x/compiler-rt/lib/scudo/standalone/wrappers_c.inc] a size that is no multiple of the alignment is EINVAL
answer aligned-alloc-max EINVAL [C11 7.22.3.1p2; C17 leaves it open; https://github.com/llvm/llvm-project/blob/release/19.x/compiler-rt/lib/scudo/standalone/wrappers_c.inc] a size that is no multiple of the alignment is EINVAL
answer aligned-alloc-size EINVAL [C11 7.22.3.1p2; C17 leaves it open; https://github.com/llvm/llvm-project/blob/release/19.x/compiler-rt/lib/scudo/standalone/wrappers_c.inc] a size that is no multiple of the alignment is EINVAL
answer posix-memalign-max ENOMEM [POSIX.1-2017 posix_memalign; https://github.com/llvm/llvm-project/blob/release/19.x/compiler-rt/lib/scudo/standalone/combined.h] alignments over 16 MiB (2^24) are not supported
answer memalign-0 EINVAL [https://man7.org/linux/man-pages/man3/posix_memalign.3.html leaves it open; https://github.com/llvm/llvm-project/blob/release/19.x/compiler-rt/lib/scudo/standalone/wrappers_c.inc] refused with EINVAL
answer memalign-48 EINVAL [https://man7.org/linux/man-pages/man3/posix_memalign.3.html leaves it open; https://github.com/llvm/llvm-project/blob/release/19.x/compiler-rt/lib/scudo/standalone/wrappers_c.inc] refused with EINVAL
answer pvalloc-1 usable-4096 [no standard has pvalloc; https://github.com/llvm/llvm-project/blob/release/19.x/compiler-rt/lib/scudo/standalone/wrappers_c.inc] the size is rounded up to a page, and what was asked for is usable
answer valloc-1 usable-1 [https://man7.org/linux/man-pages/man3/malloc_usable_size.3.html; https://github.com/llvm/llvm-project/blob/release/19.x/compiler-rt/lib/scudo/standalone/wrappers_c.inc] what was asked for is usable, so that an overrun is seen
answer usable-malloc-1 usable-1 [https://man7.org/linux/man-pages/man3/malloc_usable_size.3.html; https://github.com/llvm/llvm-project/blob/release/19.x/compiler-rt/lib/scudo/standalone/wrappers_c.inc] what was asked for is usable, so that an overrun is seen

# When memory goes back
retention https://github.com/llvm/llvm-project/blob/release/19.x/compiler-rt/lib/scudo/standalone/flags.inc Free pages of size classes go back at most every 5 s (release_to_os_interval_ms 5000), when the class is used; mallopt(M_PURGE) does it at once.
retention https://github.com/llvm/llvm-project/blob/release/19.x/compiler-rt/lib/scudo/standalone/allocator_config.h Blocks from 128 KiB have a mapping of their own; up to 32 free ones of up to 512 KiB are cached, larger ones unmapped by free.
