/* loaded.h - the inside of a ken_model: what the two loaders fill and model.c serves. */
#ifndef KEN_MODEL_LOADED_H
#define KEN_MODEL_LOADED_H
#include "base/buf.h"
#include "base/file.h"
#include "model/lora.h"
#include "model/tensors.h"

typedef struct ken_model_file {
    char *path;
    ken_map map;
} ken_model_file;

struct ken_model {
    ken_model_file *files; /* (n_files) in the order in which the hash takes them; all stay mapped */
    size_t n_files, cap_files;
    ken_map gguf; /* the bytes of a GGUF model; none for a folder */
    ken_tensors tensors;
    ken_config config;
    ken_weights weights;
    float *rope_freqs; /* behind config.rope_freqs, or NULL */
    ken_tokenizer *tokenizer;
    ken_lora *adapter[KEN_MODEL_ADAPTERS]; /* (n_adapters) ken_model_attach */
    int n_adapters;
    size_t first_adapter_file;                  /* their files are the model's last ones */
    char *adapter_path;                         /* theirs, one a line */
    char *path, *name, *source, *chat_template; /* source and chat_template may be NULL */
    char format[24];
    ken_buf notes;         /* warnings, one a line while loading */
    const char **warnings; /* (n_warnings) into notes, afterwards */
    int n_warnings;
    char *names;          /* the vocabulary's spellings, each with a NUL after it */
    const char **name_of; /* (tokenizer's n_vocab) into names */
    char tokenizer_hash[65], hash[65], adapter_hash[65];
    ken_model_info info;
};

/* Maps a file and keeps it until the model is freed. *map is a copy, borrowed. */
int ken_model_map(ken_model *m, const char *path, ken_map *map, ken_err *err);

/* Fill everything but info and warnings. What they have allocated on failure is freed with the model. */
int ken_model_load_gguf(ken_model *m, const void *data, size_t size, ken_err *err);
int ken_model_load_folder(ken_model *m, ken_err *err);

/* A GGUF image in memory as a model, for tests and fuzzing. data must outlive it; there is no file for ken_model_hash to read. */
int ken_model_open_memory(ken_model **out, const void *data, size_t size, ken_err *err);
#endif
