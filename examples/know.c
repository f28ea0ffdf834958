/* know.c - the smallest useful client of libken: which facts does a model know?
 *
 *     cc know.c $(pkg-config --cflags --libs libken) -o know
 *     ./know model.gguf facts.jsonl facts.ken
 *
 * Annotates the first 20 facts (resuming facts.ken when it is there), then prints one line for each. */
#include <inttypes.h>
#include <ken.h>
#include <stdio.h>

/* Called several times a second; a program with a window would look at its stop button here and return 1. */
static int keep_going(void *ctx)
{
    (void)ctx;
    return 0;
}

static void show_progress(void *ctx, const ken_progress *p)
{
    (void)ctx;
    fprintf(stderr, "\r%s %" PRIu64 "/%" PRIu64 " ", p->stage, p->done, p->total);
}

static int print_rows(const char *path, ken_err *err)
{
    ken_run *run;
    int rc = ken_run_open(&run, path, err);
    if (rc != KEN_OK) return rc;
    for (size_t i = 0; i < ken_run_count(run); i++) {
        const ken_row *row = ken_run_row(run, i, err); /* borrowed until the next call */
        if (row == NULL) {
            rc = err->status;
            break;
        }
        printf("%-12s %.3f  %s  %s\n", ken_category_name(row->category), row->p_t, row->question, row->answers[0]);
    }
    const ken_counts *all = ken_run_total(run);
    printf("%" PRIu64 " facts, %" PRIu64 " HighlyKnown, %" PRIu64 " Unknown\n", all->n, all->category[KEN_HIGHLY_KNOWN],
           all->category[KEN_UNKNOWN]);
    ken_run_free(run);
    return rc;
}

int main(int argc, char **argv)
{
    ken_err err = {0};
    ken_model *model = NULL;
    ken_data *data = NULL;
    if (argc != 4) {
        fprintf(stderr, "usage: know MODEL DATA RUN\n");
        return 2;
    }
    ken_annotate_options options = ken_annotate_defaults();
    options.limit = 20;
    options.poll = keep_going;
    options.progress = show_progress;

    int rc = ken_model_open(&model, argv[1], &err);
    if (rc == KEN_OK) rc = ken_data_open(&data, argv[2], NULL, &err);
    if (rc == KEN_OK) rc = ken_annotate(model, data, &options, argv[3], &err);
    if (rc == KEN_OK) rc = print_rows(argv[3], &err);
    if (rc != KEN_OK) fprintf(stderr, "know: %s\n", err.msg);
    ken_data_free(data);
    ken_model_free(model);
    return ken_exit_status(rc);
}
