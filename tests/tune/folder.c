/* folder.c - see folder.h. */
#include "folder.h"
#include "base/file.h"
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[32];

const char *folder_path(const char *name)
{
    static char path[8][256];
    static int at;
    if (folder[0] == '\0') {
        strcpy(folder, "/tmp/ken-tune-XXXXXX");
        if (mkdtemp(folder) == NULL) fail_msg("no folder for the test");
    }
    at = (at + 1) % 8;
    assert_true(snprintf(path[at], sizeof path[at], "%s/%s", folder, name) < (int)sizeof path[at]);
    return path[at];
}

static void write_file(const char *path, const void *data, size_t n)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

const char *folder_file(const char *name, const char *text)
{
    const char *path = folder_path(name);
    write_file(path, text, strlen(text));
    return path;
}

const char *folder_model(const char *name, const char *from, int n)
{
    static const char *const files[] = {"config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"};
    static const char key[] = "\"max_position_embeddings\":";
    const char *to = folder_path(name);
    char path[2][600];
    assert_int_equal(mkdir(to, 0777), 0);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        ken_map m;
        snprintf(path[0], sizeof path[0], "%s/%s", from, files[i]);
        snprintf(path[1], sizeof path[1], "%s/%s", to, files[i]);
        assert_int_equal(ken_map_file(&m, path[0], NULL), KEN_OK);
        if (i > 0) write_file(path[1], m.data, m.size);
        else {
            char text[4096];
            assert_true(m.size < sizeof text / 2);
            memcpy(text, m.data, m.size);
            text[m.size] = '\0';
            const char *at = strstr(text, key);
            assert_non_null(at);
            char changed[4200];
            const char *rest = at + sizeof key - 1 + strcspn(at + sizeof key - 1, ",");
            const int length = snprintf(changed, sizeof changed, "%.*s%s %d%s", (int)(at - text), text, key, n, rest);
            write_file(path[1], changed, (size_t)length);
        }
        ken_unmap(&m);
    }
    return to;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
    (void)st;
    (void)type;
    (void)f;
    return remove(path);
}

int folder_remove(void **state)
{
    (void)state;
    if (folder[0] != '\0') (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}
