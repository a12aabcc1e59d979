# jemalloc as Debian packages it.
versions 5.3.0 5.3.0
known wrong-errno/realloc/failure https://github.com/jemalloc/jemalloc/pull/2620 realloc does not set errno when it fails; fixed after 5.3.0
known wrong-errno/memalign/failure https://github.com/jemalloc/jemalloc/blob/5.3.0/src/jemalloc.c je_memalign does not ask for errno to be set
known wrong-errno/valloc/failure https://github.com/jemalloc/jemalloc/blob/5.3.0/src/jemalloc.c je_valloc does not ask for errno to be set
known misaligned/memalign/requested https://github.com/jemalloc/jemalloc/pull/2606 memalign of 0 bytes takes the smallest size class and forgets the alignment; fixed after 5.3.0
known errno-clobbered/posix_memalign/failure https://man7.org/linux/man-pages/man3/posix_memalign.3.html a mapping that the kernel refuses inside leaves ENOMEM in errno, which is also returned; POSIX leaves errno open
known errno-clobbered/posix_memalign/success https://man7.org/linux/man-pages/man3/posix_memalign.3.html a mapping that the kernel refuses inside leaves ENOMEM in errno where the call succeeds in another way; POSIX leaves errno open
known errno-clobbered/free/free https://github.com/jemalloc/jemalloc/pull/2906 a purge that the kernel refuses inside free leaves its errno; fixed after 5.3.0
known crash/*/SIGSEGV/pthread_mutex_trylock<libjemalloc.so.2* https://github.com/jemalloc/jemalloc/issues/2289 a refused mmap while a thread gets its arena leaves it without one, and it is used all the same
retention Free pages are purged after a decay time (10 s dirty, none muzzy by default); address space is retained.
