/* control/ctl_complete.c: completion for bash.
 *
 * The script hands the line up to the cursor to `weftctl __complete LINE`, which prints what its
 * last word may become. What a word is, the command's `args` say: BRIDGE and PORT are asked from
 * the daemon, KEY=VALUE from its list of keys. No daemon: no names, quietly. */
#include <string.h>

#include "control/ctl.h"

static const char script[] =
    "# bash completion for weftctl; weftctl completion bash\n"
    "_weftctl() {\n"
    "    local line=${COMP_LINE:0:COMP_POINT} cur=${COMP_WORDS[COMP_CWORD]} word prefix c\n"
    "    word=${line##*[[:space:]]}\n"
    "    [[ $cur == '=' || $cur == ':' ]] && cur=\n"
    "    prefix=${word%\"$cur\"}\n"
    "    COMPREPLY=()\n"
    "    while IFS= read -r c; do\n"
    "        COMPREPLY+=(\"${c#\"$prefix\"}\")\n"
    "    done < <(\"${COMP_WORDS[0]}\" __complete \"$line\" 2>/dev/null)\n"
    "    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n"
    "}\n"
    "complete -F _weftctl weftctl\n";

int ctl_completion(struct ctl *c, int argc, char **argv)
{
    (void)argc;
    if (strcmp(argv[0], "bash"))
        return ctl_usage(c, "there is completion for bash, not for \"%s\"", argv[0]);
    fputs(script, c->out);
    return CTL_OK;
}

struct line {
    struct ctl *c;
    char *word[64];
    int n; /* words, the last being completed (maybe empty) */
    const char *last;
};

static void offer(const struct line *l, const char *word)
{
    if (!strncmp(word, l->last, strlen(l->last)))
        fprintf(l->c->out, "%s\n", word);
}

/* Names that a method gives as a list of strings. */
static void offer_names(const struct line *l, const char *method, const char *prefix)
{
    json_t *r, *v;
    size_t i;
    char word[128];
    if (ctl_call(l->c, method, NULL, &r) != CTL_OK)
        return;
    json_array_foreach(r, i, v)
    {
        snprintf(word, sizeof word, "%s%s", prefix, json_string_value(v));
        offer(l, word);
    }
    json_decref(r);
}

static void offer_list(const struct line *l, const char *words, const char *prefix)
{
    char word[128];
    while (*words) {
        size_t n = strcspn(words, ", ");
        snprintf(word, sizeof word, "%s%.*s", prefix, (int)n, words);
        if (n)
            offer(l, word);
        words += n + (words[n] != '\0');
    }
}

/* KEY=, or the values of a key that has few. */
static void offer_keys(const struct line *l, const char *list)
{
    static const char *const values[][2] = {
        {"vlan_mode=", "access,trunk,native-tagged,native-untagged,dot1q-tunnel"},
        {"priority_tags=", "no,if-nonzero,always"},
        {"qinq_ethtype=", "802.1ad,802.1q"},
        {"fail_mode=", "standalone,secure"},
        {"server=", "true,false"},
        {"down=", "true,false"},
        {"offloads=", "true,false"},
        {"pcap_loop=", "true,false"},
        {"local=", "true,false"},
        {"forward_bpdu=", "true,false"},
        {"urpf=", "off,loose,strict"},
        {"anycast=", "true,false"},
        {"dad=", "true,false"},
        {"stp.mode=", "off,stp,rstp,mstp"},
        {"stp.path_cost=", "long,short"},
        {"stp.edge=", "auto,yes,no"},
        {"stp.p2p=", "auto,yes,no"},
    };
    json_t *r, *v;
    size_t i;
    char word[128];
    if (ctl_call(l->c, "help", NULL, &r) != CTL_OK)
        return;
    if (!strncmp(l->last, "type=", 5))
        offer_list(l, ctl_s(r, "port_types"), "type=");
    for (i = 0; i < sizeof values / sizeof values[0]; i++)
        if (!strncmp(l->last, values[i][0], strlen(values[i][0])))
            offer_list(l, values[i][1], values[i][0]);
    json_array_foreach(json_object_get(r, list), i, v)
    {
        snprintf(word, sizeof word, "%s=", json_string_value(v));
        if (!strchr(l->last, '='))
            offer(l, word);
    }
    json_decref(r);
}

static void offer_reasons(const struct line *l)
{
    json_t *r, *v;
    size_t i;
    if (ctl_call(l->c, "drops", json_pack("{s:b,s:i}", "all", 1, "samples", 0), &r) != CTL_OK)
        return;
    json_array_foreach(json_object_get(r, "drops"), i, v) offer(l, ctl_s(v, "reason"));
    json_decref(r);
}

