# mimalloc as Debian packages it.
versions 2.0.9 2.0.9
known wrong-errno/malloc/failure https://github.com/microsoft/mimalloc/issues/1135 errno is not set when an allocation fails
known wrong-errno/calloc/failure https://github.com/microsoft/mimalloc/issues/1135 errno is not set when an allocation fails
known wrong-errno/realloc/failure https://github.com/microsoft/mimalloc/issues/1135 errno is not set when an allocation fails
known wrong-errno/aligned_alloc/failure https://github.com/microsoft/mimalloc/issues/1135 errno is not set when an allocation fails
known wrong-errno/memalign/failure https://github.com/microsoft/mimalloc/issues/1135 errno is not set when an allocation fails
known wrong-errno/valloc/failure https://github.com/microsoft/mimalloc/issues/1135 errno is not set when an allocation fails
known wrong-errno/pvalloc/failure https://github.com/microsoft/mimalloc/issues/1135 errno is not set when an allocation fails
known misaligned/*/requested https://github.com/microsoft/mimalloc/issues/700 small sizes equal to the alignment, or a multiple of it, come misaligned; fixed after 2.0.9
known errno-clobbered/posix_memalign/success https://man7.org/linux/man-pages/man3/posix_memalign.3.html the first allocation of a process may leave the errno of a look into /sys or /proc; POSIX leaves errno open where the call succeeds
known errno-clobbered/posix_memalign/failure https://man7.org/linux/man-pages/man3/posix_memalign.3.html a mapping that the kernel refuses inside, or a look into /sys or /proc, leaves its errno; POSIX leaves errno open
retention Free segments are reset or unmapped after a delay; mi_collect(true) returns them at once.
