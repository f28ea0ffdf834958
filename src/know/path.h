/* path.h - a path of tokens that grows by its likeliest one until the decoding rules end it: a greedy answer. A question (asking.h). */
#ifndef KEN_KNOW_PATH_H
#define KEN_KNOW_PATH_H
#include "know/asking.h"
#include "know/golds.h"
#include "know/rules.h"

typedef struct ken_path_options {
    const ken_rules *rules; /* top_k 0: its probability is not computed */
    ken_golds golds;        /* what it is compared with, owned by the path, also on failure; {0} = nothing */
    bool stop_early;        /* as soon as the text can become neither an accepted answer nor one that declines */
    int32_t first;          /* the first token is this one, of probability first_q; -1 = the likeliest */
    double first_q;
    void (*token)(void *ctx, int32_t v); /* called for each token taken, the ending one too; may be NULL */
    void *ctx;
    size_t number; /* of the question, 1-based, for messages; 0 = none */
    int prompt;    /* of the prompt, 0-based; for messages */
} ken_path_options;

/* Behind node `from` and tokens ids (n). Borrows all but the golds. */
int ken_path_new(ken_question **out, ken_engine *e, const ken_path_options *o, ken_node from, const int32_t *ids,
                 size_t n, ken_err *err);

typedef struct ken_path_end { /* of a path that is done; borrowed from it */
    const char *text;         /* (n) NUL-terminated, bytes as generated, without what ended it */
    size_t n;
    ken_finish finish; /* KEN_RUNNING: it was stopped early */
    double p;          /* product of the probabilities of its tokens */
    int32_t forwarded; /* tokens of the answer that were forwarded */
    ken_verdict verdict;
} ken_path_end;
ken_path_end ken_path_get(const ken_question *q);
#endif