/* The words that an argument of the synopsis may be. */
static void offer_argument(const struct line *l, const char *arg, size_t n)
{
    static const char *const literal[] = {"all", "bash", "controller"};
    struct strbuf b = {0};
    strbuf_add(&b, arg, n);
    const char *a = strbuf_text(&b);
    if (strstr(a, "BRIDGE_KEY"))
        offer_keys(l, "bridge_keys");
    else if (strstr(a, "PORT_KEY"))
        offer_keys(l, "port_keys");
    else if (strstr(a, "VTEP_KEY"))
        offer_keys(l, "vtep_keys");
    else if (strstr(a, "BRIDGE"))
        offer_names(l, "bridge.list", "");
    if (strstr(a, "port=PORT"))
        offer_names(l, "port.list", "port=");
    else if (strstr(a, "PORT") && !strstr(a, "PORT_KEY") && !strstr(a, "NEW_PORT"))
        offer_names(l, "port.list", "");
    if (strstr(a, "LEVEL"))
        offer_list(l, "error,warning,info,debug", "");
    if (strstr(a, "COMMAND"))
        for (const struct ctl_command *k = ctl_commands; k->noun; k++)
            if (k == ctl_commands || strcmp(k->noun, k[-1].noun))
                offer(l, k->noun);
    if (strstr(a, "REASON"))
        offer_reasons(l);
    for (size_t i = 0; i < sizeof literal / sizeof literal[0]; i++)
        if (strstr(a, literal[i]))
            offer(l, literal[i]);
    strbuf_free(&b);
}

/* Argument i of the synopsis; the last one that ends with "..." repeats. */
static void offer_nth(const struct line *l, const char *args, int i)
{
    for (const char *a = args; *a; i--) {
        size_t n = strcspn(a, " ");
        bool option = !strncmp(a, "[--", 3);
        bool repeats = !option && n > 3 && !strncmp(a + n - 3, "...", 3);
        bool optional = *a == '[' && !option;
        if (option)
            i++;
        else if (i == 0 || repeats)
            offer_argument(l, a, n);
        if (!option && i == 0 && !optional)
            return;
        i += optional && i == 0; /* the next may stand in its place */
        a += n + (a[n] == ' ');
        if (repeats)
            return;
    }
}

static void offer_verbs(const struct line *l, const char *noun)
{
    for (const struct ctl_command *k = ctl_commands; k->noun; k++)
        if (!strcmp(k->noun, noun) && k->verb)
            offer(l, k->verb);
}

static void offer_nouns(const struct line *l)
{
    for (const struct ctl_command *k = ctl_commands; k->noun; k++)
        if (k == ctl_commands || strcmp(k->noun, k[-1].noun))
            offer(l, k->noun);
    offer_list(l, "--json,--rundir,--socket", "");
}

static bool takes_value(const char *option)
{
    return !strcmp(option, "--rundir") || !strcmp(option, "--socket") ||
           !strcmp(option, "--watch") || !strcmp(option, "--interval");
}

/* Splits at spaces; options are taken out, --rundir and --socket obeyed. */
static void split(struct line *l, char *text)
{
    char *save = NULL, *w = strtok_r(text, " \t", &save);
    for (; w && l->n < 62; w = strtok_r(NULL, " \t", &save)) {
        bool last = *save == '\0' && l->last[0];
        if (*w == '-' && !last) {
            const char *value = takes_value(w) ? strtok_r(NULL, " \t", &save) : NULL;
            if (value && !strcmp(w, "--rundir"))
                snprintf(l->c->socket, sizeof l->c->socket, "%.200s/api.sock", value);
            else if (value && !strcmp(w, "--socket"))
                snprintf(l->c->socket, sizeof l->c->socket, "%.200s", value);
            continue;
        }
        l->word[l->n++] = w;
    }
    if (l->last[0] == '\0') /* a new word begins */
        l->word[l->n++] = (char *)"";
}

int ctl_complete(struct ctl *c, int argc, char **argv)
{
    char text[1024];
    struct line l = {.c = c};
    FILE *err = c->err, *quiet = fopen("/dev/null", "we");
    if (argc < 1 || !quiet)
        return CTL_USAGE;
    snprintf(text, sizeof text, "%s", argv[0]);
    const char *space = strrchr(argv[0], ' ');
    l.last = space ? space + 1 : argv[0];
    split(&l, text);
    c->err = quiet;
    const struct ctl_command *k = l.n > 2 ? ctl_find(l.word[1], l.n > 3 ? l.word[2] : "") : NULL;
    if (l.n == 2)
        offer_nouns(&l);
    else if (l.n > 2 && k && !k->verb)
        offer_nth(&l, k->args, l.n - 3);
    else if (l.n == 3)
        offer_verbs(&l, l.word[1]);
    else if (k)
        offer_nth(&l, k->args, l.n - 4);
    c->err = err;
    fclose(quiet);
    return CTL_OK;
}
