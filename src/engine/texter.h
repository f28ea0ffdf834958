/* texter.h - the interface at text level: a prompt in, n texts out, no probabilities. For engines that give no more (most
 * servers); whatever shows logits is a forwarder (nn/forwarder.h), which this stands beside.
 *
 *     ken_texts r = {.prompt = "Q: ...", .n = 16, .temperature = 0.5, ..., .text = text, .outstanding = &waiting};
 *     ken_texter_ask(t, &r);                                waiting++
 *     while (waiting > 0) ken_texter_wave(t, &err);         waiting--; text[i] is there, the asker's, free with ken_free */
#ifndef KEN_ENGINE_TEXTER_H
#define KEN_ENGINE_TEXTER_H
#include "base/error.h"

typedef struct ken_texts { /* one request; stays where it is until it is answered */
    const char *prompt;    /* whole, as text */
    int n;                 /* answers wanted */
    double temperature;    /* 0 = greedy */
    int32_t top_k, max_new;
    const char *stop;
    uint64_t seed;        /* of this request, where the engine takes one */
    char **text;          /* (n) out, each without the stop string and what follows it */
    bool *cut;            /* (n) out: it ended at max_new */
    int32_t *outstanding; /* counts the owner's open requests */
    struct ken_texts *next;
} ken_texts;

typedef struct ken_texter ken_texter;

typedef struct ken_texter_kind {
    const char *name;
    int at_once; /* texts that one call should be asked for */
    /* Answers every request of the list, by .next. On failure none is answered. */
    int (*answer)(ken_texter *t, ken_texts *list, ken_err *err);
} ken_texter_kind;

struct ken_texter { /* first member of what an instance is made of; all but kind starts at zero */
    const ken_texter_kind *kind;
    ken_texts *head, *last; /* queue */
    int backlog;            /* texts that it asks for */
};

void ken_texter_ask(ken_texter *t, ken_texts *r);
/* Has the oldest requests answered, about at_once texts. KEN_OK and nothing done when nothing is queued. */
int ken_texter_wave(ken_texter *t, ken_err *err);
void ken_texter_drop_queue(ken_texter *t); /* what is queued */
#endif
