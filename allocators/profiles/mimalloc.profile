# mimalloc as Debian packages it.
versions 2.0.9 2.0.9

# Known findings
known wrong-errno/malloc/failure https://github.com/microsoft/mimalloc/issues/1135 errno is not set when an allocation fails
shown-by conformance/03-overflow
known wrong-errno/calloc/failure https://github.com/microsoft/mimalloc/issues/1135 errno is not set when an allocation fails
shown-by conformance/04-overflow
known wrong-errno/realloc/failure https://github.com/microsoft/mimalloc/issues/1135 errno is not set when an allocation fails
shown-by conformance/05-failed
known wrong-errno/aligned_alloc/failure https://github.com/microsoft/mimalloc/issues/1135 errno is not set when an allocation fails
shown-by conformance/07-bad-alignment
known wrong-errno/memalign/failure https://github.com/microsoft/mimalloc/issues/1135 errno is not set when an allocation fails
shown-by conformance/09-memalign-odd
known wrong-errno/valloc/failure https://github.com/microsoft/mimalloc/issues/1135 errno is not set when an allocation fails
shown-by conformance/03-overflow-pages
known wrong-errno/pvalloc/failure https://github.com/microsoft/mimalloc/issues/1135 errno is not set when an allocation fails
shown-by conformance/03-overflow-pages
known errno-clobbered/free/free https://github.com/microsoft/mimalloc/blob/v2.0.9/src/os.c an munmap that the kernel refuses inside free leaves its errno
shown-by conformance/10-errno-unmap
known misaligned/*/requested https://github.com/microsoft/mimalloc/issues/700 small sizes equal to the alignment, or a multiple of it, come misaligned; fixed after 2.0.9
shown-by conformance/07-alignments
known errno-clobbered/posix_memalign/success https://man7.org/linux/man-pages/man3/posix_memalign.3.html the first allocation of a process may leave the errno of a look into /sys or /proc; POSIX leaves errno open where the call succeeds
shown-by conformance/08-errno-success
known errno-clobbered/posix_memalign/failure https://man7.org/linux/man-pages/man3/posix_memalign.3.html a mapping that the kernel refuses inside, or a look into /sys or /proc, leaves its errno; POSIX leaves errno open
shown-by conformance/08-no-memory
known accepted-bad-alignment/aligned_alloc/alignment https://github.com/microsoft/mimalloc/blob/v2.0.9/src/alloc-aligned.c a short way for sizes up to 1 KiB that are powers of two takes 0 for a power of two
shown-by conformance/07-bad-alignment

# Where the standards leave a choice
answer aligned-alloc-zero pointer [C17 7.22.3p1 leaves it open; https://github.com/microsoft/mimalloc/blob/v2.0.9/src/alloc.c] the smallest block, 8 bytes
answer calloc-size-zero pointer [C17 7.22.3p1 leaves it open; https://github.com/microsoft/mimalloc/blob/v2.0.9/src/alloc.c] the smallest block, 8 bytes
answer calloc-zero pointer [C17 7.22.3p1 leaves it open; https://github.com/microsoft/mimalloc/blob/v2.0.9/src/alloc.c] the smallest block, 8 bytes
answer malloc-zero pointer [C17 7.22.3p1 leaves it open; https://github.com/microsoft/mimalloc/blob/v2.0.9/src/alloc.c] the smallest block, 8 bytes
answer memalign-zero pointer [C17 7.22.3p1 leaves it open; https://github.com/microsoft/mimalloc/blob/v2.0.9/src/alloc.c] the smallest block, 8 bytes
answer posix-memalign-zero pointer [C17 7.22.3p1 leaves it open; https://github.com/microsoft/mimalloc/blob/v2.0.9/src/alloc.c] the smallest block, 8 bytes
answer pvalloc-zero pointer [no standard has pvalloc; https://github.com/microsoft/mimalloc/blob/v2.0.9/src/alloc.c] rounding 0 up to pages
answer valloc-zero pointer [no current standard has valloc; https://github.com/microsoft/mimalloc/blob/v2.0.9/src/alloc.c] as malloc(0), aligned to a page
answer realloc-null-zero pointer [C17 7.22.3.5p3: as malloc(0); https://github.com/microsoft/mimalloc/blob/v2.0.9/src/alloc.c] the smallest block, 8 bytes
answer realloc-zero frees-block [C17 7.22.3.5p4 leaves it open, C23 undefined; https://github.com/microsoft/mimalloc/blob/v2.0.9/src/alloc.c] realloc to 0 frees the block and returns another of size 0
answer reallocarray-null-zero pointer [POSIX.1-2024 realloc: as realloc(NULL, 0); https://github.com/microsoft/mimalloc/blob/v2.0.9/src/alloc.c] the smallest block, 8 bytes
answer reallocarray-size-zero frees-block [POSIX.1-2024 realloc: as realloc(p, 0); https://github.com/microsoft/mimalloc/blob/v2.0.9/src/alloc.c] it frees the block and returns another of size 0
answer reallocarray-zero frees-block [POSIX.1-2024 realloc: as realloc(p, 0); https://github.com/microsoft/mimalloc/blob/v2.0.9/src/alloc.c] it frees the block and returns another of size 0
answer aligned-alloc-0 accepted [https://github.com/microsoft/mimalloc/blob/v2.0.9/src/alloc-aligned.c] a short way for sizes up to 1 KiB that are powers of two takes 0 for a power of two; other sizes are refused
answer aligned-alloc-1 accepted [C17 6.2.8p3 leaves it open; https://github.com/microsoft/mimalloc/blob/v2.0.9/src/alloc.c] below the alignment that every block has
answer aligned-alloc-3 null [https://github.com/microsoft/mimalloc/issues/1135] refused, and errno is not set when an allocation fails
answer aligned-alloc-below accepted [C17 7.22.3.1p2 lets it support any size, DR 460; https://github.com/microsoft/mimalloc/blob/v2.0.9/src/alloc.c] the size need not be a multiple
answer aligned-alloc-max accepted [C17 6.2.8p3 leaves it open; https://github.com/microsoft/mimalloc/blob/v2.0.9/src/alloc.c] no largest alignment but the address space
answer aligned-alloc-size accepted [C17 7.22.3.1p2 lets it support any size, DR 460; https://github.com/microsoft/mimalloc/blob/v2.0.9/src/alloc.c] the size need not be a multiple
answer posix-memalign-max accepted [POSIX.1-2017 posix_memalign; https://github.com/microsoft/mimalloc/blob/v2.0.9/src/alloc.c] no largest alignment but the address space
answer memalign-0 null [https://man7.org/linux/man-pages/man3/posix_memalign.3.html leaves it open; https://github.com/microsoft/mimalloc/blob/v2.0.9/src/alloc-aligned.c; https://github.com/microsoft/mimalloc/issues/1135] refused, and errno is not set
answer memalign-48 null [https://man7.org/linux/man-pages/man3/posix_memalign.3.html leaves it open; https://github.com/microsoft/mimalloc/blob/v2.0.9/src/alloc-aligned.c; https://github.com/microsoft/mimalloc/issues/1135] refused, and errno is not set
answer pvalloc-1 usable-8192 [no standard has pvalloc; https://github.com/microsoft/mimalloc/blob/v2.0.9/src/alloc-aligned.c] a page, cut from a block large enough that a page boundary lies in it: the rest counts too
answer valloc-1 usable-4096 [no current standard has valloc; https://github.com/microsoft/mimalloc/blob/v2.0.9/src/alloc-aligned.c] cut from a block large enough that a page boundary lies in it: the rest counts too
answer usable-malloc-1 usable-8 [https://man7.org/linux/man-pages/man3/malloc_usable_size.3.html; https://github.com/microsoft/mimalloc/blob/v2.0.9/src/alloc.c] the smallest block, 8 bytes

# When memory goes back
retention https://github.com/microsoft/mimalloc/blob/v2.0.9/src/options.c Free pages of a segment are decommitted after 25 ms (MIMALLOC_DECOMMIT_DELAY), free segments after 500 ms (MIMALLOC_SEGMENT_DECOMMIT_DELAY), each when the thread next allocates or frees; mi_collect(true) does it at once.
retention https://github.com/microsoft/mimalloc/blob/v2.0.9/include/mimalloc-types.h Segments are 32 MiB of address space; blocks over 16 MiB have a segment of their own, unmapped by free.
