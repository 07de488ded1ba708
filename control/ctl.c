/* control/ctl.c: weftctl's options, and which command it is. */
#include <stdlib.h>
#include <string.h>

#include "control/ctl.h"
#include "control/version.h"

enum { WORDS_MAX = 4096 };

static int seconds(struct ctl *c, const char *option, const char *text, double *out)
{
    char *end;
    *out = text ? strtod(text, &end) : 0;
    if (!text || *end || end == text || !(*out >= 0.01 && *out <= 86400))
        return ctl_usage(c, "%s: give seconds, 0.01 to 86400", option);
    return CTL_OK;
}

/* An option at argv[*i]; moves *i over its value. */
static int option(struct ctl *c, int argc, char **argv, int *i)
{
    const char *o = argv[*i], *value = *i + 1 < argc ? argv[*i + 1] : NULL;
    bool dir = !strcmp(o, "--rundir"), sock = !strcmp(o, "--socket");
    if (!strcmp(o, "--json")) {
        c->json = true;
    } else if (!strcmp(o, "--strict")) {
        c->given |= CTL_OPT_STRICT;
    } else if (!strcmp(o, "--all")) {
        c->given |= CTL_OPT_ALL;
    } else if (dir || sock) {
        if (!value || strlen(value) > sizeof c->socket - 16)
            return ctl_usage(c, "%s needs a path", o);
        snprintf(c->socket, sizeof c->socket, dir ? "%s/api.sock" : "%s", value);
        ++*i;
    } else if (!strcmp(o, "--watch") || !strcmp(o, "--interval")) {
        c->given |= CTL_OPT_WATCH;
        ++*i;
        return seconds(c, o, value, strcmp(o, "--watch") ? &c->over_s : &c->watch_s);
    } else {
        return ctl_usage(c, "no option %s; see `weftctl help`", o);
    }
    return CTL_OK;
}

/* Options may stand anywhere; "--" ends them, and "-" is a word. */
static int words(struct ctl *c, int argc, char **argv, char **word, int *n)
{
    bool ended = false;
    int code = CTL_OK;
    for (int i = 1; i < argc && code == CTL_OK; i++) {
        if (*n == WORDS_MAX)
            return ctl_usage(c, "more than %d arguments", WORDS_MAX);
        if (ended || argv[i][0] != '-' || !argv[i][1])
            word[(*n)++] = argv[i];
        else if (!strcmp(argv[i], "--"))
            ended = true;
        else
            code = option(c, argc, argv, &i);
    }
    return code;
}

static int unknown(struct ctl *c, const char *noun, const char *verb)
{
    const char *best = NULL, *given = verb ? verb : noun;
    unsigned least = 3;
    for (const struct ctl_command *k = ctl_commands; k->noun; k++) {
        const char *have = verb ? k->verb : k->noun;
        if (!have || (verb && strcmp(k->noun, noun)))
            continue;
        unsigned d = !strncmp(have, given, strlen(given)) ? 1 : ctl_distance(given, have);
        if (d < least) {
            least = d;
            best = have;
        }
    }
    const char *before = verb ? noun : "", *gap = verb ? " " : "";
    if (best)
        return ctl_usage(c, "no command \"%s%s%s\"; did you mean \"%s%s%s\"?", before, gap, given,
                         before, gap, best);
    return ctl_usage(c, "no command \"%s%s%s\"; see `weftctl help%s%s`", before, gap, given, gap,
                     before);
}

static int check_use(struct ctl *c, const struct ctl_command *k, int n)
{
    const char *gap = k->verb ? " " : "", *verb = k->verb ? k->verb : "";
    if (c->given & ~k->options)
        return ctl_usage(c, "%s%s%s takes no %s", k->noun, gap, verb,
                         c->given & ~k->options & CTL_OPT_STRICT ? "--strict"
                         : c->given & ~k->options & CTL_OPT_ALL  ? "--all"
                                                                 : "--watch or --interval");
    if (n < k->min || (k->max >= 0 && n > k->max)) {
        char *about[] = {(char *)k->noun, (char *)k->verb};
        FILE *out = c->out;
        c->out = c->err;
        ctl_usage(c, "%s%s%s: too %s arguments", k->noun, gap, verb, n < k->min ? "few" : "many");
        ctl_help(c, k->verb ? 2 : 1, about);
        c->out = out;
        return CTL_USAGE;
    }
    return CTL_OK;
}

static int run(struct ctl *c, int n, char **word)
{
    if (n == 0) {
        ctl_help(c, 0, NULL);
        return CTL_USAGE;
    }
    if (!strcmp(word[0], "__complete"))
        return ctl_complete(c, n - 1, word + 1);
    if (!ctl_is_noun(word[0]))
        return unknown(c, word[0], NULL);
    const struct ctl_command *k = ctl_find(word[0], n > 1 ? word[1] : NULL);
    if (!k)
        return n > 1 ? unknown(c, word[0], word[1])
                     : ctl_usage(c, "%s what? See `weftctl help %s`", word[0], word[0]);
    int used = k->verb && n > 1 ? 2 : 1;
    int code = check_use(c, k, n - used);
    return code == CTL_OK ? k->run(c, n - used, word + used) : code;
}

int ctl_main(struct ctl *c, int argc, char **argv)
{
    char **word = calloc(WORDS_MAX, sizeof *word);
    int n = 0, code;
    if (!word)
        return CTL_REFUSED;
    if (!*c->socket)
        snprintf(c->socket, sizeof c->socket, "/run/weft/api.sock");
    if (c->over_s <= 0)
        c->over_s = 1;
    if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        code = ctl_help(c, 0, NULL);
    } else if (argc > 1 && !strcmp(argv[1], "--version")) {
        fprintf(c->out, "weftctl %s\n", WEFT_VERSION);
        code = CTL_OK;
    } else {
        code = words(c, argc, argv, word, &n);
        code = code == CTL_OK ? run(c, n, word) : code;
    }
    free(word);
    ctl_close(c);
    if (fflush(c->out) != 0 && code == CTL_OK)
        code = CTL_REFUSED;
    return code;
}
