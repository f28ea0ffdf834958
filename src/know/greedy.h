/* greedy.h - greedy answers to many questions through the engine, and which of them are right (docs/method/fine-tuning.md#format, #measures).
 *
 * The same engine, decoding rules and matchers as annotation: questions share waves and prefixes. */
#ifndef KEN_KNOW_GREEDY_H
#define KEN_KNOW_GREEDY_H
#include "know/golds.h"
#include "know/watch.h"
#include "nn/forwarder.h"
#include "text/tokenizer.h"

typedef struct ken_greedy_item {
    const int32_t *prompt; /* (n_prompt) token ids */
    int32_t n_prompt;
    const char *const *answers; /* (n_answers) accepted */
    int n_answers;
    const char *const *aliases; /* (n_aliases) their other names, for a matcher that uses them */
    int n_aliases;
} ken_greedy_item;

typedef struct ken_greedy_answer {
    bool hit, hit_raw; /* under the matcher, and under em-raw; false, as the next, where it was stopped early */
    bool abstained;    /* declines to answer */
    bool too_long;     /* the prompt does not fit the context: nothing was asked */
    char *text; /* valid UTF-8; NULL when `complete` is off and it could not be right any more; ken_greedy_free */
    const char *finish; /* "eos", "newline", "length", "" */
    int32_t n_new;      /* tokens forwarded for it */
} ken_greedy_answer;

typedef struct ken_greedy_options {
    /* In place of an array of items: number i, when it is started; what it points to must last until the next one is asked for. */
    int (*item)(void *ctx, size_t i, ken_greedy_item *out, ken_err *err);
    const ken_gold_rules
        *golds;    /* what is accepted, what declines, what ends an answer; a matcher that cannot rule a text out (f1@t,
                                    contains) sets `complete` */
    int max_new;   /* 0 = 32 */
    bool complete; /* continue when the text can become neither an accepted answer nor an abstention */
    int32_t wave_positions, slots; /* of the engine; 0 = chosen */
    void *ctx;                     /* of item */
    ken_watch *watch;              /* reported to between waves, besides the net's own; or NULL */
    size_t done_before, total;     /* for watch: answers before these, and in all; total 0 = these alone */
} ken_greedy_options;

/* out (n). Borrows everything during the call. *forwards += positions forwarded (may be NULL). Answers do not depend on wave_positions and
 * slots, except that a prompt must fit the slots. On failure out holds no texts. */
int ken_greedy(ken_forwarder *f, const ken_tokenizer *t, const ken_greedy_item *item, size_t n,
               const ken_greedy_options *o, ken_greedy_answer *out, uint64_t *forwards, ken_err *err);
void ken_greedy_free(ken_greedy_answer *a, size_t n); /* the texts, not the array */
#endif
