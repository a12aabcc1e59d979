# jemalloc as Debian packages it.
versions 5.3.0 5.3.0
known wrong-errno/realloc/failure https://github.com/jemalloc/jemalloc/pull/2620 realloc does not set errno when it fails; fixed after 5.3.0
known wrong-errno/memalign/failure https://github.com/jemalloc/jemalloc/blob/5.3.0/src/jemalloc.c je_memalign does not ask for errno to be set
known wrong-errno/valloc/failure https://github.com/jemalloc/jemalloc/blob/5.3.0/src/jemalloc.c je_valloc does not ask for errno to be set
known errno-clobbered/posix_memalign/failure https://man7.org/linux/man-pages/man3/posix_memalign.3.html a mapping that the kernel refuses inside leaves ENOMEM in errno, which is also returned; POSIX leaves errno open
retention Free pages are purged after a decay time (10 s dirty, none muzzy by default); address space is retained.
