/* model_options.h - what every verb that computes with a model does alike: the adapter, and opening with it. */
#ifndef KEN_CLI_MODEL_OPTIONS_H
#define KEN_CLI_MODEL_OPTIONS_H
#include "cli/options.h"

#define CLI_MODEL_HELP                                                                                                 \
    "the model: a GGUF file, a folder with safetensors, or ORG/NAME in the Hugging Face cache (default: $KEN_MODEL, "  \
    "else the default model)"

extern cli_list cli_adapters;                  /* --adapter, in their order */
extern const cli_option cli_adapter_options[]; /* a verb's table beside its own -m */

/* Opens the model, attaches --adapter (else `adapter`, when it is not NULL) and notes the model's warnings. */
int cli_model_open(ken_model **out, const char *path, const char *adapter, ken_err *err);
#endif
