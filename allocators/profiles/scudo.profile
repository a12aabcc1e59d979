# Scudo standalone, of LLVM's compiler-rt.
versions 19 19
known crash/*/SIGABRT/*/Scudo-ERROR-internal-map-failure https://github.com/llvm/llvm-project/issues/87473 a refused mmap inside the allocator ends the process
known crash/*/SIGABRT/*/Scudo-ERROR-internal-unmap-failure https://github.com/llvm/llvm-project/blob/main/compiler-rt/lib/scudo/standalone/report_linux.cpp a refused munmap inside the allocator ends the process
known crash/*/SIGABRT/*/Scudo-ERROR-internal-protect-failure https://github.com/llvm/llvm-project/blob/main/compiler-rt/lib/scudo/standalone/report_linux.cpp a refused mprotect inside the allocator ends the process
known wrong-errno/memalign/failure https://github.com/llvm/llvm-project/blob/main/compiler-rt/lib/scudo/standalone/wrappers_c.inc memalign alone does not set errno when it fails
known null-without-cause/*memalign/no-cause https://github.com/llvm/llvm-project/blob/main/compiler-rt/lib/scudo/standalone/combined.h alignments over 16 MiB (2^24) are not supported and refused
known errno-clobbered/posix_memalign/failure https://man7.org/linux/man-pages/man3/posix_memalign.3.html a mapping that the kernel refuses inside leaves ENOMEM in errno, which is also returned; POSIX leaves errno open
known fork-broken/*/stuck/syscall<libclang_rt.scudo* https://github.com/llvm/llvm-project/pull/169440 a lock of its thread registry is not taken at fork: the child waits for it for ever; fixed after 21
known fork-broken/*/SIGILL/libclang_rt.scudo* https://github.com/llvm/llvm-project/blob/llvmorg-19.1.7/compiler-rt/lib/scudo/standalone/wrappers_c.inc a child that is forked while another thread makes the first allocation of the process sets it up once more, and GWP-ASan ends it; the fork handlers are registered behind that
retention Freed blocks of large size stay in a cache for a while; free pages of size classes are released at intervals.
