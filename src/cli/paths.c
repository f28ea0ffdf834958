/* paths.c - where the default model and the project's own facts are by default. */
#include "cli/cli.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_MODEL "SmolLM2-135M-Instruct.Q4_1.gguf" /* the name under which tools/get-model.py keeps it */

static bool exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

const char *cli_model_path(const char *given, ken_err *err)
{
    static char path[PATH_MAX];
    if (given != NULL && *given != '\0') return cli_hub_path(given, false, err);
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int n = -1;
    if (cache != NULL && cache[0] == '/') n = snprintf(path, sizeof path, "%s/ken/" DEFAULT_MODEL, cache);
    else if (home != NULL) n = snprintf(path, sizeof path, "%s/.cache/ken/" DEFAULT_MODEL, home);
    if (n > 0 && (size_t)n < sizeof path && exists(path)) return path;
    cli_fail(err, KEN_EUSAGE,
             "no model: name one with -m FILE or KEN_MODEL, or get the default one with `make model` in ken's source "
             "folder");
    return NULL;
}

/* dir/name, static; NULL when there is no such file. */
static const char *inside(const char *dir, const char *name)
{
    static char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", dir, name);
    return n > 0 && (size_t)n < sizeof path && exists(path) ? path : NULL;
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcasecmp(s + n - m, end) == 0;
}

int cli_check_run_name(const char *path, ken_err *err)
{
    static const char *const other[] = {".parquet", ".arrow", ".feather", ".csv", ".tsv", ".xlsx",
                                        ".json",    ".jsonl", ".html",    ".txt", ".gz"};
    for (size_t i = 0; path != NULL && i < sizeof other / sizeof *other; i++)
        if (ends_with(path, other[i])) {
            const int n = (int)(strlen(path) - strlen(other[i]));
            return cli_fail(err, KEN_EUSAGE,
                            "-o %s: a run is one SQLite file, not %s; name it %.*s.ken, and get its rows with ken show "
                            "%.*s.ken --rows --json (JSON lines)",
                            path, other[i], n, path, n, path);
        }
    return KEN_OK;
}

const char *cli_run_path(const char *path)
{
    const char *run = inside(path, "train.ken");
    return run != NULL ? run : path;
}

bool cli_is_adapter(const char *path)
{
    return inside(path, "adapter_config.json") != NULL && inside(path, "config.json") == NULL;
}

const char *cli_world_path(void)
{
    static char path[PATH_MAX];
    /* bin/ken -> share/ken/world when installed, build/ken -> data/world in a checkout: moving the tree breaks neither. */
    static const char *const places[] = {"/../share/ken/world", "/../data/world"};
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0) return NULL;
    self[n] = '\0';
    char *slash = strrchr(self, '/');
    if (slash == NULL) return NULL;
    *slash = '\0';
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char there[2 * PATH_MAX];
        snprintf(there, sizeof there, "%s%s", self, places[i]);
        if (realpath(there, path) != NULL) return path;
    }
    return NULL;
}
