/* flags.h - who decides a flag of a row. Names and meanings are in ken.h; all of it is one table, in flags.c. */
#ifndef KEN_BASE_FLAGS_H
#define KEN_BASE_FLAGS_H
#include <stdint.h>

typedef enum ken_flag_by {
    KEN_FLAG_BY_DATA,      /* the row and those like it in the data */
    KEN_FLAG_BY_EXEMPLARS, /* what its prompts are made of */
    KEN_FLAG_BY_LIMITS,    /* model, stop string and longest answer: whether it can be asked at all */
    KEN_FLAG_BY_NUMBERS    /* what came out */
} ken_flag_by;

uint32_t ken_flags_by(ken_flag_by who); /* the bits that it decides */
#endif
