/* source.h - where a model's description is: the metadata of a GGUF file, or config.json. One way to ask both. */
#ifndef KEN_MODEL_SOURCE_H
#define KEN_MODEL_SOURCE_H
#include "model/gguf.h"
#include <jansson.h>

typedef struct ken_source {
    const ken_gguf *gguf; /* one of the two is set */
    const json_t *json;   /* the root of config.json */
    const char *file;     /* for messages */
    const char *arch;     /* GGUF: the prefix of the family's keys ("llama.block_count") */
} ken_source;

/* The value of a key. GGUF: `gguf_key` after "arch.". JSON: `json_key`, with dots between nested objects. A NULL key is never
 * there. */
ken_value ken_source_get(const ken_source *s, const char *gguf_key, const char *json_key);
/* How the key is called in this source, for messages: "llama.block_count" or "num_hidden_layers". Returns buf. */
const char *ken_source_key(const ken_source *s, const char *gguf_key, const char *json_key, char buf[128]);
#endif
