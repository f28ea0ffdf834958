/* driver.c - plays a fuzz target without a fuzzer: every seed file as it is, cut short, and with bytes changed.
 *
 * The changes are a fixed function of the file and the step, so that a failure comes again. libFuzzer finds new paths; this
 * only keeps the known ones clean in every build (gcc, valgrind, sanitizers). With no seeds, 2,000 made-up inputs are played. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/rng.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { MAX_SEED = 1 << 16, N_VARIANTS = 64, N_MADE_UP = 2000 };

static uint32_t draw(const char *name, uint32_t step, uint32_t what, uint32_t below)
{
    return (uint32_t)(ken_uniform(0, name, strlen(name), step, what, 0) * below);
}

/* A copy of exactly n bytes: reading past the end is then seen by the sanitizers. */
static void play(const uint8_t *data, size_t n)
{
    uint8_t *copy = malloc(n > 0 ? n : 1);
    if (copy == NULL) exit(1);
    if (n > 0) memcpy(copy, data, n);
    (void)LLVMFuzzerTestOneInput(copy, n);
    free(copy);
}

static void play_variants(const char *name, uint8_t *data, size_t n)
{
    play(data, n);
    for (uint32_t v = 0; v < N_VARIANTS && n > 0; v++) {
        play(data, draw(name, v, 0, (uint32_t)n));
        uint32_t at = draw(name, v, 1, (uint32_t)n);
        uint8_t was = data[at];
        data[at] = (uint8_t)draw(name, v, 2, 256);
        play(data, n);
        data[at] = was;
    }
}

static int play_folder(const char *folder)
{
    static uint8_t data[MAX_SEED];
    struct dirent **names;
    int n_names = scandir(folder, &names, NULL, alphasort), played = 0;
    for (int i = 0; i < n_names; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
        FILE *f = names[i]->d_name[0] == '.' ? NULL : fopen(path, "rb");
        if (f != NULL) {
            play_variants(names[i]->d_name, data, fread(data, 1, sizeof data, f));
            fclose(f);
            played++;
        }
        free(names[i]);
    }
    if (n_names >= 0) free(names);
    return played;
}

int main(int argc, char **argv)
{
    int played = 0;
    for (int i = 1; i < argc; i++) played += play_folder(argv[i]);
    static uint8_t made[256];
    for (uint32_t s = 0; played == 0 && s < N_MADE_UP; s++) {
        uint32_t n = draw("made-up", s, 0, sizeof made);
        for (uint32_t i = 0; i < n; i++) made[i] = (uint8_t)draw("made-up", s, i + 1, 256);
        play(made, n);
    }
    printf("%d seeds played\n", played);
    return 0;
}
