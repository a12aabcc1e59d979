/*
 * running_kernel.h - which kernel this is, where it is the subject. Controller only.
 */
#ifndef ALLOCATORS_RUNNING_KERNEL_H
#define ALLOCATORS_RUNNING_KERNEL_H

#include <stddef.h>

/*
 * uname's release; and the build id of the running image, in lower-case hexadecimal, by which two
 * kernels of one release are told apart. Each "" where it is not known or does not fit: not every
 * kernel has an id, and /sys may not be there.
 */
void running_kernel_release(char *buf, size_t size);
void running_kernel_build_id(char *buf, size_t size);

#endif
