/* table.h - what several of the tables on a terminal say alike. */
#ifndef KEN_CLI_TABLE_H
#define KEN_CLI_TABLE_H
#include "ken.h"

/* 95 % interval of a share k/n after Wilson (1927); n = 0 gives [0, 1]. */
void cli_wilson(uint64_t k, uint64_t n, double *lo, double *hi);
#endif
