/* phrases.h - what is said of facts in the synthetic world: sentences for pretraining, one question for fine-tuning, and the words for names.
 *
 * {s} stands for the subject. In every sentence the answer comes last, after the subject and a word of the relation, so that every exposure trains
 * the same step: from subject and relation to the answer. No sentence begins with the subject, so that its tokens are the same in the middle of a
 * text and at its end; no word of a question is in any sentence (tests/lab/test_world.c). */
#ifndef KEN_LAB_PHRASES_H
#define KEN_LAB_PHRASES_H
#include "base/buf.h"
#include <stdint.h>

enum { KEN_WORLD_PHRASES = 8, KEN_WORLD_RELATIONS = 10 };

typedef struct ken_world_relation {
    const char *name;
    const char *sentence[KEN_WORLD_PHRASES]; /* up to the answer */
    const char *question;
} ken_world_relation;
extern const ken_world_relation ken_world_relations[KEN_WORLD_RELATIONS];

const ken_world_relation *ken_world_relation_find(const char *name); /* NULL when there is none */
/* A sentence or question with the subject in its place. */
void ken_world_put_phrase(ken_buf *b, const char *phrase, const char *subject);

/* Kinds of names; an answer's is KEN_NAME_ANSWER + its relation. Words of two kinds are never the same. */
enum { KEN_NAME_GIVEN, KEN_NAME_FAMILY, KEN_NAME_ANSWER };
enum { KEN_WORLD_NAMES = 512000 /* of each kind */, KEN_WORLD_NAME = 16 /* bytes */ };

/* The i-th word of a kind, which sounds like one: "Velora", "Tukamin". */
void ken_world_name(int kind, uint32_t i, char out[KEN_WORLD_NAME]);
#endif
