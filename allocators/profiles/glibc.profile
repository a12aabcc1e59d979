# The GNU C library's malloc.
versions 2.36 2.36
known accepted-bad-alignment/aligned_alloc/alignment https://sourceware.org/bugzilla/show_bug.cgi?id=20137 before 2.38 aligned_alloc is memalign, which rounds an alignment up to a power of two
known errno-clobbered/posix_memalign/failure https://sourceware.org/bugzilla/show_bug.cgi?id=83 what it calls inside sets errno to ENOMEM, which it also returns
known wrong-errno/aligned_alloc/failure https://sourceware.org/bugzilla/show_bug.cgi?id=20137 the same: ENOMEM for an alignment so large that no power of two is above it
known errno-clobbered/posix_memalign/success https://man7.org/linux/man-pages/man3/posix_memalign.3.html a call that the kernel refuses inside leaves ENOMEM in errno where another arena or the break then serves; POSIX leaves errno open
answer malloc-zero pointer the smallest block
answer realloc-zero frees null is returned and errno kept
answer aligned-alloc-size accepted the size need not be a multiple
answer memalign-48 rounded up to a power of two
retention Blocks from 128 KiB (a threshold that rises up to 32 MiB with what is freed) are mapped on their own and unmapped by free. The top of a heap goes back when it exceeds 128 KiB, free pages inside on malloc_trim. An munmap that is refused is not tried again.
