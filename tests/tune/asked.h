/* asked.h - short forms of what ken.h has structs for, for requests in tests. */
#ifndef KEN_TESTS_ASKED_H
#define KEN_TESTS_ASKED_H
#include "ken.h"

/* Initialisers of a ken_variant_choice; in an assignment with its type in front. */
#define UNKNOWN_OF(percent)                                                                                            \
    {                                                                                                                  \
        KEN_VARIANT_UNKNOWN, percent, 0                                                                                \
    }
#define KNOWN_OF(percent)                                                                                              \
    {                                                                                                                  \
        KEN_VARIANT_KNOWN, percent, 0                                                                                  \
    }
#define NATURAL                                                                                                        \
    {                                                                                                                  \
        KEN_VARIANT_NATURAL, 0, 0                                                                                      \
    }
#define ONLY(category)                                                                                                 \
    {                                                                                                                  \
        KEN_VARIANT_ONE, 0, category                                                                                   \
    }
#define NO_VARIANT                                                                                                     \
    {                                                                                                                  \
        KEN_VARIANT_NONE, 0, 0                                                                                         \
    }
#define VARIANT(v) ((ken_variant_choice)v)

/* Sets of categories. */
#define OF(category) (1u << (category))
#define OF_KNOWN     (OF(KEN_HIGHLY_KNOWN) | OF(KEN_MAYBE_KNOWN) | OF(KEN_WEAKLY_KNOWN))

/* A list of names, in a function. */
#define LIST(...)                                                                                                      \
    ((ken_names){(const char *const[]){__VA_ARGS__},                                                                   \
                 (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))})
#endif
