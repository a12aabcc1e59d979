#include "harness/base/tls.h"

#include <link.h>

static int add_tls(struct dl_phdr_info *image, size_t size, void *sum)
{
	(void)size;
	for (unsigned i = 0; i < image->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &image->dlpi_phdr[i];

		if (p->p_type == PT_TLS)
			*(size_t *)sum += p->p_memsz + p->p_align;
	}
	return 0;
}

size_t tls_static_bytes(void)
{
	size_t sum = 0;

	dl_iterate_phdr(add_tls, &sum);
	return sum;
}
