/* weft-replay: pcaps through the real datapath, on a virtual clock. See control/replay.h. */
#include <stdio.h>
#include <string.h>

#include "control/replay.h"
#include "datapath/eal.h"

static const char usage[] = "usage: weft-replay [--update] SCENARIO...\n"
                            "\n"
                            "Each SCENARIO is a folder:\n"
                            "  config.yaml      weft's configuration; its ports are of type ring\n"
                            "  in/PORT.pcap     what PORT receives, at the capture's times\n"
                            "  out/PORT.pcap    what PORT must send, byte for byte\n"
                            "  drops            what must be dropped: REASON COUNT a line\n"
                            "  steps            SECONDS flow add|mod|del BRIDGE TEXT, SECONDS api "
                            "METHOD JSON, SECONDS wait\n"
                            "--update makes what comes out the expectation.\n"
                            "Exit status: 0 as expected, 1 not, 2 a scenario that can't run.\n";

int main(int argc, char **argv)
{
    struct errbuf e = {""};
    struct eal_report report;
    bool update = false;
    unsigned good = 0, bad = 0, broken = 0;
    int first = 1;
    if (argc > 1 && !strcmp(argv[1], "--update")) {
        update = true;
        first = 2;
    }
    if (first >= argc || argv[first][0] == '-') {
        fputs(usage, first < argc && !strcmp(argv[first], "--help") ? stdout : stderr);
        return first < argc && !strcmp(argv[first], "--help") ? 0 : 2;
    }
    struct eal_options o = {.hugepages = EAL_HUGE_NO, .quiet = true};
    if (eal_start(&o, &report, &e) < 0) {
        fprintf(stderr, "weft-replay: %s\n", e.text);
        return 2;
    }
    for (int i = first; i < argc; i++) {
        struct strbuf why = {0};
        int r = replay_scenario(argv[i], update, &why, &e);
        good += r == 0;
        bad += r == 1;
        broken += r < 0;
        printf("%-8s %s\n", r == 0 ? update ? "updated" : "ok" : "FAILED", argv[i]);
        fputs(r < 0 ? e.text : strbuf_text(&why), stdout);
        if (r < 0)
            putchar('\n');
        strbuf_free(&why);
    }
    printf("%u passed, %u failed\n", good, bad + broken);
    return broken ? 2 : bad ? 1 : 0;
}
