/* parallel.h - the library's threads are OpenMP's; everything else asks here. A loop over independent blocks, dynamic
 * schedule: which thread takes a block never changes a result, because a block is computed by one thread alone. */
#ifndef KEN_BASE_PARALLEL_H
#define KEN_BASE_PARALLEL_H
#include <omp.h>

/* Threads to use when the user asked for n (0 = all cores this process may use). */
static inline int ken_threads(int n) { return n > 0 ? n : omp_get_num_procs(); }
#endif
