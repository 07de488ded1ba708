/* handover: what travels is whole, known and of a version that we know, or refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "control/handover.h"

static json_t *state(void)
{
    return json_pack("{s:[s],s:i,s:s}", "ip", "10.0.0.7", "vni", 5000, "security", "strict");
}

static void refused(json_t *doc, const char *words)
{
    struct errbuf e = {""};
    assert_null(handover_open(doc, &e));
    if (!strstr(e.text, words))
        fail_msg("\"%s\" does not say \"%s\"", e.text, words);
    json_decref(doc);
}

static void what_was_sealed_opens(void **s)
{
    (void)s;
    struct errbuf e = {""};
    json_t *want = state(), *doc = handover_seal("vm7", state());
    assert_true(json_equal(handover_open(doc, &e), want));
    json_decref(doc);
    json_decref(want);
}

static void any_change_of_the_state_is_found(void **s)
{
    (void)s;
    json_t *doc = handover_seal("vm7", state());
    json_object_set_new(json_object_get(doc, "state"), "vni", json_integer(5001));
    refused(doc, "checksum");
    doc = handover_seal("vm7", state());
    json_object_del(json_object_get(doc, "state"), "security");
    refused(doc, "checksum");
    doc = handover_seal("vm7", state());
    json_object_set_new(doc, "sha256", json_string("00"));
    refused(doc, "checksum");
}

static void other_versions_kinds_and_keys_are_refused(void **s)
{
    (void)s;
    json_t *doc = handover_seal("vm7", state());
    json_object_set_new(doc, "version", json_integer(HANDOVER_VERSION + 1));
    refused(doc, "version");
    doc = handover_seal("vm7", state());
    json_object_set_new(doc, "weft", json_string("something"));
    refused(doc, "is no port's");
    refused(json_array(), "is no port's");
    refused(handover_seal("vm7", json_pack("{s:s}", "path", "/etc")), "\"path\"");
}

static void where_a_vm_is_does_not_travel(void **s)
{
    (void)s;
    static const char *const stay[] = {"name", "type", "path", "ifname", "netns", "activation"};
    for (unsigned i = 0; i < sizeof stay / sizeof *stay; i++)
        assert_false(handover_carries(stay[i]));
    assert_true(handover_carries("ip"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sealed_opens),
        cmocka_unit_test(any_change_of_the_state_is_found),
        cmocka_unit_test(other_versions_kinds_and_keys_are_refused),
        cmocka_unit_test(where_a_vm_is_does_not_travel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
