# Scudo standalone, of LLVM's compiler-rt.
versions 19 19
known crash/*/SIGABRT/*/Scudo-ERROR-internal-map-failure https://github.com/llvm/llvm-project/issues/87473 a refused mmap inside the allocator ends the process
known crash/*/SIGABRT/*/Scudo-ERROR-internal-unmap-failure https://github.com/llvm/llvm-project/blob/main/compiler-rt/lib/scudo/standalone/report_linux.cpp a refused munmap inside the allocator ends the process
known crash/*/SIGABRT/*/Scudo-ERROR-internal-protect-failure https://github.com/llvm/llvm-project/blob/main/compiler-rt/lib/scudo/standalone/report_linux.cpp a refused mprotect inside the allocator ends the process
known wrong-errno/memalign/failure https://github.com/llvm/llvm-project/blob/main/compiler-rt/lib/scudo/standalone/wrappers_c.inc memalign alone does not set errno when it fails
known null-without-cause/*memalign/no-cause https://github.com/llvm/llvm-project/blob/main/compiler-rt/lib/scudo/standalone/combined.h alignments over 16 MiB (2^24) are not supported and refused
known errno-clobbered/posix_memalign/failure https://man7.org/linux/man-pages/man3/posix_memalign.3.html a mapping that the kernel refuses inside leaves ENOMEM in errno, which is also returned; POSIX leaves errno open
retention Freed blocks of large size stay in a cache for a while; free pages of size classes are released at intervals.
