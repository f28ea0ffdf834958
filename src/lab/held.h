/* held.h - the held-out facts of a pretrained state: for each the interval of attention in which it is answered right (E3). Whatever fine-tuning does
 * to attention is then a lookup. */
#ifndef KEN_LAB_HELD_H
#define KEN_LAB_HELD_H
#include "lab/one_layer.h"

typedef struct ken_held {
    int relations, subjects; /* held-out ones: the odd half of the world's */
    double *lo, *hi;         /* (relations, subjects) right for lo < lambda < hi; lo > hi: never */
    uint8_t *closed;         /* (relations, subjects) bit 0: and at lo; bit 1: and at hi */
    double *sorted;          /* (2, relations * subjects) scratch */
} ken_held;

int ken_held_make(ken_held *h, const ken_one_world *w, ken_err *err);
void ken_held_free(ken_held *h);
void ken_held_fill(ken_held *h, const ken_one_world *w, const ken_values *v);
/* Facts that are right with attention lambda (relations), by quartile of the subject's popularity. */
void ken_held_right(const ken_held *h, const double *lambda, uint32_t right[4]);
/* The best attention that all relations have in common (the middle of the best stretch), and how many facts it has right. */
double ken_held_best(ken_held *h, uint32_t *right);

/* The plain way, and what the tests hold the lookup against: the answer of [s, r] by argmax over all logits, the lowest index of equal ones. */
int ken_held_direct(const ken_one_world *w, const ken_values *v, int s, int r, double lambda);
#endif
