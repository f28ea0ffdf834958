/* checkpoint.c - see checkpoint.h. Reading checks sizes, then the hash over everything, then whose state it is, and only then copies. */
#include "tune/checkpoint.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/out.h"
#include <ctype.h>
#include <dirent.h>
#include <string.h>
#include <unistd.h>

enum { MAX_ARRAYS = 8, HASH = 64, VERSION = 1 };
static const char MAGIC[8] = "kenstate";

typedef struct header {
    char magic[8];
    uint32_t version, n_arrays;
    uint64_t settings;      /* bytes of "key\0value\0..." after the header */
    uint64_t n[MAX_ARRAYS]; /* floats of each array, after the settings */
    ken_train_state state;
} header;

/* ---- writing ---------------------------------------------------------------------------------------------------------- */

static void add_settings(ken_buf *b, const ken_setting *settings, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (settings[i].binding) {
            ken_buf_add(b, settings[i].key, strlen(settings[i].key) + 1);
            ken_buf_add(b, settings[i].value, strlen(settings[i].value) + 1);
        }
}

static void put(ken_out *o, ken_sha256 *hash, const void *data, size_t bytes)
{
    ken_sha256_add(hash, data, bytes);
    ken_out_add(o, data, bytes);
}

int ken_checkpoint_write(const char *path, const ken_train_state *s, const ken_setting *settings, size_t n_settings,
                         const ken_state_array *array, int n_arrays, ken_err *err)
{
    header h = {.version = VERSION, .n_arrays = (uint32_t)n_arrays, .state = *s};
    memcpy(h.magic, MAGIC, sizeof h.magic);
    if (n_arrays < 1 || n_arrays > MAX_ARRAYS)
        return ken_fail(err, KEN_ESTATE, "a checkpoint holds 1 to %d arrays, not %d", MAX_ARRAYS, n_arrays);
    ken_buf text = {0};
    add_settings(&text, settings, n_settings);
    ken_sha256 *hash = ken_sha256_new();
    ken_out *o = NULL;
    int rc = text.failed || hash == NULL ? ken_fail_nomem(err, "checkpoint") : ken_out_open(&o, path, err);
    char hex[HASH + 1];
    if (rc != KEN_OK) {
        if (hash != NULL) ken_sha256_hex(hash, hex);
        ken_buf_free(&text);
        return rc;
    }
    h.settings = text.len;
    for (int i = 0; i < n_arrays; i++) h.n[i] = array[i].n;
    put(o, hash, &h, sizeof h);
    put(o, hash, text.data, text.len);
    for (int i = 0; i < n_arrays; i++) put(o, hash, array[i].data, array[i].n * sizeof(float));
    ken_sha256_hex(hash, hex);
    ken_out_add(o, hex, HASH);
    ken_buf_free(&text);
    return ken_out_close(o, true, err);
}

/* ---- reading ---------------------------------------------------------------------------------------------------------- */

static int damaged(const char *path, const char *what, ken_err *err)
{
    return ken_fail(err, KEN_EINPUT,
                    "%s: the state of the training is damaged (%s); remove the file to begin again from the start, or "
                    "name another folder with -o",
                    path, what);
}

/* *h and the places of what follows it; all lengths lie inside the file. */
static int check_sizes(const char *path, const ken_map *m, header *h, ken_err *err)
{
    if (m->size < sizeof *h + HASH) return damaged(path, "cut off", err);
    memcpy(h, m->data, sizeof *h);
    if (memcmp(h->magic, MAGIC, sizeof h->magic) != 0) return damaged(path, "not a state of ken", err);
    if (h->version != VERSION)
        return ken_fail(err, KEN_EINPUT,
                        "%s: a state of format %u, this program reads format %d; use the version of ken that made it",
                        path, h->version, VERSION);
    size_t left = m->size - sizeof *h - HASH;
    if (h->n_arrays < 1 || h->n_arrays > MAX_ARRAYS || h->settings > left)
        return damaged(path, "impossible sizes", err);
    left -= h->settings;
    for (uint32_t i = 0; i < h->n_arrays; i++) {
        if (h->n[i] > left / sizeof(float)) return damaged(path, "cut off", err);
        left -= h->n[i] * sizeof(float);
    }
    return left == 0 ? KEN_OK : damaged(path, "longer than it says", err);
}

