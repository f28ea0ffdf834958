/* exemplars.h - between exemplars.c (which rows serve as exemplars), sets.c (how they are dealt into sets) and wanted.c (which
 * splits and relations are asked for). */
#ifndef KEN_DATA_EXEMPLARS_H
#define KEN_DATA_EXEMPLARS_H
#include "base/arena.h"
#include "data/dataset.h"

/* How many rows n_sets distinct sets of `shots` rows can be made of at the least: 6 for ten sets of four. */
size_t ken_sets_min_rows(int n_sets, int shots);

/* Deals m rows, already in shuffled order, into n_sets sets of `shots`: rows 1-4, 5-8, ... when there are enough; otherwise sets
 * that differ but share rows, each row about equally often. m is at least ken_sets_min_rows. out (n_sets, shots) is filled with
 * entries of rows. KEN_ENOMEM on failure. */
int ken_sets_deal(const size_t *rows, size_t m, int n_sets, int shots, uint64_t seed, const char *relation,
                  size_t *out);

/* Which rows the user asks for, by split and relation. */
typedef struct ken_wanted ken_wanted;
/* Lists as in ken_annotate_options; none = all relations, all splits but `without` (which may be NULL). KEN_EUSAGE with
 * what there is when a name is unknown. Free with ken_wanted_free. */
int ken_wanted_new(ken_wanted **out, const ken_data *d, const ken_names *splits, const ken_names *relations,
                   const char *without, ken_err *err);
void ken_wanted_free(ken_wanted *s);
bool ken_wanted_has(const ken_wanted *s, const ken_example *e);

#endif
