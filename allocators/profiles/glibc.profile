# The GNU C library's malloc.
versions 2.36 2.36
known accepted-bad-alignment/aligned_alloc/alignment https://sourceware.org/bugzilla/show_bug.cgi?id=20137 aligned_alloc is memalign up to 2.37 and rounds an alignment that is no power of two up
known errno-clobbered/posix_memalign/failure https://sourceware.org/glibc/manual/2.36/html_node/Aligned-Memory-Blocks.html what posix_memalign calls sets errno as well as returning the error
