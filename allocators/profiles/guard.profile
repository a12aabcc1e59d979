# Our own. Nothing is known of it that it should not do.
versions * *

# Where the standards leave a choice
answer aligned-alloc-zero pointer [C17 7.22.3p1 leaves it open; allocators/guard/README.md] a block of 16 bytes
answer calloc-size-zero pointer [C17 7.22.3p1 leaves it open; allocators/guard/README.md] a block of 16 bytes
answer calloc-zero pointer [C17 7.22.3p1 leaves it open; allocators/guard/README.md] a block of 16 bytes
answer malloc-zero pointer [C17 7.22.3p1 leaves it open; allocators/guard/README.md] a block of 16 bytes
answer memalign-zero pointer [C17 7.22.3p1 leaves it open; allocators/guard/README.md] a block of 16 bytes
answer posix-memalign-zero pointer [C17 7.22.3p1 leaves it open; allocators/guard/README.md] a block of 16 bytes
answer pvalloc-zero pointer [no standard has pvalloc; allocators/guard/README.md] rounding 0 up to pages
answer valloc-zero pointer [no current standard has valloc; allocators/guard/README.md] as malloc(0), aligned to a page
answer realloc-null-zero pointer [C17 7.22.3.5p3: as malloc(0); allocators/guard/README.md] a block of 16 bytes
answer realloc-zero frees [C17 7.22.3.5p4 leaves it open, C23 undefined; allocators/guard/README.md] the block is freed, NULL, errno as it was
answer reallocarray-null-zero pointer [POSIX.1-2024 realloc: as realloc(NULL, 0); allocators/guard/README.md] a block of 16 bytes
answer reallocarray-size-zero frees [POSIX.1-2024 realloc: as realloc(p, 0); allocators/guard/README.md] the block is freed, NULL, errno as it was
answer reallocarray-zero frees [POSIX.1-2024 realloc: as realloc(p, 0); allocators/guard/README.md] the block is freed, NULL, errno as it was
answer aligned-alloc-0 EINVAL [glibc manual 3.2.3.6; allocators/guard/README.md] NULL and EINVAL for an alignment that is no power of two, 0 included
answer aligned-alloc-1 accepted [C17 6.2.8p3 leaves it open; allocators/guard/README.md] below the alignment that every block has
answer aligned-alloc-3 EINVAL [glibc manual 3.2.3.6; allocators/guard/README.md] NULL and EINVAL for an alignment that is no power of two, 0 included
answer aligned-alloc-below accepted [C17 7.22.3.1p2 lets it support any size, DR 460; allocators/guard/README.md] the size need not be a multiple
answer aligned-alloc-max accepted [C17 6.2.8p3 leaves it open; allocators/guard/README.md] no largest alignment but the address space
answer aligned-alloc-size accepted [C17 7.22.3.1p2 lets it support any size, DR 460; allocators/guard/README.md] the size need not be a multiple
answer posix-memalign-max accepted [POSIX.1-2017 posix_memalign; allocators/guard/README.md] no largest alignment but the address space
answer memalign-0 EINVAL [glibc manual 3.2.3.6; allocators/guard/README.md] NULL and EINVAL for an alignment that is no power of two, 0 included
answer memalign-48 EINVAL [glibc manual 3.2.3.6; allocators/guard/README.md] NULL and EINVAL for an alignment that is no power of two, 0 included
answer pvalloc-1 usable-4096 [no standard has pvalloc; allocators/guard/README.md] a page
answer valloc-1 usable-4096 [no current standard has valloc; allocators/guard/README.md] the smallest size class that is aligned to a page is a page
answer usable-malloc-1 usable-16 [https://man7.org/linux/man-pages/man3/malloc_usable_size.3.html; allocators/guard/README.md] the smallest of 88 size classes, 16 bytes

# When memory goes back
retention allocators/guard/README.md A slab of 1 MiB is unmapped when it drains, a block over 128 KiB when it is freed.
retention allocators/guard/README.md In a slab in use up to 64 free pages (256 KiB) are kept, then purged; malloc_trim purges all of them.
