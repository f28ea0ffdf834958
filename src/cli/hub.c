/* hub.c - models and adapters by their name on the Hugging Face hub, in the cache that its own tools keep:
 *
 *     models--ORG--NAME/refs/main              the revision, 40 hexadecimal digits
 *     models--ORG--NAME/snapshots/REVISION/    the files, as links
 *
 * Nothing is fetched. A name comes from anywhere (a script, a web page): it must have the form that the hub gives names, so that it cannot
 * lead out of the cache, and so must what refs/main says. */
#include "cli/cli.h"
#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { MAX_PART = 96 }; /* bytes of ORG, and of NAME */

static bool is_there(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcasecmp(s + n - m, end) == 0;
}

/* Letters, digits and -_. as in names of the hub: no dash or dot at either end, none of them twice in a row. */
static bool is_part(const char *s, size_t n)
{
    if (n == 0 || n > MAX_PART || strchr("-.", s[0]) != NULL || strchr("-.", s[n - 1]) != NULL) return false;
    for (size_t i = 0; i < n; i++) {
        const bool mark = s[i] == '-' || s[i] == '.';
        if (!mark && s[i] != '_' && !(isascii((unsigned char)s[i]) && isalnum((unsigned char)s[i]))) return false;
        if (mark && s[i + 1] == s[i]) return false;
    }
    return true;
}

static bool has_form(const char *name)
{
    static const char *const files[] = {".gguf", ".safetensors", ".bin", ".pt", ".ken", ".json", ".jsonl"};
    const char *slash = strchr(name, '/');
    if (slash == NULL || !is_part(name, (size_t)(slash - name)) || !is_part(slash + 1, strlen(slash + 1))) return false;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (ends_with(name, files[i])) return false;
    return true;
}

bool cli_is_hub_id(const char *name) { return has_form(name) && !is_there(name); }

/* As huggingface_hub finds it. "~/" is the home folder, as there. out (PATH_MAX); false = no place, or too long. */
static bool find_cache(char *out)
{
    static const struct {
        const char *variable, *below;
    } places[] = {{"HF_HUB_CACHE", ""},
                  {"HUGGINGFACE_HUB_CACHE", ""},
                  {"HF_HOME", "/hub"},
                  {"XDG_CACHE_HOME", "/huggingface/hub"},
                  {"HOME", "/.cache/huggingface/hub"}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const char *at = getenv(places[i].variable), *home = getenv("HOME");
        if (at == NULL || *at == '\0') continue;
        const bool tilde = at[0] == '~' && (at[1] == '/' || at[1] == '\0') && home != NULL;
        const int n = snprintf(out, PATH_MAX, "%s%s%s", tilde ? home : "", at + tilde, places[i].below);
        return n > 0 && n < PATH_MAX;
    }
    return false;
}

/* The revision that refs/main of folder names; false when there is none, or what it says is no revision. out (n) */
static bool read_main(const char *folder, char *out, size_t n)
{
    char path[PATH_MAX];
    const int len = snprintf(path, sizeof path, "%s/refs/main", folder);
    FILE *f = len > 0 && len < (int)sizeof path ? fopen(path, "r") : NULL;
    if (f == NULL) return false;
    const size_t got = fread(out, 1, n - 1, f);
    fclose(f);
    out[got] = '\0';
    out[strcspn(out, "\r\n")] = '\0';
    const size_t digits = strspn(out, "0123456789abcdefABCDEF");
    return digits >= 7 && digits <= 64 && out[digits] == '\0' && strlen(out) == digits;
}

/* What a snapshot holds. gguf: the name of one of n_gguf files. */
typedef struct contents {
    bool config, adapter, weights;
    int n_gguf;
    char gguf[NAME_MAX + 1];
} contents;

static contents look_into(const char *folder)
{
    contents c = {.config = false};
    DIR *d = opendir(folder);
    for (const struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        c.config |= strcmp(e->d_name, "config.json") == 0;
        c.adapter |= strcmp(e->d_name, "adapter_config.json") == 0;
        c.weights |= ends_with(e->d_name, ".safetensors");
        if (!ends_with(e->d_name, ".gguf")) continue;
        c.n_gguf++;
        snprintf(c.gguf, sizeof c.gguf, "%s", e->d_name);
    }
    if (d != NULL) closedir(d);
    return c;
}

/* Places that were found, until the program ends. */
typedef struct place {
    struct place *next;
    char path[PATH_MAX];
} place;
static place *places_found;

static char *new_place(ken_err *err)
{
    place *p = calloc(1, sizeof *p);
    if (p == NULL) {
        cli_fail(err, KEN_ENOMEM, "out of memory");
        return NULL;
    }
    p->next = places_found;
    places_found = p;
    return p->path;
}

/* The snapshot of main; NULL with a message. */
static char *find_snapshot(const char *name, const char *cache, ken_err *err)
{
    const char *slash = strchr(name, '/');
    char folder[PATH_MAX], revision[80], *out = new_place(err);
    if (out == NULL) return NULL;
    int n = snprintf(folder, sizeof folder, "%s/models--%.*s--%s", cache, (int)(slash - name), name, slash + 1);
    const bool fits = n > 0 && n < (int)sizeof folder, there = fits && is_there(folder);
    if (there && read_main(folder, revision, sizeof revision)) {
        n = snprintf(out, PATH_MAX, "%s/snapshots/%s", folder, revision);
        if (n > 0 && n < PATH_MAX && is_there(out)) return out;
    }
    if (there)
        cli_fail(err, KEN_EINPUT,
                 "%s: the cache %s has it, but not its main revision; fetch it with: hf download %s (or name a folder "
                 "under %s/snapshots)",
                 name, cache, name, folder);
    else
        cli_fail(
            err, KEN_EINPUT,
            "%s: no such file or folder, and not in the Hugging Face cache %s; if it is a name on the hub, fetch it "
            "with: hf download %s",
            name, cache, name);
    return NULL;
}

const char *cli_hub_path(const char *name, bool adapter, ken_err *err)
{
    char cache[PATH_MAX];
    if (!cli_is_hub_id(name)) return name;
    if (!find_cache(cache)) {
        cli_fail(err, KEN_EINPUT, "%s: no such file or folder, and no Hugging Face cache: HOME is not set", name);
        return NULL;
    }
    char *out = find_snapshot(name, cache, err);
    if (out == NULL) return NULL;
    const contents c = look_into(out);
    const bool one_file = !adapter && !c.config && !c.adapter && c.n_gguf == 1;
    const size_t len = strlen(out);
    if (one_file && len + 1 + strlen(c.gguf) < PATH_MAX) {
        snprintf(out + len, PATH_MAX - len, "/%s", c.gguf);
        return out;
    }
    /* An adapter that is given as a model is told so where it is opened. */
    if (adapter ? c.adapter && c.weights : c.weights && (c.config || c.adapter)) return out;
    if (!adapter && c.n_gguf > 1)
        cli_fail(err, KEN_EINPUT, "%s: %d GGUF files are in the cache; name one of them: -m %s/%s", name, c.n_gguf, out,
                 c.gguf);
    else
        cli_fail(err, KEN_EINPUT, "%s: its folder in the cache, %s, lacks %s; fetch all of it with: hf download %s",
                 name, out,
                 adapter ? "adapter_config.json or adapter_model.safetensors"
                         : "config.json or the weights (safetensors or GGUF; other forms are not read)",
                 name);
    return NULL;
}
