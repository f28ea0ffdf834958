/* model_options.c - see model_options.h. */
#include "cli/model_options.h"
#include "cli/cli.h"

const char *cli_adapter;

const cli_option cli_adapter_options[] = {{"adapter", 0, "DIR", CLI_STRING, &cli_adapter,
                                           "a low-rank adapter for the model: a folder with adapter_config.json and "
                                           "adapter_model.safetensors, from ken train or peft, or ORG/NAME as with -m",
                                           .flags = CLI_IO | CLI_PATH, .heading = "Adapter"},
                                          {0}};

int cli_model_open(ken_model **out, const char *path, const char *adapter, ken_err *err)
{
    if (cli_adapter != NULL) adapter = cli_adapter;
    if (adapter != NULL && (adapter = cli_hub_path(adapter, true, err)) == NULL) return err->status;
    if (cli_is_adapter(path))
        return cli_fail(err, KEN_EUSAGE,
                        "%s is an adapter, not a model; name its model with -m and it with --adapter %s", path, path);
    int rc = ken_model_open(out, path, err);
    if (rc != KEN_OK) return rc;
    if (adapter != NULL) rc = ken_model_attach(*out, adapter, err);
    if (rc != KEN_OK) {
        ken_model_free(*out);
        *out = NULL;
        return rc;
    }
    for (int i = 0; i < ken_model_get_info(*out)->n_warnings; i++) cli_note("warning: %s", ken_model_warning(*out, i));
    return KEN_OK;
}
