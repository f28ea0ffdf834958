/* trie.c - nodes in one growing array, found through hash chains over (parent, token); see trie.h. */
#include "engine/trie.h"
#include "base/alloc.h"

static uint32_t hash(const ken_trie *t, ken_node parent, int32_t token)
{
    uint64_t h = ((uint64_t)(uint32_t)parent << 32 | (uint32_t)token) * 0x9E3779B97F4A7C15u;
    return (uint32_t)(h >> 32) & t->mask;
}

int ken_trie_init(ken_trie *t, ken_err *err)
{
    *t = (ken_trie){.free_head = -1, .mask = 1023};
    t->bucket = ken_alloc(t->mask + 1, sizeof *t->bucket);
    if (t->bucket == NULL || ken_grow((void **)&t->node, &t->cap, 1, sizeof *t->node) != 0) {
        ken_trie_destroy(t);
        return ken_fail_nomem(err, "token trie");
    }
    for (uint32_t i = 0; i <= t->mask; i++) t->bucket[i] = -1;
    t->node[0] = (ken_trie_node){.parent = -1, .token = -1, .refs = 1, .slot = KEN_NO_SLOT, .row = -1, .next = -1};
    t->n_nodes = 1;
    return KEN_OK;
}

void ken_trie_destroy(ken_trie *t)
{
    ken_free(t->node);
    ken_free(t->bucket);
    *t = (ken_trie){0};
}

static ken_node find(const ken_trie *t, ken_node parent, int32_t token)
{
    for (ken_node v = t->bucket[hash(t, parent, token)]; v >= 0; v = t->node[v].next)
        if (t->node[v].parent == parent && t->node[v].token == token) return v;
    return -1;
}

static void link_node(ken_trie *t, ken_node v)
{
    uint32_t h = hash(t, t->node[v].parent, t->node[v].token);
    t->node[v].next = t->bucket[h];
    t->bucket[h] = v;
}

static int double_buckets(ken_trie *t)
{
    uint32_t n = 2 * (t->mask + 1);
    ken_node *bigger = ken_alloc(n, sizeof *bigger);
    if (bigger == NULL) return -1;
    ken_node *old = t->bucket;
    uint32_t old_n = t->mask + 1;
    t->bucket = bigger;
    t->mask = n - 1;
    for (uint32_t i = 0; i < n; i++) bigger[i] = -1;
    for (uint32_t i = 0; i < old_n; i++)
        for (ken_node v = old[i], next; v >= 0; v = next) {
            next = t->node[v].next;
            link_node(t, v);
        }
    ken_free(old);
    return 0;
}

static ken_node add(ken_trie *t, ken_node parent, int32_t token)
{
    if ((uint32_t)t->n_live >= t->mask && t->mask < (1u << 29) && double_buckets(t) != 0) return -1;
    ken_node v = t->free_head;
    if (v >= 0) t->free_head = t->node[v].next;
    else {
        if (t->n_nodes == INT32_MAX ||
            ken_grow((void **)&t->node, &t->cap, (size_t)t->n_nodes + 1, sizeof *t->node) != 0)
            return -1;
        v = t->n_nodes++;
    }
    t->node[v] = (ken_trie_node){
        .parent = parent, .token = token, .depth = t->node[parent].depth + 1, .slot = KEN_NO_SLOT, .row = -1};
    t->node[parent].refs++;
    t->n_live++;
    link_node(t, v);
    return v;
}

/* Removes v and then every ancestor that only v kept alive. */
static void forget_if_unneeded(ken_trie *t, ken_node v)
{
    while (v != KEN_TRIE_ROOT && t->node[v].refs == 0 && t->node[v].slot == KEN_NO_SLOT) {
        ken_node parent = t->node[v].parent;
        ken_node *link = &t->bucket[hash(t, parent, t->node[v].token)];
        while (*link != v) link = &t->node[*link].next;
        *link = t->node[v].next;
        t->node[v].next = t->free_head;
        t->free_head = v;
        t->n_live--;
        t->node[parent].refs--;
        v = parent;
    }
}

int ken_trie_extend(ken_trie *t, ken_node at, const int32_t *tok, size_t n, ken_node *out, ken_err *err)
{
    ken_node v = at;
    t->node[v].refs++; /* hold the end of the path as it grows, so that a failure can undo by releasing it */
    for (size_t i = 0; i < n; i++) {
        ken_node child = find(t, v, tok[i]);
        if (child < 0) child = add(t, v, tok[i]);
        if (child < 0) {
            ken_trie_release(t, v);
            return ken_fail_nomem(err, "token trie");
        }
        t->node[child].refs++;
        t->node[v].refs--;
        v = child;
    }
    *out = v;
    return KEN_OK;
}

void ken_trie_release(ken_trie *t, ken_node v)
{
    t->node[v].refs--;
    forget_if_unneeded(t, v);
}

void ken_trie_drop_slot(ken_trie *t, ken_node v)
{
    t->node[v].slot = KEN_NO_SLOT;
    forget_if_unneeded(t, v);
}
