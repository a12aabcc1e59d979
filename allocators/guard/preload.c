/* Work for a compiler: 512 functions from one pattern. Compiled by preload tests, never linked. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define FUNCTION(n)                                                                                \
	uint64_t mix_##n(const unsigned char *p, size_t size)                                      \
	{                                                                                          \
		uint64_t h = 0x9e3779b97f4a7c15u + 1##n;                                           \
		for (size_t i = 0; i + 8 <= size; i += 8) {                                        \
			uint64_t word;                                                             \
			memcpy(&word, p + i, 8);                                                   \
			h = (h ^ word) * 0xff51afd7ed558ccdu;                                      \
			h ^= h >> (1##n % 31 + 1);                                                 \
			switch (h % 5) {                                                           \
			case 0:                                                                    \
				h += word;                                                         \
				break;                                                             \
			case 3:                                                                    \
				printf("%d %lu\n", 1##n, (unsigned long)h);                        \
			}                                                                          \
		}                                                                                  \
		return h;                                                                          \
	}
#define FUNCTIONS_4(n)	 FUNCTION(n##0) FUNCTION(n##1) FUNCTION(n##2) FUNCTION(n##3)
#define FUNCTIONS_16(n)	 FUNCTIONS_4(n##0) FUNCTIONS_4(n##1) FUNCTIONS_4(n##2) FUNCTIONS_4(n##3)
#define FUNCTIONS_64(n)	 FUNCTIONS_16(n##0) FUNCTIONS_16(n##1) FUNCTIONS_16(n##2) FUNCTIONS_16(n##3)
#define FUNCTIONS_256(n) FUNCTIONS_64(n##0) FUNCTIONS_64(n##1) FUNCTIONS_64(n##2) FUNCTIONS_64(n##3)

FUNCTIONS_256(0)
FUNCTIONS_256(1)
