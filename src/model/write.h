/* write.h - the results of a fine-tuning, in other programs' formats: a model or an adapter as Hugging Face lays it out
 * (read by transformers, peft, vLLM), and as GGUF (read by llama.cpp). Everything here is read back by ken itself.
 *
 *     ken_write_model_folder(base, params, KEN_BF16, "out", &err);       model.safetensors, config.json, tokenizer.json, ...
 *     ken_write_adapter(base, lora, "out", &err);                        adapter_model.safetensors, adapter_config.json
 *     ken_write_gguf(base, params, KEN_Q8_0, "out/model.gguf", &err);
 *     ken_write_gguf_lora(base, lora, "out/adapter.gguf", &err);
 *
 * `base` is what was fine-tuned: everything but the weights - configuration, tokenizer, chat template, metadata - comes from its
 * files. Each file appears whole or not at all (base/out.h), the weights last, so that a folder that has the weights is
 * complete. A folder is made when it is missing. KEN_EFAIL for the disk; KEN_EINPUT, naming the tensor, for a value that is NaN or
 * infinite or too large for the type, and for a network that the format cannot describe. */
#ifndef KEN_MODEL_WRITE_H
#define KEN_MODEL_WRITE_H
#include "model/lora.h"
#include "model/params.h"

/* type: KEN_F32, KEN_F16 or KEN_BF16, of every tensor. KEN_EUSAGE for another one, and when dir is the base's own folder. */
int ken_write_model_folder(const ken_model *base, const ken_params *p, ken_dtype type, const char *dir, ken_err *err);

/* A PEFT folder, f32. */
int ken_write_adapter(const ken_model *base, const ken_lora *l, const char *dir, ken_err *err);

/* type: KEN_F32, KEN_F16, KEN_BF16 or KEN_Q8_0, of the matrices; vectors are F32, and a matrix whose rows are not whole blocks of 32
 * is F16 instead of Q8_0, as in llama.cpp. */
int ken_write_gguf(const ken_model *base, const ken_params *p, ken_dtype type, const char *path, ken_err *err);

/* For llama.cpp's --lora, f32. */
int ken_write_gguf_lora(const ken_model *base, const ken_lora *l, const char *path, ken_err *err);

/* p += the adapter's scale B A, so that it can be written as a model of its own. */
void ken_params_merge(ken_params *p, const ken_lora *l, int threads);

/* How a base is named in other files: a hub id or the address that it names as its source, else the file's or folder's name; never an
 * absolute path. The caller's, ken_free; NULL when out of memory. */
char *ken_base_name(const ken_model *base);
#endif
