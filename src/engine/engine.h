/* engine.h - forwards the token trie in waves.
 *
 *     ken_engine_extend(e, KEN_TRIE_ROOT, prompt, n, &q, &err);        a path; shared prefixes are found
 *     ken_request r = {.node = q, .k = 41, .id = ids, .logit = logits, .outstanding = &waiting};
 *     ken_engine_ask(e, &r, &err);                                      waiting++
 *     while (waiting > 0) ken_engine_wave(e, &err);                     forwards what is missing, for everybody who asked; waiting--
 *
 * Requests of many questions, prompts and depths share a wave, because large batches run at matrix speed and small ones do not.
 * The key-value cache has a fixed number of slots. What was used longest ago loses its slot first and is forwarded again when it
 * is needed again: memory follows the wave, never the data, and no request can starve as long as its own path fits. */
#ifndef KEN_ENGINE_ENGINE_H
#define KEN_ENGINE_ENGINE_H
#include "engine/trie.h"
#include "nn/forwarder.h"

typedef struct ken_engine ken_engine;

typedef struct ken_request {
    ken_node node;       /* the caller holds a reference on it until the answer is there */
    int32_t k;           /* how many of the largest logits: id and logit have room for k */
    int32_t *id;         /* (k) out, largest first, ties by lower id */
    float *logit;        /* (k) out */
    int32_t n;           /* out: how many there are, min(k, V); -1: a logit was NaN or infinite */
    const int32_t *want; /* (n_want) further tokens whose logits are read, or NULL */
    float *want_logit;   /* (n_want) out */
    int32_t n_want;
    float *hidden;        /* (n_embd) out, or NULL: the state that the logits are made of, after the last norm */
    float *attention;     /* (n_layer, n_head, depth of node) out, or NULL: what each head takes from each position */
    int32_t *outstanding; /* counts the owner's open requests: one up when asked, one down when answered */
    struct ken_request *next;
} ken_request;

typedef struct ken_engine_options {
    int32_t wave_positions; /* to forward at once; 0 = 2048 */
    int32_t slots;          /* of the key-value cache; 0 = chosen from wave_positions */
} ken_engine_options;

/* Borrows f. */
int ken_engine_new(ken_engine **out, ken_forwarder *f, const ken_engine_options *o, ken_err *err);
void ken_engine_free(ken_engine *e); /* open requests are forgotten */

int ken_engine_extend(ken_engine *e, ken_node at, const int32_t *tok, size_t n, ken_node *out, ken_err *err);
void ken_engine_release(ken_engine *e, ken_node v);

/* Queues r, which stays the caller's and must stay where it is until it is answered. KEN_EUSAGE when its path is longer than the
 * model's context or the forwarder cannot give what it asks for, KEN_ENOMEM when the path is longer than the cache. */
int ken_engine_ask(ken_engine *e, ken_request *r, ken_err *err);
int32_t ken_engine_backlog(const ken_engine *e); /* positions that the queued requests need, about */
int32_t ken_engine_default_wave(void);           /* positions forwarded at once, likewise */
int32_t ken_engine_default_slots(void);          /* of the cache, when nothing else is asked for */
int32_t ken_engine_slots(const ken_engine *e);
int32_t ken_engine_wave_positions(const ken_engine *e);
int32_t ken_engine_longest(const ken_engine *e); /* the longest path in tokens that can be asked for */

/* Forwards one wave: the oldest requests first, as many as fit. KEN_OK and nothing done when nothing is queued. KEN_ESTOP: the wave was
 * abandoned, its requests stay queued. */
int ken_engine_wave(ken_engine *e, ken_err *err);

typedef struct ken_engine_stats {
    uint64_t positions; /* forwarded */
    uint64_t again;     /* of these, positions that were in the cache, but whose logits were asked for again */
    uint64_t logits;    /* positions that were read */
    uint64_t waves;
} ken_engine_stats;
ken_engine_stats ken_engine_get_stats(const ken_engine *e);
#endif
