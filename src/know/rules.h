/* rules.h - the decoding rules of a run (docs/method/knowledge.md#decoding, #random-process): what ends an answer, and what its probability is.
 *
 * Shared by the exact walk, the sampler and explain, so that they cannot disagree about what an answer is. */
#ifndef KEN_KNOW_RULES_H
#define KEN_KNOW_RULES_H
#include "base/arena.h"
#include "engine/engine.h"
#include "text/tokenizer.h"

typedef struct ken_rules {
    const ken_tokenizer *tokenizer; /* borrowed */
    int32_t top_k;                  /* 40: Gekhman et al. 2024, App. C */
    double temperature;             /* 0.5: the same source */
    int32_t max_new;                /* L_max: tokens of class O before the answer is cut */
    const char *stop;               /* newline, or the user's stop string; borrowed, not empty */
    size_t n_stop;
    int prompts, samples; /* 10, 16 */
    double mass_budget;   /* 0 = by g, docs/method/knowledge.md#exact-bound */
    double eps; /* 0 = by mass_budget; else all nodes of at least this reach are forwarded: reference walks and tests */
    bool texts; /* complete and store greedy answers */
    uint64_t seed;
} ken_rules;

typedef enum ken_finish { KEN_RUNNING, KEN_FINISH_EOS, KEN_FINISH_STOP, KEN_FINISH_LENGTH } ken_finish;

/* "eos", "newline" (or "stop" for another stop string), "length", "" while running. */
const char *ken_finish_name(const ken_rules *r, ken_finish f);

/* What generating token v after text x (n bytes) does. Class E: finish EOS, the answer is x. Class L: finish STOP, the answer is the
 * first *len bytes of x b(v). Class O: KEN_RUNNING, the text is now *len = n + |b(v)| bytes long. b(v) itself is *piece. */
ken_finish ken_rules_step(const ken_rules *r, const char *x, size_t n, int32_t v, ken_str *piece, size_t *len);

/* q(v|h) for the answer of a request that asked for at least top_k logits: out (n) for the n = min(top_k, answer) tokens of the
 * list, in its order; returns n. Double precision, maximum subtracted, summed in list order (docs/method/knowledge.md#random-process). */
int32_t ken_rules_q(const ken_rules *r, const ken_request *a, double *out);

/* An answer as it is stored and shown: valid UTF-8 whatever the tokens were, and no NUL, which would end it early: U+FFFD in their place. In the
 * arena; NULL when out of memory. */
char *ken_answer_text(ken_arena *a, const char *s, size_t n);

/* KEN_EINPUT when the answered request found NaN or infinite logits. prompt and position are 0-based, for the message. */
int ken_rules_check(const ken_request *a, int prompt, int32_t position, ken_err *err);

/* A request for top_k + 1 logits at node; memory from malloc, freed with ken_request_free. */
ken_request *ken_request_new(const ken_rules *r, ken_node node, int32_t *outstanding);
void ken_request_free(ken_request *q);
#endif
