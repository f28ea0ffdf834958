/* model_options.c - see model_options.h. */
#include "cli/model_options.h"
#include "cli/cli.h"
#include <limits.h>
#include <string.h>

cli_list cli_adapters;

const cli_option cli_adapter_options[] = {{"adapter", 0, "DIR", CLI_LIST, &cli_adapters,
                                           "a low-rank adapter for the model: a folder with adapter_config.json and "
                                           "adapter_model.safetensors, from ken train or peft, or ORG/NAME as with -m; "
                                           "given several times: all of them, added up",
                                           .flags = CLI_IO | CLI_PATH, .heading = "Adapter"},
                                          {0}};

/* of: several, one a line. */
static int attach(ken_model *m, const char *of, ken_err *err)
{
    int rc = KEN_OK;
    for (const char *s = of; s != NULL && *s != '\0' && rc == KEN_OK;) {
        const size_t n = strcspn(s, "\n");
        char one[PATH_MAX];
        if (n >= sizeof one) return cli_fail(err, KEN_EUSAGE, "--adapter: the name is too long");
        memcpy(one, s, n);
        one[n] = '\0';
        const char *dir = cli_hub_path(one, true, err);
        rc = dir == NULL ? err->status : ken_model_attach(m, dir, err);
        s += n + (s[n] == '\n');
    }
    return rc;
}

int cli_model_open(ken_model **out, const char *path, const char *adapter, ken_err *err)
{
    if (cli_is_adapter(path))
        return cli_fail(err, KEN_EUSAGE,
                        "%s is an adapter, not a model; name its model with -m and it with --adapter %s", path, path);
    int rc = ken_model_open(out, path, err);
    if (rc != KEN_OK) return rc;
    for (int i = 0; i < cli_adapters.n && rc == KEN_OK; i++) rc = attach(*out, cli_adapters.item[i], err);
    if (rc == KEN_OK && cli_adapters.n == 0) rc = attach(*out, adapter, err);
    if (rc != KEN_OK) {
        ken_model_free(*out);
        *out = NULL;
        return rc;
    }
    for (int i = 0; i < ken_model_get_info(*out)->n_warnings; i++) cli_note("warning: %s", ken_model_warning(*out, i));
    return KEN_OK;
}
