# gperftools' tcmalloc_minimal.
versions 2.10 2.10
known wrong-errno/calloc/failure https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc a product that overflows gives NULL and leaves errno alone
known accepted-bad-alignment/aligned_alloc/alignment https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc aligned_alloc is memalign, whose alignment is checked by an assertion alone
known wrong-errno/aligned_alloc/failure https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc the same: ENOMEM for an alignment that is no power of two
known accepted-overflow/pvalloc/size https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc rounding the size up to whole pages overflows to 0
known accepted-overflow/memalign/size https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc rounding the size up to the alignment overflows
known accepted-overflow/aligned_alloc/size https://github.com/gperftools/gperftools/blob/gperftools-2.10/src/tcmalloc.cc the same as memalign
known errno-clobbered/posix_memalign/failure https://man7.org/linux/man-pages/man3/posix_memalign.3.html a mapping that the kernel refuses inside leaves ENOMEM in errno, which is also returned; POSIX leaves errno open
retention Spans go back a little at a time while memory is freed (TCMALLOC_RELEASE_RATE), all of them on ReleaseFreeMemory.
