/* world_files.h - what a synthetic world leaves on the disk: the corpus that a model is pretrained on, its facts as a data set, the truth about
 * them, and the vocabulary of it all. */
#ifndef KEN_LAB_WORLD_FILES_H
#define KEN_LAB_WORLD_FILES_H
#include "lab/vocabulary.h"
#include "lab/world.h"

/* Rows of the corpus: documents of consecutive sentences, then each asked fact's question, as often as it is repeated. */
size_t ken_world_documents(const ken_world *w);
size_t ken_world_rows(const ken_world *w);

/* Every word that the corpus, the questions and the usual prompts have. */
int ken_world_vocabulary(ken_vocabulary *v, const ken_world *w, ken_err *err);
/* {"id","prompt","completion"} a line: of a document all but its first word is learned, of a question the answer. */
int ken_world_write_corpus(const ken_world *w, const char *path, ken_err *err);
/* When each fact was seen: in which of the updates that take `batch` rows of the corpus each, as ken_train orders them. */
int ken_world_trace(ken_world *w, size_t batch, int epochs, uint64_t seed, ken_err *err);
/* dir/data/{train,dev,test}.jsonl, dir/asked.jsonl and dir/ood.jsonl where there are such facts, and dir/truth.jsonl. */
int ken_world_write_facts(const ken_world *w, const char *dir, ken_err *err);
#endif
