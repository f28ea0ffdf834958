/* world.h - a synthetic world: subjects with names, facts about them, and every sentence that will ever be said of a fact.
 *
 * A pure function of the options: which sentence tells which fact in which words is drawn by counters from the seed (lab/draw.h), so that parts can be
 * made again in any order. docs/method/salience.md#world. */
#ifndef KEN_LAB_WORLD_H
#define KEN_LAB_WORLD_H
#include "base/buf.h"
#include "base/error.h"
#include "lab/phrases.h"

enum { KEN_WORLD_TRAIN, KEN_WORLD_DEV, KEN_WORLD_TEST, KEN_WORLD_ASKED, KEN_WORLD_OOD, KEN_N_WORLD_SPLITS };
extern const char *const ken_world_split_names[KEN_N_WORLD_SPLITS]; /* "train", "dev", "test", "asked", "ood" */

typedef struct ken_world_fact {
    uint32_t exposures;  /* sentences that tell it */
    uint8_t paraphrases; /* bits: in which of the 8 ways */
    int64_t first, last; /* updates of the pretraining that saw it, counted from 1; 0: none */
} ken_world_fact;

typedef struct ken_world {
    const ken_world_options *o; /* borrowed */
    size_t n_facts;             /* subjects x relations; fact = subject * relations + relation */
    uint32_t *given, *family;   /* (subjects) of each pool; subjects by popularity, the most popular first */
    uint32_t *answer;           /* (n_facts) of its relation's pool */
    uint8_t *split;             /* (n_facts) KEN_WORLD_* */
    ken_world_fact *fact;       /* (n_facts) */
    uint32_t *said;             /* (o->sentences) in the order of the corpus: fact * 8 + paraphrase */
    size_t n_asked;             /* facts of subjects whose questions are in the corpus too */
} ken_world;

/* KEN_EUSAGE naming the option that makes no sense. */
int ken_world_check(const ken_world_options *o, ken_err *err);
int ken_world_new(ken_world **out, const ken_world_options *o, ken_err *err); /* o as checked */
void ken_world_free(ken_world *w);

/* Names of the pools in use: how many given and family names, and answers of a relation. */
uint32_t ken_world_pool(const ken_world_options *o);
uint32_t ken_world_answers(const ken_world_options *o, int relation);

void ken_world_put_subject(ken_buf *b, const ken_world *w, size_t subject);               /* "Velora Tukamin" */
void ken_world_put_answer(ken_buf *b, const ken_world *w, size_t fact);                   /* "Keridas" */
void ken_world_put_sentence(ken_buf *b, const ken_world *w, size_t fact, int paraphrase); /* up to the answer */
void ken_world_put_question(ken_buf *b, const ken_world *w, size_t fact);
#endif
