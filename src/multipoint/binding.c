/* SPDX-License-Identifier: MIT */
/* binding.c - bindings, and their conversion from and to the record that the engine keeps. */
#include "endpoint.h"

/* The field's text; NULL: there is none, or it has a NUL inside. */
static const char *text_of(const wms_value *table, const char *name)
{
    const wms_value *value = multipoint_value(table, name, WMS_STRING);

    return value && strlen(value->text) == value->size ? value->text : NULL;
}

int multipoint_binding_read(const struct multipoint_memory *memory, const wms_value *record,
                            struct multipoint_binding *ret_binding)
{
    const wms_value *port = multipoint_value(record, "port", WMS_NATURAL);
    const wms_value *der = multipoint_value(record, "certificate", WMS_STRING);
    const wms_value *secret = multipoint_value(record, "secret", WMS_TABLE);
    const wms_value *next =
        secret ? multipoint_value(secret, "next_certificate", WMS_STRING) : NULL;
    const char *control = secret ? text_of(secret, "control") : NULL;
    const char *management = secret ? text_of(secret, "management") : NULL;

    *ret_binding = (struct multipoint_binding){0};
    if (!port || port->natural == 0 || port->natural > 65535 || !der || !control) {
        return WMS_E_INTERNAL;
    }
    ret_binding->port = (unsigned) port->natural;
    int error = multipoint_certificate_read((const unsigned char *) der->text, der->size,
                                            &ret_binding->certificate, ret_binding->name);
    if (error) {
        return error == WMS_E_PROTOCOL ? WMS_E_INTERNAL : error;
    }
    ret_binding->der = multipoint_alloc(memory, der->size + 1);
    ret_binding->control = multipoint_copy(memory, control);
    ret_binding->management = management ? multipoint_copy(memory, management) : NULL;
    if (!ret_binding->der || !ret_binding->control || (management && !ret_binding->management)) {
        return WMS_E_NO_MEMORY;
    }
    memcpy(ret_binding->der, der->text, der->size);
    ret_binding->der_size = der->size;
    error = next ? multipoint_binding_expect(memory, ret_binding, next->text, next->size) : 0;
    if (error) {
        return error == WMS_E_PROTOCOL ? WMS_E_INTERNAL : error;
    }
    error = multipoint_endpoint_read(memory, record, &ret_binding->endpoint);
    return error ? error
                 : multipoint_successor_read(memory, record, &ret_binding->endpoint,
                                             &ret_binding->successor);
}

void multipoint_binding_free(const struct multipoint_memory *memory,
                             struct multipoint_binding *binding)
{
    multipoint_free_text(memory, binding->control);
    multipoint_free_text(memory, binding->management);
    multipoint_free(memory, binding->der);
    multipoint_free(memory, binding->next_der);
    multipoint_endpoint_free(memory, &binding->endpoint);
    multipoint_endpoint_free(memory, &binding->successor);
    *binding = (struct multipoint_binding){0};
}

int multipoint_binding_expect(const struct multipoint_memory *memory,
                              struct multipoint_binding *binding, const void *der, size_t size)
{
    struct multipoint_certificate certificate;
    char name[MULTIPOINT_NAME];
    int error = multipoint_certificate_read(der, size, &certificate, name);
    char *copy = error ? NULL : multipoint_alloc(memory, size + 1);

    if (!copy) {
        return error ? error : WMS_E_NO_MEMORY;
    }
    multipoint_free(memory, binding->next_der);
    binding->next = certificate;
    binding->next_der = memcpy(copy, der, size);
    binding->next_der_size = size;
    return 0;
}

void multipoint_binding_renew(const struct multipoint_memory *memory,
                              struct multipoint_binding *binding)
{
    multipoint_free(memory, binding->der);
    binding->certificate = binding->next;
    binding->der = binding->next_der;
    binding->der_size = binding->next_der_size;
    binding->next_der = NULL;
    binding->next_der_size = 0;
}

_Static_assert(5 + MULTIPOINT_ENDPOINT_FIELDS + 3 + 2 * MULTIPOINT_ENDPOINT_SECRETS <=
                   MULTIPOINT_RECORD,
               "a record has room for all fields");

size_t multipoint_binding_write(const struct multipoint_binding *binding,
                                wms_value record[MULTIPOINT_RECORD])
{
    wms_value *secrets = &record[5 + MULTIPOINT_ENDPOINT_FIELDS];
    size_t count = 0, hidden = 0;

    record[count++] = multipoint_natural("port", binding->port);
    record[count++] = multipoint_string("fingerprint", binding->certificate.fingerprint,
                                        strlen(binding->certificate.fingerprint));
    record[count++] = multipoint_string("thumbprint", binding->certificate.thumbprint,
                                        strlen(binding->certificate.thumbprint));
    record[count++] = multipoint_string("certificate", binding->der, binding->der_size);
    secrets[hidden++] = multipoint_string("control", binding->control, strlen(binding->control));
    if (binding->management) {
        secrets[hidden++] =
            multipoint_string("management", binding->management, strlen(binding->management));
    }
    if (binding->next_der) {
        secrets[hidden++] =
            multipoint_string("next_certificate", binding->next_der, binding->next_der_size);
    }
    if (binding->endpoint.port) {
        count += multipoint_endpoint_write(&binding->endpoint, &record[count]);
        hidden += multipoint_endpoint_write_secret(&binding->endpoint, false, &secrets[hidden]);
    }
    if (binding->successor.port) {
        hidden += multipoint_endpoint_write_secret(&binding->successor, true, &secrets[hidden]);
    }
    record[count] = multipoint_table(secrets, hidden);
    record[count++].name = "secret";
    return count;
}
