/* made_run.h - a run made up for the report's tests: through the real store, with seeded numbers, no model. */
#ifndef KEN_TESTS_MADE_RUN_H
#define KEN_TESTS_MADE_RUN_H
#include "ken.h"

enum { MADE_PROMPTS = 10, MADE_SAMPLES = 16, N_MADE = 8 /* relations */ };
extern const char *const hostile[]; /* texts that must arrive as text, whatever they look like */

/* The whole file; the caller's, free with ken_free. */
char *read_all(const char *path, size_t *n);
double made_draw(uint32_t row, uint32_t what, uint32_t i); /* in [0, 1) */
/* n rows at path; every third row carries hostile texts when asked, some are unlabelled. shift: the model has been changed by so much, some
 * facts for the better and more for the worse. */
int make_run_shifted(const char *path, size_t n, bool hostile_texts, double shift, ken_err *err);
int make_run(const char *path, size_t n, bool hostile_texts, ken_err *err);
#endif
