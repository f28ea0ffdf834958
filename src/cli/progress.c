/* progress.c - see progress.h. About six times a second on a terminal; -q shows nothing. */
#include "cli/progress.h"
#include "cli/cli.h"
#include <math.h>
#include <string.h>
#include <unistd.h>

#define FADING   30.0 /* seconds after which what was done counts a third */
#define SHORTEST 0.25 /* seconds: shorter pieces are put together */

void cli_duration(double s, char out[16])
{
    if (!(s >= 0) || s > 1e8) snprintf(out, 16, "?");
    else if (s < 9.95) snprintf(out, 16, "%.1fs", s);
    else if (s < 99.5) snprintf(out, 16, "%.0fs", s);
    else if (s < 5999.5) snprintf(out, 16, "%dm%02ds", (int)(s + 0.5) / 60, (int)(s + 0.5) % 60);
    else snprintf(out, 16, "%dh%02dm", (int)(s / 60 + 0.5) / 60, (int)(s / 60 + 0.5) % 60);
}

void cli_progress_start(cli_progress *p) { *p = (cli_progress){.tty = isatty(STDERR_FILENO) == 1, .last = -1e9}; }

static int append(char *line, size_t size, int at, const char *text)
{
    size_t n = strlen(text);
    if (at < 0 || (size_t)at + n + 1 > size) return at;
    memcpy(line + at, text, n + 1);
    return at + (int)n;
}

static double done_of(const ken_progress *now) { return (double)(now->work_total > 0 ? now->work : now->done); }

/* Work comes in lumps, a wave or an update each: the speed is that of whole ones. */
static void take_speed(cli_progress *p, const ken_progress *now)
{
    const double unit = done_of(now), seconds = now->seconds - p->changed;
    if (unit == p->unit || seconds < SHORTEST) return;
    const double kept = exp(-seconds / FADING);
    p->recent = unit > p->unit ? p->recent * kept + (unit - p->unit) : 0.0; /* else another unit: from the beginning */
    p->recent_seconds = unit > p->unit ? p->recent_seconds * kept + seconds : 0.0;
    p->unit = unit;
    p->changed = now->seconds;
}

double cli_progress_left(const cli_progress *p, const ken_progress *now)
{
    const double total = (double)(now->work_total > 0 ? now->work_total : now->total);
    if (!(p->recent > 0.0) || total <= 0.0) return -1.0;
    const double left = fmax(0.0, total - p->unit) * p->recent_seconds / p->recent;
    return fmax(0.0, left - (now->seconds - p->changed));
}

static void print_line(cli_progress *p, const ken_progress *now)
{
    char line[400] = "", piece[96], time[16], a[32], b[32];
    int at = 0;
    const char *stage = now->stage != NULL ? now->stage : "working";
    snprintf(piece, sizeof piece, "%s", stage);
    at = append(line, sizeof line, at, piece);
    if (now->total > 0) {
        snprintf(piece, sizeof piece, "  %s/%s", ken_count_text(a, now->done), ken_count_text(b, now->total));
        at = append(line, sizeof line, at, piece);
        if (now->work_total > 0 && now->done < now->total) {
            snprintf(piece, sizeof piece, "  %.0f%% of the work", 100.0 * (double)now->work / (double)now->work_total);
            at = append(line, sizeof line, at, piece);
        }
        double left = cli_progress_left(p, now);
        if (left >= 0.0) {
            cli_duration(left, time);
            snprintf(piece, sizeof piece, "  %s left", time);
            at = append(line, sizeof line, at, piece);
        }
        uint64_t labelled = 0;
        for (int c = 0; c < KEN_N_CATEGORIES; c++) labelled += now->counts[c];
        static const char *const brief[] = {"HK", "MK", "WK", "U"};
        for (int c = 0; c < KEN_UNLABELLED && labelled > 0; c++) {
            snprintf(piece, sizeof piece, "%s%s %.0f%%", c == 0 ? "  | " : " ", brief[c],
                     100.0 * (double)now->counts[c] / (double)labelled);
            at = append(line, sizeof line, at, piece);
        }
    }
    if (p->tty) fprintf(stderr, "\r\033[K%s", line);
    else fprintf(stderr, "ken: %s\n", line);
    fflush(stderr);
    p->shown = true;
}

void cli_progress_show(void *ctx, const ken_progress *now)
{
    cli_progress *p = ctx;
    bool new_stage =
        p->stage != now->stage && (p->stage == NULL || now->stage == NULL || strcmp(p->stage, now->stage) != 0);
    if (new_stage || !p->started) {
        p->first_done = now->done;
        p->unit = done_of(now);
        p->changed = now->seconds;
        p->recent = p->recent_seconds = 0.0;
    }
    p->started = true;
    take_speed(p, now);
    p->stage = now->stage;
    p->now = *now;
    if (cli.quiet) return;
    if (new_stage && !p->tty) p->last = now->seconds; /* the first plain line only when it has become long */
    if (now->seconds - p->last < (p->tty ? 0.16 : 30.0)) return;
    p->last = now->seconds;
    print_line(p, now);
}

void cli_progress_end(cli_progress *p)
{
    if (p->tty && p->shown) fputs("\r\033[K", stderr);
    fflush(stderr);
    p->shown = false;
}
