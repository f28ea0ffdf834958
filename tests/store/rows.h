/* rows.h - rows for the tests of the store, a pure function of their number, and what the tests share. */
#ifndef KEN_TESTS_STORE_ROWS_H
#define KEN_TESTS_STORE_ROWS_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "store/store.h"

enum { ROW_PROMPTS = 10, ROW_TEXTS = 200 };

typedef struct made_row {
    ken_row row;
    ken_prompt_row prompts[ROW_PROMPTS];
    ken_drawn drawn[3];
    const char *answers[3];
    char text[ROW_TEXTS][64];
    int n_text;
} made_row;

/* Row number i: its id is "P<i % 4>/test/<i>", everything else is a hash of i and of the field; some numbers are NaN, some texts
 * NULL or not ASCII. The result points into m. */
const ken_row *make_row(made_row *m, uint64_t i);

/* Fails the test where two rows differ in a field; doubles by their bits (any NaN equals any NaN). */
void assert_row_equal(const ken_row *a, const ken_row *b);

/* Some settings; rows asked for = 50. */
extern const ken_setting test_settings[];
extern const size_t n_test_settings;

/* A fresh folder for this program under $TMPDIR, /dev/shm or /tmp, removed with everything in it by remove_folder. */
const char *test_folder(void);
const char *in_folder(const char *name); /* static, valid until the fourth next call */
int remove_folder(void **state);

#define assert_ok(call)                                                                                                \
    do {                                                                                                               \
        if ((call) != KEN_OK) fail_msg("%s: %s", #call, err.msg);                                                      \
    } while (0)
#endif
