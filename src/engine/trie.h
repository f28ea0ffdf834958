/* trie.h - the token trie of a run: every request is a path, shared prefixes are one path.
 *
 *     ken_node q;
 *     ken_trie_extend(t, KEN_TRIE_ROOT, prompt, n_prompt, &q, &err);      finds or adds; the caller holds one reference on q
 *     ...
 *     ken_trie_release(t, q);
 *
 * A node is a token below its parent; it exists while a caller holds a reference, while it has children, or while it has a cache
 * slot (its keys and values are worth keeping: the next question may share them). Slots belong to the engine, which may take a slot
 * away at any time - the node is then simply forwarded again: what a node computes never depends on cache state.
 * Node numbers are reused after a node is gone. Not thread-safe: one owner. */
#ifndef KEN_ENGINE_TRIE_H
#define KEN_ENGINE_TRIE_H
#include "base/error.h"

typedef int32_t ken_node;
enum { KEN_TRIE_ROOT = 0, KEN_NO_SLOT = -1 };

typedef struct ken_trie_node {
    ken_node parent; /* of the root: -1 */
    int32_t token;   /* of the root: -1 */
    int32_t
        depth; /* tokens above and including this one: the root is 0, a node's position in the sequence is depth - 1 */
    int32_t refs;   /* holders outside, and children */
    int32_t slot;   /* in the key-value cache, or KEN_NO_SLOT */
    int32_t row;    /* engine: its row in the wave being built, or -1 */
    uint32_t stamp; /* engine: number of the last wave that used it */
    bool claimed;   /* engine: counted among the positions that pending requests need */
    ken_node next;  /* trie: the next in its hash chain, or in the free list */
} ken_trie_node;

typedef struct ken_trie {
    ken_trie_node *node; /* (n_nodes); moves when the trie grows: do not keep pointers over ken_trie_extend */
    int32_t n_nodes;     /* numbers in use or in the free list */
    int32_t n_live;
    size_t cap;
    ken_node free_head;
    ken_node *bucket; /* (mask + 1) heads of the hash chains over (parent, token) */
    uint32_t mask;
} ken_trie;

int ken_trie_init(ken_trie *t, ken_err *err);
void ken_trie_destroy(ken_trie *t); /* {0} is fine */

/* Finds or adds the path tok (n >= 0) below `at`; *out gets one reference. On failure nothing is held or left behind. */
int ken_trie_extend(ken_trie *t, ken_node at, const int32_t *tok, size_t n, ken_node *out, ken_err *err);
/* Gives one reference back; nodes that nothing needs any more are gone. */
void ken_trie_release(ken_trie *t, ken_node v);
/* The engine took the slot of v away: forget the node when nothing else needs it. */
void ken_trie_drop_slot(ken_trie *t, ken_node v);
#endif