static int check_hash(const char *path, const ken_map *m, ken_err *err)
{
    char hex[HASH + 1];
    if (ken_sha256_of(m->data, m->size - HASH, hex) != 0) return ken_fail_nomem(err, "checkpoint");
    return memcmp(hex, m->data + m->size - HASH, HASH) == 0 ? KEN_OK : damaged(path, "its checksum is wrong", err);
}

int ken_training_agrees(const char *path, const char *what, const ken_setting_list *there, const ken_setting *settings,
                        size_t n, ken_err *err)
{
    ken_setting_clash c;
    const int clashes = ken_settings_clash(there, settings, n, &c);
    if (clashes <= 0) return clashes < 0 ? ken_fail_nomem(err, path) : KEN_OK;
    const char *a = c.there != NULL ? "\"" : "", *b = c.ours != NULL ? "\"" : "";
    return ken_fail(err, KEN_EINPUT,
                    "%s: %s with other settings: %s is %s%.60s%s there, %s%.60s%s now; use the same settings, or name "
                    "another folder with -o",
                    path, what, c.key, a, c.there != NULL ? c.there : "not set", a, b,
                    c.ours != NULL ? c.ours : "not set", b);
}

/* text was written by add_settings, as its hash says, but is checked all the same: pairs of strings, each ended. */
static int check_settings(const char *path, const char *text, size_t n, const ken_setting *settings, size_t n_settings,
                          ken_err *err)
{
    size_t ends = 0;
    for (size_t i = 0; i < n; i++) ends += text[i] == '\0';
    if (ends % 2 != 0 || (n > 0 && text[n - 1] != '\0')) return damaged(path, "its settings are not readable", err);
    ken_arena arena = {0};
    ken_setting_list there = {.arena = &arena};
    for (size_t at = 0; at < n;) {
        const char *k = text + at, *v = k + strlen(k) + 1;
        ken_setting_text(&there, k, true, v);
        at = (size_t)(v - text) + strlen(v) + 1;
    }
    int rc = there.failed ? ken_fail_nomem(err, "checkpoint")
                          : ken_training_agrees(path, "the training was begun", &there, settings, n_settings, err);
    ken_arena_free(&arena);
    return rc;
}

static int check_arrays(const char *path, const header *h, const ken_state_array *array, int n_arrays, ken_err *err)
{
    bool enough = h->n_arrays == (uint32_t)n_arrays || (h->state.finished == 1 && h->n_arrays < (uint32_t)n_arrays);
    for (uint32_t i = 0; enough && i < h->n_arrays; i++) enough = h->n[i] == array[i].n;
    return enough ? KEN_OK
                  : ken_fail(err, KEN_EINPUT,
                             "%s: the state of a training of another shape; name another folder with -o", path);
}

int ken_checkpoint_read(const char *path, ken_train_state *s, const ken_setting *settings, size_t n_settings,
                        const ken_state_array *array, int n_arrays, ken_err *err)
{
    ken_map m;
    header h;
    int rc = ken_map_file(&m, path, err);
    if (rc != KEN_OK) return rc;
    const char *text = (const char *)m.data + sizeof h;
    rc = check_sizes(path, &m, &h, err);
    if (rc == KEN_OK) rc = check_hash(path, &m, err);
    if (rc == KEN_OK) rc = check_settings(path, text, h.settings, settings, n_settings, err);
    if (rc == KEN_OK) rc = check_arrays(path, &h, array, n_arrays, err);
    if (rc == KEN_OK) {
        const unsigned char *at = m.data + sizeof h + h.settings;
        for (uint32_t i = 0; i < h.n_arrays; at += h.n[i] * sizeof(float), i++)
            memcpy(array[i].data, at, h.n[i] * sizeof(float));
        *s = h.state;
    }
    ken_unmap(&m);
    return rc;
}

/* ---- what killed writers left ------------------------------------------------------------------------------------------- */

static bool is_left_over(const char *name)
{
    size_t n = strlen(name);
    if (n < 12 || memcmp(name + n - 11, ".tmp-", 5) != 0) return false;
    for (size_t i = n - 6; i < n; i++)
        if (!isalnum((unsigned char)name[i])) return false;
    return true;
}

void ken_checkpoint_sweep(const char *dir)
{
    DIR *d = opendir(dir);
    if (d == NULL) return;
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        if (is_left_over(e->d_name)) (void)unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
}
