# The GNU C library's malloc.
versions 2.36 2.36

# Known findings
known accepted-bad-alignment/aligned_alloc/alignment https://sourceware.org/bugzilla/show_bug.cgi?id=20137 before 2.38 aligned_alloc is memalign, which rounds an alignment up to a power of two
shown-by conformance/07-bad-alignment
known errno-clobbered/posix_memalign/failure https://sourceware.org/bugzilla/show_bug.cgi?id=83 what it calls inside sets errno to ENOMEM, which it also returns
shown-by conformance/08-no-memory
known wrong-errno/aligned_alloc/failure https://sourceware.org/bugzilla/show_bug.cgi?id=20137 the same: ENOMEM for an alignment so large that no power of two is above it
shown-by regressions/glibc-aligned-alloc-max
known errno-clobbered/posix_memalign/success https://man7.org/linux/man-pages/man3/posix_memalign.3.html a call that the kernel refuses inside leaves ENOMEM in errno where another arena or the break then serves; POSIX leaves errno open
shown-by regressions/glibc-posix-memalign-success

# Where the standards leave a choice
answer aligned-alloc-zero pointer [C17 7.22.3p1 leaves it open; https://sourceware.org/git/?p=glibc.git;a=blob;f=malloc/malloc.c;hb=glibc-2.36] the smallest chunk, 24 usable bytes
answer calloc-size-zero pointer [C17 7.22.3p1 leaves it open; https://sourceware.org/git/?p=glibc.git;a=blob;f=malloc/malloc.c;hb=glibc-2.36] the smallest chunk, 24 usable bytes
answer calloc-zero pointer [C17 7.22.3p1 leaves it open; https://sourceware.org/git/?p=glibc.git;a=blob;f=malloc/malloc.c;hb=glibc-2.36] the smallest chunk, 24 usable bytes
answer malloc-zero pointer [C17 7.22.3p1 leaves it open; https://man7.org/linux/man-pages/man3/malloc.3.html] a pointer of its own: the smallest chunk, 24 usable bytes
answer memalign-zero pointer [C17 7.22.3p1 leaves it open; https://sourceware.org/git/?p=glibc.git;a=blob;f=malloc/malloc.c;hb=glibc-2.36] the smallest chunk, 24 usable bytes
answer posix-memalign-zero pointer [C17 7.22.3p1 leaves it open; https://sourceware.org/git/?p=glibc.git;a=blob;f=malloc/malloc.c;hb=glibc-2.36] the smallest chunk, 24 usable bytes
answer pvalloc-zero pointer [no standard has pvalloc; https://sourceware.org/git/?p=glibc.git;a=blob;f=malloc/malloc.c;hb=glibc-2.36] rounding 0 up to pages
answer valloc-zero pointer [no current standard has valloc; https://sourceware.org/git/?p=glibc.git;a=blob;f=malloc/malloc.c;hb=glibc-2.36] as malloc(0), aligned to a page
answer realloc-null-zero pointer [C17 7.22.3.5p3: as malloc(0); https://sourceware.org/git/?p=glibc.git;a=blob;f=malloc/malloc.c;hb=glibc-2.36] the smallest chunk, 24 usable bytes
answer realloc-zero frees [C17 7.22.3.5p4 leaves it open, C23 undefined; https://man7.org/linux/man-pages/man3/malloc.3.html] the block is freed, NULL, errno as it was (REALLOC_ZERO_BYTES_FREES)
answer reallocarray-null-zero pointer [POSIX.1-2024 realloc: as realloc(NULL, 0); https://sourceware.org/git/?p=glibc.git;a=blob;f=malloc/malloc.c;hb=glibc-2.36] the smallest chunk, 24 usable bytes
answer reallocarray-size-zero frees [C17 7.22.3.5p4 leaves it open, C23 undefined; https://man7.org/linux/man-pages/man3/malloc.3.html] the block is freed, NULL, errno as it was (REALLOC_ZERO_BYTES_FREES)
answer reallocarray-zero frees [C17 7.22.3.5p4 leaves it open, C23 undefined; https://man7.org/linux/man-pages/man3/malloc.3.html] the block is freed, NULL, errno as it was (REALLOC_ZERO_BYTES_FREES)
answer aligned-alloc-0 accepted [https://sourceware.org/bugzilla/show_bug.cgi?id=20137] before 2.38 aligned_alloc is memalign, which rounds an alignment up to a power of two
answer aligned-alloc-1 accepted [C17 6.2.8p3 leaves it open; https://sourceware.org/git/?p=glibc.git;a=blob;f=malloc/malloc.c;hb=glibc-2.36] below the alignment that every block has
answer aligned-alloc-3 accepted [https://sourceware.org/bugzilla/show_bug.cgi?id=20137] before 2.38 aligned_alloc is memalign, which rounds an alignment up to a power of two
answer aligned-alloc-below accepted [C17 7.22.3.1p2 lets it support any size, DR 460; https://sourceware.org/git/?p=glibc.git;a=blob;f=malloc/malloc.c;hb=glibc-2.36] the size need not be a multiple
answer aligned-alloc-max accepted [C17 6.2.8p3 leaves it open; https://sourceware.org/git/?p=glibc.git;a=blob;f=malloc/malloc.c;hb=glibc-2.36] no largest alignment but the address space
answer aligned-alloc-size accepted [C17 7.22.3.1p2 lets it support any size, DR 460; https://sourceware.org/git/?p=glibc.git;a=blob;f=malloc/malloc.c;hb=glibc-2.36] the size need not be a multiple
answer posix-memalign-max accepted [POSIX.1-2017 posix_memalign; https://sourceware.org/git/?p=glibc.git;a=blob;f=malloc/malloc.c;hb=glibc-2.36] no largest alignment but the address space
answer memalign-0 accepted [https://man7.org/linux/man-pages/man3/posix_memalign.3.html leaves it open; https://sourceware.org/git/?p=glibc.git;a=blob;f=malloc/malloc.c;hb=glibc-2.36] raised to the alignment that every block has
answer memalign-48 rounded-64 [https://man7.org/linux/man-pages/man3/posix_memalign.3.html, NOTES; https://sourceware.org/git/?p=glibc.git;a=blob;f=malloc/malloc.c;hb=glibc-2.36] rounded up to the next power of two
answer pvalloc-1 usable-4104 [no standard has pvalloc; https://sourceware.org/git/?p=glibc.git;a=blob;f=malloc/malloc.c;hb=glibc-2.36] a page, and the 8 bytes that the next chunk's head lends
answer valloc-1 usable-24 [no current standard has valloc; https://sourceware.org/git/?p=glibc.git;a=blob;f=malloc/malloc.c;hb=glibc-2.36] the smallest chunk, aligned to a page
answer usable-malloc-1 usable-24 [https://man7.org/linux/man-pages/man3/malloc_usable_size.3.html; https://sourceware.org/git/?p=glibc.git;a=blob;f=malloc/malloc.c;hb=glibc-2.36] the smallest chunk of 32 bytes, less its head of 8

# When memory goes back
retention https://man7.org/linux/man-pages/man3/mallopt.3.html Blocks from 128 KiB are mapped on their own (M_MMAP_THRESHOLD) and unmapped by free; each free of one raises the threshold to its size, up to 32 MiB. At most 65536 at a time (M_MMAP_MAX).
retention https://man7.org/linux/man-pages/man3/mallopt.3.html The top of the main heap goes back by brk when more than 128 KiB of it are free (M_TRIM_THRESHOLD; twice the mmap threshold once that has risen); free pages inside go back on malloc_trim alone.
retention https://sourceware.org/git/?p=glibc.git;a=blob;f=malloc/malloc.c;hb=glibc-2.36 A thread keeps up to 7 free blocks of each of 64 sizes, up to 1032 bytes (tcache). An munmap that is refused in free is not tried again: 0 bytes of it come back.
